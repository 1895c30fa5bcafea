"""A thread's newest messages, out of the lead's log on a table."""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

import boto3
import pytest
from aiodynamo.http.aiohttp import AIOHTTP

from lead_memory.adapters import keys
from lead_memory.adapters import table as table_module
from lead_memory.adapters.keyrings import Keyrings
from lead_memory.adapters.sealing import KeyUnknown
from lead_memory.adapters.store import EventStore
from lead_memory.adapters.table import BATCH_GET_ITEMS, DynamoTable
from lead_memory.adapters.thread_log import ThreadLog
from lead_memory.domain.conversation import names
from lead_memory.domain.events import Event
from lead_memory.domain.limits import ITEM_BYTES
from lead_memory.domain.memories import Lead, MemoryKey
from lead_memory.services.extraction_ports import Standing
from lead_memory.services.forget import forget
from lead_memory.services.record import Outcome, Recorder
from tests.events import ORGANIZATION, SOMEBODY, START, event
from tests.fakes import no_pause
from tests.integration.test_large_payloads import NOISE
from tests.unit.erase.fakes import row

THREAD = names.thread("t")
ROW = keys.memory_sk(THREAD)
"""Where names are not hashed."""
MANY = 130


@pytest.fixture
def log(table: DynamoTable, keyrings: Keyrings) -> ThreadLog:
    return ThreadLog(table, keyrings)


def message(number: int, text: str | None = None, *, thread_id: str = "t", **metadata: Any) -> Event:
    event_type = ("conversation.message_received", "conversation.reply_sent")[number % 2]
    said = {"thread_id": thread_id, "channel": "sms", "text": text or str(number)}
    at = START + timedelta(minutes=number)
    return event(event_type, said, event_id=f"{thread_id}{number}", at=at, **metadata)


def others(count: int, **metadata: Any) -> list[Event]:
    """Events beside the thread's messages, and some about the thread that are none."""
    asked = event("thread.summary_requested", {"thread_id": "t"}, event_id="asked", at=START, **metadata)
    viewed = [
        event("product.viewed", {"sku": "a"}, event_id=f"v{n}", at=START + timedelta(minutes=n), **metadata)
        for n in range(count)
    ]
    return [asked, *viewed, *(message(n, thread_id="other", **metadata) for n in range(count))]


async def record(store: EventStore, events: Sequence[Event]) -> None:
    assert set(await Recorder(store).record(events)) == {Outcome.RECORDED}


