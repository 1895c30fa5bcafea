"""The recorder on a table."""

import json
from collections.abc import Sequence
from datetime import timedelta
from random import Random
from uuid import uuid4

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lead_memory.adapters.aws import Aws
from lead_memory.adapters.due import DueIndex
from lead_memory.adapters.keyrings import Keyrings
from lead_memory.adapters.kms import KeyService
from lead_memory.adapters.large_payloads import PayloadBucket
from lead_memory.adapters.memory_reader import MemoryReader
from lead_memory.adapters.organization_settings import OrganizationSettings
from lead_memory.adapters.store import EventStore
from lead_memory.adapters.table import DynamoTable
from lead_memory.domain.derivations import touched
from lead_memory.domain.errors import Conflict, Erased, Unavailable
from lead_memory.domain.events import Event, parse
from lead_memory.domain.fold import refold
from lead_memory.domain.limits import REFS
from lead_memory.domain.memories import Lead, MemoryKey, MemoryType
from lead_memory.services.bus import Entry
from lead_memory.services.extraction_queue import Request
from lead_memory.services.forget import forget
from lead_memory.services.record import Outcome, Recorder
from lead_memory.services.store import Commit, Write
from lead_memory.services.sweep import sweep
from tests.events import NOW, ORGANIZATION, SOMEBODY, START, all_samples, event, streams
from tests.fakes import canonical_bytes, no_pause
from tests.stage import read_memory
from tests.unit.erase.fakes import row

LAST = MemoryKey(MemoryType.PURCHASE, "last_transaction")


@pytest.fixture
def store(table: DynamoTable, keyrings: Keyrings) -> EventStore:
    return EventStore(table, keyrings, PayloadBucket("none"), lambda: NOW)


@pytest.fixture
def reader(table: DynamoTable, keyrings: Keyrings) -> MemoryReader:
    return MemoryReader(table, keyrings)


@pytest.fixture
def due(table: DynamoTable, keyrings: Keyrings) -> DueIndex:
    return DueIndex(table, keyrings, OrganizationSettings(table))


async def memories_of(store: EventStore, lead: Lead, names: set[MemoryKey]) -> dict[str, bytes]:
    snapshot = await store.snapshot(lead, names)
    return canonical_bytes({name: stored.memory for name, stored in snapshot.memories.items()})


async def test_every_sample_comes_back_from_the_table_as_it_went_in(store: EventStore) -> None:
    by_lead: dict[Lead, list[Event]] = {}
    for sample in all_samples():
        by_lead.setdefault(sample.lead, []).append(sample)
    for lead, events in by_lead.items():
        assert await Recorder(store).record(events) == [Outcome.RECORDED] * len(events)
        log = {event.ref: event for event in await store.log(lead)}
        assert log == {event.ref: event for event in events}


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stream=streams(max_size=8), seed=st.integers(0, 2**32 - 1))
async def test_any_order_of_arrival_gives_the_fold_on_the_table(
    store: EventStore, stream: list[Event], seed: int
) -> None:
    lead = Lead(ORGANIZATION, str(uuid4()))  # of its own: the examples share the table
    events = [msgspec.structs.replace(event, lead_organization_id=lead.lead_id) for event in stream]
    arriving = Random(seed).sample([*events, *events[:2]], len(events) + len(events[:2]))
    for start in range(0, len(arriving), 3):
        results = await Recorder(store).record(arriving[start : start + 3])
        assert set(results) <= {Outcome.RECORDED, Outcome.DUPLICATE}
    names = {name for event in events for name in touched(event)}
    assert await memories_of(store, lead, names) == canonical_bytes(refold(events, names))


async def test_a_writer_that_read_an_older_version_loses(store: EventStore) -> None:
    order = event("order.paid", {"order_id": "o", "total": "1.00", "currency": "BRL"})
    await Recorder(store).record([order])
    stored = (await store.snapshot(SOMEBODY, {LAST})).memories[LAST]
    await store.commit(Commit(lead=SOMEBODY, writes=[Write(LAST, stored.memory, stored.version)]))
    with pytest.raises(Conflict):
        await store.commit(Commit(lead=SOMEBODY, writes=[Write(LAST, stored.memory, stored.version)]))


async def test_a_batch_of_events_and_memories_is_all_or_nothing(store: EventStore) -> None:
    view = event("product.viewed", {"sku": "a"})
    stale = Write(LAST, None, 7)
    with pytest.raises(Conflict):
        await store.commit(Commit(lead=SOMEBODY, events=[view], touches={view.ref: ()}, writes=[stale]))
    assert await store.log(SOMEBODY) == []


def inferred(*refs: str) -> Event:
    origin = {"attempt_id": "a", "model": "m", "prompt_version": "1", "rests_on": list(refs)}
    value = {"memory_type": "fact", "key": "pet", "value": {"is": "a cat"}, "confidence": 0.9}
    return event("memory.inferred", value | {"extraction": origin}, event_id="made")


async def test_what_rests_on_an_erased_event_is_refused_and_what_rests_on_an_unknown_one_is_not(
    store: EventStore,
) -> None:
    view = event("product.viewed", {"sku": "a"}, event_id="view")
    await Recorder(store).record([view])
    await forget(store, row, SOMEBODY, view.ref, no_pause)
    [result] = await Recorder(store).record([inferred("test/unknown", view.ref)])
    assert isinstance(result, Erased)
    assert await store.log(SOMEBODY) == []
    assert await Recorder(store).record([inferred("test/unknown")]) == [Outcome.RECORDED]
    await forget(store, row, SOMEBODY, "test/unknown", no_pause)
    assert await store.log(SOMEBODY) == []


