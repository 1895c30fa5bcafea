"""The fake stores with what a rebuild reads, and damage done behind the recorder's back."""

from random import Random

import msgspec

from lead_memory.domain.memories import Lead, MemoryKey, MemoryType
from lead_memory.services.rebuild import Kind
from lead_memory.services.store import Snapshot, Stored
from tests.fakes import FaultyStore


class RebuildStore(FaultyStore):
    """`lead_memory.services.rebuild.Store`; without faults until asked for."""

    def __init__(self, random: Random | None = None) -> None:
        super().__init__(random or Random(0), fault_rate=0.0)

    def fail(self, rate: float) -> None:
        self._fault_rate = rate

    async def all_memories(self, lead: Lead) -> Snapshot:
        return await self.snapshot(lead, list(self.rows))

    def damage(self, random: Random) -> dict[MemoryKey, Kind]:
        """Loses rows, changes some, makes some unreadable, adds some, and forgets what some events touch.

        Says which rows differ now.
        """
        damaged: dict[MemoryKey, Kind] = {}
        for name, memory in sorted(self.memories.items()):
            row = self.rows[name]
            match random.randrange(5):
                case 0:
                    del self.rows[name]
                    damaged[name] = Kind.MISSING
                case 1:
                    other = msgspec.structs.replace(memory, value={"wrong": True}, fold_version=0)
                    self.rows[name] = Stored(other, row.version)
                    damaged[name] = Kind.DIFFERENT
                case 2:
                    invented = MemoryKey(MemoryType.INTEREST, f"invented_{len(damaged)}")
                    extra = msgspec.structs.replace(memory, memory_type=invented.memory_type, key=invented.key)
                    self.rows[invented] = Stored(extra, row.version)
                    damaged[invented] = Kind.EXTRA
                case 3:
                    self.rows[name] = Stored(None, row.version)
                    damaged[name] = Kind.DIFFERENT
        for ref in random.sample(sorted(self.touches), len(self.touches) // 2):
            self.touches[ref] = ()
        return damaged
