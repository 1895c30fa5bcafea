"""An event that was erased was never there: memories are the fold of the log without it, whatever else happens."""

import asyncio
from random import Random

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from lead_memory.domain import canonical
from lead_memory.domain.amendments import Cases
from lead_memory.domain.derivations import derive
from lead_memory.domain.derivations.crm import coined, keys_of_others, moved_from
from lead_memory.domain.errors import Erased, Unavailable
from lead_memory.domain.events import Event
from lead_memory.domain.limits import CLOCK_SKEW
from lead_memory.domain.memories import MemoryKey
from lead_memory.domain.payloads.crm import EntitiesMerged, EntityExtracted, EntitySplit
from lead_memory.services.forget import BESIDE
from lead_memory.services.record import Outcome, Recorder, Result
from tests.events import SOMEBODY, event, streams
from tests.fakes import canonical_bytes, no_pause
from tests.unit.erase.fakes import WRITTEN, ErasableStore, eraser
from tests.unit.record.test_recorder_laws import folded

DELIVERIES = 60
ERASURES = 2_000
"""Tries: where one request in five fails, few of those that touch a long log come through."""
WHO = "arn:aws:iam::123456789012:user/ana"

# A seed, not `st.randoms`: a run draws more numbers than Hypothesis keeps for one example.
_randoms = st.integers(0, 2**32 - 1).map(Random)


def links(store: ErasableStore) -> dict[str, set[MemoryKey]]:
    return {ref: set(names) for ref, names in store.touches.items()}


def said(events: list[Event]) -> dict[str, set[MemoryKey]]:
    cases = Cases(events)
    return {event.ref: {change.name for change in derive(event, cases.of(event))} for event in events}


def left_by(erased: Event, events: list[Event]) -> list[Event]:
    """The oracle: without the event and what may quote it, and without what was said beside the values of memories that
    nothing else speaks of, or rests on that.
    """
    gone = [erased]
    while True:
        for quoted in gone:
            gone += [event for event in events if event not in gone and may_quote(event, quoted)]
        left = [event for event in events if event not in gone]
        spoken_of = said([event for event in left if not isinstance(event.data, BESIDE)])
        supported = {name for names in spoken_of.values() for name in names}
        its_own = {name for each in gone for name in said(events)[each.ref] | said([each])[each.ref]}
        alone = [
            event
            for event in left
            if isinstance(event.data, BESIDE) and said([event])[event.ref] <= its_own - supported
        ]
        if not alone:
            return left
        gone += alone


def may_quote(written: Event, erased: Event) -> bool:
    """What says that it rests on it; what moves what was said of an entity; and a text about the erased event's thread.
    Of the contact's profile, reminders have the words, and of notes and of reminders none. By another's clock it may
    have come before.
    """
    if erased.ref in written.rests_on:
        return True
    if written is erased or written.occurred_at < erased.occurred_at - CLOCK_SKEW:
        return False
    if isinstance(written.data, EntityExtracted) and isinstance(erased.data, EntityExtracted):
        return coined(erased.data) in keys_of_others(written.data)
    if isinstance(written.data, EntitiesMerged | EntitySplit):
        return moved_from(written.data) in said([erased])[erased.ref]
    if written.event_type not in WRITTEN:
        return False
    about, of = canonical.decode(erased.data_json), canonical.decode(written.data_json)
    if about.get("key") == "contact_profile":
        return written.event_type == "thread.reactivation_prepared"
    spoken = erased.event_type == "thread.summarized" or erased.event_type.startswith("conversation.")
    return spoken and bool(about["thread_id"] == of["thread_id"])


async def deliver(store: ErasableStore, queue: list[Event]) -> list[Result]:
    """As the queue does: what is given back comes again."""
    told: list[Result] = []
    for _ in range(DELIVERIES):
        if not queue:
            return told
        batch, queue = queue[:3], queue[3:]
        results = await Recorder(store, no_pause).record(batch)
        told += results
        queue += [
            event for event, result in zip(batch, results, strict=True) if not isinstance(result, Outcome | Erased)
        ]
    raise AssertionError("an event was given back again and again")


async def erase(store: ErasableStore, ref: str) -> None:
    for _ in range(ERASURES):
        try:
            receipt = await eraser(store).event(SOMEBODY, ref, asked_by=WHO, dry_run=False)
        except Unavailable:
            continue
        assert (receipt.found_again, receipt.finished) == (0, True)
        return
    raise AssertionError("the erasure broke off again and again")


