"""A lead's memories are the fold of its events, however they came."""

import asyncio
from collections.abc import Collection, Mapping
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from lead_memory.domain.amendments import Cases
from lead_memory.domain.derivations import derive
from lead_memory.domain.events import Event
from lead_memory.domain.fold import fold
from lead_memory.domain.memories import Memory, MemoryKey
from lead_memory.services.record import Outcome, Recorder
from tests.events import streams
from tests.fakes import FaultyStore, MemoryStore, canonical_bytes, no_pause

DELIVERIES = 60

# A seed, not `st.randoms`: a run draws more numbers than Hypothesis keeps for one example.
_randoms = st.integers(0, 2**32 - 1).map(Random)


def lineage(touches: Mapping[str, Collection[MemoryKey]], name: MemoryKey) -> set[str]:
    return {ref for ref, names in touches.items() if name in names}


def folded(events: list[Event]) -> dict[MemoryKey, Memory]:
    """The oracle: sort, derive, fold."""
    cases = Cases(events)
    memories: dict[MemoryKey, Memory | None] = {}
    for event in sorted(events, key=lambda event: event.position):
        for change in derive(event, cases.of(event)):
            memories[change.name] = fold(memories.get(change.name), change, event)
    return {name: memory for name, memory in memories.items() if memory}


@given(streams(), _randoms)
def test_any_order_of_arrival_gives_the_fold(events: list[Event], random: Random) -> None:
    arriving = [*events, *random.choices(events, k=3)]
    random.shuffle(arriving)
    store = MemoryStore()

    async def arrive() -> None:
        start = 0
        while start < len(arriving):
            size = random.randint(1, 5)
            results = await Recorder(store, no_pause).record(arriving[start : start + size])
            assert set(results) <= {Outcome.RECORDED, Outcome.DUPLICATE}
            start += size

    asyncio.run(arrive())
    assert canonical_bytes(store.memories) == canonical_bytes(folded(events))
    assert set(store.events) == {event.ref for event in events}
    cases = Cases(events)
    assert store.touches == {event.ref: {c.name for c in derive(event, cases.of(event))} for event in events}
    for name, memory in store.memories.items():
        # Fewer, where a memory began anew, or where a refund came before its order.
        assert memory.source_event_count <= len(lineage(store.touches, name))
        assert set(memory.source_event_ids) <= lineage(store.touches, name)


@given(streams(), _randoms, st.integers(2, 4), st.sampled_from([0.0, 0.05, 0.2]))
def test_concurrent_writers_and_faults_lose_nothing(
    events: list[Event], random: Random, writers: int, fault_rate: float
) -> None:
    store = FaultyStore(random, fault_rate)

    async def deliver(queue: list[Event]) -> None:
        """As the queue does: what is given back comes again."""
        recorder = Recorder(store, no_pause)
        for _ in range(DELIVERIES):
            if not queue:
                return
            batch, queue = queue[:5], queue[5:]
            results = await recorder.record(batch)
            queue += [event for event, result in zip(batch, results, strict=True) if not isinstance(result, Outcome)]
        raise AssertionError("an event was given back again and again")

    async def write() -> None:
        queues: list[list[Event]] = [[] for _ in range(writers)]
        for event in [*events, *random.choices(events, k=3)]:
            random.choice(queues).append(event)
        for queue in queues:
            random.shuffle(queue)
        await asyncio.gather(*map(deliver, queues))

    asyncio.run(write())
    assert canonical_bytes(store.memories) == canonical_bytes(folded(events))
    assert all(settled for _, settled in store.events.values())
