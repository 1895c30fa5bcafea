"""An organization as an item: its data keys, each wrapped by the KMS key, and what it chose."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import msgspec

from lead_memory.adapters import keys
from lead_memory.adapters.memory_items import Item
from lead_memory.domain.conversation.settings import ConversationSettings
from lead_memory.domain.errors import LeadMemoryError
from lead_memory.domain.memory_settings import MemorySettings

WRAPPED_KEYS = "wrapped_keys"
"""A list of binaries: version 1 first."""
HASHES_NAMES = "hashes_names"
CONVERSATIONS = "conversations"
"""A map, the `ConversationSettings`; only in the item of an organization that chose."""
MEMORIES = "memories"
"""The `MemorySettings` as JSON, for they have fractions; as above."""
SPENT = "spent_micros"
"""On models, in the item of one of its days."""


def organization_item(organization_id: str, wrapped_keys: Sequence[bytes], *, hashes_names: bool) -> Item:
    return {
        **keys.organization_key(organization_id)._asdict(),
        keys.GSI1_PK: keys.ORGANIZATIONS,
        keys.GSI1_SK: organization_id,
        WRAPPED_KEYS: list(wrapped_keys),
        HASHES_NAMES: hashes_names,
    }


def conversation_settings(item: Item | None) -> ConversationSettings:
    """The defaults for an organization that chose nothing. Raises `LeadMemoryError` for what is no choice."""
    with _choosing(CONVERSATIONS):
        return msgspec.convert((item or {}).get(CONVERSATIONS, {}), ConversationSettings)


def memory_settings(item: Item | None) -> MemorySettings:
    """As `conversation_settings`."""
    with _choosing(MEMORIES):
        return msgspec.json.decode((item or {}).get(MEMORIES, "{}"), type=MemorySettings)


@contextmanager
def _choosing(what: str) -> Iterator[None]:
    try:
        yield
    except (msgspec.DecodeError, TypeError):
        raise LeadMemoryError(
            f"What the organization chose for its {what} cannot be read: choose all of it again."
        ) from None
