"""Threads as the summarizer reads them: the memory, and the messages in the log."""

from collections.abc import AsyncIterator

from aiodynamo.expressions import HashKey

from lead_memory.adapters import keys
from lead_memory.adapters.event_items import event_of
from lead_memory.adapters.keyrings import Keyrings
from lead_memory.adapters.memory_items import CONTENT, ERASED_AT, ORGANIZATION, Item
from lead_memory.adapters.memory_reader import MemoryReader
from lead_memory.adapters.sealing import Keyring
from lead_memory.adapters.table import BATCH_GET_ITEMS, DynamoTable
from lead_memory.domain.conversation.messages import Message
from lead_memory.domain.conversation.names import CONTACT_PROFILE
from lead_memory.domain.events import Event
from lead_memory.domain.memories import Lead, Memory, MemoryKey
from lead_memory.domain.payloads.conversation import ConversationMessage
from lead_memory.services.summarize import Standing

PLACES = 2_000
"""Of the lead's timeline, from its end, that are looked through; a message before them is not found."""


class ThreadLog:
    """`lead_memory.services.summarize.Threads`."""

    def __init__(self, table: DynamoTable, keyrings: Keyrings) -> None:
        self._table = table
        self._keyrings = keyrings
        self._memories = MemoryReader(table, keyrings, consistent=True)

    async def standing(self, lead: Lead, thread: MemoryKey) -> Standing:
        """Raises what reading the thread raises; a profile that cannot be read is none."""
        wanted = [(lead.lead_id, name) for name in (thread, CONTACT_PROFILE)]
        found = await self._memories.read(lead.organization_id, wanted)
        memory, profile = (found[each] for each in wanted)
        if isinstance(memory, Exception):
            raise memory
        return Standing(memory, profile if isinstance(profile, Memory) else None)

    async def messages(self, lead: Lead, thread: MemoryKey, newest: int) -> list[Message]:
        keyring = await self._keyrings.of(lead.organization_id)
        if keyring is None:
            return []
        found: list[Message] = []
        row = keyring.memory_key(lead.lead_id, thread).sk
        # Nearly as many intents as messages of the lead stand between them.
        at_once = min(newest + newest // 2 + 1, BATCH_GET_ITEMS)
        async for events in self._events(lead, row, at_once):
            found += [_message(event, event.data) for event in events if isinstance(event.data, ConversationMessage)]
            if len(found) >= newest:
                break
        return found[:newest][::-1]

    async def _events(self, lead: Lead, row: str, at_once: int) -> AsyncIterator[list[Event]]:
        """Those that have a part in the row, newest first, so many at once."""
        places: list[keys.Key] = []
        timeline = HashKey(keys.GSI1_PK, keys.timeline(lead.lead_id))
        async for item in self._table.query(timeline, index=keys.GSI1, limit=PLACES, newest_first=True):
            if row in item[keys.TOUCHES]:
                places.append(keys.Key(item[keys.PK], item[keys.SK]))
            if len(places) == at_once:
                yield await self._read(lead, places)
                places = []
        if places:
            yield await self._read(lead, places)

    async def _read(self, lead: Lead, places: list[keys.Key]) -> list[Event]:
        """Without what was erased meanwhile, and what only an object holds."""
        items = [item for item in await self._table.batch_get(places) if _is_here(item, lead)]

        def opened(keyring: Keyring) -> list[Event]:
            return [event_of(item, keyring) for item in items]

        events = await self._keyrings.opened(lead.organization_id, opened) or []
        return sorted(events, key=lambda event: event.position, reverse=True)


def _is_here(item: Item, lead: Lead) -> bool:
    return item[ORGANIZATION] == lead.organization_id and ERASED_AT not in item and CONTENT in item


def _message(event: Event, said: ConversationMessage) -> Message:
    return Message(
        at=event.occurred_at,
        from_lead=event.event_type == "conversation.message_received",
        channel=said.channel,
        text=said.text,
        attachments=said.attachments,
    )
