"""What the sweep promises, over shards, a bus and a queue in memory."""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from datetime import timedelta
from itertools import batched, count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_memory.domain.conversation import names
from lead_memory.domain.errors import Unavailable
from lead_memory.domain.lifecycle import Step
from lead_memory.domain.memories import Lead, MemoryKey, MemoryType
from lead_memory.services.bus import Entry
from lead_memory.services.extraction_queue import Request
from lead_memory.services.sweep import PAGES_AT_ONCE, DueMemory, Report, decision, sweep
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
    def said(self) -> set[Entry | Request]:
        return {_said_of(memory) for shard in self._shards for memory in shard}

    def record(self, taken: Collection[Entry | Request]) -> None:
        self._shards = [[each for each in shard if _said_of(each) not in taken] for shard in self._shards]


class Taking:
    """A bus, or the extractor's queue, that takes the first so many of a call, for ever or for a time."""

    def __init__(self, at_most: int = 10**6) -> None:
        self.at_most = at_most
        self.entries: list[Entry] = []
        self.requests: list[Request] = []
        self.calls = self.most_calls = 0

    @property
    def taken(self) -> list[Entry | Request]:
        return [*self.entries, *self.requests]

    async def publish(self, entries: Sequence[Entry]) -> int:
        self.calls += 1
        self.most_calls = max(self.calls, self.most_calls)
        await asyncio.sleep(0)
        self.calls -= 1
        self.entries += entries[: self.at_most]
        return len(entries[: self.at_most])

    async def send(self, requests: Sequence[Request], delay_seconds: int = 0) -> int:
        assert delay_seconds == 0
        await asyncio.sleep(0)
        self.requests += requests[: self.at_most]
        return len(requests[: self.at_most])

    async def give_up(self, request: Request, reason: str) -> None:
        raise AssertionError(f"{reason}: nothing is given up before it is tried")


def _due(shard: int, number: int) -> DueMemory:
    """Every third is a thread."""
    row = f"{shard}/{number}"
    name = names.thread(row) if number % 3 == 2 else MemoryKey(MemoryType.FACT, row)
    lead = Lead(ORGANIZATION, f"lead-{shard}")
    step = Step("memory.expired", START + timedelta(minutes=number))
    return DueMemory(lead, name, step, row=row, newest="test/1")


def _said_of(memory: DueMemory) -> Entry | Request:
    if names.is_thread(memory.name):
        return Request(organization_id=ORGANIZATION, lead_id=memory.lead.lead_id, row=memory.row)
    return decision(memory, NOW)


async def _run(due: Shards, both: Taking, *, pages: int | None = None) -> Report:
    """With time for so many pages."""
    asked = count()
    return await sweep(due, both, both, now=NOW, has_time=lambda: pages is None or next(asked) < pages)


def _report(both: Taking, *, finished: bool) -> Report:
    return Report(len(both.entries), len(both.requests), finished)


sizes = st.lists(st.integers(0, 9), min_size=1, max_size=2 * PAGES_AT_ONCE)


@given(sizes)
async def test_all_that_is_due_is_announced_once_and_threads_are_sent_to_the_extractor(sizes: list[int]) -> None:
    due, both = Shards(*sizes), Taking()
    assert await _run(due, both) == _report(both, finished=True)
    assert (len(both.taken), set(both.taken)) == (sum(sizes), due.said)
    assert both.most_calls <= PAGES_AT_ONCE


@given(sizes, st.integers(0, 30))
async def test_a_run_ends_between_two_pages_and_announces_nothing_twice(sizes: list[int], pages: int) -> None:
    due, both = Shards(*sizes), Taking()
    report = await _run(due, both, pages=pages)
    assert report == _report(both, finished=set(both.taken) == due.said)
    assert len(both.taken) == len(set(both.taken)) <= 2 * pages


@given(st.integers(1, 2 * PAGES_AT_ONCE), st.integers(1, 60))
async def test_in_a_backlog_every_shard_has_its_turns(shards: int, pages: int) -> None:
    due = Shards(*[200] * shards)
    await _run(due, Taking(), pages=pages)
    turns = [due.read.count(shard) for shard in range(shards)]
    assert max(turns) - min(turns) <= 1


@given(sizes, st.integers(0, 1))
async def test_what_is_not_taken_is_left_for_the_next_run(sizes: list[int], at_most: int) -> None:
    due, both = Shards(*sizes), Taking(at_most)
    everything = due.said
    assert await _run(due, both) == _report(both, finished=set(both.taken) == everything)
    due.record(both.taken)
    both.at_most = 10
    assert (await _run(due, both)).finished
    assert (len(both.taken), set(both.taken)) == (len(everything), everything)


async def test_a_shard_that_fails_is_told_of_after_the_others_are_through() -> None:
    class Failing(Taking):
        async def publish(self, entries: Sequence[Entry]) -> int:
            if "lead-1" in str(entries):
                raise Unavailable("the bus did not answer: TimeoutError")
            return await super().publish(entries)

    due, both = Shards(5, 5, 5), Failing()
    with pytest.raises(Unavailable, match="TimeoutError"):
        await _run(due, both)
    assert set(both.taken) == {said for said in due.said if "lead-1" not in str(said)}


async def test_where_the_extractors_queue_is_away_what_is_over_is_announced_all_the_same() -> None:
    class Away(Taking):
        async def send(self, requests: Sequence[Request], delay_seconds: int = 0) -> int:
            if requests:
                raise Unavailable("the extractor's queue did not answer: TimeoutError")
            return 0

    due, both = Shards(3), Away()
    with pytest.raises(Unavailable, match="queue"):
        await _run(due, both)
    assert set(both.taken) == {said for said in due.said if isinstance(said, Entry)}
