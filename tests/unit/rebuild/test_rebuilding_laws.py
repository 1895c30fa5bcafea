"""After a rebuild a lead's memories are the fold of its log, whatever they were and whoever else writes."""

import asyncio
from random import Random

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from lead_memory.domain.errors import Unavailable
from lead_memory.domain.events import Event
from lead_memory.services.rebuild import Rebuilder, Report
from lead_memory.services.record import Outcome, Recorder
from tests.events import SOMEBODY, streams
from tests.fakes import MemoryStore, canonical_bytes, no_pause
from tests.unit.rebuild.fakes import RebuildStore

DELIVERIES = 60

# A seed, not `st.randoms`: a run draws more numbers than Hypothesis keeps for one example.
_randoms = st.integers(0, 2**32 - 1).map(Random)


async def recorded(events: list[Event], store: MemoryStore) -> MemoryStore:
    assert await Recorder(store, no_pause).record(events) == [Outcome.RECORDED] * len(events)
    return store


def differences(report: Report) -> dict[tuple[str, str], str]:
    return {(each.memory_type, each.key): each.kind for each in report.differences}


def links(store: MemoryStore) -> dict[str, set[object]]:
    return {ref: set(names) for ref, names in store.touches.items()}


@given(streams(), _randoms)
def test_a_rebuild_mends_exactly_what_a_check_names_and_a_check_changes_nothing(
    events: list[Event], random: Random
) -> None:
    async def run() -> None:
        store, whole = RebuildStore(), await recorded(events, MemoryStore())
        await recorded(events, store)
        damaged = store.damage(random)
        before, commits = dict(store.rows), len(store.commits)

        found = await Rebuilder(store, no_pause).check(SOMEBODY)
        assert differences(found) == damaged
        assert (store.rows, len(store.commits)) == (before, commits)

        rebuilt = await Rebuilder(store, no_pause).rebuild(SOMEBODY)
        assert rebuilt == found
        assert canonical_bytes(store.memories) == canonical_bytes(whole.memories)
        assert links(store) == links(whole)

        commits = len(store.commits)
        assert (await Rebuilder(store, no_pause).rebuild(SOMEBODY)).differences == []
        assert len(store.commits) == commits

    asyncio.run(run())


@given(streams(), _randoms)
def test_a_check_beside_writers_finds_no_drift_where_there_is_none(events: list[Event], random: Random) -> None:
    store, (first, *arriving) = RebuildStore(random), random.sample(events, len(events))

    async def write() -> None:
        for event in arriving:
            await recorded([event], store)

    async def check() -> None:
        for _ in range(len(arriving) + 1):
            assert (await Rebuilder(store, no_pause).check(SOMEBODY)).differences == []

    async def run() -> None:
        await recorded([first], store)
        await asyncio.gather(write(), check())

    asyncio.run(run())


@given(streams(), streams(), _randoms, st.integers(1, 3), st.sampled_from([0.0, 0.05, 0.2]))
def test_a_rebuild_beside_writers_and_faults_loses_nothing(
    before: list[Event], arriving: list[Event], random: Random, writers: int, fault_rate: float
) -> None:
    store = RebuildStore(random)

    async def deliver(queue: list[Event]) -> None:
        for _ in range(DELIVERIES):
            if not queue:
                return
            batch, queue = queue[:3], queue[3:]
            results = await Recorder(store, no_pause).record(batch)
            queue += [event for event, result in zip(batch, results, strict=True) if not isinstance(result, Outcome)]
        raise AssertionError("an event was given back again and again")

    async def rebuild() -> None:
        for _ in range(DELIVERIES):
            try:
                await Rebuilder(store, no_pause).rebuild(SOMEBODY)
            except Unavailable:
                continue
            return
        raise AssertionError("the rebuild was given back again and again")

    async def run() -> MemoryStore:
        await recorded(before, store)
        store.damage(random)
        store.fail(fault_rate)
        others = [msgspec.structs.replace(event, event_id=f"later-{event.event_id}") for event in arriving]
        queues = [random.sample(others, len(others)) for _ in range(writers)]
        await asyncio.gather(rebuild(), *map(deliver, queues))
        return await recorded([*before, *others], MemoryStore())

    whole = asyncio.run(run())
    assert set(store.events) == set(whole.events)
    assert canonical_bytes(store.memories) == canonical_bytes(whole.memories)
    assert links(store) == links(whole)
