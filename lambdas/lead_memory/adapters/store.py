"""The recorder's store, on the table."""

import asyncio
import secrets
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime

from aiodynamo.expressions import Condition, F, HashKey, RangeKey, UpdateExpression
from aiodynamo.operations import ConditionCheck, Delete, Put, Update

from lead_memory.adapters import keys
from lead_memory.adapters.event_items import (
    UNSETTLED,
    content_hashes,
    event_of,
    head_item,
    packed_event,
    tombstone,
    touched_names,
    touches_of,
)
from lead_memory.adapters.keyrings import Keyrings
from lead_memory.adapters.large_payloads import LARGE_CONTENT, PayloadBucket, object_key
from lead_memory.adapters.memory_items import (
    CONTENT,
    ERASED_AT,
    ORGANIZATION,
    VERSION,
    due_place,
    memory_item,
    memory_name,
    memory_of,
)
from lead_memory.adapters.organization_settings import OrganizationSettings
from lead_memory.adapters.sealing import Keyring, Unreadable
from lead_memory.adapters.table import Cancelled, DynamoTable, Item
from lead_memory.domain.errors import AlreadyRecorded, Erased
from lead_memory.domain.events import Event
from lead_memory.domain.memories import Lead, Memory, MemoryKey, MemoryType, StorageTier
from lead_memory.domain.memory_settings import MemorySettings
from lead_memory.services.store import Commit, Known, Snapshot, Stored, Write

VERSION_BITS = 63
_ABSENT = F(keys.PK).does_not_exist()

type Operation = Put | Update | Delete | ConditionCheck


