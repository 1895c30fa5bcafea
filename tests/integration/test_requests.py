"""How many requests it takes, exactly: each is paid for, and each is waited for."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
from aiodynamo.http.aiohttp import AIOHTTP
from aiodynamo.operations import Put

from lead_memory.adapters import table as table_module
from lead_memory.adapters.aws import Aws
from lead_memory.adapters.context_reader import ContextReader
from lead_memory.adapters.keyrings import Keyrings
from lead_memory.adapters.kms import DataKey, KeyService
from lead_memory.adapters.large_payloads import PayloadBucket
from lead_memory.adapters.memory_items import CONTENT, memory_item
from lead_memory.adapters.memory_reader import MemoryReader
from lead_memory.adapters.organization_settings import OrganizationSettings
from lead_memory.adapters.store import EventStore
from lead_memory.adapters.table import DynamoTable
from lead_memory.adapters.thread_log import ThreadLog
from lead_memory.domain.conversation.layers import Format, Layer
from lead_memory.domain.conversation.settings import ConversationSettings, CrossChannel
from lead_memory.domain.events import Event
from lead_memory.domain.memories import Lead
from lead_memory.domain.templates.render import Escape, OnMissing
from lead_memory.domain.templates.syntax import parse
from lead_memory.services import context
from lead_memory.services.record import Outcome, Recorder
from lead_memory.services.resolve import Question, Resolver
from tests.events import LEAD, NOW, ORGANIZATION, SOMEBODY, START, event
from tests.integration.test_large_payloads import NOISE
from tests.unit.context.fakes import message, note
from tests.unit.record.test_recorder_laws import folded

NOBODY = "00000000-0000-4000-8000-000000000009"

type Count = Callable[[Awaitable[Any]], Awaitable[dict[str, int]]]


@pytest.fixture
def count(monkeypatch: pytest.MonkeyPatch) -> Iterator[Count]:
    """The requests that something sends, by DynamoDB's operation and KMS's."""
    sent: Counter[str] = Counter()

    class Counting(AIOHTTP):
        async def __call__(self, request: Any) -> Any:
            sent[request.headers["X-Amz-Target"].partition(".")[2]] += 1
            return await super().__call__(request)

    async def generate(self: KeyService, organization_id: str) -> DataKey:
        sent["GenerateDataKey"] += 1
        return DataKey(bytes(32), organization_id.encode())

    async def unwrap(self: KeyService, organization_id: str, wrapped: bytes) -> bytes:
        sent["Decrypt"] += 1
        return bytes(32)

    async def count(doing: Awaitable[Any]) -> dict[str, int]:
        sent.clear()
        await doing
        return dict(sent)

    with monkeypatch.context() as patched:
        patched.setattr(table_module, "AIOHTTP", Counting)
        patched.setattr(KeyService, "generate", generate)
        patched.setattr(KeyService, "unwrap", unwrap)
        yield count


def viewed(*minutes: int) -> list[Event]:
    return [
        event("product.viewed", {"sku": "whey"}, event_id=str(minute), at=START + timedelta(minutes=minute))
        for minute in minutes
    ]


async def recorded(store: EventStore, events: list[Event], outcome: Outcome = Outcome.RECORDED) -> None:
    assert set(await Recorder(store).record(events)) == {outcome}


async def resolved(reader: MemoryReader, leads: Sequence[str], template: str) -> None:
    question = Question(ORGANIZATION, tuple(leads), {"text": parse(template)}, (), OnMissing.BLANK, Escape.NONE)
    await Resolver(reader, None, patience_seconds=5).resolve(question, NOW)


READ_AND_WRITE = {"BatchGetItem": 1, "TransactWriteItems": 1}


async def test_recording_takes_one_read_and_one_transaction_whatever_the_batch(count: Count, store: EventStore) -> None:
    await recorded(store, viewed(1))
    assert await count(recorded(store, viewed(2))) == READ_AND_WRITE
    assert await count(recorded(store, viewed(*range(3, 43)))) == READ_AND_WRITE


async def test_a_late_event_reads_the_log_once_more(count: Count, store: EventStore) -> None:
    await recorded(store, viewed(1, 2, 3))
    # Whether it is known, and the log.
    assert await count(recorded(store, viewed(0))) == {**READ_AND_WRITE, "BatchGetItem": 2, "Query": 1}


async def test_a_duplicate_writes_nothing_and_reads_what_is_known(count: Count, store: EventStore) -> None:
    await recorded(store, viewed(*range(20)))
    assert await count(recorded(store, viewed(*range(20)), Outcome.DUPLICATE)) == {"BatchGetItem": 2}


async def test_an_organization_costs_a_process_one_read_and_one_key(count: Count, table: DynamoTable, aws: Aws) -> None:
    def keyrings_of_a_process() -> Keyrings:
        return Keyrings(table, KeyService("key", aws))

    store = EventStore(table, keyrings_of_a_process(), PayloadBucket("none"), lambda: NOW)
    first = await count(recorded(store, viewed(1)))
    assert (first["GenerateDataKey"], first["TransactWriteItems"]) == (1, 2)  # its key, then the event
    reader = MemoryReader(table, keyrings_of_a_process())
    first = await count(resolved(reader, [LEAD], "{{interest.product:whey.sku}}"))
    assert first == {"GetItem": 1, "Decrypt": 1, "BatchGetItem": 1}
    assert await count(resolved(reader, [LEAD], "{{interest.product:whey.sku}}")) == {"BatchGetItem": 1}


async def test_all_memories_of_a_call_are_one_request_and_of_leads_of_whom_nothing_is_known_one_more(
    count: Count, store: EventStore, table: DynamoTable, keyrings: Keyrings
) -> None:
    await recorded(store, viewed(1))
    reader = MemoryReader(table, keyrings)
    await resolved(reader, [LEAD], "{{interest.product:whey.sku}}")
    two_memories = "{{interest.product:whey.sku}} {{interest.product:whey.last_seen_at}} {{fact.pet.name}}"
    assert await count(resolved(reader, [LEAD], two_memories)) == {"BatchGetItem": 1}
    assert await count(resolved(reader, [NOBODY], two_memories)) == {"BatchGetItem": 2}


async def test_a_request_reads_a_hundred_memories(
    count: Count, store: EventStore, table: DynamoTable, keyrings: Keyrings
) -> None:
    leads = [f"00000000-0000-4000-8000-{number:012}" for number in range(100)]
    for lead in leads:
        sighting = event("product.viewed", {"sku": "whey"}, lead_organization_id=lead)
        await recorded(store, [sighting])
    reader = MemoryReader(table, keyrings)
    one, three = "{{interest.product:whey.sku}}", "{{interest.product:whey.sku}} {{fact.pet.name}} {{fact.car.name}}"
    assert (await count(resolved(reader, leads, one)))["BatchGetItem"] == 1
    assert await count(resolved(reader, leads, three)) == {"BatchGetItem": 3}


ALL = frozenset(Layer)


@pytest.fixture
def settings(table: DynamoTable) -> OrganizationSettings:
    return OrganizationSettings(table)


@pytest.fixture
def contexts(table: DynamoTable, keyrings: Keyrings, settings: OrganizationSettings) -> context.Contexts:
    return context.Contexts(ContextReader(table, keyrings), settings)


async def told(
    contexts: context.Contexts, layers: frozenset[Layer] = ALL, thread_id: str = "t", lead: Lead = SOMEBODY
) -> None:
    asked = context.Question(lead, thread_id, 3_500, layers, None, Format.TEXT)
    await contexts.context(asked, START + timedelta(days=1))


async def test_a_context_takes_one_read_and_a_query_for_each_type_that_is_read_whole(
    count: Count, store: EventStore, contexts: context.Contexts
) -> None:
    await recorded(store, [message(0), note("Pays late")])
    cold = await count(told(contexts))
    assert cold == {"GetItem": 1, "BatchGetItem": 1, "Query": 2}  # the organization's choices
    assert await count(told(contexts)) == {"BatchGetItem": 1, "Query": 2}
    assert await count(told(contexts, ALL - {Layer.PROFILE})) == {"BatchGetItem": 1}
    assert await count(told(contexts, frozenset({Layer.RECENT}))) == {"BatchGetItem": 1}


async def test_a_context_of_joined_threads_takes_one_read_more_and_none_more_than_five_requests(
    count: Count, store: EventStore, contexts: context.Contexts, settings: OrganizationSettings
) -> None:
    await recorded(store, [message(0.001 * number, thread_id=f"t{number}") for number in range(12)])
    await settings.set(ORGANIZATION, ConversationSettings(cross_channel=CrossChannel.JOIN))
    assert await count(told(contexts, thread_id="t0")) == {"BatchGetItem": 2, "Query": 2}


async def test_a_lead_costs_the_same_whoever_asks_however_much_is_known_and_where_nothing_is(
    count: Count, contexts: context.Contexts, store: EventStore, table: DynamoTable, keyrings: Keyrings
) -> None:
    await recorded(store, viewed(1))
    keyring = await keyrings.of_or_new(ORGANIZATION)
    fact = {"memory_type": "fact", "value": {"says": NOISE[:20_000]}}
    of_pages = [event("memory.declared", fact | {"key": str(number)}, event_id=str(number)) for number in range(120)]
    for memory in folded(of_pages).values():
        await table.transact([Put(table.name, memory_item(memory, 1, keyring))])
    await recorded(store, [event("product.viewed", {"sku": "a"}, organization_id=NOBODY, lead_organization_id=NOBODY)])
    for organization_id, lead_id in ((ORGANIZATION, LEAD), (NOBODY, LEAD), (ORGANIZATION, NOBODY)):
        lead = Lead(organization_id, lead_id)
        await told(contexts, lead=lead)
        assert await count(told(contexts, lead=lead)) == {"BatchGetItem": 1, "Query": 2}


async def test_a_context_costs_the_same_however_long_its_thread_is(
    count: Count, contexts: context.Contexts, store: EventStore, table: DynamoTable, keyrings: Keyrings
) -> None:
    await recorded(store, viewed(1))
    keyring = await keyrings.of_or_new(ORGANIZATION)
    sizes = []
    for length in (20, 2_000):
        memories = folded([message(number / 10_000, "word " * 30) for number in range(length)]).values()
        items = [memory_item(memory, 1, keyring) for memory in memories]
        await table.transact([Put(table.name, item) for item in items])
        await told(contexts)
        assert await count(told(contexts)) == {"BatchGetItem": 1, "Query": 2}
        sizes.append(sum(len(item[CONTENT]) for item in items))
    assert sizes[1] < sizes[0] + 100  # counts and times of more digits


async def test_a_threads_messages_are_one_page_of_the_timeline_and_one_read_and_no_key_again(
    count: Count, store: EventStore, table: DynamoTable, keyrings: Keyrings
) -> None:
    said = {"thread_id": "t", "channel": "sms", "text": "Oi"}
    await recorded(store, [event("conversation.message_received", said)])
    log = ThreadLog(table, keyrings)
    reading = log.messages(SOMEBODY, await log.row(SOMEBODY, "t"), 10)
    assert await count(reading) == {"Query": 1, "BatchGetItem": 1}
