"""What time decides: find what is due, and put an event on the bus for it. The event does the rest."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

import msgspec

from lead_memory.domain.memories import Lead, MemoryKey

SOURCE = "cleanup"
PAGE = 50
"""Memories of one shard that are read and announced together; the time left is looked at before each page."""
PAGES_AT_ONCE = 8
"""Shards that take their turn at the same time. With ten entries in a call of the bus, at most 40 calls are under way:
its quota of calls is the account's, and integrations need it too."""


class Ended(NamedTuple):
    """A memory whose time is over."""

    lead: Lead
    name: MemoryKey
    ended_at: datetime
    row: str
    """What names the memory where it is stored: where names are hashed there, a hash."""
    newest: str
    """The ref of the last event folded into it."""


class Due(Protocol):
    def expired(self, now: datetime, page: int) -> Sequence[AsyncIterator[Sequence[Ended]]]:
        """For each shard of the index of due dates, pages of the memories whose time is over, the oldest first.

        Nothing is read before a page is asked for. May raise `Unavailable`.
        """


class Bus(Protocol):
    async def publish(self, entries: Sequence["Entry"]) -> int:
        """How many it took; publishing some twice does no harm. Raises `Unavailable` when it does not answer."""


class Entry(NamedTuple):
    source: str
    detail_type: str
    detail: str


class Report(NamedTuple):
    published: int
    finished: bool
    """False when time ran out, or the bus did not take all; the next run goes on."""


async def sweep(due: Due, bus: Bus, *, now: datetime, has_time: Callable[[], bool]) -> Report:
    """Announce every memory that has expired. What was announced and not yet recorded is announced again.

    The shards take turns, page by page, so that in a backlog each has its part of the time. May raise `Unavailable`,
    once the shards that can go on are through.
    """
    turns = asyncio.Semaphore(PAGES_AT_ONCE)

    async def swept(shard: AsyncIterator[Sequence[Ended]]) -> Report:
        published, all_taken = 0, True
        while True:
            async with turns:
                memories = await anext(shard, None)
                if memories is None:
                    return Report(published, finished=all_taken)
                if not has_time():
                    return Report(published, finished=False)
                taken = await bus.publish([memory_expired(memory) for memory in memories])
            published += taken
            all_taken &= taken == len(memories)

    reports = await through(map(swept, due.expired(now, PAGE)))
    return Report(sum(report.published for report in reports), finished=all(report.finished for report in reports))


async def through[T](work: Iterable[Awaitable[T]]) -> list[T]:
    """As `asyncio.gather`, but nothing goes on behind an error: raises the first one once all are through."""
    given: list[T] = []
    for result in await asyncio.gather(*work, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result
        given.append(result)
    return given


def memory_expired(memory: Ended) -> Entry:
    """The same expiry always has the same id, so that it is recorded once however often it is announced."""
    detail = {
        "metadata": {
            "event_id": expiry_id(memory.row, memory.ended_at, memory.newest),
            "occurred_at": memory.ended_at.isoformat(),
            "organization_id": memory.lead.organization_id,
            "lead_organization_id": memory.lead.lead_id,
            "version": 1,
        },
        "data": memory.name._asdict(),
    }
    return Entry(SOURCE, "memory.expired", msgspec.json.encode(detail).decode())


def expiry_id(row: str, ended_at: datetime, newest: str) -> str:
    """With the newest event: what is said again after an erasure ends for itself."""
    return hashlib.sha256(f"{row}\n{ended_at.isoformat()}\n{newest}".encode()).hexdigest()
