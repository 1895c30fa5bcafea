"""What is erased on a table, a bucket and queues: nothing of it is there, raw, and nothing of it comes back."""

import asyncio
import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from typing import Any
from unittest.mock import ANY
from uuid import uuid4

import boto3
import pytest

from lead_memory.adapters import keys, waiting_messages
from lead_memory.adapters.aws import Aws
from lead_memory.adapters.erasure import ORGANIZATION_SETTLES, StoredEntries, StoredItems, StoredObjects, backups
from lead_memory.adapters.keyrings import Keyrings
from lead_memory.adapters.large_payloads import PayloadBucket
from lead_memory.adapters.memory_items import ERASED_AT, ORGANIZATION
from lead_memory.adapters.registry import Registry
from lead_memory.adapters.rejected_queue import SqsRejectedQueue
from lead_memory.adapters.store import EventStore
from lead_memory.adapters.table import DynamoTable
from lead_memory.adapters.waiting_messages import WaitingMessages
from lead_memory.domain.errors import Erased, Rejected, Unavailable
from lead_memory.domain.events import Event
from lead_memory.domain.memories import Lead
from lead_memory.services.erase import Eraser, Receipt
from lead_memory.services.index_queue import Request
from lead_memory.services.ingest import Message, ingest
from lead_memory.services.record import Outcome, Recorder
from lead_memory.services.store import Commit
from tests.events import NOW, SOMEBODY, body, entry, event
from tests.fakes import no_pause
from tests.integration.test_large_payloads import NOISE, viewed

WHO = "arn:aws:iam::123456789012:user/ana"
OTHERS = Lead("99999999-7a55-4d0c-9a8e-1f6a1b9f7c01", "99999999-2222-4333-8444-555555555555")
_numbers = count()


class Looked:
    """The vectors' queue."""

    async def send(self, requests: Sequence[Request], delay_seconds: int = 0) -> int:
        return len(requests)


class Ground:
    """A store with an eraser, and all that it holds, raw."""

    def __init__(self, table: DynamoTable, keyrings: Keyrings, bucket: str, queue_urls: Sequence[str]) -> None:
        self.now = NOW
        self.keyrings = keyrings
        self.bucket = bucket
        self.queue_urls = queue_urls
        self.table = table
        payloads = PayloadBucket(bucket)
        self.store = EventStore(table, keyrings, payloads, lambda: self.now)
        self.recorder = Recorder(self.store)
        self.registry = Registry(table)
        self.eraser = Eraser(
            self.store,
            StoredItems(table, keyrings),
            self.registry,
            StoredObjects(payloads),
            WaitingMessages(queue_urls),
            StoredEntries(table, keyrings, payloads, Looked()),
            backups=partial(backups, recovery=True, archive_days=30),
            settles=ORGANIZATION_SETTLES,
            now=lambda: self.now,
        )

    def items(self) -> list[dict[str, Any]]:
        return boto3.resource("dynamodb").Table(self.table.name).scan()["Items"]

    def items_of(self, organization_id: str) -> list[dict[str, Any]]:
        return [item for item in self.items() if item.get(ORGANIZATION) == organization_id]

    def objects(self) -> list[str]:
        return [found["Key"] for found in boto3.client("s3").list_objects_v2(Bucket=self.bucket).get("Contents", [])]

    def waiting(self) -> list[str]:
        sqs, bodies = boto3.client("sqs"), []
        for url in self.queue_urls:
            while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
                bodies += [message["Body"] for message in messages]
                for message in messages:
                    sqs.change_message_visibility(
                        QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=30
                    )
            sqs.purge_queue(QueueUrl=url)
        return bodies

    async def erase_organization(self, organization_id: str, has_time: Callable[[], bool] = lambda: True) -> Receipt:
        return await self.eraser.organization(organization_id, asked_by=WHO, dry_run=False, has_time=has_time)


class HeldStore(EventStore):
    """Waits before it writes a part of what an event says that is in the log already."""

    def __init__(self, ground: Ground) -> None:
        super().__init__(ground.table, ground.keyrings, PayloadBucket(ground.bucket), lambda: NOW)
        self.reached, self.goes_on = asyncio.Event(), asyncio.Event()

    async def commit(self, commit: Commit) -> None:
        if not commit.events:
            self.reached.set()
            await self.goes_on.wait()
        await super().commit(commit)


@pytest.fixture
def ground(table: DynamoTable, keyrings: Keyrings) -> Ground:
    number = next(_numbers)
    bucket = f"erased-{number}"
    boto3.client("s3").create_bucket(Bucket=bucket)
    sqs = boto3.client("sqs")
    urls = [sqs.create_queue(QueueName=f"{name}-{number}")["QueueUrl"] for name in ("rejected", "dead")]
    return Ground(table, keyrings, bucket, urls)


