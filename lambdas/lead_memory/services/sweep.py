"""What time decides: find what is due, and put an event on the bus for it. The event does the rest."""

import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

import msgspec

from lead_memory.domain.memories import Lead, MemoryKey

SOURCE = "cleanup"
PAGE = 10
"""What one call of the bus takes, so that the time left is looked at before each."""


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
    def expired(self, now: datetime, page: int) -> AsyncIterator[Sequence[Ended]]:
        """Pages of the memories whose time is over, through the index of due dates. May raise `Unavailable`."""


class Bus(Protocol):
    async def publish(self, entries: Sequence["Entry"]) -> None:
        """All of them, or raises `Unavailable`; publishing some twice does no harm."""


class Entry(NamedTuple):
    source: str
    detail_type: str
    detail: str


class Report(NamedTuple):
    published: int
    finished: bool
    """False when time ran out; the next run goes on."""


async def sweep(due: Due, bus: Bus, *, now: datetime, has_time: Callable[[], bool]) -> Report:
    """Announce every memory that has expired. What was announced and not yet recorded is announced again."""
    published = 0
    async for memories in due.expired(now, PAGE):
        if not has_time():
            return Report(published, finished=False)
        await bus.publish([memory_expired(memory) for memory in memories])
        published += len(memories)
    return Report(published, finished=True)


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
