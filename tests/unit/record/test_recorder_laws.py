"""A lead's memories are the fold of its events, however they came."""

import asyncio
from collections.abc import Collection, Mapping
from datetime import timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from lead_memory.domain.amendments import Cases
from lead_memory.domain.derivations import derive
from lead_memory.domain.events import Event
from lead_memory.domain.fold import fold
from lead_memory.domain.memories import Memory, MemoryKey
from lead_memory.services.record import Outcome, Recorder
from tests.events import START, event, streams
from tests.fakes import MemoryStore, canonical_bytes, no_pause

# A seed, not `st.randoms`: a run draws more numbers than Hypothesis keeps for one example.
_randoms = st.integers(0, 2**32 - 1).map(Random)


@given(st.permutations(range(30)))
def test_of_many_channels_the_newest_are_kept_though_a_stored_object_has_its_fields_by_name(numbers: list[int]) -> None:
    events = [
        event(event_type, data, event_id=f"{event_type}-{place:02}", at=START + timedelta(minutes=place))
        for place, number in enumerate(numbers)
        for event_type, data in (
            ("channel.opted_out", {"channel": f"c{number}"}),
            ("conversation.message_received", {"thread_id": f"t{number}", "channel": f"c{number}"}),
        )
    ]
    store = MemoryStore()

    async def arrive() -> None:
        for each in events:
            assert await Recorder(store, no_pause).record([each]) == [Outcome.RECORDED]

    asyncio.run(arrive())
    assert canonical_bytes(store.memories) == canonical_bytes(folded(events))
    values = {str(name): memory.value for name, memory in store.memories.items()}
    assert set(values["preference.channel"]["opted_out"]) == {f"c{number}" for number in numbers[-20:]}
    assert set(values["behavioral.response_pattern"]["channels"]) == {f"c{number}" for number in numbers[-10:]}
    assert set(values["conversation.interactions"]["open_threads"]) == {f"t{number}" for number in numbers[-10:]}


def lineage(touches: Mapping[str, Collection[MemoryKey]], name: MemoryKey) -> set[str]:
    return {ref for ref, names in touches.items() if name in names}


def folded(events: list[Event]) -> dict[MemoryKey, Memory]:
    """The oracle: sort, derive, fold."""
    cases = Cases(events)
    memories: dict[MemoryKey, Memory | None] = {}
    for each in sorted(events, key=lambda each: each.position):
        for change in derive(each, cases.of(each)):
            memories[change.name] = fold(memories.get(change.name), change, each)
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
