"""What is erased, on the table and in the bucket, and the tombstones that stay (decision 0009)."""

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from aiodynamo.expressions import F, HashKey
from aiodynamo.operations import Delete, Put, Update

from lead_memory.adapters import keys
from lead_memory.adapters.event_items import tombstone
from lead_memory.adapters.keyrings import CACHE_SECONDS, Keyrings
from lead_memory.adapters.large_payloads import LARGE_CONTENT, PayloadBucket, objects_of
from lead_memory.adapters.memory_items import ERASED_AT, ORGANIZATION, time
from lead_memory.adapters.organization_items import WRAPPED_KEYS
from lead_memory.adapters.table import DynamoTable, Item
from lead_memory.domain.errors import Unavailable
from lead_memory.domain.memories import Lead, MemoryKey, MemoryType
from lead_memory.services.erase import Asked, Backup, Subject
from lead_memory.services.index_queue import Queue, Request

ORGANIZATION_SETTLES = timedelta(seconds=CACHE_SECONDS + 30)
"""A process may hold the keys of an erased organization for so long, and end what it began with them."""
RECOVERY_DAYS = 35
"""DynamoDB's point-in-time recovery goes back so far."""

ASKED_BY = "asked_by"
_REMOVED = "removed_"
"""Before a kind: how many of them were removed."""


class StoredItems:
    """`lead_memory.services.erase.Items`."""

    def __init__(self, table: DynamoTable, keyrings: Keyrings) -> None:
        self._table = table
        self._keyrings = keyrings

    async def owner(self, lead: Lead) -> str | None:
        head = await self._table.get(keys.head_key(lead.lead_id), consistent=True)
        return head[ORGANIZATION] if head else None

    async def standing(self, subject: Subject) -> Counter[str]:
        return _standing(await self._table.get(_key(subject), consistent=True))

    async def bury(self, subject: Subject, asked: Asked) -> tuple[Asked, Counter[str]]:
        item = await self._table.get(_key(subject), consistent=True)
        if item and ERASED_AT in item:
            return _asked(item), Counter()
        stone = {**tombstone(_key(subject), subject.organization_id, asked.at), ASKED_BY: asked.by}
        if subject.lead_id:
            # In a registry of its own, so that it is found when its organization is erased.
            stone[keys.GSI1_PK] = keys.erased_registry(subject.organization_id, subject.lead_id)
            stone[keys.GSI1_SK] = subject.lead_id
        as_it_was = F(ERASED_AT).does_not_exist() if item else F(keys.PK).does_not_exist()
        if item and subject.lead_id:
            as_it_was &= F(ORGANIZATION).equals(subject.organization_id)
        await self._table.transact([Put(self._table.name, stone, as_it_was)])
        return asked, _standing(item)

    async def clear(self, lead: Lead, *, remove: bool) -> Counter[str]:
        """By partition, not by kind: what is yet to be invented goes too."""
        found: Counter[str] = Counter()
        while True:
            items = [
                (keys.Key(item[keys.PK], item[keys.SK]), _kind(item))
                async for item in self._table.query(HashKey(keys.PK, lead.lead_id))
                if item[keys.SK] != keys.HEAD_SK and item[ORGANIZATION] == lead.organization_id
            ]
            found.update(kind for _, kind in items)
            if not (remove and items):
                return found
            await self._table.delete([key for key, _ in items])

    async def unbury(self, lead: Lead) -> None:
        own = F(ORGANIZATION).equals(lead.organization_id) & F(ERASED_AT).exists()
        key = keys.head_key(lead.lead_id)._asdict()
        await self._table.transact([Delete(self._table.name, key, F(keys.PK).does_not_exist() | own)])

    async def note(self, subject: Subject, asked: Asked, removed: Mapping[str, int]) -> tuple[Asked, Counter[str]]:
        key = _key(subject)
        noted = F(ASKED_BY).set_if_not_exists(asked.by)
        for kind, count in removed.items():
            noted &= F(f"{_REMOVED}{kind}").add(count)
        await self._table.transact([Update(self._table.name, key._asdict(), noted, F(ERASED_AT).exists())])
        item = await self._table.get(key, consistent=True)
        return (_asked(item), _removed(item) - Counter(removed)) if item else (asked, Counter())

    async def row(self, lead: Lead, name: MemoryKey) -> str:
        return (await self._keyrings.of_or_new(lead.organization_id)).memory_key(lead.lead_id, name).sk


