"""An entry of the index that recalls read, as an item beside its memory's: the entry is content, the rest in clear."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
from aiodynamo.expressions import F, UpdateExpression

from lead_memory.adapters import keys
from lead_memory.adapters.large_payloads import LARGE_CONTENT
from lead_memory.adapters.memory_items import CONTENT, LAST_ACCESSED_AT, ORGANIZATION, STORAGE_TIER, time
from lead_memory.adapters.sealing import Keyring
from lead_memory.domain.memories import StorageTier
from lead_memory.domain.recall.entry import Entry, Indexed, Use
from lead_memory.services.indexing import Made

VECTOR_ID, EMBEDDING_VERSION, MEMORY_VERSION = "vector_id", "embedding_version", "memory_version"
USAGE_COUNT = "usage_count"

_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Entry)
_TIERS = {tier.value: tier for tier in StorageTier}


def sealed_entry(entry: Entry, key: keys.Key, keyring: Keyring) -> bytes:
    return keyring.seal(_ENCODER.encode(entry), *key, CONTENT)


class Stored(NamedTuple):
    """An entry's item, as it was read."""

    key: keys.Key
    content: bytes
    storage_tier: str
    memory_version: int
    vector_id: str | None
    embedding_version: str | None
    usage_count: int | None
    last_accessed_at: str | None


def stored(item: Mapping[str, Any]) -> Stored:
    return Stored(
        keys.Key(item[keys.PK], item[keys.SK]),
        item[CONTENT],
        item[STORAGE_TIER],
        item[MEMORY_VERSION],
        item.get(VECTOR_ID),
        item.get(EMBEDDING_VERSION),
        item.get(USAGE_COUNT),
        item.get(LAST_ACCESSED_AT),
    )


def indexed(stored: Stored, keyring: Keyring) -> Indexed:
    """Raises `KeyUnknown` or `Unreadable`."""
    accessed_at = stored.last_accessed_at
    return Indexed(
        entry=_DECODER.decode(keyring.open(stored.content, *stored.key, CONTENT)),
        use=Use(stored.usage_count or 0, time(accessed_at) if accessed_at else None),
        storage_tier=_TIERS[stored.storage_tier],
        vector_id=stored.vector_id,
        embedding_version=stored.embedding_version,
        memory_version=stored.memory_version,
    )


def written(made: Made, memory_version: int, organization_id: str, content: bytes | str) -> UpdateExpression:
    """`content` is the sealed entry, or the key of the object that it is in. How often it was used stays."""
    here, elsewhere = (CONTENT, LARGE_CONTENT) if isinstance(content, bytes) else (LARGE_CONTENT, CONTENT)
    expression = (
        F(here).set(content)
        & F(elsewhere).remove()
        & F(ORGANIZATION).set(organization_id)
        & F(STORAGE_TIER).set(made.storage_tier.value)
        & F(VECTOR_ID).set(made.vector_id)
        & F(MEMORY_VERSION).set(memory_version)
    )
    version = F(EMBEDDING_VERSION)
    return expression & (version.set(made.embedding_version) if made.embedding_version else version.remove())
