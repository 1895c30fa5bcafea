"""The index of due dates."""

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from aiodynamo.expressions import HashKey, RangeKey

from lead_memory.adapters import keys
from lead_memory.adapters.keyrings import Keyrings
from lead_memory.adapters.memory_items import ENDS_AT, ORGANIZATION, Item, memory_name, time
from lead_memory.adapters.table import DynamoTable
from lead_memory.domain.errors import Erased
from lead_memory.domain.memories import Lead
from lead_memory.services.sweep import Ended

logger = logging.getLogger(__name__)


class DueIndex:
    """`lead_memory.services.sweep.Due`."""

    def __init__(self, table: DynamoTable, keyrings: Keyrings) -> None:
        self._table = table
        self._keyrings = keyrings

    async def expired(self, now: datetime, page: int) -> AsyncIterator[Sequence[Ended]]:
        for shard in range(keys.DUE_SHARDS):
            condition = HashKey(keys.GSI1_PK, keys.due(shard)) & RangeKey(keys.GSI1_SK).lte(keys.due_at(now))
            found: list[keys.Key] = []
            async for item in self._table.query(condition, index=keys.GSI1):
                found.append(keys.Key(item[keys.PK], item[keys.SK]))
                if len(found) == page:
                    yield await self._still_due(found, now)
                    found = []
            if found:
                yield await self._still_due(found, now)

    async def _still_due(self, found: Sequence[keys.Key], now: datetime) -> list[Ended]:
        """The index is eventually consistent: a memory may have been renewed or emptied since."""
        items = await self._table.batch_get(found)
        due = [item for item in items if item.get(keys.GSI1_SK, keys.NEVER) <= keys.due_at(now)]
        # At once, because a key service that is silent takes its time for each.
        return [ended for ended in await asyncio.gather(*map(self._ended, due)) if ended]

    async def _ended(self, item: Item) -> Ended | None:
        """One item that cannot be read keeps none of the others waiting; its key is content, so its hash is logged."""
        try:
            lead = Lead(item[ORGANIZATION], item[keys.PK])
            name = await self._keyrings.opened(lead.organization_id, lambda keyring: memory_name(item, keyring))
            newest = "/".join(item["newest"][2:])
            return Ended(lead, name, time(item[ENDS_AT]), row=item[keys.SK], newest=newest) if name else None
        except Erased:
            return None
        except Exception as error:
            key = hashlib.sha256(f"{item[keys.PK]}\n{item[keys.SK]}".encode()).hexdigest()
            logger.error("the memory with the key hash %s could not be read: %s", key, type(error).__name__)
            return None
