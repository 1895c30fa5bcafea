"""The index of due dates."""

import hashlib
import logging
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from datetime import datetime

from aiodynamo.expressions import HashKey, RangeKey

from lead_memory.adapters import keys
from lead_memory.adapters.memory_items import Item, memory_of
from lead_memory.adapters.table import DynamoTable
from lead_memory.domain.memories import Memory

logger = logging.getLogger(__name__)


class DueIndex:
    """`lead_memory.services.sweep.Due`."""

    def __init__(self, table: DynamoTable) -> None:
        self._table = table

    async def expired(self, now: datetime, page: int) -> AsyncIterator[Sequence[Memory]]:
        for shard in range(keys.DUE_SHARDS):
            condition = HashKey(keys.GSI1_PK, keys.due(shard)) & RangeKey(keys.GSI1_SK).lte(keys.due_at(now))
            found: list[keys.Key] = []
            async for item in self._table.query(condition, index=keys.GSI1):
                found.append(keys.Key(item[keys.PK], item[keys.SK]))
                if len(found) == page:
                    yield await self._still_expired(found, now)
                    found = []
            if found:
                yield await self._still_expired(found, now)

    async def _still_expired(self, found: Sequence[keys.Key], now: datetime) -> list[Memory]:
        """The index is eventually consistent: a memory may have been renewed or emptied since."""
        memories = _readable(await self._table.batch_get(found))
        return [memory for memory in memories if memory.value and memory.expired(now)]


def _readable(items: Iterable[Item]) -> Iterator[Memory]:
    """One item that cannot be read keeps none of the others waiting; its key is content, so its hash is logged."""
    for item in items:
        try:
            yield memory_of(item)
        except Exception as error:
            key = hashlib.sha256(f"{item[keys.PK]}\n{item[keys.SK]}".encode()).hexdigest()
            logger.error("the memory with the key hash %s could not be read: %s", key, type(error).__name__)
