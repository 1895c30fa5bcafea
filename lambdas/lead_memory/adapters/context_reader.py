"""What a context is made of, on the table."""

from collections.abc import Collection, Mapping

from aiodynamo.expressions import F, HashKey, RangeKey

from lead_memory.adapters import keys
from lead_memory.adapters.memory_items import ERASED_AT, ORGANIZATION
from lead_memory.adapters.memory_reader import THROTTLED, MemoryReader, key_of
from lead_memory.domain.errors import Erased, Unavailable
from lead_memory.domain.memories import Lead, Memory, MemoryKey, MemoryType
from lead_memory.services.context import Some
from lead_memory.services.resolve import Read


class ContextReader(MemoryReader):
    """`lead_memory.services.context.Reader`."""

    async def of_lead(self, lead: Lead, wanted: Collection[MemoryKey]) -> Mapping[MemoryKey, Read] | None:
        keyring = await self._keyrings.of(lead.organization_id)
        if keyring is None:
            return None
        head_key = keys.head_key(lead.lead_id)
        places = {keyring.memory_key(lead.lead_id, name): name for name in wanted}
        items, throttled = await self._table.read([head_key, *places], consistent=True)
        if head_key in throttled:
            raise Unavailable("DynamoDB did not answer: Throttled")  # whether the lead was erased is not known
        found = {key_of(item): item for item in items}
        head = found.pop(head_key, {})
        if head.get(ORGANIZATION) != lead.organization_id:
            return None
        if ERASED_AT in head:
            raise Erased("the lead was erased")
        memories = await self._opened(lead.organization_id, found.values(), keyring)
        return {places[key]: memory for key, memory in (dict.fromkeys(throttled, THROTTLED) | memories).items()}

    async def of_type(self, lead: Lead, memory_type: MemoryType, limit: int) -> Some:
        """The first by key."""
        prefix = keys.memory_sk(MemoryKey(memory_type, ""))
        condition = HashKey(keys.PK, lead.lead_id) & RangeKey(keys.SK).begins_with(prefix)
        # Filtered by DynamoDB: of another organization's lead nothing is sent.
        own = F(ORGANIZATION).equals(lead.organization_id)
        # One more than is wanted, for at its limit DynamoDB does not say whether anything comes after it.
        items, are_more = await self._table.page(condition, own, limit + 1)
        keyring = await self._keyrings.of(lead.organization_id)
        found = await self._opened(lead.organization_id, items[:limit], keyring) if keyring else {}
        memories = [memory for memory in found.values() if isinstance(memory, Memory)]
        return Some(memories, whole=not are_more and len(memories) == len(found))
