"""The resolver's memories, on the table."""

from lead_memory.adapters import keys
from lead_memory.adapters.keyrings import Keyrings
from lead_memory.adapters.memory_items import ERASED_AT, ORGANIZATION, memory_of
from lead_memory.adapters.table import DynamoTable
from lead_memory.domain.memories import Lead, Memory, MemoryKey


class MemoryReader:
    """`lead_memory.services.resolve.MemoryReader`.

    The resolver imports this module at start, so it knows memories and nothing of events.
    """

    def __init__(self, table: DynamoTable, keyrings: Keyrings) -> None:
        self._table = table
        self._keyrings = keyrings

    async def get(self, lead: Lead, name: MemoryKey) -> Memory | None:
        """Eventually consistent: a greeting a second old costs less than a read that costs twice."""
        keyring = await self._keyrings.of(lead.organization_id)
        if keyring is None:
            return None
        item = await self._table.get(keyring.memory_key(lead.lead_id, name))
        if item is None or item[ORGANIZATION] != lead.organization_id:
            return None
        return await self._keyrings.opened(lead.organization_id, lambda keyring: memory_of(item, keyring))

    async def erased(self, lead: Lead) -> bool:
        head = await self._table.get(keys.head_key(lead.lead_id))
        return head is not None and head[ORGANIZATION] == lead.organization_id and ERASED_AT in head
