"""The resolver's memories, on the table."""

from collections.abc import Collection, Mapping

from lead_memory.adapters import keys
from lead_memory.adapters.keyrings import Keyrings
from lead_memory.adapters.memory_items import ERASED_AT, ORGANIZATION, memory_of
from lead_memory.adapters.sealing import Keyring, KeyUnknown
from lead_memory.adapters.table import DynamoTable, Item
from lead_memory.domain.errors import Unavailable
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
        own = [item for item in items if item.get(ORGANIZATION) == organization_id]

        def opened(keyring: Keyring) -> dict[Wanted, Read]:
            return {places[_key(item)]: _memory(item, keyring) for item in own}

        memories = opened(keyring)
        if any(isinstance(memory, KeyUnknown) for memory in memories.values()):
            memories = opened(await self._keyrings.newest(organization_id) or keyring)
        return dict.fromkeys(wanted) | {places[key]: _THROTTLED for key in throttled} | memories

    async def erased(self, organization_id: str, lead_ids: Collection[str]) -> Mapping[str, bool | Exception]:
        items, throttled = await self._table.read([keys.head_key(lead_id) for lead_id in lead_ids])
        erased = {item[keys.PK] for item in items if item.get(ORGANIZATION) == organization_id and ERASED_AT in item}
        return {lead_id: lead_id in erased for lead_id in lead_ids} | {key.pk: _THROTTLED for key in throttled}


_THROTTLED = Unavailable("DynamoDB did not answer: Throttled")


def _key(item: Item) -> keys.Key:
    return keys.Key(item[keys.PK], item[keys.SK])


def _memory(item: Item, keyring: Keyring) -> Read:
    try:
        return memory_of(item, keyring)
    except Exception as error:  # one memory's trouble never costs another
        return error
