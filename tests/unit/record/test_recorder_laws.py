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
from tests.fakes import MemoryStore, canonical_bytes, no_pause

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
