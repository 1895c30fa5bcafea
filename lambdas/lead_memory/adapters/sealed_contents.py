"""All that a lead has sealed, in the table and in S3, to seal it anew."""

import hashlib
import logging

from aiodynamo.expressions import F, HashKey

from lead_memory.adapters import keys
from lead_memory.adapters.keyrings import Keyrings
from lead_memory.adapters.large_payloads import LARGE_CONTENT, PayloadBucket
from lead_memory.adapters.memory_items import CONTENT, ORGANIZATION, Item
from lead_memory.adapters.sealing import Keyring, Unreadable, key_version
from lead_memory.adapters.table import DynamoTable
from lead_memory.domain.errors import Conflict
from lead_memory.domain.memories import Lead
from lead_memory.services.reseal import Resealed

logger = logging.getLogger(__name__)


class SealedContents:
    """`lead_memory.services.reseal.SealedContents`."""

    def __init__(self, table: DynamoTable, keyrings: Keyrings, payloads: PayloadBucket) -> None:
        self._table = table
        self._keyrings = keyrings
        self._payloads = payloads

    async def learn_newest_key(self, organization_id: str) -> None:
        await self._keyrings.newest(organization_id)

    async def reseal(self, lead: Lead) -> Resealed:
        items = objects = unreadable = 0
        keyring = await self._keyrings.of(lead.organization_id)
        if keyring is None:
            return Resealed(0, 0, 0)
        async for item in self._table.query(HashKey(keys.PK, lead.lead_id)):
            if item[ORGANIZATION] != lead.organization_id:
                continue
            try:
                items += await self._reseal_item(item, keyring)
                objects += LARGE_CONTENT in item and await self._reseal_object(item, keyring)
            except Unreadable:
                unreadable += 1
                key = hashlib.sha256(f"{item[keys.PK]}\n{item[keys.SK]}".encode()).hexdigest()
                logger.error("the item with the key hash %s does not open in its place", key)
        return Resealed(items, objects, unreadable)

    async def _reseal_item(self, item: Item, keyring: Keyring) -> bool:
        """Nothing but the seals changes, so the row's version stays, and a writer who read the item before may win."""
        key = keys.Key(item[keys.PK], item[keys.SK])
        while old := _sealed_before(item, keyring):
            # Two seals are never the same, so one that is still there is of the same content.
            first, *others = (
                (F(name).set(_anew(sealed, keyring, *key, name)), F(name).equals(sealed))
                for name, sealed in old.items()
            )
            change, unchanged = first
            for and_change, and_unchanged in others:
                change, unchanged = change & and_change, unchanged & and_unchanged
            try:
                await self._table.update(key, change, unchanged)
            except Conflict:
                item = await self._table.get(key, consistent=True) or {}
            else:
                return True
        return False

    async def _reseal_object(self, item: Item, keyring: Keyring) -> bool:
        def anew(sealed: bytes) -> bytes | None:
            if key_version(sealed) >= keyring.newest_version:
                return None
            return _anew(sealed, keyring, item[keys.PK], item[keys.SK], CONTENT)

        return await self._payloads.replace(item[LARGE_CONTENT], anew)


def _sealed_before(item: Item, keyring: Keyring) -> dict[str, bytes]:
    """The attributes that are sealed with an older key: whatever is binary in a lead's item is sealed."""
    binary = {name: value for name, value in item.items() if isinstance(value, bytes)}
    return {name: value for name, value in binary.items() if key_version(value) < keyring.newest_version}


def _anew(sealed: bytes, keyring: Keyring, *place: str) -> bytes:
    return keyring.seal(keyring.open(sealed, *place), *place)
