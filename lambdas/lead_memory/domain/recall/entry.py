"""What a recall knows of a memory before it reads it: its vector, its words, and what ranks it.

It is laid out to be decoded by the thousand: arrays rather than objects, times as numbers, and of what a caller said
of the memory only what filters or ranks it.
"""

from datetime import datetime

import msgspec

from lead_memory.domain.memories import Environment, MemoryKey, Source, StorageTier


class Vector(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Of length 1, each component as one signed byte."""

    components: bytes
    scale: float
    """A component is its byte times this."""


class Entry(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """Fields are only ever added, at the end and with a default: what was sealed before is still read."""

    name: MemoryKey
    vector: Vector | None
    """None until it was embedded, and in cold storage."""
    terms: bytes
    """Hashes of the words of its text, unsigned 32 bits each, in native order of a little-endian machine; a word that
    stands twice is there twice.
    """
    quality: float
    source: Source
    confidence: float
    evidence_count: int
    contradiction_count: int
    updated_at: float
    """Seconds since 1970, as `expires_at`."""
    expires_at: float | None
    importance: float
    content_type: str | None = None
    event_type: str | None = None
    tags: tuple[str, ...] = ()
    environment: Environment = Environment.PRODUCTION
    project_id: str | None = None
    parent: MemoryKey | None = None
    is_summary: bool = False
    summary_of: tuple[MemoryKey, ...] = ()


class Use(msgspec.Struct, frozen=True, gc=False):
    """How often a memory was recalled, and when last; counted beside it."""

    usage_count: int = 0
    last_accessed_at: datetime | None = None


class Indexed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An entry as it stands in the index."""

    entry: Entry
    use: Use
    storage_tier: StorageTier
    vector_id: str | None
    """Another with every content, and with every model."""
    embedding_version: str | None
    memory_version: int
    """Of the memory's row that the entry was made of."""


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Entry)

encode_entry = _ENCODER.encode
decode_entry = _DECODER.decode