def of(lead: Lead, event_id: str = "e1") -> dict[str, Any]:
    return entry(
        "product.viewed",
        {"sku": "whey"},
        event_id=event_id,
        organization_id=lead.organization_id,
        lead_organization_id=lead.lead_id,
    )


def view_of(lead: Lead, event_id: str = "e1") -> Event:
    metadata = {"organization_id": lead.organization_id, "lead_organization_id": lead.lead_id}
    return event("product.viewed", {"sku": "whey"}, event_id=event_id, **metadata)


async def test_of_an_erased_event_its_hashed_place_is_all_that_stays(ground: Ground) -> None:
    large, other = viewed({"text": NOISE}), viewed(event_id="other")
    assert await ground.recorder.record([large, other]) == [Outcome.RECORDED] * 2
    assert len(ground.objects()) == 1
    receipt = await ground.eraser.event(SOMEBODY, large.ref, asked_by=WHO, dry_run=False)
    assert receipt.removed == {"events": 1, "memories_recomputed": 1, "objects": 1}
    assert (receipt.found_again, receipt.finished, receipt.event) == (0, True, large.ref)
    assert ground.objects() == []
    [stone] = [item for item in ground.items() if ERASED_AT in item]
    key = keys.event_key(SOMEBODY.lead_id, large.ref)
    assert stone == {
        **key._asdict(),
        ORGANIZATION: SOMEBODY.organization_id,
        ERASED_AT: NOW.isoformat(),
        "asked_by": WHO,
        "removed_events": 1,
        "removed_memories_recomputed": 1,
        "removed_objects": 1,
    }
    assert [found.ref for found in await ground.store.log(SOMEBODY)] == [other.ref]
    [result, _] = await ground.recorder.record([large, other])
    assert isinstance(result, Erased)
    assert ground.objects() == []


async def test_a_writer_who_read_an_event_before_it_was_erased_brings_nothing_of_it_back(ground: Ground) -> None:
    answers = [{"question": f"question_{number}", "answer": "canary"} for number in range(150)]
    many = event("form.response_submitted", {"form_id": "survey", "answers": answers})
    held = HeldStore(ground)
    recording = asyncio.create_task(Recorder(held, no_pause).record([many]))
    async with asyncio.timeout(5):
        await held.reached.wait()
    await ground.eraser.event(SOMEBODY, many.ref, asked_by=WHO, dry_run=False)
    held.goes_on.set()
    [given_back] = await recording
    assert isinstance(given_back, Unavailable)
    assert (await ground.store.all_memories(SOMEBODY)).memories == {}
    [delivered_again] = await ground.recorder.record([many])
    assert isinstance(delivered_again, Erased)


async def test_the_end_of_a_memory_goes_with_the_event_that_alone_supported_it(ground: Ground) -> None:
    ends_at = (NOW - timedelta(days=1)).isoformat()
    declared = {"memory_type": "fact", "key": "on_holiday", "value": {"until": "Monday"}, "expires_at": ends_at}
    away = event("memory.declared", declared, event_id="away")
    over = event(
        "memory.expired",
        {"memory_type": "fact", "key": "on_holiday"},
        event_id="over",
        at=NOW - timedelta(days=1),
        source="cleanup",
    )
    await ground.recorder.record([away])
    await ground.recorder.record([over])
    await ground.eraser.event(SOMEBODY, away.ref, asked_by=WHO, dry_run=False)
    assert "on_holiday" not in str(ground.items())
    assert [type(result) for result in await ground.recorder.record([over, away])] == [Erased, Erased]
    again = event("memory.declared", declared, event_id="again")
    assert await ground.recorder.record([again]) == [Outcome.RECORDED]


async def test_of_an_erased_lead_the_head_in_its_place_is_all_that_stays(ground: Ground) -> None:
    theirs = view_of(OTHERS)
    await ground.recorder.record([viewed({"text": NOISE}), viewed(event_id="small")])
    await ground.recorder.record([theirs])
    await ground.eraser.event(SOMEBODY, "test/small", asked_by=WHO, dry_run=False)
    # Kinds that are yet to be invented go too.
    boto3.resource("dynamodb").Table(ground.table.name).put_item(
        Item={keys.PK: SOMEBODY.lead_id, keys.SK: "vector#fact#1", ORGANIZATION: SOMEBODY.organization_id}
    )
    before = ground.items_of(OTHERS.organization_id)
    there = {"leads": 1, "events": 1, "tombstones": 1, "memories": 1, "vectors": 1, "objects": 1}

    tried = await ground.eraser.lead(SOMEBODY, asked_by=WHO, dry_run=True)
    assert (tried.removed, tried.dry_run) == (there, True)
    assert len(ground.items_of(SOMEBODY.organization_id)) == 5
    done = await ground.eraser.lead(SOMEBODY, asked_by=WHO, dry_run=False)
    assert (done.removed, done.found_again) == (there, 0)
    again = await ground.eraser.lead(SOMEBODY, asked_by="somebody else", dry_run=False)
    assert (again.removed, again.asked_by, again.erased_at) == ({}, WHO, NOW)
    assert (done.removed_before, again.removed_before) == ({}, there)

    [stone] = ground.items_of(SOMEBODY.organization_id)
    assert (stone[keys.PK], stone[keys.SK], stone[ERASED_AT]) == (SOMEBODY.lead_id, keys.HEAD_SK, NOW.isoformat())
    assert ground.objects() == []
    assert ground.items_of(OTHERS.organization_id) == before
    [result] = await ground.recorder.record([viewed({"text": NOISE})])
    assert isinstance(result, Erased)
    assert ground.objects() == []
    with pytest.raises(Erased):
        await ground.eraser.event(SOMEBODY, "test/small", asked_by=WHO, dry_run=False)