async def test_a_transaction_fails_where_what_it_is_not_to_outlive_was_erased_meanwhile(store: EventStore) -> None:
    view, made = event("product.viewed", {"sku": "a"}, event_id="view"), inferred("test/view")
    commit = Commit(
        lead=SOMEBODY, new_lead=True, events=[made], touches={made.ref: ()}, outlived_by={view.ref}, writes=[]
    )
    await store.commit(Commit(lead=SOMEBODY, new_lead=True, erases={view.ref: False}))
    with pytest.raises(Conflict):
        await store.commit(msgspec.structs.replace(commit, new_lead=False))
    assert await store.log(SOMEBODY) == []
    other = msgspec.structs.replace(commit, new_lead=False, outlived_by={"test/other"})
    await store.commit(other)
    assert await store.log(SOMEBODY) == [made]


async def test_an_event_may_rest_on_another_of_its_batch_and_on_as_many_as_there_may_be(store: EventStore) -> None:
    views = [event("product.viewed", {"sku": "a"}, event_id=f"v{n}") for n in range(REFS)]
    made = inferred(*(view.ref for view in views))
    assert await Recorder(store).record([*views[:3], made]) == [Outcome.RECORDED] * 4
    assert await Recorder(store).record(views) == [*[Outcome.DUPLICATE] * 3, *[Outcome.RECORDED] * (REFS - 3)]
    await forget(store, row, SOMEBODY, views[-1].ref, no_pause)
    assert {each.ref for each in await store.log(SOMEBODY)} == {view.ref for view in views[:-1]}


async def test_a_table_that_does_not_answer_gives_the_event_back(
    table_name: str, environment: dict[str, str], content_key: str
) -> None:
    aws = Aws({**environment, "AWS_ENDPOINT_URL": "http://127.0.0.1:9"})
    nowhere = DynamoTable(table_name, aws, retry_seconds=0.2)
    away = EventStore(nowhere, Keyrings(nowhere, KeyService(content_key, aws)), PayloadBucket("none"), lambda: NOW)
    (result,) = await Recorder(away).record([event("product.viewed", {"sku": "a"})])
    await aws.close()
    assert isinstance(result, Unavailable)


async def test_money_keeps_its_digits_in_the_table(store: EventStore, reader: MemoryReader) -> None:
    order = event("order.paid", {"order_id": "o", "total": "189.90", "currency": "BRL"})
    await Recorder(store).record([order])
    memory = await read_memory(reader, SOMEBODY, LAST)
    assert memory is not None
    assert str(memory.value["amount"]) == "189.90"


async def test_the_sweep_announces_what_expired_and_the_announcement_empties_it(
    store: EventStore, reader: MemoryReader, due: DueIndex
) -> None:
    ends_at = START + timedelta(days=1)
    declared = {"memory_type": "fact", "key": "on_holiday", "value": {"until": "Monday"}}
    away = event("memory.declared", {**declared, "expires_at": ends_at.isoformat()}, event_id="away")
    stays = event("memory.declared", {**declared, "key": "family"}, event_id="stays")
    await Recorder(store).record([away, stays])
    bus = Bus()

    assert (await sweep(due, bus, bus, now=ends_at - timedelta(seconds=1), has_time=lambda: True)).published == 0
    report = await sweep(due, bus, bus, now=ends_at, has_time=lambda: True)
    again = await sweep(due, bus, bus, now=ends_at, has_time=lambda: True)
    assert (report.published, again.published, len(set(bus.entries))) == (1, 1, 1)

    announced = bus.entries[0]
    delivered = {
        "source": announced.source,
        "detail-type": announced.detail_type,
        "detail": json.loads(announced.detail),
    }
    assert await Recorder(store).record([parse(json.dumps(delivered), NOW)]) == [Outcome.RECORDED]
    assert (await sweep(due, bus, bus, now=ends_at, has_time=lambda: True)).published == 0
    emptied = await read_memory(reader, SOMEBODY, MemoryKey(MemoryType.FACT, "on_holiday"))
    assert emptied is not None
    assert emptied.value == {}
    assert emptied.expired(ends_at)


async def test_a_sweep_without_time_stops_and_says_so(store: EventStore, due: DueIndex) -> None:
    declared = {
        "memory_type": "fact",
        "key": "a",
        "value": {"x": 1},
        "expires_at": (START + timedelta(days=1)).isoformat(),
    }
    await Recorder(store).record([event("memory.declared", declared)])
    report = await sweep(due, Bus(), Bus(), now=NOW, has_time=lambda: False)
    assert (report.published, report.finished) == (0, False)


class Bus:
    """And a queue, for which there is nothing here."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    async def publish(self, entries: Sequence[Entry]) -> int:
        self.entries += entries
        return len(entries)

    async def send(self, requests: Sequence[Request], delay_seconds: int = 0) -> int:
        assert (list(requests), delay_seconds) == ([], 0)
        return 0

    async def give_up(self, request: Request, reason: str) -> None:
        raise AssertionError(reason)
