"""The leads of an organization, through the index: nothing is scanned."""

from collections.abc import AsyncIterator, Sequence

from aiodynamo.expressions import HashKey, KeyCondition, RangeKey

from lead_memory.adapters import keys
from lead_memory.adapters.table import DynamoTable
from lead_memory.domain.memories import Lead

PAGE = 100


class Registry:
    """Eventually consistent: a lead may show there a moment after its first event."""

    def __init__(self, table: DynamoTable) -> None:
        self._table = table

    async def leads(self, organization_id: str, after: str | None = None) -> AsyncIterator[Sequence[Lead]]:
        """Pages, always in the same order, from the one that comes next after a lead that is or was there."""
        partitions = keys.registries(organization_id)
        first = partitions.index(keys.registry(organization_id, after)) if after else 0
        for partition in partitions[first:]:
            async for page in self._pages(
                organization_id, partition, after if partition == partitions[first] else None
            ):
                yield page

    async def erased(self, organization_id: str) -> AsyncIterator[Sequence[Lead]]:
        """Those whose tombstones stand."""
        for partition in keys.erased_registries(organization_id):
            async for page in self._pages(organization_id, partition, None):
                yield page

    async def _pages(self, organization_id: str, partition: str, after: str | None) -> AsyncIterator[list[Lead]]:
        condition: KeyCondition = HashKey(keys.GSI1_PK, partition)
        if after:
            condition = HashKey(keys.GSI1_PK, partition) & RangeKey(keys.GSI1_SK).gt(after)
        found: list[Lead] = []
        async for item in self._table.query(condition, index=keys.GSI1):
            found.append(Lead(organization_id, item[keys.GSI1_SK]))
            if len(found) == PAGE:
                yield found
                found = []
        if found:
            yield found
