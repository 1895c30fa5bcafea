"""Every organization's keyring: its data keys lie in the organization's item, each wrapped by the KMS key."""

import asyncio
import time
from collections.abc import Callable

from aiodynamo.expressions import F
from aiodynamo.operations import Put, Update
from cachetools import TTLCache

from lead_memory.adapters import keys
from lead_memory.adapters.kms import KeyService
from lead_memory.adapters.memory_items import ERASED_AT
from lead_memory.adapters.organization_items import HASHES_NAMES, WRAPPED_KEYS, organization_item
from lead_memory.adapters.sealing import Keyring, KeyUnknown
from lead_memory.adapters.table import Cancelled, DynamoTable, Item
from lead_memory.domain.errors import Conflict, Erased

CACHE_SECONDS = 300
"""How long a process may go on with the keys of an organization that was erased meanwhile."""
KEPT = 10_000
"""Organizations whose keys a process holds at once; 3 KB each with one key, and one more for each further key."""
LOAD_SECONDS = 20
"""What the table and KMS take together at worst: by then the organization may have been erased."""


class Keyrings:
    """Every method raises `Unavailable`, or `KeysUnavailable` when the key service does not answer."""

    def __init__(self, table: DynamoTable, service: KeyService, clock: Callable[[], float] = time.time) -> None:
        self._table = table
        self._service = service
        self._clock = clock
        # By the wall's clock: a monotonic one may stand still while the process is frozen between two calls.
        self._kept: TTLCache[str, Keyring] = TTLCache(KEPT, CACHE_SECONDS - LOAD_SECONDS, clock)
        self._loading: dict[str, asyncio.Task[Keyring | None]] = {}

    async def of(self, organization_id: str) -> Keyring | None:
        """None for an organization that has none yet. Raises `Erased`."""
        return await self._newer(organization_id, 0)

    async def newest(self, organization_id: str) -> Keyring | None:
        """As `of`, and with every key that there is by now."""
        kept = self._kept.get(organization_id)
        return await self._newer(organization_id, kept.newest_version if kept else 0)

    async def of_or_new(self, organization_id: str) -> Keyring:
        """Makes the organization's first data key where it has none. Raises `Erased`."""
        return await self.of(organization_id) or await self._create(organization_id, hashes_names=False)

    async def opened[T](self, organization_id: str, read: Callable[[Keyring], T]) -> T | None:
        """What `read` makes of the organization's keyring, which is read again when a newer key is needed.

        None for an organization that has no keys. Raises `Erased`, and what `read` raises.
        """
        keyring = await self.of(organization_id)
        if keyring is None:
            return None
        try:
            return read(keyring)
        except KeyUnknown:
            newer = await self._newer(organization_id, keyring.newest_version)
            return read(newer) if newer else None

    async def begin(self, organization_id: str, *, hashes_names: bool) -> Keyring:
        """A keyring for an organization that has no lead yet. Raises `Conflict` where it has one, or `Erased`."""
        if await self.of(organization_id):
            raise Conflict("the organization has keys already, and the names of its memories stay as they are")
        keyring = await self._create(organization_id, hashes_names=hashes_names)
        if keyring.hashes_names != hashes_names:
            raise Conflict("the organization's first event came at this moment, and its names stay as they are")
        return keyring

    async def rotate(self, organization_id: str) -> int:
        """Adds a data key, which every process seals with after `CACHE_SECONDS`; its version.

        Raises `Conflict` for an unknown organization.
        """
        keyring = await self.newest(organization_id)
        if keyring is None:
            raise Conflict("the organization has no keys yet")
        data_key = await self._service.generate(organization_id)
        added = F(WRAPPED_KEYS).append([data_key.wrapped])
        guard = F(WRAPPED_KEYS).size().equals(keyring.newest_version)
        key = keys.organization_key(organization_id)._asdict()
        await self._table.transact([Update(self._table.name, key, added, guard)])
        self._kept.pop(organization_id, None)
        return keyring.newest_version + 1

    async def _newer(self, organization_id: str, known: int) -> Keyring | None:
        """With more keys than are known, or with those that there are by now."""
        kept = self._kept.get(organization_id)
        if kept is not None and kept.newest_version > known:
            return kept
        joins = organization_id in self._loading
        keyring = await self._load(organization_id)
        if joins and keyring is not None and keyring.newest_version <= known:
            # That read had begun before, perhaps before the newer key was there.
            keyring = await self._load(organization_id)
        return keyring

    async def _load(self, organization_id: str) -> Keyring | None:
        """From the table, once for all who wait; who is cancelled takes nothing from the others."""
        if organization_id not in self._loading:
            self._loading[organization_id] = asyncio.create_task(self._read(organization_id))
            self._loading[organization_id].add_done_callback(lambda task: self._loaded(organization_id, task))
        return await asyncio.shield(self._loading[organization_id])

    def _loaded(self, organization_id: str, task: asyncio.Task[Keyring | None]) -> None:
        del self._loading[organization_id]
        if not task.cancelled():
            task.exception()  # nobody may be left to hear of it

    async def _read(self, organization_id: str) -> Keyring | None:
        began_at = self._clock()
        item = await self._table.get(keys.organization_key(organization_id), consistent=True)
        if item is None:
            return None
        if ERASED_AT in item:
            self._kept.pop(organization_id, None)
            raise Erased("the organization was erased")
        keyring = await self._unwrapped(organization_id, item)
        if self._clock() - began_at > LOAD_SECONDS:
            # The process was frozen between two calls, and the organization may have been erased meanwhile.
            return await self._read(organization_id)
        self._kept[organization_id] = keyring
        return keyring

    async def _unwrapped(self, organization_id: str, item: Item) -> Keyring:
        data_keys = await asyncio.gather(
            *(self._service.unwrap(organization_id, wrapped) for wrapped in item[WRAPPED_KEYS])
        )
        return Keyring(organization_id, data_keys, hashes_names=item[HASHES_NAMES])

    async def _create(self, organization_id: str, *, hashes_names: bool) -> Keyring:
        data_key = await self._service.generate(organization_id)
        item = organization_item(organization_id, [data_key.wrapped], hashes_names=hashes_names)
        try:
            await self._table.transact([Put(self._table.name, item, F(keys.PK).does_not_exist())])
        except Cancelled:
            if keyring := await self._newer(organization_id, 0):
                return keyring
            raise
        keyring = Keyring(organization_id, [data_key.plaintext], hashes_names=hashes_names)
        self._kept[organization_id] = keyring
        return keyring
