"""What the extractor needs of the world around it."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from lead_memory.domain.conversation.settings import ConversationSettings
from lead_memory.domain.events import Event
from lead_memory.domain.memories import Lead, Memory, MemoryKey
from lead_memory.services.attempts import Outcome
from lead_memory.services.bus import Bus
from lead_memory.services.extraction_queue import ExtractionQueue
from lead_memory.services.gate import Budgets
from lead_memory.services.models import Model


class Standing(NamedTuple):
    """What is known of a thread; None for what is not there."""

    thread: Memory | None = None
    profile: Memory | None = None
    entities: Memory | None = None


class Threads(Protocol):
    """Strongly consistent; nothing that was erased, or is another organization's. May raise `Unavailable`, `Erased`."""

    async def event(self, lead: Lead, ref: str) -> Event | None: ...

    async def row(self, lead: Lead, thread_id: str) -> str: ...

    async def standing(self, lead: Lead, row: str) -> Standing: ...

    async def messages(self, lead: Lead, row: str, newest: int) -> Sequence[Event]:
        """The newest of the thread's messages, in their order; of the log, through its index."""

    async def refs(self, lead: Lead, name: MemoryKey, newest: int) -> Sequence[str]:
        """Of the newest events with a part in a memory, the newest first; one that was just recorded may be missing."""

    async def memories(self, lead: Lead, wanted: Collection[MemoryKey]) -> Sequence[Memory]: ...


class Leases(Protocol):
    async def hold(self, lead: Lead, row: str, owner: str, now: datetime, until: datetime) -> bool:
        """False where somebody else holds it; whoever holds it can hold it for longer, or shorter."""


class Organizations(Protocol):
    async def of(self, organization_id: str) -> ConversationSettings: ...


class Ports(NamedTuple):
    threads: Threads
    organizations: Organizations
    leases: Leases
    budgets: Budgets
    model: Model
    bus: Bus
    queue: ExtractionQueue
    clock: Callable[[], datetime]
    new_id: Callable[[], str]
    report: Callable[[Outcome, str], None]
    """Is told of each outcome, and in which attempt."""


class Times(NamedTuple):
    pause_seconds: int
    """Before the first time that a job is tried again."""
    recording_seconds: int
    """Within which an event that was published is recorded."""
