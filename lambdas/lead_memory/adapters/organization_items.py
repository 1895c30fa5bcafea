"""An organization as an item: its data keys, each wrapped by the KMS key, and what it chose."""

from collections.abc import Sequence

import msgspec

from lead_memory.adapters import keys
from lead_memory.adapters.memory_items import Item
from lead_memory.domain.conversation.settings import ConversationSettings
from lead_memory.domain.errors import LeadMemoryError

WRAPPED_KEYS = "wrapped_keys"
"""A list of binaries: version 1 first."""
HASHES_NAMES = "hashes_names"
CONVERSATIONS = "conversations"
"""A map, the `ConversationSettings`; only in the item of an organization that chose."""
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
    if item is None or CONVERSATIONS not in item:
        return ConversationSettings()
    try:
        return msgspec.convert(item[CONVERSATIONS], ConversationSettings)
    except msgspec.ValidationError:
        raise LeadMemoryError(
            "What the organization chose for its conversations cannot be read: choose all of it again."
        ) from None
