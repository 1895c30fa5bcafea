"""Threads as the extractor reads them: the memories, and the messages in the log. Strongly consistent."""

from collections.abc import AsyncIterator, Collection

from aiodynamo.expressions import HashKey

from lead_memory.adapters import keys
from lead_memory.adapters.event_items import event_of
from lead_memory.adapters.keyrings import Keyrings
from lead_memory.adapters.memory_items import CONTENT, ERASED_AT, ORGANIZATION, Item
from lead_memory.adapters.memory_reader import MemoryReader, key_of
from lead_memory.adapters.sealing import Keyring
from lead_memory.adapters.table import BATCH_GET_ITEMS, DynamoTable
from lead_memory.domain.conversation import names
from lead_memory.domain.events import Event
from lead_memory.domain.memories import Lead, Memory, MemoryKey
from lead_memory.domain.payloads.conversation import ConversationMessage
from lead_memory.services.extraction_ports import Standing

PLACES = 2_000
"""Of the lead's timeline, from its end, that are looked through; a message before them is not found."""


class ThreadLog(MemoryReader):
    """`lead_memory.services.extraction_ports.Threads`."""

    def __init__(self, table: DynamoTable, keyrings: Keyrings) -> None:
        super().__init__(table, keyrings, consistent=True)

    async def event(self, lead: Lead, ref: str) -> Event | None:
        item = await self._table.get(keys.event_key(lead.lead_id, ref), consistent=True)
        found = [item] if item and _is_here(item, lead) else []
        return next(iter(await self._events_of(lead, found)), None)

    async def row(self, lead: Lead, thread_id: str) -> str:
        keyring = await self._keyrings.of_or_new(lead.organization_id)
        return keyring.memory_key(lead.lead_id, names.thread(thread_id)).sk

    async def standing(self, lead: Lead, row: str) -> Standing:
        keyring = await self._keyrings.of(lead.organization_id)
        if keyring is None:
            return Standing()
        beside = {keyring.memory_key(lead.lead_id, name): name for name in (names.CONTACT_PROFILE, names.ENTITIES)}
        place = keys.Key(lead.lead_id, row)
        items = await self._table.batch_get([place, *beside])
        opened = await self._opened(lead.organization_id, items, keyring)
        thread = opened.pop(place, None)
        if isinstance(thread, Exception):
            raise thread
        known = {beside[key]: memory for key, memory in opened.items() if isinstance(memory, Memory)}
        return Standing(thread, known.get(names.CONTACT_PROFILE), known.get(names.ENTITIES))

    async def memories(self, lead: Lead, wanted: Collection[MemoryKey]) -> list[Memory]:
        """Those that are there and can be read."""
        found = await self.read(lead.organization_id, [(lead.lead_id, name) for name in wanted])
        return [memory for memory in found.values() if isinstance(memory, Memory)]

    async def messages(self, lead: Lead, row: str, newest: int) -> list[Event]:
        found: list[Event] = []
        # Nearly as many intents as messages of the lead stand between them.
        at_once = min(newest + newest // 2 + 1, BATCH_GET_ITEMS)
        async for events in self._events(lead, row, at_once):
            found += [event for event in events if isinstance(event.data, ConversationMessage)]
            if len(found) >= newest:
                break
        return found[:newest][::-1]

    async def refs(self, lead: Lead, name: MemoryKey, newest: int) -> list[str]:
        keyring = await self._keyrings.of_or_new(lead.organization_id)
        row = keyring.memory_key(lead.lead_id, name).sk
        return [keys.timeline_position(place[keys.GSI1_SK]).ref async for place in self._places(lead, row, newest)]

    async def _places(self, lead: Lead, row: str, newest: int) -> AsyncIterator[Item]:
        found = 0
        timeline = HashKey(keys.GSI1_PK, keys.timeline(lead.lead_id))
        async for item in self._table.query(timeline, index=keys.GSI1, limit=PLACES, newest_first=True):
            if row in item[keys.TOUCHES]:
                yield item
                found += 1
            if found == newest:
                return

    async def _events(self, lead: Lead, row: str, at_once: int) -> AsyncIterator[list[Event]]:
        """Those that have a part in the row, newest first, so many at once."""
        places: list[keys.Key] = []
        async for item in self._places(lead, row, PLACES):
            places.append(key_of(item))
            if len(places) == at_once:
                yield await self._read_events(lead, places)
                places = []
        if places:
            yield await self._read_events(lead, places)

    async def _read_events(self, lead: Lead, places: list[keys.Key]) -> list[Event]:
        """Without what was erased meanwhile, and what only an object holds."""
        items = [item for item in await self._table.batch_get(places) if _is_here(item, lead)]
        return sorted(await self._events_of(lead, items), key=lambda event: event.position, reverse=True)

    async def _events_of(self, lead: Lead, items: list[Item]) -> list[Event]:
        def opened(keyring: Keyring) -> list[Event]:
            return [event_of(item, keyring) for item in items]

        return await self._keyrings.opened(lead.organization_id, opened) or []


def _is_here(item: Item, lead: Lead) -> bool:
    return item[ORGANIZATION] == lead.organization_id and ERASED_AT not in item and CONTENT in item
