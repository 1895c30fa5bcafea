"""A store in memory that behaves as the table does, and one that fails on purpose."""

import asyncio
from collections.abc import Collection, Mapping
from itertools import count
from os import urandom
from random import Random

import msgspec

from lead_memory.adapters.kms import DataKey, KeyService
from lead_memory.adapters.sealing import KEY_BYTES
from lead_memory.domain import canonical
from lead_memory.domain.errors import AlreadyRecorded, Conflict, Erased, KeysUnavailable, Unavailable
from lead_memory.domain.events import Event
from lead_memory.domain.memories import Lead, Memory, MemoryKey
from lead_memory.services.store import TRANSACTION_ITEMS, Commit, Known, Snapshot, Stored, Write


class MemoryStore:
    """`lead_memory.services.store.Store` of one lead, with the table's conditions."""

    def __init__(self) -> None:
        self.organization_id: str | None = None
        self.rows: dict[MemoryKey, Stored] = {}
        self.events: dict[str, tuple[Event, bool]] = {}
        self.touches: dict[str, Collection[MemoryKey]] = {}
        self.erased: set[str] = set()
        """Refs of the events that were erased."""
        self.lead_erased = False
        self.commits: list[Commit] = []
        self.log_reads = 0
        self._versions = count(1)

    @property
    def memories(self) -> dict[MemoryKey, Memory]:
        return {name: stored.memory for name, stored in self.rows.items() if stored.memory}

    async def snapshot(self, lead: Lead, names: Collection[MemoryKey]) -> Snapshot:
        self._refuse_erased(lead)
        own = {name: self.rows[name] for name in names if name in self.rows}
        return Snapshot(self.organization_id, own if self.organization_id == lead.organization_id else {})

    async def log(self, lead: Lead) -> list[Event]:
        self.log_reads += 1
        return [event for event, _ in self.events.values()]

    async def linked_log(self, lead: Lead) -> list[tuple[Event, frozenset[MemoryKey]]]:
        return [(event, frozenset(self.touches[event.ref])) for event in await self.log(lead)]

    async def known(self, lead: Lead, refs: Collection[str]) -> dict[str, Known]:
        found = {ref: self.events[ref] for ref in refs if ref in self.events}
        erased = {ref: Known((), settled=True, erased=True) for ref in self.erased.intersection(refs)}
        return erased | {ref: Known(event.content_hashes, settled) for ref, (event, settled) in found.items()}

    async def commit(self, commit: Commit) -> None:
        assert _operations(commit) <= TRANSACTION_ITEMS
        self._refuse_erased(commit.lead)
        if again := [event.ref for event in commit.events if event.ref in self.events or event.ref in self.erased]:
            raise AlreadyRecorded(again)
        if self.erased.intersection({*commit.touches, *commit.outlived_by, commit.settles, commit.rests_on}):
            raise Conflict
        if commit.new_lead and self.organization_id is not None:
            raise Conflict
        if any(self._lost(write) for write in commit.writes):
            raise Conflict
        if any(ref in self.erased or (ref in self.events) != recorded for ref, recorded in commit.erases.items()):
            raise Conflict
        self.commits.append(commit)
        assert set(commit.touches) >= {event.ref for event in commit.events}
        self.touches.update(commit.touches)
        self.organization_id = commit.lead.organization_id if commit.new_lead else self.organization_id
        self.events.update({event.ref: (event, commit.settled) for event in commit.events})
        if commit.settles is not None:
            self.events[commit.settles] = (self.events[commit.settles][0], True)
        for ref in commit.erases:
            self.events.pop(ref, None)
            self.touches.pop(ref, None)
            self.erased.add(ref)
        for write in commit.writes:
            if write.memory is None:
                self.rows.pop(write.name, None)
            else:
                self.rows[write.name] = Stored(_as_stored(write.memory), next(self._versions))

    def _refuse_erased(self, lead: Lead) -> None:
        if self.lead_erased and lead.organization_id == self.organization_id:
            raise Erased("the lead was erased")

    def _lost(self, write: Write) -> bool:
        row = self.rows.get(write.name)
        return (row.version if row else None) != write.version


class FaultyStore(MemoryStore):
    """Yields to other writers around every call, refuses some calls, and loses some answers after a commit."""

    def __init__(self, random: Random, fault_rate: float) -> None:
        super().__init__()
        self._random = random
        self._fault_rate = fault_rate

    async def snapshot(self, lead: Lead, names: Collection[MemoryKey]) -> Snapshot:
        await self._trouble()
        return await super().snapshot(lead, names)

    async def log(self, lead: Lead) -> list[Event]:
        await self._trouble()
        return await super().log(lead)

    async def known(self, lead: Lead, refs: Collection[str]) -> dict[str, Known]:
        await self._trouble()
        return await super().known(lead, refs)

    async def commit(self, commit: Commit) -> None:
        await self._trouble()
        await super().commit(commit)
        await self._trouble()

    async def _trouble(self) -> None:
        for _ in range(self._random.randrange(4)):
            await asyncio.sleep(0)
        if self._random.random() < self._fault_rate:
            raise Unavailable("injected")


class FakeKeyService(KeyService):
    """Wraps without a secret: the organization's id, then the key. What one wraps, every other opens."""

    def __init__(self) -> None:
        """Asks nobody."""

    async def generate(self, organization_id: str) -> DataKey:
        key = urandom(KEY_BYTES)
        return DataKey(key, organization_id.encode() + key)

    async def unwrap(self, organization_id: str, wrapped: bytes) -> bytes:
        if not wrapped.startswith(organization_id.encode()):
            raise KeysUnavailable("wrapped for another organization")
        return wrapped.removeprefix(organization_id.encode())


def _as_stored(memory: Memory) -> Memory:
    """An object's fields come back by their names, whatever order they were put in."""
    return msgspec.structs.replace(memory, value=canonical.decode(canonical.encode(memory.value)))


def _operations(commit: Commit) -> int:
    """The head is put, or it is checked where no row was there before."""
    head = commit.new_lead or all(write.version is None for write in commit.writes)
    of_event = [ref for ref in (commit.settles, commit.rests_on) if ref is not None]
    conditions = len(of_event) + len(commit.outlived_by) + head
    return len(commit.touches) + len(commit.writes) + len(commit.erases) + conditions


async def no_pause(_: int) -> None:
    await asyncio.sleep(0)


def canonical_bytes(memories: Mapping[MemoryKey, Memory | None]) -> dict[str, bytes]:
    return {str(name): canonical.encode(memory) for name, memory in memories.items()}
