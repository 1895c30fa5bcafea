"""What the sweep promises, over shards and a bus in memory."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from itertools import batched, count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_memory.domain.conversation import names
from lead_memory.domain.errors import Unavailable
from lead_memory.domain.memories import Lead, MemoryKey, MemoryType
from lead_memory.services.sweep import PAGES_AT_ONCE, Bus, DueMemory, Entry, Report, entry, memory_expired, sweep
from tests.events import NOW, ORGANIZATION, START


class Shards:
    """`lead_memory.services.sweep.Due`, of shards with so many memories; it knows how much of it is in hand at once."""

    def __init__(self, *sizes: int, page: int = 2) -> None:
        self._shards = [[_due(shard, number) for number in range(size)] for shard, size in enumerate(sizes)]
        self._page = page
        self.read: list[int] = []
        """The shard of each page, in the order in which they were asked for."""

    def due(self, now: object, page: int) -> list[AsyncIterator[Sequence[DueMemory]]]:
        return [self._pages(shard) for shard in range(len(self._shards))]

    async def _pages(self, shard: int) -> AsyncIterator[Sequence[DueMemory]]:
        for memories in batched(self._shards[shard], self._page, strict=False):
            self.read.append(shard)
            await asyncio.sleep(0)
            yield memories

    @property
    def entries(self) -> set[Entry]:
        return {_said_of(memory) for shard in self._shards for memory in shard}

    def record(self, taken: Sequence[Entry]) -> None:
        self._shards = [[each for each in shard if _said_of(each) not in taken] for shard in self._shards]


class Taking:
    """A bus that takes the first so many entries of a call, for ever or for a time."""

    def __init__(self, at_most: int = 10**6) -> None:
        self.at_most = at_most
        self.taken: list[Entry] = []
        self.calls = self.most_calls = 0

    async def publish(self, entries: Sequence[Entry]) -> int:
        self.calls += 1
        self.most_calls = max(self.calls, self.most_calls)
        await asyncio.sleep(0)
        self.calls -= 1
        self.taken += entries[: self.at_most]
        return len(entries[: self.at_most])


def _due(shard: int, number: int) -> DueMemory:
    """Every third is a thread."""
    row = f"{shard}/{number}"
    name = names.thread(row) if number % 3 == 2 else MemoryKey(MemoryType.FACT, row)
    lead = Lead(ORGANIZATION, f"lead-{shard}")
    return DueMemory(lead, name, START + timedelta(minutes=number), row=row, newest="test/1")


def _said_of(memory: DueMemory) -> Entry:
    return _summary_of(memory) if names.is_thread(memory.name) else memory_expired(memory)


def _summary_of(memory: DueMemory) -> Entry:
    return entry("thread.summarized", memory.lead, memory.row, memory.due_at, {})


async def _of_thread(memory: DueMemory) -> list[Entry]:
    assert names.is_thread(memory.name)
    return [_summary_of(memory)]


async def _run(due: Shards, bus: Bus, *, pages: int | None = None) -> Report:
    """With time for so many pages."""
    asked = count()
    return await sweep(due, bus, _of_thread, now=NOW, has_time=lambda: pages is None or next(asked) < pages)


sizes = st.lists(st.integers(0, 9), min_size=1, max_size=2 * PAGES_AT_ONCE)


@given(sizes)
async def test_all_that_is_due_is_announced_once(sizes: list[int]) -> None:
    due, bus = Shards(*sizes), Taking()
    assert await _run(due, bus) == Report(sum(sizes), finished=True)
    assert (len(bus.taken), set(bus.taken)) == (sum(sizes), due.entries)
    assert bus.most_calls <= PAGES_AT_ONCE


@given(sizes, st.integers(0, 30))
async def test_a_run_ends_between_two_pages_and_announces_nothing_twice(sizes: list[int], pages: int) -> None:
    due, bus = Shards(*sizes), Taking()
    report = await _run(due, bus, pages=pages)
    assert report == Report(len(bus.taken), finished=set(bus.taken) == due.entries)
    assert len(bus.taken) == len(set(bus.taken)) <= 2 * pages


@given(st.integers(1, 2 * PAGES_AT_ONCE), st.integers(1, 60))
async def test_in_a_backlog_every_shard_has_its_turns(shards: int, pages: int) -> None:
    due, bus = Shards(*[200] * shards), Taking()
    await _run(due, bus, pages=pages)
    turns = [due.read.count(shard) for shard in range(shards)]
    assert max(turns) - min(turns) <= 1


@given(sizes, st.integers(0, 1))
async def test_what_the_bus_does_not_take_is_left_for_the_next_run(sizes: list[int], at_most: int) -> None:
    due, bus = Shards(*sizes), Taking(at_most)
    everything = due.entries
    report = await _run(due, bus)
    assert (report.published, report.finished) == (len(bus.taken), set(bus.taken) == everything)
    due.record(bus.taken)
    bus.at_most = 10
    assert (await _run(due, bus)).finished
    assert (len(bus.taken), set(bus.taken)) == (len(everything), everything)


async def test_a_shard_that_fails_is_told_of_after_the_others_are_through() -> None:
    class Failing(Taking):
        async def publish(self, entries: Sequence[Entry]) -> int:
            if "lead-1" in entries[0].detail:
                raise Unavailable("the bus did not answer: TimeoutError")
            return await super().publish(entries)

    due, bus = Shards(5, 5, 5), Failing()
    with pytest.raises(Unavailable, match="TimeoutError"):
        await _run(due, bus)
    assert set(bus.taken) == {entry for entry in due.entries if "lead-1" not in entry.detail}
