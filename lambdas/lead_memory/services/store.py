"""What the use cases that write need of a store, and what a store can take at once."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, Protocol

import msgspec

from lead_memory.domain.events import Event
from lead_memory.domain.memories import Lead, Memory, MemoryKey

TRANSACTION_ITEMS = 100
TRANSACTION_BYTES = 3_500_000
"""DynamoDB takes 4 MB; the rest is for the memories and for the attributes' names."""


class Stored(NamedTuple):
    memory: Memory | None
    """None for a row that does not open, because it was damaged: the log makes it again."""
    version: int
    """Of the row, another at every write: a number that only counts would come again after a delete."""
    content_object: str | None = None
    """Where its value lies when the row has not room for it, or is not the place for it."""
    misplaced: bool = False
    """In the index of due dates: the organization's policy says otherwise by now."""


class Snapshot(NamedTuple):
    organization_id: str | None
    """Whose lead it is; None while the lead is not known. To another organization it has no memories."""
    memories: Mapping[MemoryKey, Stored]


class Known(NamedTuple):
    content_hashes: tuple[str, ...]
    settled: bool
    """Whether all that the event says about memories has been written."""
    erased: bool = False
    """Only that it was erased is known: it has no content, and there is nothing to settle."""


class Write(NamedTuple):
    name: MemoryKey
    memory: Memory | None
    """None deletes; where there was no row, it says that there must still be none."""
    version: int | None
    """The row's version that was read; None when there was no row."""
    content_object: str | None = None
    """As in `Stored`, of the row that was read: it is of no use any more."""


class Commit(msgspec.Struct, frozen=True, kw_only=True):
    """One transaction: all of it happens or nothing."""

    lead: Lead
    new_lead: bool = False
    """Whether the lead's head is to be written too."""
    events: Sequence[Event] = ()
    touches: Mapping[str, Collection[MemoryKey]] = {}
    """By ref, the memories that an event has a part in: of these events, and of earlier ones where that changes."""
    settled: bool = True
    settles: str | None = None
    """The ref of an event recorded earlier that is settled with this."""
    rests_on: str | None = None
    """The ref of an event recorded earlier without which this is not to be written: it may be erased meanwhile."""
    outlived_by: Collection[str] = ()
    """Refs of events of which none may have been erased; they may be unknown yet."""
    writes: Sequence[Write] = ()
    erases: Mapping[str, bool] = {}
    """By ref of the events in whose places tombstones are to stand, whether it is in the log; else it must not be."""


class Store(Protocol):
    """Reads are strongly consistent. Every method may raise `Unavailable`, and `Erased` for a lead that was erased."""

    async def snapshot(self, lead: Lead, names: Collection[MemoryKey]) -> Snapshot: ...

    async def log(self, lead: Lead) -> list[Event]:
        """Without the events that were erased."""

    async def linked_log(self, lead: Lead) -> list[tuple[Event, frozenset[MemoryKey]]]:
        """The log, and the memories that each event is written to have a part in."""

    async def known(self, lead: Lead, refs: Collection[str]) -> dict[str, Known]: ...

    async def commit(self, commit: Commit) -> None:
        """Raises `AlreadyRecorded`, `Conflict`, or `Rejected` when an event does not fit into an item."""