async def test_a_lead_that_never_came_stays_out(ground: Ground) -> None:
    receipt = await ground.eraser.lead(SOMEBODY, asked_by=WHO, dry_run=False)
    assert (receipt.removed, receipt.removed_before, receipt.found_again) == ({}, {}, 0)
    [result] = await ground.recorder.record([viewed()])
    assert isinstance(result, Erased)


@pytest.mark.parametrize("dry_run", [True, False])
async def test_a_lead_of_another_organization_is_not_there_to_be_erased(ground: Ground, dry_run: bool) -> None:
    assert await ground.recorder.record([view_of(OTHERS)]) == [Outcome.RECORDED]
    before = ground.items()
    claimed = Lead(SOMEBODY.organization_id, OTHERS.lead_id)
    by_lead = await ground.eraser.lead(claimed, asked_by=WHO, dry_run=dry_run)
    by_event = await ground.eraser.event(claimed, "test/e1", asked_by=WHO, dry_run=dry_run)
    assert (by_lead.removed, by_event.removed) == ({}, {})
    assert ground.items() == before


async def test_an_organization_goes_with_its_keys_in_as_many_calls_as_it_takes(ground: Ground) -> None:
    organization_id = SOMEBODY.organization_id
    leads = [Lead(organization_id, str(uuid4())) for _ in range(20)]
    for lead in leads:
        assert await ground.recorder.record([view_of(lead)]) == [Outcome.RECORDED]
    assert await ground.recorder.record([view_of(OTHERS)]) == [Outcome.RECORDED]
    await ground.eraser.lead(leads[0], asked_by=WHO, dry_run=False)
    before = ground.items_of(OTHERS.organization_id)
    boto3.client("sqs").send_message(QueueUrl=ground.queue_urls[0], MessageBody=body(of(leads[1])))

    tried = await ground.eraser.organization(organization_id, asked_by=WHO, dry_run=True, has_time=lambda: True)
    assert tried.removed == {"keys": 1, "leads": 19, "waiting_messages": 1}
    removed = messages = 0
    receipt = tried
    for _ in range(20):
        turns = iter([True, False])
        receipt = await ground.erase_organization(organization_id, lambda turns=turns: next(turns, False))  # type: ignore[misc]
        removed += receipt.removed.get("leads", 0)
        assert not receipt.finished
        # The queues are looked through once all leads are erased, and not with every call.
        messages += receipt.removed.get("waiting_messages", 0)
        assert messages == (removed == 19)
        if receipt.found_again == 0 and not receipt.removed:
            break
    assert removed == 19
    stones = ground.items_of(organization_id)
    assert all(ERASED_AT in item for item in stones)
    assert len(stones) == 1 + len(leads)

    # While processes may still have the keys, the leads' own tombstones stay.
    assert not (await ground.erase_organization(organization_id)).finished
    ground.now += ORGANIZATION_SETTLES
    for _ in range(2):
        turns = iter([True, False])
        some = await ground.erase_organization(organization_id, lambda turns=turns: next(turns, False))  # type: ignore[misc]
        assert (some.finished, some.removed) == (False, {"tombstones": ANY})
    last = await ground.erase_organization(organization_id)
    assert (last.finished, last.found_again, last.erased_at, last.asked_by) == (True, 0, NOW, WHO)
    [stone] = ground.items_of(organization_id)
    assert (stone[keys.SK], stone[ERASED_AT], stone["removed_keys"], stone["removed_leads"]) == (
        keys.organization_key(organization_id).sk,
        NOW.isoformat(),
        1,
        19,
    )
    assert ground.items_of(OTHERS.organization_id) == before


