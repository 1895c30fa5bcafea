"""What a context is made of, on the table."""

from collections.abc import Sequence

from aiodynamo.expressions import HashKey, RangeKey

from lead_memory.adapters import keys
from lead_memory.adapters.keyrings import Keyrings
from lead_memory.adapters.memory_items import ERASED_AT, ORGANIZATION, memory_of
from lead_memory.adapters.memory_reader import MemoryReader
from lead_memory.adapters.table import DynamoTable
from lead_memory.domain.errors import Erased
from lead_memory.domain.memories import Lead, Memory, MemoryKey, MemoryType


class ContextReader(MemoryReader):
    """`lead_memory.services.context.Reader`."""

    def __init__(self, table: DynamoTable, keyrings: Keyrings) -> None:
        super().__init__(table, keyrings, consistent=True)

    async def knows(self, lead: Lead) -> bool:
        head = await self._table.get(keys.head_key(lead.lead_id), consistent=True)
        if head is None or head.get(ORGANIZATION) != lead.organization_id:
            return False
        if ERASED_AT in head:
            raise Erased("the lead was erased")
        return True

    async def of_type(self, lead: Lead, memory_type: MemoryType, limit: int) -> Sequence[Memory]:
        """The first by key; raises what reading one of them raises."""
        prefix = keys.memory_sk(MemoryKey(memory_type, ""))
        condition = HashKey(keys.PK, lead.lead_id) & RangeKey(keys.SK).begins_with(prefix)
        items = [item async for item in self._table.query(condition, limit=limit)]
        own = [item for item in items if item.get(ORGANIZATION) == lead.organization_id]
        opened = await self._keyrings.opened(lead.organization_id, lambda keyring: [memory_of(i, keyring) for i in own])
        return opened or []
