"""What time decides: find what is due, and put an event on the bus for it; for a thread, ask the extractor."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from lead_memory.domain.conversation import names
from lead_memory.domain.memories import Lead, MemoryKey
from lead_memory.services.bus import Bus, Entry, entry
from lead_memory.services.extraction_queue import ExtractionQueue, Request

SOURCE = "cleanup"
PAGE = 50
"""Memories of one shard that are read and announced together; the time left is looked at before each page."""
PAGES_AT_ONCE = 8
"""Shards that take their turn at the same time. With ten entries in a call of the bus, at most 40 calls are under way:
its quota of calls is the account's, and integrations need it too."""


class DueMemory(NamedTuple):
    """A memory that time changes now: it is over, or something is to be written of it."""

    lead: Lead
    name: MemoryKey
    due_at: datetime
    row: str
    """What names the memory where it is stored: where names are hashed there, a hash."""
    newest: str
    """The ref of the last event folded into it."""


class Due(Protocol):
    def due(self, now: datetime, page: int) -> Sequence[AsyncIterator[Sequence[DueMemory]]]:
        """For each shard of the index of due dates, pages of the memories that are due, the oldest first.

        Nothing is read before a page is asked for. May raise `Unavailable`.
        """


class Report(NamedTuple):
    published: int
    threads: int
    """That the extractor is to look at."""
    finished: bool
    """False when time ran out, or not all was taken; the next run goes on."""


async def sweep(
    due: Due, bus: Bus, extraction: ExtractionQueue, *, now: datetime, has_time: Callable[[], bool]
) -> Report:
    """Announce what time decided of every memory that is due. What is not recorded yet is announced again.

    The shards take turns, page by page, so that in a backlog each has its part of the time. May raise `Unavailable`,
    once the shards that can go on are through.
    """
    turns = asyncio.Semaphore(PAGES_AT_ONCE)

    async def swept(shard: AsyncIterator[Sequence[DueMemory]]) -> Report:
        published, threads, all_taken = 0, 0, True
        while True:
            async with turns:
                memories = await anext(shard, None)
                if memories is None:
                    return Report(published, threads, finished=all_taken)
                if not has_time():
                    return Report(published, threads, finished=False)
                ended = [memory_expired(memory) for memory in memories if not names.is_thread(memory.name)]
                asked = [_request(memory) for memory in memories if names.is_thread(memory.name)]
                taken, sent = await through([bus.publish(ended), extraction.send(asked)])
            published += taken
            threads += sent
            all_taken &= taken == len(ended) and sent == len(asked)

    reports = await through(map(swept, due.due(now, PAGE)))
    return Report(
        sum(report.published for report in reports),
        sum(report.threads for report in reports),
        finished=all(report.finished for report in reports),
    )


async def through[T](work: Iterable[Awaitable[T]]) -> list[T]:
    """As `asyncio.gather`, but nothing goes on behind an error: raises the first one once all are through."""
    given: list[T] = []
    for result in await asyncio.gather(*work, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result
        given.append(result)
    return given


def memory_expired(memory: DueMemory) -> Entry:
    """The same expiry always has the same id, so that it is recorded once however often it is announced."""
    event_id = expiry_id(memory.row, memory.due_at, memory.newest)
    return entry(SOURCE, "memory.expired", memory.lead, event_id, memory.due_at, memory.name._asdict())


def expiry_id(row: str, ended_at: datetime, newest: str) -> str:
    """With the newest event: what is said again after an erasure ends for itself."""
    return hashlib.sha256("\n".join((row, ended_at.isoformat(), newest)).encode()).hexdigest()


def _request(thread: DueMemory) -> Request:
    return Request(organization_id=thread.lead.organization_id, lead_id=thread.lead.lead_id, row=thread.row)
