"""The index of due dates."""

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from aiodynamo.expressions import HashKey, RangeKey

from lead_memory.adapters import keys
from lead_memory.adapters.keyrings import Keyrings
from lead_memory.adapters.memory_items import (
    ENDS_AT,
    LAST_ACCESSED_AT,
    NAME,
    NEWEST,
    ORGANIZATION,
    RETENTION,
    STORAGE_TIER,
    UPDATED_AT,
    Item,
    memory_name,
    standing_of,
    time,
)
from lead_memory.adapters.organization_settings import OrganizationSettings
from lead_memory.adapters.table import DynamoTable
from lead_memory.domain.conversation import names
from lead_memory.domain.errors import Erased
from lead_memory.domain.lifecycle import Step, due_step
from lead_memory.domain.memories import Lead, MemoryKey, MemoryType
from lead_memory.services.sweep import DueMemory

logger = logging.getLogger(__name__)

_PLACE = (keys.PK, keys.SK, keys.GSI1_PK, keys.GSI1_SK)
_LOOKED_AT = (
    *(keys.PK, keys.SK, keys.GSI1_SK, ORGANIZATION, NEWEST, NAME),
    *(ENDS_AT, LAST_ACCESSED_AT, RETENTION, STORAGE_TIER, UPDATED_AT),
)
"""The value stays where it is: a page of memories may be megabytes of them."""


class DueIndex:
    """`lead_memory.services.sweep.Due`."""

    def __init__(self, table: DynamoTable, keyrings: Keyrings, settings: OrganizationSettings) -> None:
        self._table = table
        self._keyrings = keyrings
        self._settings = settings

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
        return [memory for memory in await asyncio.gather(*(self._due(item, now) for item in due)) if memory]

    async def _due(self, item: Item, now: datetime) -> DueMemory | None:
        """One item that cannot be read keeps none of the others waiting; its key is content, so its hash is logged."""
        try:
            lead = Lead(item[ORGANIZATION], item[keys.PK])
            name = await self._keyrings.opened(lead.organization_id, lambda keyring: memory_name(item, keyring))
            step = name and await self._step(lead, name, item, now)
            if name is None or step is None:
                return None
            return DueMemory(lead, name, step, row=item[keys.SK], newest="/".join(item[NEWEST][2:]))
        except Erased:
            return None
        except Exception as error:
            key = hashlib.sha256(f"{item[keys.PK]}\n{item[keys.SK]}".encode()).hexdigest()
            logger.error("the memory with the key hash %s could not be read: %s", key, type(error).__name__)
            return None

    async def _step(self, lead: Lead, name: MemoryKey, item: Item, now: datetime) -> Step | None:
        """None where a policy has changed since the date was written, or the memory was emptied."""
        if names.is_thread(name) or name.memory_type is MemoryType.NOTE:
            # The date is of something in the memory, and whoever is told looks there.
            return Step("memory.expired", time(item[keys.GSI1_SK]))
        policy = (await self._settings.memories(lead.organization_id)).policy(name.memory_type)
        standing = standing_of(item, name)
        step = due_step(standing, policy, now)
        if step is None or step.storage_tier is None:
            return step
        used_at = await self._used_at(item)
        again = due_step(standing._replace(last_accessed_at=used_at or standing.last_accessed_at), policy, now)
        if again is None:
            # It was used since: it stays where it is, and its date is put off.
            return step._replace(storage_tier=standing.storage_tier, used_at=used_at)
        return again._replace(used_at=used_at)

    async def _used_at(self, item: Item) -> datetime | None:
        row = keys.Key(item[keys.PK], item[keys.SK])
        [entry] = await self._table.batch_get([keys.vector_key(row)], [LAST_ACCESSED_AT]) or [{}]
        return time(entry[LAST_ACCESSED_AT]) if LAST_ACCESSED_AT in entry else None
