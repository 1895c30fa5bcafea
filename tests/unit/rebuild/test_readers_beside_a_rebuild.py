"""Whoever reads while a lead is rebuilt finds every memory that was there before."""

import asyncio
from random import Random

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from lead_memory.domain.events import Event
from lead_memory.domain.fold import refold
from lead_memory.domain.memories import MemoryKey
from lead_memory.services.rebuild import Rebuilder
from lead_memory.services.record import Outcome, Recorder
from lead_memory.services.store import Commit
from tests.events import SOMEBODY, streams
from tests.fakes import no_pause
from tests.unit.rebuild.fakes import RebuildStore


class ReadStore(RebuildStore):
    """Read after every transaction: nothing that can be seen between two of them is passed over."""

    seen: frozenset[MemoryKey] = frozenset()

    async def commit(self, commit: Commit) -> None:
        try:
            await super().commit(commit)
        finally:
            self.read()

    def read(self) -> None:
        """What was there may only go with an event that ends it, or because no event supports it."""
        found = frozenset(self.rows)
        gone = self.seen - found
        assert not gone & refold([event for event, _ in self.events.values()], gone).keys()
        self.seen |= found


@given(streams(), streams(), st.integers(0, 2**32 - 1).map(Random))
def test_no_reader_sees_a_memory_missing_while_a_lead_is_rebuilt_beside_its_writers(
    before: list[Event], arriving: list[Event], random: Random
) -> None:
    store = ReadStore(random)
    later = [msgspec.structs.replace(event, event_id=f"later-{event.event_id}") for event in arriving]

    async def write() -> None:
        for event in later:
            assert await Recorder(store, no_pause).record([event]) == [Outcome.RECORDED]

    async def run() -> None:
        assert set(await Recorder(store, no_pause).record(before)) == {Outcome.RECORDED}
        store.damage(random)
        store.seen = frozenset(store.rows)
        await asyncio.gather(Rebuilder(store, no_pause).rebuild(SOMEBODY), write())
        store.read()

    asyncio.run(run())
