"""Every key of the table. The number sign separates their parts, and no other module writes one."""

import hashlib
from datetime import UTC, datetime
from typing import NamedTuple

from lead_memory.domain.memories import BEFORE_EVERY_SEQUENCE, MemoryKey, MemoryType, Position

PK, SK = "pk", "sk"
GSI1, GSI1_PK, GSI1_SK = "gsi1", "gsi1pk", "gsi1sk"
TTL = "expires_at"

TOUCHES = "touches"
"""Sort keys of the memories that an event has a part in; the index carries it, so that a memory's events are found."""

DUE_SHARDS = 64
"""The index's partitions of due dates; each sweep queries all of them."""
REGISTRY_SHARDS = 16
"""The index's partitions of one organization's leads."""

ORGANIZATIONS = "organizations"
"""The index's partition of organizations: each is written once."""

EVENT_ID_DIGITS = 32
"""Hexadecimal ones, of an event id's SHA-256."""

_EVENT = "event"
LEASE, BUDGET = "lease#", "budget#"
"""What the extractor alone writes begins with."""
HEAD_SK = "lead#head"
EVENT_SK_PREFIX = f"{_EVENT}#"
VECTOR_SK_PREFIX = "vector#"


class Key(NamedTuple):
    """Its fields have the names of the key's attributes."""

    pk: str
    sk: str


def memory_key(lead_id: str, name: MemoryKey) -> Key:
    return Key(lead_id, memory_sk(name))


def memory_sk(name: MemoryKey) -> str:
    return f"{name.memory_type}#{name.key}"


def memory_name(sk: str) -> MemoryKey:
    """The memory that a sort key names. Raises `ValueError` for an item that is no memory."""
    memory_type, _, key = sk.partition("#")
    return MemoryKey(MemoryType(memory_type), key)


def kind(sk: str) -> str:
    """What the item is: a memory's type, `event`, `lead`, or whatever else comes to be kept."""
    return sk.partition("#")[0]


def beginning(kind: str) -> str:
    """Of the sort keys of all items of a kind."""
    return f"{kind}#"


def hashed_memory_sk(memory_type: MemoryType, digest: str) -> str:
    return f"{memory_type}#~{digest}"


def vector_key(row: Key) -> Key:
    """Of what a recall knows of the memory that a row holds."""
    return Key(row.pk, f"{VECTOR_SK_PREFIX}{row.sk}")


def event_key(lead_id: str, ref: str) -> Key:
    """`ref` is `<source>/<event_id>`; a source has no slash.

    The id is hashed, because an erased event's key stays, and an integration may have put anything into its ids.
    """
    source, _, event_id = ref.partition("/")
    return Key(lead_id, f"{_EVENT}#{source}#{hashlib.sha256(event_id.encode()).hexdigest()[:EVENT_ID_DIGITS]}")


def head_key(lead_id: str) -> Key:
    return Key(lead_id, HEAD_SK)


def organization_key(organization_id: str) -> Key:
    return Key(f"org#{organization_id}", "org#head")


def rebuild_key(run_id: str) -> Key:
    return Key(f"rebuild#{run_id}", "rebuild#head")


def lease_key(lead_id: str, row: str) -> Key:
    """Hashed, for it is not erased with the lead: it ends by itself."""
    return Key(f"{LEASE}{_digest(lead_id, row)}", "lease#head")


def budget_key(organization_id: str, time: datetime) -> Key:
    """Of the day, in UTC."""
    return Key(f"{BUDGET}{_digest(organization_id)}", f"day#{time.astimezone(UTC).date().isoformat()}")


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def timeline(lead_id: str) -> str:
    return f"timeline#{lead_id}"


def timeline_place(position: Position) -> str:
    # Of one length where there is one; without, an event comes before those that have one.
    sequence = "" if position.sequence == BEFORE_EVERY_SEQUENCE else f"{position.sequence:016x}"
    return f"{_utc(position.occurred_at)}#{sequence}#{position.ref}"


def timeline_position(place: str) -> Position:
    """The event at a place of its lead's timeline. Raises `ValueError` for what is no place."""
    occurred_at, sequence, ref = place.split("#", 2)
    source, _, event_id = ref.partition("/")
    number = int(sequence, 16) if sequence else BEFORE_EVERY_SEQUENCE
    return Position(datetime.fromisoformat(occurred_at), number, source, event_id)


def registry(organization_id: str, lead_id: str) -> str:
    return _registry(organization_id, _shard(lead_id, REGISTRY_SHARDS))


def registries(organization_id: str) -> list[str]:
    """The index's partitions that together name every lead of an organization."""
    return [_registry(organization_id, shard) for shard in range(REGISTRY_SHARDS)]


def erased_registry(organization_id: str, lead_id: str) -> str:
    """As `registry`, of the leads that were erased: their tombstones are found when the organization is."""
    return _erased(registry(organization_id, lead_id))


def erased_registries(organization_id: str) -> list[str]:
    return list(map(_erased, registries(organization_id)))


def _erased(registry: str) -> str:
    return f"erased#{registry}"


def _registry(organization_id: str, shard: int) -> str:
    return f"registry#{organization_id}#{shard}"


def due(shard: int) -> str:
    return f"due#{shard}"


def due_shard(lead_id: str) -> str:
    return due(_shard(lead_id, DUE_SHARDS))


NEVER = "~"
"""After every due date."""


def due_at(time: datetime) -> str:
    return _utc(time)


def _utc(time: datetime) -> str:
    """Of one length, so that texts sort as times do."""
    return f"{time.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def _shard(name: str, shards: int) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=4).digest()) % shards
