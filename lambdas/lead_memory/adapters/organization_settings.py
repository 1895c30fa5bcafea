"""What each organization chose for its conversations and its memories, in clear in the organization's item."""

import time
from collections.abc import Callable

import msgspec
from aiodynamo.expressions import F
from cachetools import TTLCache

from lead_memory.adapters import keys
from lead_memory.adapters.memory_items import ERASED_AT
from lead_memory.adapters.organization_items import (
    CONVERSATIONS,
    MEMORIES,
    WRAPPED_KEYS,
    conversation_settings,
    memory_settings,
)
from lead_memory.adapters.table import DynamoTable, Item
from lead_memory.domain.conversation.settings import ConversationSettings
from lead_memory.domain.errors import Conflict, Erased
from lead_memory.domain.memory_settings import MemorySettings

CACHE_SECONDS = 60
"""How long a process may go on with settings that were changed meanwhile."""
KEPT = 10_000
"""Organizations whose settings a process holds at once."""


class OrganizationSettings:
    """Every method raises `Unavailable`; those that read, `LeadMemoryError` for what is no choice."""

    def __init__(self, table: DynamoTable, clock: Callable[[], float] = time.time) -> None:
        self._table = table
        # By the wall's clock: a monotonic one may stand still while the process is frozen between two calls.
        self._kept: TTLCache[str, Item] = TTLCache(KEPT, CACHE_SECONDS, clock)

    async def of(self, organization_id: str) -> ConversationSettings:
        """The defaults where nothing was chosen; so the next."""
        return conversation_settings(self._kept.get(organization_id) or await self._read(organization_id))

    async def memories(self, organization_id: str) -> MemorySettings:
        return memory_settings(self._kept.get(organization_id) or await self._read(organization_id))

    async def set(self, organization_id: str, settings: ConversationSettings | MemorySettings) -> None:
        """Raises `Conflict` for an unknown organization, and `Erased`."""
        key = keys.organization_key(organization_id)
        if isinstance(settings, ConversationSettings):
            chosen = F(CONVERSATIONS).set(msgspec.to_builtins(settings))
        else:
            chosen = F(MEMORIES).set(msgspec.json.encode(settings).decode())
        try:
            # A tombstone has no keys.
            await self._table.update(key, chosen, F(WRAPPED_KEYS).exists())
        except Conflict:
            if ERASED_AT in (await self._table.get(key, consistent=True) or {}):
                raise Erased("the organization was erased") from None
            raise Conflict("the organization is not known: look at its id, or publish its first event before") from None
        await self._read(organization_id, consistent=True)

    async def _read(self, organization_id: str, *, consistent: bool = False) -> Item:
        found = await self._table.get(keys.organization_key(organization_id), consistent=consistent) or {}
        chosen = {keys.PK: organization_id} | {name: found[name] for name in (CONVERSATIONS, MEMORIES) if name in found}
        self._kept[organization_id] = chosen
        return chosen
