"""What each organization chose for its conversations, in clear in the organization's item."""

import time
from collections.abc import Callable

import msgspec
from aiodynamo.expressions import F
from cachetools import TTLCache

from lead_memory.adapters import keys
from lead_memory.adapters.memory_items import ERASED_AT
from lead_memory.adapters.organization_items import CONVERSATIONS, WRAPPED_KEYS, conversation_settings
from lead_memory.adapters.table import DynamoTable
from lead_memory.domain.conversation.settings import ConversationSettings
from lead_memory.domain.errors import Conflict, Erased

CACHE_SECONDS = 60
"""How long a process may go on with settings that were changed meanwhile."""
KEPT = 10_000
"""Organizations whose settings a process holds at once."""


class OrganizationSettings:
    """Every method raises `Unavailable`."""

    def __init__(self, table: DynamoTable, clock: Callable[[], float] = time.time) -> None:
        self._table = table
        # By the wall's clock: a monotonic one may stand still while the process is frozen between two calls.
        self._kept: TTLCache[str, ConversationSettings] = TTLCache(KEPT, CACHE_SECONDS, clock)

    async def of(self, organization_id: str) -> ConversationSettings:
        """The defaults where nothing was chosen. Raises `LeadMemoryError` for what is no choice."""
        settings = self._kept.get(organization_id)
        if settings is None:
            settings = conversation_settings(await self._table.get(keys.organization_key(organization_id)))
            self._kept[organization_id] = settings
        return settings

    async def set(self, organization_id: str, settings: ConversationSettings) -> None:
        """Raises `Conflict` for an unknown organization, and `Erased`."""
        key = keys.organization_key(organization_id)
        try:
            # A tombstone has no keys.
            await self._table.update(key, F(CONVERSATIONS).set(msgspec.to_builtins(settings)), F(WRAPPED_KEYS).exists())
        except Conflict:
            if ERASED_AT in (await self._table.get(key, consistent=True) or {}):
                raise Erased("the organization was erased") from None
            raise Conflict("the organization is not known: look at its id, or publish its first event before") from None
        self._kept[organization_id] = settings
