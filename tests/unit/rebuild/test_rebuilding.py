"""What a rebuild writes, of what, and for whom."""

from datetime import timedelta
from random import Random
from typing import Any

import msgspec
import pytest

from lead_memory.domain.derivations import MODULES, derive, made_by
from lead_memory.domain.errors import Rejected
from lead_memory.domain.events import Event
from lead_memory.domain.memories import Lead, MemoryKey, MemoryType
from lead_memory.services.rebuild import Difference, Kind, Rebuilder
from lead_memory.services.record import Recorder
from lead_memory.services.store import Stored
from tests.events import LEAD, SOMEBODY, START, all_samples, event
from tests.fakes import canonical_bytes, no_pause
from tests.unit.rebuild.fakes import RebuildStore

LAST = MemoryKey(MemoryType.PURCHASE, "last_transaction")
CITY = MemoryKey(MemoryType.FACT, "city")


def order(order_id: str, minute: int, skus: int = 1) -> Event:
    products = [{"sku": f"sku-{number}", "price": "10.00"} for number in range(skus)]
    data = {"order_id": order_id, "total": "10.00", "currency": "BRL", "products": products}
    return event("order.paid", data, event_id=f"paid-{order_id}", at=START + timedelta(minutes=minute))


def declared(key: str, **more: Any) -> Event:
    data = {"memory_type": "fact", "key": key, "value": {"x": 1}, **more}
    return event("memory.declared", data, event_id=f"says-{key}")


async def holding(*events: Event) -> RebuildStore:
    store = RebuildStore()
    await Recorder(store, no_pause).record(events)
    return store


def spoil(store: RebuildStore, name: MemoryKey) -> None:
    spoiled = msgspec.structs.replace(store.memories[name], value={"wrong": True})
    store.rows[name] = Stored(spoiled, store.rows[name].version)


async def test_only_what_differs_is_written() -> None:
    store = await holding(order("a", 0, skus=5), declared("city"))
    spoil(store, LAST)
    report = await Rebuilder(store).rebuild(SOMEBODY)
    assert report.differences == [Difference("purchase", "last_transaction", Kind.DIFFERENT)]
    assert [write.name for write in store.commits[-1].writes] == [LAST]


async def test_memories_that_an_older_fold_made_are_made_again() -> None:
    store = await holding(order("a", 0))
    made = canonical_bytes(store.memories)
    store.rows = {
        name: Stored(msgspec.structs.replace(store.memories[name], fold_version=0), row.version)
        for name, row in store.rows.items()
    }
    report = await Rebuilder(store).rebuild(SOMEBODY)
    assert len(report.differences) == len(store.rows) == report.memories
    assert canonical_bytes(store.memories) == made


async def test_a_lead_with_more_memories_than_a_transaction_holds_is_rebuilt_in_parts() -> None:
    store = await holding(order("big", 0, skus=150))
    before = canonical_bytes(store.memories)
    store.rows.clear()
    commits = len(store.commits)
    report = await Rebuilder(store).rebuild(SOMEBODY)
    assert canonical_bytes(store.memories) == before
    assert len(report.differences) == len(before) > 300
    assert len(store.commits) - commits == 4


async def test_a_rebuild_of_one_derivation_leaves_the_others_as_they_are() -> None:
    store = await holding(order("a", 0), declared("city"))
    spoil(store, LAST)
    spoil(store, CITY)
    report = await Rebuilder(store).rebuild(SOMEBODY, "purchase")
    assert [(each.memory_type, each.key) for each in report.differences] == [LAST]
    assert store.memories[CITY].value == {"wrong": True}
    report = await Rebuilder(store).rebuild(SOMEBODY, "declared")
    assert [(each.memory_type, each.key) for each in report.differences] == [CITY]


async def test_what_a_derivation_no_longer_makes_goes_when_it_is_rebuilt() -> None:
    store = await holding(order("a", 0), declared("city"))
    gone = MemoryKey(MemoryType.PURCHASE, "old_name")
    store.rows[gone] = Stored(msgspec.structs.replace(store.memories[LAST], key=gone.key), 1)
    assert (await Rebuilder(store).rebuild(SOMEBODY, "fact")).differences == []
    report = await Rebuilder(store).rebuild(SOMEBODY, "purchase")
    assert report.differences == [Difference("purchase", "old_name", Kind.EXTRA)]
    assert gone not in store.rows


async def test_events_are_linked_to_the_memories_that_a_new_derivation_makes_of_them() -> None:
    paid, says = order("a", 0), declared("city")
    store = await holding(paid, says)
    whole = {ref: set(names) for ref, names in store.touches.items()}
    store.touches[paid.ref] = {name for name in store.touches[paid.ref] if name.memory_type is MemoryType.INTEREST}
    await Rebuilder(store).rebuild(SOMEBODY)
    assert {ref: set(names) for ref, names in store.touches.items()} == whole


async def test_an_order_that_is_cancelled_while_its_links_are_mended_keeps_the_links_of_a_cancelled_one() -> None:
    paid = order("a", 0)
    cancelled = event("order.cancelled", {"order_id": "a"}, event_id="c", at=START + timedelta(minutes=1))

    class CancelledMeanwhile(RebuildStore):
        async def linked_log(self, lead: Lead) -> list[tuple[Event, frozenset[MemoryKey]]]:
            read = await super().linked_log(lead)
            if cancelled.ref not in self.events:
                await Recorder(self, no_pause).record([cancelled])
                self.touches[paid.ref] = ()
            return read

    store = CancelledMeanwhile()
    await Recorder(store, no_pause).record([paid])
    store.touches[paid.ref] = ()
    await Rebuilder(store, no_pause).rebuild(SOMEBODY)
    assert {ref: set(names) for ref, names in store.touches.items()} == {
        ref: {MemoryKey(MemoryType.PURCHASE, "order:a")} for ref in (paid.ref, cancelled.ref)
    }


async def test_what_has_ended_stays_empty_in_its_place() -> None:
    end = START + timedelta(days=1)
    ended = event("memory.expired", {"memory_type": "fact", "key": "city"}, event_id="end", at=end, source="cleanup")
    store = await holding(declared("city", expires_at=end.isoformat()), ended)
    assert store.memories[CITY].value == {}
    del store.rows[CITY]
    await Rebuilder(store).rebuild(SOMEBODY)
    assert store.memories[CITY].value == {}


@pytest.mark.parametrize(
    ("lead", "derivation", "reason"),
    [
        (Lead("99999999-0000-4000-8000-000000000000", LEAD), None, "unknown_lead"),
        (SOMEBODY, "purchases", "unknown_derivation"),
    ],
)
async def test_what_is_not_there_is_not_rebuilt(lead: Lead, derivation: str | None, reason: str) -> None:
    store = await holding(order("a", 0))
    store.damage(Random(1))
    before = dict(store.rows)
    with pytest.raises(Rejected) as rejected:
        await Rebuilder(store).rebuild(lead, derivation)
    assert rejected.value.reason == reason
    assert store.rows == before


def test_every_memory_of_every_sample_is_made_by_a_derivation() -> None:
    for sample in all_samples():
        made = set().union(*(made_by(module, sample) for module in MODULES))
        assert made == {change.name for change in derive(sample)}
