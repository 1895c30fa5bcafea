"""The index that recalls read, as the embedder keeps it. Strongly consistent."""

import asyncio
from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import datetime

from aiodynamo.expressions import Condition, F, HashKey, RangeKey
from aiodynamo.operations import ConditionCheck, Delete, Update

from lead_memory.adapters import keys
from lead_memory.adapters.aws import Aws
from lead_memory.adapters.entry_reader import EntryReader
from lead_memory.adapters.event_items import UNSETTLED
from lead_memory.adapters.keyrings import Keyrings
from lead_memory.adapters.large_payloads import LARGE_CONTENT, PayloadBucket, object_key
from lead_memory.adapters.memory_items import (
    ERASED_AT,
    LAST_ACCESSED_AT,
    ORGANIZATION,
    VERSION,
    iso,
    memory_of,
)
from lead_memory.adapters.memory_reader import key_of
from lead_memory.adapters.sealing import Keyring, Unreadable
from lead_memory.adapters.table import Cancelled, DynamoTable, Item
from lead_memory.adapters.vector_items import USAGE_COUNT, indexed, sealed_entry, stored, written
from lead_memory.domain.errors import Conflict
from lead_memory.domain.memories import IN_TEMPLATES, Lead, StorageTier
from lead_memory.domain.recall.entry import Indexed
from lead_memory.services.indexing import Made, Page, Standing, Touched

WRITES_AT_ONCE = 32
"""A large order touches a thousand memories, and who waits for a connection for seconds has waited in vain."""

_RECALLED = frozenset(IN_TEMPLATES)
_KINDS = sorted((*(memory_type.value for memory_type in IN_TEMPLATES), keys.kind(keys.VECTOR_SK_PREFIX)))
"""What stands in a lead's partition and is looked at, in the order of the sort keys."""


class VectorIndex:
    """`lead_memory.services.indexing.Index` and `lead_memory.services.uses.Index`."""

    def __init__(self, table: DynamoTable, keyrings: Keyrings, payloads: PayloadBucket, aws: Aws) -> None:
        self._table = table
        self._keyrings = keyrings
        self._payloads = payloads
        self._entry_reader = EntryReader(table, keyrings, payloads, aws)
        self._writing = asyncio.Semaphore(WRITES_AT_ONCE)

    async def touched(self, lead: Lead, ref: str) -> Touched | None:
        named = (ORGANIZATION, ERASED_AT, UNSETTLED, keys.TOUCHES)
        for item in await self._table.batch_get([keys.event_key(lead.lead_id, ref)], named):
            if item[ORGANIZATION] == lead.organization_id:
                rows = [row for row in item.get(keys.TOUCHES, ()) if keys.kind(row) in _RECALLED]
                return Touched(rows, settled=UNSETTLED not in item)
        return None

    async def page(self, lead: Lead, after: str | None, limit: int) -> Page:
        places: list[str] = []
        for kind in _KINDS:
            if after is None or keys.kind(after) <= kind:
                places += await self._places(lead, kind, after, limit - len(places))
            if len(places) == limit:
                break
        rows = dict.fromkeys(place.removeprefix(keys.VECTOR_SK_PREFIX) for place in places)
        return Page(list(rows), places[-1] if len(places) == limit else None)

    async def _places(self, lead: Lead, kind: str, after: str | None, limit: int) -> list[str]:
        condition = HashKey(keys.PK, lead.lead_id) & RangeKey(keys.SK).begins_with(keys.beginning(kind))
        is_within = after is not None and keys.kind(after) == kind
        start = {keys.PK: lead.lead_id, keys.SK: after} if is_within else None
        return [item[keys.SK] async for item in self._table.query(condition, limit=limit, after=start)]

    async def standing(self, lead: Lead, rows: Collection[str]) -> list[Standing]:
        memories = [keys.Key(lead.lead_id, row) for row in rows]
        entries = list(map(keys.vector_key, memories))
        found = await self._table.batch_get([*memories, *entries])
        items = {key_of(item): item for item in found if item[ORGANIZATION] == lead.organization_id}
        objects = {key: item.get(LARGE_CONTENT) for key, item in items.items()}
        await self._payloads.bring_contents(items.values())

        def standing(keyring: Keyring) -> list[Standing]:
            return [
                _standing(row, items.get(of_memory), items.get(of_entry), objects.get(of_entry), keyring)
                for row, of_memory, of_entry in zip(rows, memories, entries, strict=True)
            ]

        return await self._keyrings.opened(lead.organization_id, standing) or []

    async def fingerprints(self, lead: Lead, contents: Sequence[str]) -> list[str]:
        keyring = await self._keyrings.of_or_new(lead.organization_id)
        return [keyring.fingerprint(content.encode()) for content in contents]

    async def write(self, lead: Lead, standing: Standing, made: Made | None) -> bool:
        memory = keys.Key(lead.lead_id, standing.row)
        key = keys.vector_key(memory)
        operation, new_object = await self._operation(lead, key, standing, made)
        unchanged: Condition = F(keys.PK).does_not_exist()
        if standing.version is not None:
            unchanged = F(VERSION).equals(standing.version) & F(ORGANIZATION).equals(lead.organization_id)
        try:
            async with self._writing:
                await self._table.transact([ConditionCheck(self._table.name, memory._asdict(), unchanged), operation])
        except Cancelled as cancelled:
            if not cancelled.positions:
                raise  # something else was written at this moment, perhaps a use
            if new_object is not None:
                await self._payloads.delete([new_object])
            return False
        if standing.object_key is not None and standing.object_key != new_object:
            await self._payloads.delete([standing.object_key])
        return True

    async def _operation(
        self, lead: Lead, key: keys.Key, standing: Standing, made: Made | None
    ) -> tuple[Update | Delete, str | None]:
        """And the key of the object that a cold entry is put into before."""
        if made is None or standing.version is None:
            return Delete(self._table.name, key._asdict()), None
        keyring = await self._keyrings.of_or_new(lead.organization_id)
        content = sealed_entry(made.entry, key, keyring)
        where: bytes | str = content
        if made.storage_tier is StorageTier.COLD:
            where = object_key(lead.lead_id, key.sk, keyring.fingerprint(content))
            await self._payloads.put(where, content)
        change = written(made, standing.version, lead.organization_id, where)
        return Update(self._table.name, key._asdict(), change), where if isinstance(where, str) else None

    async def entries(self, lead: Lead) -> Sequence[Indexed]:
        return (await self._entry_reader.entries(lead, consistent=True)).indexed

    async def count(self, lead: Lead, row: str, uses: int, last_at: datetime) -> None:
        key, used_at = keys.vector_key(keys.Key(lead.lead_id, row)), F(LAST_ACCESSED_AT)
        own = F(ORGANIZATION).equals(lead.organization_id)
        added = F(USAGE_COUNT).add(uses)
        earlier = used_at.does_not_exist() | used_at.lt(iso(last_at))
        try:
            await self._table.update(key, added & used_at.set(iso(last_at)), own & earlier)
        except Conflict:
            # A later use was counted before this one, or there is no entry any more.
            with suppress(Conflict):
                await self._table.update(key, added, own)


def _standing(
    row: str, memory_item: Item | None, entry_item: Item | None, object_key: str | None, keyring: Keyring
) -> Standing:
    memory = entry = None
    with suppress(Unreadable):
        memory = memory_of(memory_item, keyring) if memory_item else None
    with suppress(Unreadable):
        entry = indexed(stored(entry_item), keyring) if entry_item else None
    version = memory_item[VERSION] if memory_item else None
    return Standing(row, memory, version, entry, in_index=entry_item is not None, object_key=object_key)
