"""Canaries in every text of every type of event, erased with their event, lead or organization, and sought."""

import asyncio
import json
import os
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, NamedTuple
from uuid import uuid4

import boto3
import msgspec

from lead_memory.adapters import keys, packing
from lead_memory.adapters.aws import Aws
from lead_memory.adapters.erasure import ORGANIZATION_SETTLES, StoredEntries, StoredItems, StoredObjects, backups
from lead_memory.adapters.keyrings import Keyrings
from lead_memory.adapters.kms import KeyService
from lead_memory.adapters.large_payloads import LARGE_CONTENT, PayloadBucket
from lead_memory.adapters.memory_items import CONTENT, ORGANIZATION
from lead_memory.adapters.packed_bodies import unpacked
from lead_memory.adapters.registry import Registry
from lead_memory.adapters.sealing import Keyring
from lead_memory.adapters.store import EventStore
from lead_memory.adapters.table import DynamoTable
from lead_memory.adapters.vector_queue import VectorQueue
from lead_memory.adapters.waiting_messages import WaitingMessages
from lead_memory.domain.conversation import names
from lead_memory.domain.errors import Erased, Rejected
from lead_memory.domain.events import parse
from lead_memory.domain.memories import Lead
from lead_memory.services.erase import Eraser, Receipt
from lead_memory.services.rebuild import Rebuilder
from lead_memory_client.client import LeadMemory
from lead_memory_client.stage import Resources, Stage
from tests.e2e.test_silence import CANARY, canaries, drained, malformed, send
from tests.events import START, body, entry
from tests.prove.ground import Ground, hold
from tests.raw_items import raw_items, raw_objects, sealed, texts

LEADS = 3
EVENTS_ERASED = 2
LOOK_SECONDS = 5
WHO = "prove"


class Planted(NamedTuple):
    lead: Lead
    canary: str
    bodies: list[str]

    @property
    def fields(self) -> int:
        """With a canary in them."""
        return sum(_fields(each, self.canary) for each in self.bodies)


class _Erasers(NamedTuple):
    store: EventStore
    now: Eraser
    later: Eraser
    """At a time when no process has the keys of what is erased now."""


class Search:
    """Every item and index entry, every object and every waiting message: raw, and opened where keys are left."""

    def __init__(self, resources: Resources, organization_id: str) -> None:
        self._resources = resources
        self._organization_id = organization_id
        self.looked: Counter[str] = Counter()
        self.searches = 0

    async def places(self, text: str) -> dict[str, int]:
        """Where the text was found, and how often."""
        keyring = await self._keyring()
        items = raw_items(self._resources.table_name)
        objects = raw_objects(self._resources.payload_bucket)
        index = boto3.client("dynamodb").get_paginator("scan")
        of = self._resources
        # The queue of what is yet to be recorded is empty by then.
        queues = (
            of.rejected_queue_url,
            of.dead_letter_queue_url,
            of.rebuild_dead_letter_queue_url,
            of.extraction_dead_letter_queue_url,
            of.vectors_dead_letter_queue_url,
            of.uses_dead_letter_queue_url,
        )
        found = {
            "table": [_item_text(item, keyring, self._organization_id) for item in items],
            "index": [
                str(item)
                for page in index.paginate(TableName=of.table_name, IndexName=keys.GSI1)
                for item in page["Items"]
            ],
            "objects": _object_texts(objects, items, keyring, self._organization_id),
            "queues": [each for url in queues for each in waiting(url)],
        }
        self.searches += 1
        self.looked.update({place: len(all_) for place, all_ in found.items()})
        counts = {place: sum(text.lower() in each.lower() for each in all_) for place, all_ in found.items()}
        return {place: count for place, count in counts.items() if count}

    def messages(self, text: str) -> list[str]:
        of = self._resources
        return [
            each for url in (of.rejected_queue_url, of.dead_letter_queue_url) for each in waiting(url) if text in each
        ]

    async def _keyring(self) -> Keyring | None:
        aws = Aws(os.environ)
        table = DynamoTable(self._resources.table_name, aws)
        try:
            return await Keyrings(table, KeyService(self._resources.content_key, aws)).of(self._organization_id)
        except Erased:
            return None
        finally:
            await aws.close()


def prove_erasure(ground: Ground) -> str:
    return asyncio.run(erased_and_sought(ground.stage, ground.memory, leads=LEADS, events=EVENTS_ERASED))


