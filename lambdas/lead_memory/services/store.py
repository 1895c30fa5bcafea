"""What the use cases that write need of a store, and what a store can take at once."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, Protocol

import msgspec

from lead_memory.domain.events import Event
from lead_memory.domain.memories import Memory, MemoryKey

TRANSACTION_ITEMS = 100
TRANSACTION_BYTES = 3_500_000
"""DynamoDB takes 4 MB; the rest is for the memories and for the attributes' names."""

VALUE_BYTES = 380_000
"""DynamoDB takes 409,600 an item; the rest is for the key and the ids of the events that a memory rests on."""


class Stored(NamedTuple):
    memory: Memory
    version: int
    """Of the row, another at every write: a number that only counts would come again after a delete."""


class Snapshot(NamedTuple):
    organization_id: str | None
    """The lead's; None while the lead is not known."""
    memories: Mapping[MemoryKey, Stored]


class Known(NamedTuple):
    content_hashes: tuple[str, ...]
    settled: bool
    """Whether all that the event says about memories has been written."""


class Write(NamedTuple):
    name: MemoryKey
    memory: Memory | None
    """None deletes; where there was no row, it says that there must still be none."""
    version: int | None
    """The row's version that was read; None when there was no row."""


class Commit(msgspec.Struct, frozen=True, kw_only=True):
    """One transaction: all of it happens or nothing."""

    lead_id: str
    new_lead_of: str | None = None
    """The organization, when the lead's head is to be written too."""
    events: Sequence[Event] = ()
    touches: Mapping[str, Collection[MemoryKey]] = {}
    """By ref, the memories that an event has a part in: of these events, and of earlier ones where that changes."""
    settled: bool = True
    settles: str | None = None
    """The ref of an event recorded earlier that is settled with this."""
    writes: Sequence[Write] = ()


class Store(Protocol):
    """Reads are strongly consistent. Every method may raise `Unavailable`."""

    async def snapshot(self, lead_id: str, names: Collection[MemoryKey]) -> Snapshot: ...

    async def log(self, lead_id: str) -> list[Event]: ...

    async def linked_log(self, lead_id: str) -> list[tuple[Event, frozenset[MemoryKey]]]:
        """The log, and the memories that each event is written to have a part in."""

    async def known(self, lead_id: str, refs: Collection[str]) -> dict[str, Known]: ...

    async def commit(self, commit: Commit) -> None:
        """Raises `AlreadyRecorded`, `Conflict`, or `Rejected` when an event does not fit into an item."""