@given(streams(), _randoms)
def test_an_erased_event_leaves_the_fold_of_the_others_and_stays_out(events: list[Event], random: Random) -> None:
    store, erased = ErasableStore(), random.choice(events)
    left = left_by(erased, events)

    async def run() -> None:
        await Recorder(store, no_pause).record(random.sample(events, len(events)))
        await erase(store, erased.ref)
        for _ in range(2):
            assert canonical_bytes(store.memories) == canonical_bytes(folded(left))
            assert links(store) == said(left)
            # Delivered again, all of it, in any order: nothing comes back; and erased again, nothing changes.
            told = await deliver(store, random.sample(events, len(events)))
            assert set(map(type, told)) <= {Outcome, Erased}
            before = len(store.commits)
            await erase(store, erased.ref)
            assert len(store.commits) == before

    asyncio.run(run())


async def test_an_erasure_that_nobody_disturbs_reads_the_log_to_erase_to_look_again_and_to_rebuild() -> None:
    store, viewed = ErasableStore(), [event("product.viewed", {"sku": sku}, event_id=sku) for sku in ("a", "b")]
    await deliver(store, viewed)
    store.log_reads = 0
    await erase(store, viewed[0].ref)
    assert store.log_reads == 3


@given(streams(), _randoms)
def test_an_event_that_was_erased_beforehand_never_comes(events: list[Event], random: Random) -> None:
    store, erased = ErasableStore(), random.choice(events)

    async def run() -> None:
        await erase(store, erased.ref)
        assert (store.rows, store.events) == ({}, {})
        await deliver(store, random.sample(events, len(events)))

    asyncio.run(run())
    left = [event for event in events if event.ref != erased.ref and erased.ref not in event.rests_on]
    assert canonical_bytes(store.memories) == canonical_bytes(folded(left))
    assert links(store) == said(left)


@given(streams(), _randoms)
def test_a_dry_run_counts_what_an_erasure_removes_and_changes_nothing(events: list[Event], random: Random) -> None:
    store, erased = ErasableStore(), random.choice(events)

    async def run() -> None:
        await Recorder(store, no_pause).record(events)
        before, commits = dict(store.rows), len(store.commits)
        tried = await eraser(store).event(SOMEBODY, erased.ref, asked_by=WHO, dry_run=True)
        assert (store.rows, len(store.commits), store.stones) == (before, commits, {})
        done = await eraser(store).event(SOMEBODY, erased.ref, asked_by=WHO, dry_run=False)
        assert tried.removed == done.removed
        assert done.removed["events"] == len(events) - len(left_by(erased, events))
        assert done.removed.get("memories", 0) == len(before.keys() - store.rows.keys())

    asyncio.run(run())


@given(streams(), streams(), _randoms, st.integers(1, 3), st.sampled_from([0.0, 0.05, 0.2]))
def test_events_are_erased_beside_writers_and_faults(
    before: list[Event], arriving: list[Event], random: Random, writers: int, fault_rate: float
) -> None:
    others = [msgspec.structs.replace(event, event_id=f"later-{event.event_id}") for event in arriving]
    events = [*before, *others]
    erased = random.sample(events, min(2, len(events)))
    store = ErasableStore(random)

    async def run() -> None:
        await Recorder(store, no_pause).record(before)
        store.fail(fault_rate)
        queues = [random.sample(events, len(events)) for _ in range(writers)]
        await asyncio.gather(*(erase(store, event.ref) for event in erased), *(deliver(store, each) for each in queues))

    asyncio.run(run())
    assert {event.ref for event in erased} <= store.erased
    left = [event for event, _ in store.events.values()]
    assert not any(store.erased.intersection(event.rests_on) for event in left)
    missing = [event for event in events if event not in left and event.ref not in store.erased]
    assert all(store.erased.intersection(event.rests_on) for event in missing)
    assert canonical_bytes(store.memories) == canonical_bytes(folded(left))
    assert links(store) == said(left)


@given(streams(), streams(), _randoms, st.integers(1, 3), st.sampled_from([0.0, 0.05, 0.2]))
def test_of_an_erased_lead_nothing_is_there_whatever_was_in_flight_or_comes_again(
    before: list[Event], arriving: list[Event], random: Random, writers: int, fault_rate: float
) -> None:
    store, events = ErasableStore(random), [*before, *arriving]

    async def erase_lead() -> None:
        for _ in range(DELIVERIES):
            try:
                receipt = await eraser(store).lead(SOMEBODY, asked_by=WHO, dry_run=False)
            except Unavailable:
                continue
            if receipt.found_again == 0:
                return
        raise AssertionError("the erasure broke off again and again")

    async def run() -> None:
        await Recorder(store, no_pause).record(before)
        store.fail(fault_rate)
        queues = [random.sample(events, len(events)) for _ in range(writers)]
        await asyncio.gather(erase_lead(), *(deliver(store, each) for each in queues))
        assert (store.rows, store.events) == ({}, {})
        told = await deliver(store, events)
        assert set(map(type, told)) <= {Erased, Unavailable}

    asyncio.run(run())
    assert (store.rows, store.events, store.organization_id) == ({}, {}, SOMEBODY.organization_id)