async def erased_and_sought(stage: Stage, memory: LeadMemory, *, leads: int, events: int) -> str:
    """The line that it proved. Raises `NotProved`."""
    organization_id = str(uuid4())
    planted = [_planted(Lead(organization_id, str(uuid4())), f"zqxcanary{1000 + number}") for number in range(leads)]
    search = Search(stage.resources, organization_id)
    keeper, others = planted[0], planted[1:]
    for each in planted:
        send(stage, each.bodies)
        _give_up(stage, each)
    drained(memory)
    before = {each.canary: await search.places(each.canary) for each in planted}
    hold(all({"table", "index", "queues"} <= each.keys() for each in before.values()), f"planted only in {before}")
    memory.redrive("rejected", patience_seconds=0)
    drained(memory)

    async with _opened(stage.resources) as erasers:
        again = {each.lead: await _recordable(erasers.store, each) for each in planted}
        tried = await _erase_events(erasers, keeper, events, search)
        for each in others:
            await _erased(erasers.now.lead(each.lead, asked_by=WHO, dry_run=False))
            await _hold_gone(search, each.canary, "a lead was erased")
            send(stage, again[each.lead])
        drained(memory)
        for lead, canary, _ in others:
            await _hold_only_named(search, canary)
            hold(await _is_refused(erasers.store, lead), "an erased lead can be rebuilt")
            await _erased(erasers.now.lead(lead, asked_by=WHO, dry_run=False))
            await _hold_gone(search, canary, "a lead was erased and its events came again")
        hold(bool(await search.places(keeper.canary)), "what was not to be erased is gone too")

        await erasers.now.organization(organization_id, asked_by=WHO, dry_run=False, has_time=lambda: True)
        send(stage, again[keeper.lead])
        drained(memory)
        await _hold_only_named(search, keeper.canary)
        # As if no process had the organization's keys any more, which takes minutes.
        last = await erasers.later.organization(organization_id, asked_by=WHO, dry_run=False, has_time=lambda: True)
        hold(last.finished and last.found_again == 0, f"{last.found_again} of the organization were found again")
    for each in planted:
        await _hold_gone(search, each.canary, "the organization was erased")
    fields, messages = (sum(each.fields for each in planted), sum(len(each.bodies) for each in planted))
    return (
        f"erasure: {fields:,} texts with canaries in {messages:,} messages about {leads} leads; "
        f"{tried} events, {len(others)} leads and the organization erased, all of it "
        f"delivered again and rebuilt: 0 found in {search.looked['table']:,} items, {search.looked['index']:,} entries "
        f"of the index, {search.looked['objects']:,} objects and {search.looked['queues']:,} messages, opened where "
        f"they still open, in {search.searches} searches"
    )


def _give_up(stage: Stage, planted: Planted) -> None:
    """A job that failed, of a thread whose name has a canary."""
    job = {**planted.lead._asdict(), "row": keys.memory_sk(names.thread(planted.canary))}
    stage.client("sqs").send_message(
        QueueUrl=stage.resources.extraction_dead_letter_queue_url, MessageBody=json.dumps(job)
    )


def _fields(text: str, canary: str) -> int:
    try:
        return sum(canary in each for each in texts(msgspec.json.decode(text)))
    except (msgspec.DecodeError, RecursionError):
        return 1


def _planted(lead: Lead, canary: str) -> Planted:
    named = [each for each in malformed(lead) if lead.lead_id in each and lead.organization_id in each]
    bodies = [*(body(each) for each in [*canaries(lead), *_quotations(lead)]), *named]
    return Planted(lead, canary, [each.replace(CANARY, canary) for each in bodies])


def _quoted(lead: Lead) -> str:
    return f"-quoted-{lead.lead_id}"


def _quotations(lead: Lead) -> Iterator[dict[str, Any]]:
    """A message, and what was written of its thread, inferred and extracted with its words."""
    whose: dict[str, Any] = {"organization_id": lead.organization_id, "lead_organization_id": lead.lead_id}
    words = f"{CANARY} {_quoted(lead)}"
    said = {"thread_id": "quoted", "channel": "sms", "text": words}
    written = {"thread_id": "quoted", "message_count": 1, "written_by": WHO}
    yield entry("conversation.message_received", said, event_id=CANARY + _quoted(lead), **whose)
    origin = {"attempt_id": "a", "model": WHO, "prompt_version": "1", "rests_on": [f"test/{CANARY}{_quoted(lead)}"]}
    inferred = {"memory_type": "fact", "key": "contact_profile", "confidence": 1, "value": {"painPoints": [words]}}
    extracted = {"kind": "account", "key": "quoted", "record": {"name": words}}
    for event_type, name, data in (
        ("thread.summarized", "summary", {**written, "summary": words}),
        ("thread.reactivation_prepared", "text", {**written, "text": words}),
        ("memory.inferred", "profile", {**inferred, "extraction": origin}),
        ("crm.entity_extracted", "account", {**extracted, "extraction": origin}),
    ):
        later = START + timedelta(hours=1)
        yield entry(event_type, data, event_id=f"{CANARY}-{name}", at=later, **whose)


async def _recordable(store: EventStore, planted: Planted) -> list[str]:
    """Of what was rejected before it could be read, nobody can say whether it was erased."""
    recorded = {event.ref for event in await store.log(planted.lead)}
    found = []
    for each in planted.bodies:
        with suppress(Rejected):
            if parse(each, _now()).ref in recorded:
                found.append(each)
    return found