class EventStore:
    """`lead_memory.services.store.Store`, and `lead_memory.services.rebuild.Store`.

    Of a lead of another organization, nothing is there.
    """

    def __init__(
        self, table: DynamoTable, keyrings: Keyrings, payloads: PayloadBucket, now: Callable[[], datetime]
    ) -> None:
        self._table = table
        self._keyrings = keyrings
        self._payloads = payloads
        self._settings = OrganizationSettings(table)
        self._now = now

    async def snapshot(self, lead: Lead, names: Collection[MemoryKey]) -> Snapshot:
        head = keys.head_key(lead.lead_id)
        keyring = await self._keyrings.of(lead.organization_id)
        wanted = [keyring.memory_key(lead.lead_id, name) for name in names] if keyring else []
        found = await self._table.batch_get([head, *wanted])
        heads = [item for item in found if item[keys.SK] == head.sk]
        return Snapshot(
            organization_id=_owner(heads[0], lead) if heads else None,
            memories=await self._stored(lead, [item for item in found if item[keys.SK] != head.sk]),
        )

    async def all_memories(self, lead: Lead) -> Snapshot:
        types = await asyncio.gather(*(self._rows_of(lead, memory_type) for memory_type in MemoryType))
        head = await self.snapshot(lead, ())
        return Snapshot(head.organization_id, await self._stored(lead, [item for items in types for item in items]))

    async def _rows_of(self, lead: Lead, memory_type: MemoryType) -> list[Item]:
        prefix = keys.memory_sk(MemoryKey(memory_type, ""))
        condition = HashKey(keys.PK, lead.lead_id) & RangeKey(keys.SK).begins_with(prefix)
        return [item async for item in self._table.query(condition)]

    async def _stored(self, lead: Lead, items: Collection[Item]) -> dict[MemoryKey, Stored]:
        own = [item for item in items if item[ORGANIZATION] == lead.organization_id]
        await self._payloads.bring_contents(own)
        settings = await self._settings.memories(lead.organization_id)

        def stored(keyring: Keyring) -> dict[MemoryKey, Stored]:
            return {memory_name(item, keyring): _stored(item, keyring, settings) for item in own}

        return await self._keyrings.opened(lead.organization_id, stored) or {}

    async def log(self, lead: Lead) -> list[Event]:
        return [event for event, _ in await self.linked_log(lead)]

    async def linked_log(self, lead: Lead) -> list[tuple[Event, frozenset[MemoryKey]]]:
        """Large raw payloads stay in S3: folding does not look at them."""
        condition = HashKey(keys.PK, lead.lead_id) & RangeKey(keys.SK).begins_with(keys.EVENT_SK_PREFIX)
        found = [item async for item in self._table.query(condition)]
        items = [item for item in found if item[ORGANIZATION] == lead.organization_id and ERASED_AT not in item]
        await self._bring_contents(items)

        def linked(keyring: Keyring) -> list[tuple[Event, frozenset[MemoryKey]]]:
            return [(event_of(item, keyring), touched_names(item, keyring)) for item in items]

        return await self._keyrings.opened(lead.organization_id, linked) or []

    async def _bring_contents(self, items: Collection[Item]) -> None:
        """From S3, of those that only point there."""
        without = [item for item in items if CONTENT not in item]
        contents = await self._payloads.get([item[LARGE_CONTENT] for item in without])
        for item, content in zip(without, contents, strict=True):
            item[CONTENT] = content

    async def known(self, lead: Lead, refs: Collection[str]) -> dict[str, Known]:
        by_key = {keys.event_key(lead.lead_id, ref): ref for ref in refs}
        found = await self._table.batch_get(list(by_key))
        own = [item for item in found if item[ORGANIZATION] == lead.organization_id]

        def known(keyring: Keyring) -> dict[str, Known]:
            return {by_key[keys.Key(item[keys.PK], item[keys.SK])]: _known(item, keyring) for item in own}

        return await self._keyrings.opened(lead.organization_id, known) or {}

    async def commit(self, commit: Commit) -> None:
        keyring = await self._keyrings.of_or_new(commit.lead.organization_id)
        now = self._now()
        packed = [
            packed_event(event, commit.touches[event.ref], keyring, recorded_at=now, settled=commit.settled)
            for event in commit.events
        ]
        large = {event.ref: each for event, each in zip(commit.events, packed, strict=True) if each.large_content}
        if large and (recorded := await self.known(commit.lead, large)):
            # Or what was erased would leave its object again with every delivery.
            raise AlreadyRecorded(recorded)
        # Before the transaction: an object without an event is harmless, and the next attempt writes it again.
        await asyncio.gather(
            *(self._payloads.put(item[LARGE_CONTENT], content) for item, content in large.values() if content)
        )
        events = [Put(self._table.name, item, _ABSENT) for item, _ in packed]
        settings = await self._settings.memories(commit.lead.organization_id)
        rows = {write.name: await self._row(write.memory, keyring, settings) for write in commit.writes if write.memory}
        cold = [item[LARGE_CONTENT] for item in rows.values() if LARGE_CONTENT in item]
        try:
            await self._table.transact([*events, *self._beside_events(commit, rows, keyring, now)])
        except Cancelled as cancelled:
            if cold and cancelled.positions:
                # Nothing points to them, nor ever will: each was sealed, and so named, for this transaction alone.
                await self._payloads.delete(cold)
            if again := [commit.events[i].ref for i in cancelled.positions if i < len(events)]:
                raise AlreadyRecorded(again) from None
            raise
        if unused := [each for write in commit.writes if (each := write.content_object) and each not in cold]:
            await self._payloads.delete(unused)

    async def _row(self, memory: Memory, keyring: Keyring, settings: MemorySettings) -> Item:
        """A cold memory's value goes to S3, before the transaction as an event's does."""
        item = memory_item(memory, secrets.randbits(VERSION_BITS), keyring, settings.policy(memory.memory_type))
        if memory.storage_tier is StorageTier.COLD and memory.value:
            content = item.pop(CONTENT)
            item[LARGE_CONTENT] = object_key(item[keys.PK], item[keys.SK], keyring.fingerprint(content))
            await self._payloads.put(item[LARGE_CONTENT], content)
        return item

    def _beside_events(
        self, commit: Commit, rows: Mapping[MemoryKey, Item], keyring: Keyring, now: datetime
    ) -> Iterator[Operation]:
        table, lead = self._table.name, commit.lead
        yield from (self._write(lead, write, rows.get(write.name), keyring) for write in commit.writes)
        if commit.new_lead:
            yield Put(table, head_item(lead, now), _ABSENT)
        elif all(write.version is None for write in commit.writes):
            # An erasure deletes the lead's rows, so what rests on one cannot come after it; all else asks the head.
            yield ConditionCheck(table, keys.head_key(lead.lead_id)._asdict(), _live(lead))
        new = {event.ref for event in commit.events}
        for ref, names in commit.touches.items():
            if ref not in new:
                key = keys.event_key(lead.lead_id, ref)
                yield self._update(
                    lead, key, *(F(name).set(to) for name, to in touches_of(key, names, keyring).items())
                )
        if commit.settles is not None:
            yield self._update(lead, keys.event_key(lead.lead_id, commit.settles), F(UNSETTLED).remove())
        if commit.rests_on is not None:
            yield ConditionCheck(table, keys.event_key(lead.lead_id, commit.rests_on)._asdict(), _live(lead))
        for ref in commit.outlived_by:
            yield ConditionCheck(table, keys.event_key(lead.lead_id, ref)._asdict(), F(ERASED_AT).does_not_exist())
        for ref, recorded in commit.erases.items():
            instead = tombstone(keys.event_key(lead.lead_id, ref), lead.organization_id, now)
            yield Put(table, instead, _live(lead) if recorded else _ABSENT)

    def _update(self, lead: Lead, key: keys.Key, *changes: UpdateExpression) -> Update:
        first, *others = changes
        for other in others:
            first &= other
        return Update(self._table.name, key._asdict(), first, _live(lead))

    def _write(self, lead: Lead, write: Write, row: Item | None, keyring: Keyring) -> Put | Delete:
        condition: Condition = _ABSENT
        if write.version is not None:
            condition = F(VERSION).equals(write.version) & F(ORGANIZATION).equals(lead.organization_id)
        if row is None:
            return Delete(self._table.name, keyring.memory_key(lead.lead_id, write.name)._asdict(), condition)
        return Put(self._table.name, row, condition)


def _stored(item: Item, keyring: Keyring, settings: MemorySettings) -> Stored:
    memory = _readable(item, keyring)
    due = due_place(memory, settings.policy(memory.memory_type)) if memory else None
    return Stored(memory, item[VERSION], item.get(LARGE_CONTENT), misplaced=due != item.get(keys.GSI1_SK))


def _readable(item: Item, keyring: Keyring) -> Memory | None:
    try:
        return memory_of(item, keyring)
    except Unreadable:
        return None


def _live(lead: Lead) -> Condition:
    """Of an item: it is there, of the lead's organization, and not erased."""
    return F(ORGANIZATION).equals(lead.organization_id) & F(ERASED_AT).does_not_exist()


def _owner(head: Item, lead: Lead) -> str:
    """Whose lead it is. Raises `Erased`."""
    owner: str = head[ORGANIZATION]
    if ERASED_AT in head and owner == lead.organization_id:
        raise Erased("the lead was erased")
    return owner


def _known(item: Item, keyring: Keyring) -> Known:
    if ERASED_AT in item:
        return Known((), settled=True, erased=True)
    return Known(content_hashes(item, keyring), UNSETTLED not in item)
