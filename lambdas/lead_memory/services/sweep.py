"""What time decides: find what is due, and put an event on the bus for it; for a thread, ask the extractor."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Protocol

from lead_memory.domain.conversation import names
from lead_memory.domain.lifecycle import Step
from lead_memory.domain.memories import Lead, MemoryKey
from lead_memory.services.bus import Bus, Entry, entry
from lead_memory.services.extraction_queue import ExtractionQueue, Request

SOURCE = "cleanup"
PAGE = 50
"""Memories of one shard that are read and announced together; the time left is looked at before each page."""
FIRED_TO = timedelta(minutes=10)
"""How exact the time of a transition is; longer than a run and the recording of what it announced."""
PAGES_AT_ONCE = 8
"""Shards that take their turn at the same time. With ten entries in a call of the bus, at most 40 calls are under way:
its quota of calls is the account's, and integrations need it too."""


class DueMemory(NamedTuple):
    """A memory that time changes now: it is over, it moves, or something is to be written of it."""

    lead: Lead
    name: MemoryKey
    step: Step
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
                decided = [decision(memory, now) for memory in memories if not names.is_thread(memory.name)]
                asked = [_request(memory) for memory in memories if names.is_thread(memory.name)]
                taken, sent = await through([bus.publish(decided), extraction.send(asked)])
            published += taken
            threads += sent
            all_taken &= taken == len(decided) and sent == len(asked)

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


def decision(memory: DueMemory, now: datetime) -> Entry:
    """The same expiry always has the same id, so that it is recorded once however often it is announced.

    Everything else fires now, for a grace is not over before it was given; within `FIRED_TO` it has one id.
    """
    step = memory.step
    if step.event_type == "memory.expired":
        event_id = expiry_id(memory.row, step.due_at, memory.newest)
        return entry(SOURCE, step.event_type, memory.lead, event_id, step.due_at, memory.name._asdict())
    fired_at = max(step.due_at, now - (now - datetime.min.replace(tzinfo=UTC)) % FIRED_TO)
    of_step = {"since": step.since, "storage_tier": step.storage_tier, "used_at": step.used_at}
    data = {**memory.name._asdict(), "rests_on": [memory.newest]}
    data |= {field: value for field, value in of_step.items() if value is not None}
    event_id = _digest(step.event_type, memory.row, fired_at.isoformat(), memory.newest, str(step.used_at))
    return entry(SOURCE, step.event_type, memory.lead, event_id, fired_at, data)


def expiry_id(row: str, ended_at: datetime, newest: str) -> str:
    """With the newest event: what is said again after an erasure ends for itself."""
    return _digest(row, ended_at.isoformat(), newest)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _request(thread: DueMemory) -> Request:
    return Request(organization_id=thread.lead.organization_id, lead_id=thread.lead.lead_id, row=thread.row)
