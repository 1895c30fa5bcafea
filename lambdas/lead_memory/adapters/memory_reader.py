"""The resolver's memories, on the table."""

from collections.abc import Collection, Iterable, Mapping

from lead_memory.adapters import keys
from lead_memory.adapters.keyrings import Keyrings
from lead_memory.adapters.memory_items import ERASED_AT, ORGANIZATION, memory_of
from lead_memory.adapters.sealing import Keyring, KeyUnknown
from lead_memory.adapters.table import DynamoTable, Item
from lead_memory.domain.errors import Unavailable
from lead_memory.domain.memories import Memory
from lead_memory.services.resolve import Read, Wanted


class MemoryReader:
    """`lead_memory.services.resolve.MemoryReader`.

    The resolver imports this module at start, so it knows memories and nothing of events.
    """

    # Eventually consistent, unless asked: a greeting a second old costs less than a read that costs twice.
    def __init__(self, table: DynamoTable, keyrings: Keyrings, *, consistent: bool = False) -> None:
        self._table = table
        self._keyrings = keyrings
        self._consistent = consistent

    async def read(self, organization_id: str, wanted: Collection[Wanted]) -> Mapping[Wanted, Read]:
        keyring = await self._keyrings.of(organization_id)
        if keyring is None:
            return dict.fromkeys(wanted)
        places = {keyring.memory_key(lead_id, name): (lead_id, name) for lead_id, name in wanted}
        items, throttled = await self._table.read(places, consistent=self._consistent)
        memories = await self._opened(organization_id, items, keyring)
        read = dict.fromkeys(throttled, THROTTLED) | memories
        return dict.fromkeys(wanted) | {places[key]: memory for key, memory in read.items()}

    async def erased(self, organization_id: str, lead_ids: Collection[str]) -> Mapping[str, bool | Exception]:
        items, throttled = await self._table.read([keys.head_key(lead_id) for lead_id in lead_ids])
        erased = {item[keys.PK] for item in items if item.get(ORGANIZATION) == organization_id and ERASED_AT in item}
        return {lead_id: lead_id in erased for lead_id in lead_ids} | {key.pk: THROTTLED for key in throttled}

    async def _opened(
        self, organization_id: str, items: Iterable[Item], keyring: Keyring
    ) -> dict[keys.Key, Memory | Exception]:
        """The organization's own; the keyring is read again when a newer key is needed."""
        own = {key_of(item): item for item in items if item.get(ORGANIZATION) == organization_id}

        def opened(keyring: Keyring) -> dict[keys.Key, Memory | Exception]:
            return {key: _memory(item, keyring) for key, item in own.items()}

        memories = opened(keyring)
        if any(isinstance(memory, KeyUnknown) for memory in memories.values()):
            memories = opened(await self._keyrings.newest(organization_id) or keyring)
        return memories


THROTTLED = Unavailable("DynamoDB did not answer: Throttled")


def key_of(item: Item) -> keys.Key:
    return keys.Key(item[keys.PK], item[keys.SK])


def _memory(item: Item, keyring: Keyring) -> Memory | Exception:
    try:
        return memory_of(item, keyring)
    except Exception as error:  # one memory's trouble never costs another
        return error
