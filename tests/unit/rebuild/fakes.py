"""The fake stores with what a rebuild reads, and damage done behind the recorder's back."""

from random import Random

import msgspec

from lead_memory.domain.memories import MemoryKey, MemoryType
from lead_memory.services.rebuild import Kind
from lead_memory.services.store import Snapshot, Stored
from tests.fakes import FaultyStore


class RebuildStore(FaultyStore):
    """`lead_memory.services.rebuild.Store`; without faults until asked for."""

    def __init__(self, random: Random | None = None) -> None:
        super().__init__(random or Random(0), fault_rate=0.0)

    def fail(self, rate: float) -> None:
        self._fault_rate = rate

    async def all_memories(self, lead_id: str) -> Snapshot:
        return await self.snapshot(lead_id, list(self.rows))

    def damage(self, random: Random) -> dict[MemoryKey, Kind]:
        """Loses rows, changes rows, adds one, and forgets what some events touch; says which rows differ now."""
        damaged: dict[MemoryKey, Kind] = {}
        for name, row in sorted(self.rows.items()):
            match random.randrange(4):
                case 0:
                    del self.rows[name]
                    damaged[name] = Kind.MISSING
                case 1:
                    other = msgspec.structs.replace(row.memory, value={"wrong": True}, fold_version=0)
                    self.rows[name] = Stored(other, row.version)
                    damaged[name] = Kind.DIFFERENT
                case 2:
                    invented = MemoryKey(MemoryType.INTEREST, f"invented_{len(damaged)}")
                    extra = msgspec.structs.replace(row.memory, memory_type=invented.memory_type, key=invented.key)
                    self.rows[invented] = Stored(extra, row.version)
                    damaged[invented] = Kind.EXTRA
        for ref in random.sample(sorted(self.touches), len(self.touches) // 2):
            self.touches[ref] = ()
        return damaged
