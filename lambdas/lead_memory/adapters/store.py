"""The recorder's store, on the table."""

from collections.abc import Callable, Collection
from datetime import datetime

from aiodynamo.expressions import Condition, F, HashKey, RangeKey, UpdateExpression
from aiodynamo.operations import Delete, Put, Update

from lead_memory.adapters import keys
from lead_memory.adapters.event_items import CONTENT_HASHES, UNSETTLED, event_item, event_of, head_item, touched_keys
from lead_memory.adapters.memory_items import ORGANIZATION, VERSION, memory_item, memory_of
from lead_memory.adapters.table import Cancelled, DynamoTable
from lead_memory.domain.errors import AlreadyRecorded
from lead_memory.domain.events import Event
from lead_memory.domain.memories import MemoryKey
from lead_memory.services.record import Commit, Known, Snapshot, Stored, Write

_ABSENT = F(keys.PK).does_not_exist()


class EventStore:
    """`lead_memory.services.record.Store`."""

    def __init__(self, table: DynamoTable, now: Callable[[], datetime]) -> None:
        self._table = table
        self._now = now

    async def snapshot(self, lead_id: str, names: Collection[MemoryKey]) -> Snapshot:
        head = keys.head_key(lead_id)
        found = await self._table.batch_get([head, *(keys.memory_key(lead_id, name) for name in names)])
        heads = [item for item in found if item[keys.SK] == head.sk]
        memories = [Stored(memory_of(item), item[VERSION]) for item in found if item[keys.SK] != head.sk]
        return Snapshot(
            organization_id=heads[0][ORGANIZATION] if heads else None,
            memories={stored.memory.name: stored for stored in memories},
        )

    async def log(self, lead_id: str) -> list[Event]:
        condition = HashKey(keys.PK, lead_id) & RangeKey(keys.SK).begins_with(keys.EVENT_SK_PREFIX)
        return [event_of(item) async for item in self._table.query(condition)]

    async def known(self, lead_id: str, refs: Collection[str]) -> dict[str, Known]:
        found = await self._table.batch_get([keys.event_key(lead_id, ref) for ref in refs])
        return {
            f"{item['source']}/{item['event_id']}": Known(tuple(item[CONTENT_HASHES]), UNSETTLED not in item)
            for item in found
        }

    async def commit(self, commit: Commit) -> None:
        now = self._now()
        events = [
            Put(
                self._table.name,
                event_item(event, commit.touches[event.ref], recorded_at=now, settled=commit.settled),
                _ABSENT,
            )
            for event in commit.events
        ]
        operations: list[Put | Delete | Update] = [*events, *(self._write(commit.lead_id, w) for w in commit.writes)]
        if commit.new_lead_of is not None:
            head = head_item(commit.lead_id, commit.new_lead_of, now)
            operations.append(Put(self._table.name, head, _ABSENT))
        new = {event.ref for event in commit.events}
        operations += [
            self._update(commit.lead_id, ref, F(keys.TOUCHES).set(touched_keys(names)))
            for ref, names in commit.touches.items()
            if ref not in new
        ]
        if commit.settles is not None:
            operations.append(self._update(commit.lead_id, commit.settles.ref, F(UNSETTLED).remove()))
        try:
            await self._table.transact(operations)
        except Cancelled as cancelled:
            if again := [commit.events[i].ref for i in cancelled.positions if i < len(events)]:
                raise AlreadyRecorded(again) from None
            raise

    def _update(self, lead_id: str, ref: str, expression: UpdateExpression) -> Update:
        return Update(self._table.name, keys.event_key(lead_id, ref)._asdict(), expression, F(keys.PK).exists())

    def _write(self, lead_id: str, write: Write) -> Put | Delete:
        condition: Condition = _ABSENT if write.version is None else F(VERSION).equals(write.version)
        if write.memory is None:
            return Delete(self._table.name, keys.memory_key(lead_id, write.name)._asdict(), condition)
        return Put(self._table.name, memory_item(write.memory, (write.version or 0) + 1), condition)
