"""The index of due dates."""

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from aiodynamo.expressions import HashKey, RangeKey

from lead_memory.adapters import keys
from lead_memory.adapters.keyrings import Keyrings
from lead_memory.adapters.memory_items import NAME, NEWEST, ORGANIZATION, Item, memory_name, time
from lead_memory.adapters.table import DynamoTable
from lead_memory.domain.errors import Erased
from lead_memory.domain.memories import Lead
from lead_memory.services.sweep import DueMemory

logger = logging.getLogger(__name__)

_PLACE = (keys.PK, keys.SK, keys.GSI1_PK, keys.GSI1_SK)
_LOOKED_AT = (keys.PK, keys.SK, keys.GSI1_SK, ORGANIZATION, NEWEST, NAME)
"""The value stays where it is: a page of memories may be megabytes of them."""


class DueIndex:
    """`lead_memory.services.sweep.Due`."""

    def __init__(self, table: DynamoTable, keyrings: Keyrings) -> None:
        self._table = table
        self._keyrings = keyrings

    def due(self, now: datetime, page: int) -> list[AsyncIterator[Sequence[DueMemory]]]:
        return [self._pages(shard, now, page) for shard in range(keys.DUE_SHARDS)]

    async def _pages(self, shard: int, now: datetime, page: int) -> AsyncIterator[Sequence[DueMemory]]:
        condition = HashKey(keys.GSI1_PK, keys.due(shard)) & RangeKey(keys.GSI1_SK).lte(keys.due_at(now))
        after: Item | None = None
        while True:
            query = self._table.query(condition, index=keys.GSI1, limit=page, after=after)
            places = [{name: item[name] for name in _PLACE} async for item in query]
            if places:
                # A date that was put off may stand at both, for the index is written in steps.
                found = dict.fromkeys(keys.Key(place[keys.PK], place[keys.SK]) for place in places)
                yield await self._still_due(list(found), now)
            if len(places) < page:
                return
            after = places[-1]

    async def _still_due(self, found: Sequence[keys.Key], now: datetime) -> list[DueMemory]:
        """The index is eventually consistent: a memory may have been renewed or emptied since."""
        items = await self._table.batch_get(found, _LOOKED_AT)
        due = [item for item in items if item.get(keys.GSI1_SK, keys.NEVER) <= keys.due_at(now)]
        # At once, because a key service that is silent takes its time for each.
        return [memory for memory in await asyncio.gather(*map(self._due, due)) if memory]

    async def _due(self, item: Item) -> DueMemory | None:
        """One item that cannot be read keeps none of the others waiting; its key is content, so its hash is logged."""
        try:
            lead = Lead(item[ORGANIZATION], item[keys.PK])
            name = await self._keyrings.opened(lead.organization_id, lambda keyring: memory_name(item, keyring))
            newest = "/".join(item[NEWEST][2:])
            return DueMemory(lead, name, time(item[keys.GSI1_SK]), row=item[keys.SK], newest=newest) if name else None
        except Erased:
            return None
        except Exception as error:
            key = hashlib.sha256(f"{item[keys.PK]}\n{item[keys.SK]}".encode()).hexdigest()
            logger.error("the memory with the key hash %s could not be read: %s", key, type(error).__name__)
            return None
