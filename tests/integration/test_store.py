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

from lead_memory.adapters.due import DueIndex
from lead_memory.adapters.large_payloads import PayloadBucket
from lead_memory.adapters.store import EventStore
from lead_memory.adapters.table import DynamoTable
from lead_memory.domain.derivations import touched
from lead_memory.domain.errors import Conflict, Unavailable
from lead_memory.domain.events import Event, parse
from lead_memory.domain.fold import refold
from lead_memory.domain.memories import MemoryKey, MemoryType
from lead_memory.services.record import Outcome, Recorder
from lead_memory.services.store import Commit, Write
from lead_memory.services.sweep import Entry, sweep
from tests.events import LEAD, NOW, START, all_samples, event, streams
from tests.fakes import canonical_bytes

LAST = MemoryKey(MemoryType.PURCHASE, "last_transaction")


def store_on(table: DynamoTable) -> EventStore:
    return EventStore(table, PayloadBucket("none"), lambda: NOW)


async def memories_of(table: DynamoTable, lead_id: str, names: set[MemoryKey]) -> dict[str, bytes]:
    snapshot = await store_on(table).snapshot(lead_id, names)
    return canonical_bytes({name: stored.memory for name, stored in snapshot.memories.items()})


async def test_every_sample_comes_back_from_the_table_as_it_went_in(table: DynamoTable) -> None:
    recorder = Recorder(store_on(table))
    by_lead: dict[str, list[Event]] = {}
    for sample in all_samples():
        by_lead.setdefault(sample.lead_organization_id, []).append(sample)
    for lead_id, events in by_lead.items():
        assert await recorder.record(events) == [Outcome.RECORDED] * len(events)
        log = {event.ref: event for event in await store_on(table).log(lead_id)}
        assert log == {event.ref: event for event in events}


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stream=streams(max_size=8), seed=st.integers(0, 2**32 - 1))
async def test_any_order_of_arrival_gives_the_fold_on_the_table(
    table: DynamoTable, stream: list[Event], seed: int
) -> None:
    lead = str(uuid4())  # a lead of its own: the examples share the table
    events = [msgspec.structs.replace(event, lead_organization_id=lead) for event in stream]
    arriving = Random(seed).sample([*events, *events[:2]], len(events) + len(events[:2]))
    for start in range(0, len(arriving), 3):
        results = await Recorder(store_on(table)).record(arriving[start : start + 3])
        assert set(results) <= {Outcome.RECORDED, Outcome.DUPLICATE}
    names = {name for event in events for name in touched(event)}
    assert await memories_of(table, lead, names) == canonical_bytes(refold(events, names))


async def test_a_writer_that_read_an_older_version_loses(table: DynamoTable) -> None:
    store = store_on(table)
    order = event("order.paid", {"order_id": "o", "total": "1.00", "currency": "BRL"})
    await Recorder(store).record([order])
    stored = (await store.snapshot(LEAD, {LAST})).memories[LAST]
    await store.commit(Commit(lead_id=LEAD, writes=[Write(LAST, stored.memory, stored.version)]))
    with pytest.raises(Conflict):
        await store.commit(Commit(lead_id=LEAD, writes=[Write(LAST, stored.memory, stored.version)]))


async def test_a_batch_of_events_and_memories_is_all_or_nothing(table: DynamoTable) -> None:
    store = store_on(table)
    view = event("product.viewed", {"sku": "a"})
    stale = Write(LAST, None, 7)
    with pytest.raises(Conflict):
        await store.commit(Commit(lead_id=LEAD, events=[view], touches={view.ref: ()}, writes=[stale]))
    assert await store.log(LEAD) == []


async def test_a_table_that_does_not_answer_gives_the_event_back(table_name: str, environment: dict[str, str]) -> None:
    nowhere = DynamoTable.open(table_name, {**environment, "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, retry_seconds=0.2)
    (result,) = await Recorder(store_on(nowhere)).record([event("product.viewed", {"sku": "a"})])
    await nowhere.close()
    assert isinstance(result, Unavailable)


async def test_money_keeps_its_digits_in_the_table(table: DynamoTable) -> None:
    order = event("order.paid", {"order_id": "o", "total": "189.90", "currency": "BRL"})
    await Recorder(store_on(table)).record([order])
    memory = await table.get(LEAD, LAST)
    assert memory is not None
    assert str(memory.value["amount"]) == "189.90"


async def test_the_sweep_announces_what_expired_and_the_announcement_empties_it(table: DynamoTable) -> None:
    ends_at = START + timedelta(days=1)
    declared = {"memory_type": "fact", "key": "on_holiday", "value": {"until": "Monday"}}
    away = event("memory.declared", {**declared, "expires_at": ends_at.isoformat()}, event_id="away")
    stays = event("memory.declared", {**declared, "key": "family"}, event_id="stays")
    await Recorder(store_on(table)).record([away, stays])
    bus = Bus()

    assert (await sweep(DueIndex(table), bus, now=ends_at - timedelta(seconds=1), has_time=lambda: True)).published == 0
    report = await sweep(DueIndex(table), bus, now=ends_at, has_time=lambda: True)
    again = await sweep(DueIndex(table), bus, now=ends_at, has_time=lambda: True)
    assert (report.published, again.published, len(set(bus.entries))) == (1, 1, 1)

    announced = bus.entries[0]
    delivered = {
        "source": announced.source,
        "detail-type": announced.detail_type,
        "detail": json.loads(announced.detail),
    }
    assert await Recorder(store_on(table)).record([parse(json.dumps(delivered), NOW)]) == [Outcome.RECORDED]
    assert (await sweep(DueIndex(table), bus, now=ends_at, has_time=lambda: True)).published == 0
    emptied = await table.get(LEAD, MemoryKey(MemoryType.FACT, "on_holiday"))
    assert emptied is not None
    assert emptied.value == {}
    assert emptied.expired(ends_at)


async def test_a_sweep_without_time_stops_and_says_so(table: DynamoTable) -> None:
    declared = {
        "memory_type": "fact",
        "key": "a",
        "value": {"x": 1},
        "expires_at": (START + timedelta(days=1)).isoformat(),
    }
    await Recorder(store_on(table)).record([event("memory.declared", declared)])
    report = await sweep(DueIndex(table), Bus(), now=NOW, has_time=lambda: False)
    assert (report.published, report.finished) == (0, False)


class Bus:
    def __init__(self) -> None:
        self.entries: list[Entry] = []

    async def publish(self, entries: Sequence[Entry]) -> None:
        self.entries += entries