async def test_little_more_is_read_than_the_messages_that_are_asked_for(
    log: ThreadLog, store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []

    class Counting(AIOHTTP):
        async def __call__(self, request: Any) -> Any:
            if request.headers["X-Amz-Target"].endswith(".BatchGetItem"):
                [of_table] = json.loads(request.body)["RequestItems"].values()
                read.append(len(of_table["Keys"]))
            return await super().__call__(request)

    monkeypatch.setattr(table_module, "AIOHTTP", Counting)
    intent = {"thread_id": "t", "intent": "buy"}
    for n in range(MANY):
        at = START + timedelta(minutes=n, seconds=1)
        intents = [event("conversation.intent_classified", intent, event_id=f"i{n}", at=at)] if n % 2 else []
        await record(store, [message(n), *intents])
    for newest in (1, 10, 60):
        read.clear()
        assert await texts(log, newest) == [str(n) for n in range(MANY)][-newest:]
        assert newest <= sum(read) <= min(2 * newest, BATCH_GET_ITEMS)


async def texts(log: ThreadLog, newest: int, lead: Lead = SOMEBODY) -> list[str]:
    found = await log.messages(lead, await log.row(lead, "t"), newest)
    return [message.data.text for message in found]  # type: ignore[attr-defined]


@pytest.mark.parametrize("hashes_names", [False, True])
async def test_the_newest_messages_of_the_thread_alone_come_in_their_order(
    log: ThreadLog, store: EventStore, keyrings: Keyrings, hashes_names: bool
) -> None:
    lead = Lead(str(uuid4()), str(uuid4()))
    whose = {"organization_id": lead.organization_id, "lead_organization_id": lead.lead_id}
    await keyrings.begin(lead.organization_id, hashes_names=hashes_names)
    await record(store, [*others(20, **whose), *(message(n, **whose) for n in range(MANY))])
    for newest in (1, 3, 50, MANY, 2 * MANY):
        assert await texts(log, newest, lead) == [str(n) for n in range(MANY)][-newest:]
    assert await log.messages(lead, await log.row(lead, "t"), 1) == [message(MANY - 1, **whose)]
    assert (await log.row(lead, "t") == ROW) == (not hashes_names)
    standing = await log.standing(lead, await log.row(lead, "t"))
    assert standing.thread is not None
    assert (standing.thread.name, standing.thread.value["message_count"]) == (THREAD, MANY)


async def test_a_message_of_200_kb_is_read_and_one_that_only_an_object_holds_is_left_out(
    log: ThreadLog, store: EventStore
) -> None:
    long = "I want it. " * 20_000
    await record(store, [message(0, "short"), message(1, long), message(2, NOISE), message(3, "last")])
    assert len(NOISE) > ITEM_BYTES
    assert await texts(log, 10) == ["short", long, "last"]


async def test_an_erased_message_is_not_there(log: ThreadLog, store: EventStore) -> None:
    await record(store, [message(n) for n in range(3)])
    await forget(store, row, SOMEBODY, message(1).ref, no_pause)
    assert await texts(log, 10) == ["0", "2"]


async def test_of_another_organization_and_of_an_unknown_lead_nothing_is_found(
    log: ThreadLog, store: EventStore, keyrings: Keyrings
) -> None:
    await record(store, [message(0)])
    other = Lead(str(uuid4()), SOMEBODY.lead_id)
    await keyrings.begin(other.organization_id, hashes_names=False)
    for lead in (other, Lead(ORGANIZATION, str(uuid4())), Lead(str(uuid4()), str(uuid4()))):
        assert await log.event(lead, message(0).ref) is None
        assert await log.messages(lead, ROW, 5) == []
        assert await log.standing(lead, ROW) == Standing()
        assert await log.memories(lead, [THREAD, names.INTERACTIONS]) == []


async def test_an_event_is_read_once_it_is_recorded_and_not_after_it_was_erased(
    log: ThreadLog, store: EventStore
) -> None:
    said = message(0)
    assert await log.event(SOMEBODY, said.ref) is None
    await record(store, [said])
    assert await log.event(SOMEBODY, said.ref) == said
    await forget(store, row, SOMEBODY, said.ref, no_pause)
    assert await log.event(SOMEBODY, said.ref) is None


async def test_those_memories_are_read_that_are_there_and_open(
    log: ThreadLog, store: EventStore, table: DynamoTable
) -> None:
    await record(store, [message(0), message(0, thread_id="u")])
    wanted = [THREAD, names.thread("u"), names.CONTACT_PROFILE, names.INTERACTIONS]
    assert {memory.name for memory in await log.memories(SOMEBODY, wanted)} == {*wanted} - {names.CONTACT_PROFILE}
    damage(table, THREAD)
    assert {memory.name for memory in await log.memories(SOMEBODY, wanted)} == {names.thread("u"), names.INTERACTIONS}


async def test_a_profile_that_cannot_be_read_is_none_and_a_thread_raises(
    log: ThreadLog, store: EventStore, table: DynamoTable
) -> None:
    profile = {"memory_type": "fact", "key": "contact_profile", "value": {"currentStage": "decision"}}
    account = {"kind": "account", "key": "acme", "record": {"name": "Acme"}}
    said = [event("memory.declared", profile, event_id="p"), event("crm.entity_extracted", account, event_id="a")]
    await record(store, [message(0), *said])
    standing = await log.standing(SOMEBODY, ROW)
    assert standing.thread is not None
    assert standing.profile is not None
    assert standing.entities is not None
    assert standing.profile.value["currentStage"] == "decision"
    assert standing.entities.value.keys() == {"account"}
    damage(table, names.CONTACT_PROFILE)
    damage(table, names.ENTITIES)
    assert await log.standing(SOMEBODY, ROW) == Standing(standing.thread)
    damage(table, THREAD)
    with pytest.raises(KeyUnknown):
        await log.standing(SOMEBODY, ROW)


def damage(table: DynamoTable, name: MemoryKey) -> None:
    boto3.resource("dynamodb").Table(table.name).update_item(
        Key=keys.memory_key(SOMEBODY.lead_id, name)._asdict(),
        UpdateExpression="SET content = :it",
        ExpressionAttributeValues={":it": b"\1" * 60},
    )