class StoredObjects:
    """`lead_memory.services.erase.Place`: what is too large for the table."""

    def __init__(self, payloads: PayloadBucket) -> None:
        self._payloads = payloads

    async def clear(self, subject: Subject, *, remove: bool) -> Counter[str]:
        if subject.lead_id is None:
            return Counter()
        prefixes = [objects_of(subject.lead_id, ref) for ref in subject.refs or (None,)]
        found = [key for prefix in prefixes for key in await self._payloads.find(prefix)]
        if remove and found:
            await self._payloads.delete(found)
        return +Counter({"objects": len(found)})


class StoredEntries:
    """`lead_memory.services.erase.Recalled`: what stands in the index of recalls, and cold values of before."""

    def __init__(self, table: DynamoTable, keyrings: Keyrings, payloads: PayloadBucket, queue: Queue) -> None:
        self._table = table
        self._keyrings = keyrings
        self._payloads = payloads
        self._queue = queue

    async def forget(self, lead: Lead, names: Collection[MemoryKey]) -> None:
        keyring = await self._keyrings.of_or_new(lead.organization_id)
        rows = [keyring.memory_key(lead.lead_id, name) for name in names]
        entries = [keys.vector_key(row) for row in rows]
        await self._table.delete(entries)
        pointing = await self._table.batch_get(rows, [LARGE_CONTENT])
        current = {item[LARGE_CONTENT] for item in pointing if LARGE_CONTENT in item}
        places = tuple(objects_of(*key) for key in (*rows, *entries))
        found = await self._payloads.find(objects_of(lead.lead_id)) if rows else []
        if unused := [each for each in found if each.startswith(places) and each not in current]:
            await self._payloads.delete(unused)
        if not await self._queue.send([Request(organization_id=lead.organization_id, lead_id=lead.lead_id)]):
            raise Unavailable("the vectors' queue did not take a message")


def backups(last_there: datetime, *, recovery: bool, archive_days: int | None) -> list[Backup]:
    """The copies that a stage keeps of what was there until `last_there`.

    `recovery`: whether the table has point-in-time recovery.
    """
    copies = []
    if recovery:
        until = last_there + timedelta(days=RECOVERY_DAYS)
        note = "a table restored from before the erasure holds it again, with its keys: erase it there once more"
        copies.append(Backup("point-in-time recovery of the table", until, note))
    if archive_days:
        until = last_there + timedelta(days=archive_days)
        copies.append(Backup("archive of the bus", until, "what it replays is rejected as erased"))
    note = "exports and restored tables that somebody made are theirs to delete"
    return [*copies, Backup("copies made by hand", None, note)]


def _key(subject: Subject) -> keys.Key:
    if subject.lead_id is None:
        return keys.organization_key(subject.organization_id)
    return keys.event_key(subject.lead_id, *subject.refs) if subject.refs else keys.head_key(subject.lead_id)


def _asked(item: Item) -> Asked:
    return Asked(item[ASKED_BY], time(item[ERASED_AT]))


def _removed(stone: Item) -> Counter[str]:
    return Counter(
        {name.removeprefix(_REMOVED): int(count) for name, count in stone.items() if name.startswith(_REMOVED)}
    )


def _standing(item: Item | None) -> Counter[str]:
    if item is None or ERASED_AT in item:
        return Counter()
    return Counter({"keys": len(item[WRAPPED_KEYS])} if WRAPPED_KEYS in item else {"leads": 1})


def _kind(item: Item) -> str:
    kind = keys.kind(item[keys.SK])
    if kind == keys.kind(keys.EVENT_SK_PREFIX):
        return "tombstones" if ERASED_AT in item else "events"
    if kind == keys.kind(keys.VECTOR_SK_PREFIX):
        return "vectors"
    return "memories" if kind in set(MemoryType) else kind
