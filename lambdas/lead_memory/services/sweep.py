"""What time decides: find what is due, and put an event on the bus for it. The event does the rest."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import Any, NamedTuple, Protocol

import msgspec

from lead_memory.domain.conversation import names
from lead_memory.domain.memories import Lead, Memory, MemoryKey

SOURCE = "cleanup"
SUMMARIZED, REACTIVATION_PREPARED = "thread.summarized", "thread.reactivation_prepared"
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


type OfThread = Callable[[DueMemory], Awaitable[Sequence[Entry]]]
"""What is to be said of a thread that is due; raises nothing."""


async def sweep(due: Due, bus: Bus, of_thread: OfThread, *, now: datetime, has_time: Callable[[], bool]) -> Report:
    """Announce what time decided of every memory that is due. What is not recorded yet is announced again.

    The shards take turns, page by page, so that in a backlog each has its part of the time. May raise `Unavailable`,
    once the shards that can go on are through.
    """
    turns = asyncio.Semaphore(PAGES_AT_ONCE)

    async def said_of(memory: DueMemory) -> Sequence[Entry]:
        return await of_thread(memory) if names.is_thread(memory.name) else [memory_expired(memory)]

    async def swept(shard: AsyncIterator[Sequence[DueMemory]]) -> Report:
        published, all_taken = 0, True
        while True:
            async with turns:
                memories = await anext(shard, None)
                if memories is None:
                    return Report(published, finished=all_taken)
                if not has_time():
                    return Report(published, finished=False)
                entries = list(chain.from_iterable(await through(map(said_of, memories))))
                taken = await bus.publish(entries)
            published += taken
            all_taken &= taken == len(entries)

    reports = await through(map(swept, due.due(now, PAGE)))
    return Report(sum(report.published for report in reports), finished=all(report.finished for report in reports))


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
    return entry("memory.expired", memory.lead, event_id, memory.due_at, memory.name._asdict())


def expiry_id(row: str, ended_at: datetime, newest: str) -> str:
    """With the newest event: what is said again after an erasure ends for itself."""
    return _identity(row, ended_at.isoformat(), newest)


def written_id(event_type: str, row: str, *made_of: Memory) -> str:
    """Of what is written of a thread, made of memories as they are: after an erasure they have fewer events."""
    states = (f"{memory.newest.ref} {memory.source_event_count}" for memory in made_of)
    return _identity(event_type, row, *states)


def entry(event_type: str, lead: Lead, event_id: str, occurred_at: datetime, data: Mapping[str, Any]) -> Entry:
    detail = {
        "metadata": {
            "event_id": event_id,
            "occurred_at": occurred_at.isoformat(),
            "organization_id": lead.organization_id,
            "lead_organization_id": lead.lead_id,
            "version": 1,
        },
        "data": data,
    }
    return Entry(SOURCE, event_type, msgspec.json.encode(detail).decode())


def _identity(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
