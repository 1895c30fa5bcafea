"""The recorder's store, on the table."""

import asyncio
import secrets
from collections.abc import Callable, Collection
from datetime import datetime

from aiodynamo.expressions import Condition, F, HashKey, RangeKey, UpdateExpression
from aiodynamo.operations import Delete, Put, Update

from lead_memory.adapters import keys
from lead_memory.adapters.event_items import (
    CONTENT_HASHES,
    UNSETTLED,
    event_of,
    head_item,
    organization_item,
    packed_event,
    touched_keys,
)
from lead_memory.adapters.large_payloads import LARGE_CONTENT, PayloadBucket
from lead_memory.adapters.memory_items import CONTENT, ORGANIZATION, VERSION, memory_item, memory_of
from lead_memory.adapters.table import Cancelled, DynamoTable, Item
from lead_memory.domain.errors import AlreadyRecorded
from lead_memory.domain.events import Event
from lead_memory.domain.memories import MemoryKey, MemoryType
from lead_memory.services.store import Commit, Known, Snapshot, Stored, Write

VERSION_BITS = 63
_ABSENT = F(keys.PK).does_not_exist()


class EventStore:
    """`lead_memory.services.store.Store`, and `lead_memory.services.rebuild.Store`."""

    def __init__(self, table: DynamoTable, payloads: PayloadBucket, now: Callable[[], datetime]) -> None:
        self._table = table
        self._payloads = payloads
        self._now = now
        self._organizations: set[str] = set()

    async def snapshot(self, lead_id: str, names: Collection[MemoryKey]) -> Snapshot:
        head = keys.head_key(lead_id)
        found = await self._table.batch_get([head, *(keys.memory_key(lead_id, name) for name in names)])
        heads = [item for item in found if item[keys.SK] == head.sk]
        memories = [Stored(memory_of(item), item[VERSION]) for item in found if item[keys.SK] != head.sk]
        return Snapshot(
            organization_id=heads[0][ORGANIZATION] if heads else None,
            memories={stored.memory.name: stored for stored in memories},
        )

    async def all_memories(self, lead_id: str) -> Snapshot:
        types = await asyncio.gather(*(self._rows_of(lead_id, memory_type) for memory_type in MemoryType))
        head = await self.snapshot(lead_id, ())
        rows = (Stored(memory_of(item), item[VERSION]) for items in types for item in items)
        return Snapshot(head.organization_id, {stored.memory.name: stored for stored in rows})

    async def _rows_of(self, lead_id: str, memory_type: MemoryType) -> list[Item]:
        prefix = keys.memory_sk(MemoryKey(memory_type, ""))
        condition = HashKey(keys.PK, lead_id) & RangeKey(keys.SK).begins_with(prefix)
        return [item async for item in self._table.query(condition)]

    async def log(self, lead_id: str) -> list[Event]:
        return [event for event, _ in await self.linked_log(lead_id)]

    async def linked_log(self, lead_id: str) -> list[tuple[Event, frozenset[MemoryKey]]]:
        """Large raw payloads stay in S3: folding does not look at them."""
        condition = HashKey(keys.PK, lead_id) & RangeKey(keys.SK).begins_with(keys.EVENT_SK_PREFIX)
        items = [item async for item in self._table.query(condition)]
        without = [item for item in items if CONTENT not in item]
        contents = await self._payloads.get([item[LARGE_CONTENT] for item in without])
        for item, content in zip(without, contents, strict=True):
            item[CONTENT] = content
        return [(event_of(item), frozenset(map(keys.memory_name, item[keys.TOUCHES]))) for item in items]

    async def known(self, lead_id: str, refs: Collection[str]) -> dict[str, Known]:
        found = await self._table.batch_get([keys.event_key(lead_id, ref) for ref in refs])
        return {
            f"{item['source']}/{item['event_id']}": Known(tuple(item[CONTENT_HASHES]), UNSETTLED not in item)
            for item in found
        }

    async def commit(self, commit: Commit) -> None:
        now = self._now()
        packed = [
            packed_event(event, commit.touches[event.ref], recorded_at=now, settled=commit.settled)
            for event in commit.events
        ]
        # Before the transaction: an object without an event is harmless, and the next attempt writes it again.
        await asyncio.gather(
            *(self._payloads.put(item[LARGE_CONTENT], content) for item, content in packed if content is not None)
        )
        events = [Put(self._table.name, item, _ABSENT) for item, _ in packed]
        operations: list[Put | Delete | Update] = [*events, *(self._write(commit.lead_id, w) for w in commit.writes)]
        if commit.new_lead_of is not None:
            await self._know(commit.new_lead_of)
            head = head_item(commit.lead_id, commit.new_lead_of, now)
            operations.append(Put(self._table.name, head, _ABSENT))
        new = {event.ref for event in commit.events}
        operations += [
            self._update(commit.lead_id, ref, F(keys.TOUCHES).set(touched_keys(names)))
            for ref, names in commit.touches.items()
            if ref not in new
        ]
        if commit.settles is not None:
            operations.append(self._update(commit.lead_id, commit.settles, F(UNSETTLED).remove()))
        try:
            await self._table.transact(operations)
        except Cancelled as cancelled:
            if again := [commit.events[i].ref for i in cancelled.positions if i < len(events)]:
                raise AlreadyRecorded(again) from None
            raise

    async def _know(self, organization_id: str) -> None:
        """Writes an organization's item, once; before its first lead, so that no lead is of an unknown one."""
        if organization_id in self._organizations:
            return
        item = organization_item(organization_id, self._now())
        try:
            await self._table.transact([Put(self._table.name, item, _ABSENT)])
        except Cancelled as cancelled:
            if not cancelled.positions:
                raise
        self._organizations.add(organization_id)

    def _update(self, lead_id: str, ref: str, expression: UpdateExpression) -> Update:
        return Update(self._table.name, keys.event_key(lead_id, ref)._asdict(), expression, F(keys.PK).exists())

    def _write(self, lead_id: str, write: Write) -> Put | Delete:
        condition: Condition = _ABSENT if write.version is None else F(VERSION).equals(write.version)
        if write.memory is None:
            return Delete(self._table.name, keys.memory_key(lead_id, write.name)._asdict(), condition)
        return Put(self._table.name, memory_item(write.memory, secrets.randbits(VERSION_BITS)), condition)
