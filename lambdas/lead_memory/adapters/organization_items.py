"""An organization as an item: its data keys, each wrapped by the KMS key, and how its memories are named."""

from collections.abc import Sequence

from lead_memory.adapters import keys
from lead_memory.adapters.memory_items import Item

WRAPPED_KEYS = "wrapped_keys"
"""A list of binaries: version 1 first."""
HASHES_NAMES = "hashes_names"


def organization_item(organization_id: str, wrapped_keys: Sequence[bytes], *, hashes_names: bool) -> Item:
    return {
        **keys.organization_key(organization_id)._asdict(),
        keys.GSI1_PK: keys.ORGANIZATIONS,
        keys.GSI1_SK: organization_id,
        WRAPPED_KEYS: list(wrapped_keys),
        HASHES_NAMES: hashes_names,
    }