@asynccontextmanager
async def _opened(resources: Resources) -> AsyncIterator[_Erasers]:
    aws = Aws(os.environ)
    table = DynamoTable(resources.table_name, aws)
    keyrings = Keyrings(table, KeyService(resources.content_key, aws))
    payloads = PayloadBucket(resources.payload_bucket)
    store = EventStore(table, keyrings, payloads, _now)

    def eraser(now: Callable[[], datetime]) -> Eraser:
        return Eraser(
            store,
            StoredItems(table, keyrings),
            Registry(table),
            StoredObjects(payloads),
            WaitingMessages(
                [
                    resources.rejected_queue_url,
                    resources.dead_letter_queue_url,
                    resources.extraction_dead_letter_queue_url,
                    resources.vectors_dead_letter_queue_url,
                    resources.uses_dead_letter_queue_url,
                ]
            ),
            StoredEntries(table, keyrings, payloads, VectorQueue(resources.vectors_queue_url, aws)),
            backups=partial(backups, recovery=False, archive_days=None),
            settles=ORGANIZATION_SETTLES,
            now=now,
        )

    try:
        yield _Erasers(store, eraser(_now), eraser(lambda: _now() + ORGANIZATION_SETTLES))
    finally:
        await aws.close()


def _now() -> datetime:
    return datetime.now(UTC)


async def _erased(receipt: Awaitable[Receipt]) -> None:
    found_again = (await receipt).found_again
    hold(found_again == 0, f"{found_again} were found again")


async def _is_refused(store: EventStore, lead: Lead) -> bool:
    try:
        await Rebuilder(store).rebuild(lead)
    except Erased:
        return True
    return False


async def _erase_events(erasers: _Erasers, planted: Planted, events: int, search: Search) -> int:
    """Each has a canary of its own in its id, and takes it along, also where it is quoted."""
    log = await erasers.store.log(planted.lead)
    quoted = [event for event in log if event.event_id == planted.canary + _quoted(planted.lead)]
    hold(len(quoted) == 1, "the message that is quoted was not recorded")
    others = [event for event in log if planted.canary in event.event_id and "-quoted-" not in event.event_id]
    chosen = [*quoted, *others[:: max(1, len(log) // events)][:events]]
    for event in chosen:
        own = event.event_id.removeprefix(planted.canary)
        hold(bool(await search.places(own)), "an event was not to be found before it was erased")
        await _erased(erasers.now.event(planted.lead, event.ref, asked_by=WHO, dry_run=False))
        await _hold_gone(search, own, "an event was erased")
    report = await Rebuilder(erasers.store).check(planted.lead)
    hold(not report.differences, f"{len(report.differences)} memories are not the fold of what stayed")
    return len(chosen)


def _item_text(item: Mapping[str, Any], keyring: Keyring | None, organization_id: str) -> str:
    opened = b""
    if keyring and item.get(ORGANIZATION) == organization_id:
        place = (item[keys.PK], item[keys.SK])
        opened = b"\n".join(_plain(keyring.open(content, *place, name)) for name, content in sealed(item).items())
    return f"{item}\n{opened.decode(errors='replace')}"


def _object_texts(
    objects: Mapping[str, bytes], items: list[dict[str, Any]], keyring: Keyring | None, organization_id: str
) -> list[str]:
    """An object that no item points to does not open: its place is not known."""
    places = {item[LARGE_CONTENT]: item for item in items if LARGE_CONTENT in item}
    found = []
    for key, content in objects.items():
        item = places.get(key)
        opened = content
        if keyring and item and item[ORGANIZATION] == organization_id:
            opened += _plain(keyring.open(content, item[keys.PK], item[keys.SK], CONTENT))
        found.append(f"{key}\n{opened.decode(errors='replace')}")
    return found


def _plain(opened: bytes) -> bytes:
    try:
        return packing.unpack(opened)
    except zlib.error:
        return opened


def waiting(url: str) -> Iterator[str]:
    """The messages of a queue, unpacked, which others see again at once."""
    sqs = boto3.client("sqs")
    seen: dict[str, Any] = {}
    while messages := sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=LOOK_SECONDS, MessageAttributeNames=["All"]
    ).get("Messages"):
        if all(each["MessageId"] in seen for each in messages):
            break
        seen.update({each["MessageId"]: each for each in messages})
    for each in seen.values():
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=each["ReceiptHandle"], VisibilityTimeout=0)
        yield unpacked(each["Body"], each.get("MessageAttributes", {}).get("encoding", {}).get("StringValue"))


async def _hold_gone(search: Search, canary: str, after: str) -> None:
    found = await search.places(canary)
    hold(not found, f"after {after}, canaries are in {found}")


async def _hold_only_named(search: Search, canary: str) -> None:
    """What came again waits rejected: its id, and nothing that it says."""
    found = await search.places(canary)
    hold(found.keys() <= {"queues"}, f"after all was delivered again, canaries are in {found}")
    for message in search.messages(canary):
        envelope = msgspec.json.decode(message)
        hold(envelope["detail"].keys() == {"metadata"}, "a rejected message of what was erased has content")
        envelope["detail"]["metadata"].pop("event_id")
        hold(canary not in json.dumps(envelope), "a rejected message of what was erased says more than its id")
