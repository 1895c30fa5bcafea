"""A store in memory that behaves as the table does, and one that fails on purpose."""

import asyncio
from collections.abc import Collection
from itertools import count
from random import Random

from lead_memory.domain import canonical
from lead_memory.domain.errors import AlreadyRecorded, Conflict, Unavailable
from lead_memory.domain.events import Event
from lead_memory.domain.memories import Memory, MemoryKey
from lead_memory.services.store import Commit, Known, Snapshot, Stored, Write


class MemoryStore:
    """`lead_memory.services.store.Store` of one lead, with the table's conditions."""

    def __init__(self) -> None:
        self.organization_id: str | None = None
        self.rows: dict[MemoryKey, Stored] = {}
        self.events: dict[str, tuple[Event, bool]] = {}
        self.touches: dict[str, Collection[MemoryKey]] = {}
        self.commits: list[Commit] = []
        self.log_reads = 0
        self._versions = count(1)

    @property
    def memories(self) -> dict[MemoryKey, Memory]:
        return {name: stored.memory for name, stored in self.rows.items()}

    async def snapshot(self, lead_id: str, names: Collection[MemoryKey]) -> Snapshot:
        return Snapshot(self.organization_id, {name: self.rows[name] for name in names if name in self.rows})

    async def log(self, lead_id: str) -> list[Event]:
        self.log_reads += 1
        return [event for event, _ in self.events.values()]

    async def linked_log(self, lead_id: str) -> list[tuple[Event, frozenset[MemoryKey]]]:
        return [(event, frozenset(self.touches[event.ref])) for event in await self.log(lead_id)]

    async def known(self, lead_id: str, refs: Collection[str]) -> dict[str, Known]:
        found = {ref: self.events[ref] for ref in refs if ref in self.events}
        return {ref: Known(event.content_hashes, settled) for ref, (event, settled) in found.items()}

    async def commit(self, commit: Commit) -> None:
        assert len(commit.touches) + len(commit.writes) + (commit.new_lead_of is not None) <= 100
        if again := [event.ref for event in commit.events if event.ref in self.events]:
            raise AlreadyRecorded(again)
        if commit.new_lead_of is not None and self.organization_id is not None:
            raise Conflict
        if any(self._lost(write) for write in commit.writes):
            raise Conflict
        self.commits.append(commit)
        assert set(commit.touches) >= {event.ref for event in commit.events}
        self.touches.update(commit.touches)
        self.organization_id = commit.new_lead_of or self.organization_id
        self.events.update({event.ref: (event, commit.settled) for event in commit.events})
        if commit.settles is not None:
            self.events[commit.settles] = (self.events[commit.settles][0], True)
        for write in commit.writes:
            if write.memory is None:
                self.rows.pop(write.name, None)
            else:
                self.rows[write.name] = Stored(write.memory, next(self._versions))

    def _lost(self, write: Write) -> bool:
        row = self.rows.get(write.name)
        return (row.version if row else None) != write.version


class FaultyStore(MemoryStore):
    """Yields to other writers around every call, refuses some calls, and loses some answers after a commit."""

    def __init__(self, random: Random, fault_rate: float) -> None:
        super().__init__()
        self._random = random
        self._fault_rate = fault_rate

    async def snapshot(self, lead_id: str, names: Collection[MemoryKey]) -> Snapshot:
        await self._trouble()
        return await super().snapshot(lead_id, names)

    async def log(self, lead_id: str) -> list[Event]:
        await self._trouble()
        return await super().log(lead_id)

    async def known(self, lead_id: str, refs: Collection[str]) -> dict[str, Known]:
        await self._trouble()
        return await super().known(lead_id, refs)

    async def commit(self, commit: Commit) -> None:
        await self._trouble()
        await super().commit(commit)
        await self._trouble()

    async def _trouble(self) -> None:
        for _ in range(self._random.randrange(4)):
            await asyncio.sleep(0)
        if self._random.random() < self._fault_rate:
            raise Unavailable("injected")


async def no_pause(_: int) -> None:
    await asyncio.sleep(0)


def canonical_bytes(memories: dict[MemoryKey, Memory]) -> dict[str, bytes]:
    return {str(name): canonical.encode(memory) for name, memory in memories.items()}