async def test_messages_about_what_was_erased_are_deleted_and_no_others(ground: Ground, aws: Aws) -> None:
    rejected, dead = ground.queue_urls
    other_lead = Lead(SOMEBODY.organization_id, str(uuid4()))
    about = [
        body(of(SOMEBODY, "e1")),
        body(of(SOMEBODY, "e1")).upper().replace("SOURCE", "source"),
        f"not json, and it names {SOMEBODY.lead_id.upper()}",
        "[" * 100_000 + SOMEBODY.lead_id.replace("-", ""),
    ]
    others = [body(of(other_lead)), body(of(OTHERS)), "not json"]
    sqs = boto3.client("sqs")
    for number, text in enumerate([*about, *others]):
        sqs.send_message(QueueUrl=(rejected, dead)[number % 2], MessageBody=text)
    # Beyond what a message holds, so that it is packed.
    packed = body({**of(SOMEBODY), "Detail": {**of(SOMEBODY)["Detail"], "raw_payload": "é" * 510_000}})
    await SqsRejectedQueue(rejected, aws).send([(Message("m", packed), Rejected("why", "so"))], 10)

    tried = await ground.eraser.lead(SOMEBODY, asked_by=WHO, dry_run=True)
    done = await ground.eraser.lead(SOMEBODY, asked_by=WHO, dry_run=False)
    assert (tried.removed, done.removed, done.found_again) == (
        {"waiting_messages": 5},
        {"waiting_messages": 5},
        0,
    )
    assert sorted(ground.waiting()) == sorted(others)


async def test_an_event_s_messages_are_its_own(ground: Ground) -> None:
    sqs = boto3.client("sqs")
    others = [f"not json: {OTHERS.lead_id} e1", f"not json: {SOMEBODY.lead_id} e11"]
    texts = [body(of(SOMEBODY, "e1")), body(of(SOMEBODY, "e2")), f"no json: {SOMEBODY.lead_id} e1", *others]
    for text in texts:
        sqs.send_message(QueueUrl=ground.queue_urls[0], MessageBody=text)
    receipt = await ground.eraser.event(SOMEBODY, "test/e1", asked_by=WHO, dry_run=False)
    assert receipt.removed == {"waiting_messages": 2}
    assert sorted(ground.waiting()) == sorted([texts[1], *others])


async def test_a_queue_that_takes_too_long_to_look_through_is_an_error_and_not_a_look_without_end(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = body(of(SOMEBODY))
    boto3.client("sqs").send_message(QueueUrl=ground.queue_urls[0], MessageBody=text)
    monkeypatch.setattr(waiting_messages, "HELD_SECONDS", 0)
    with pytest.raises(Unavailable, match="more messages wait"):
        await ground.eraser.lead(SOMEBODY, asked_by=WHO, dry_run=False)
    assert ground.waiting() == [text]


async def test_messages_that_somebody_else_holds_leave_an_erasure_unproven_until_they_are_seen(ground: Ground) -> None:
    sqs, url = boto3.client("sqs"), ground.queue_urls[0]
    for event_id in ("1", "2"):
        sqs.send_message(QueueUrl=url, MessageBody=body(of(SOMEBODY, event_id)))
    [held] = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=1, VisibilityTimeout=600)["Messages"]
    with pytest.raises(Unavailable, match="somebody else holds 1 messages"):
        await ground.eraser.lead(SOMEBODY, asked_by=WHO, dry_run=False)
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=held["ReceiptHandle"], VisibilityTimeout=0)
    receipt = await ground.eraser.lead(SOMEBODY, asked_by=WHO, dry_run=False)
    assert (receipt.removed["waiting_messages"], receipt.found_again, ground.waiting()) == (1, 0, [])


async def test_what_comes_of_the_erased_is_rejected_without_its_content(ground: Ground, aws: Aws) -> None:
    await ground.eraser.lead(SOMEBODY, asked_by=WHO, dry_run=False)
    made = of(SOMEBODY)
    made["Detail"]["metadata"] |= {"correlation_id": "canary", "note": "canary"}
    made["Detail"] |= {"data": {"sku": "canary"}, "raw_payload": {"canary": "canary"}}
    report = await ingest(
        [Message("m", body(made))],
        recorder=ground.recorder,
        rejected_queue=SqsRejectedQueue(ground.queue_urls[0], aws),
        now=NOW,
        patience_seconds=20,
    )
    assert (report.counts, report.reasons, report.given_back) == ({"rejected": 1}, {"erased": 1}, set())
    [waits] = ground.waiting()
    assert "canary" not in waits
    said = json.loads(waits)
    assert (said["source"], said["detail-type"], said["detail"]["metadata"]["event_id"]) == (
        "test",
        "product.viewed",
        "e1",
    )


async def test_backups_are_named_with_their_ends(ground: Ground) -> None:
    receipt = await ground.eraser.lead(SOMEBODY, asked_by=WHO, dry_run=False)
    ends: list[datetime | None] = [backup.until for backup in receipt.backups]
    assert ends == [NOW + timedelta(days=35), NOW + timedelta(days=30), None]
