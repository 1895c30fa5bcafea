"""A memory as an item: its value is content, one sealed attribute of canonical JSON; the rest is in clear.

A large value is packed, for a thread's newest messages are written with every one that follows.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from lead_memory.adapters import keys, packing
from lead_memory.adapters.sealing import Keyring
from lead_memory.domain import canonical
from lead_memory.domain.lifecycle import due_at
from lead_memory.domain.memories import Memory, MemoryKey, Position, Source, Tier

VERSION = "version"
CONTENT = "content"
ORGANIZATION = "organization_id"
NAME = "name"
"""Of a memory whose sort key is a hash: sealed, its key."""
ERASED_AT = "erased_at"
"""Only in what is left in the place of an erased item."""

GARBAGE_AFTER = timedelta(days=7)
"""How long an expired memory may wait for the sweep."""

PLAIN_BYTES = 400
"""Of a value that is left as it is: what is in clear fills the rest of a write unit."""

ENDS_AT = "ends_at"
NEWEST = "newest"
"""The position of the last event that was folded in."""

type Item = dict[str, Any]


def memory_item(memory: Memory, version: int, keyring: Keyring) -> Item:
    key = keyring.memory_key(memory.lead_organization_id, memory.name)
    item: Item = {
        **key._asdict(),
        VERSION: version,
        CONTENT: keyring.seal(_packed(canonical.encode(memory.value)), *key, CONTENT),
        ORGANIZATION: memory.organization_id,
        "confidence": str(memory.confidence),
        "source": memory.source.value,
        "source_event_ids": list(memory.source_event_ids),
        "source_event_count": memory.source_event_count,
        "evidence_count": memory.evidence_count,
        "contradiction_count": memory.contradiction_count,
        "created_at": iso(memory.created_at),
        "updated_at": iso(memory.updated_at),
        "tier": memory.tier.value,
        NEWEST: [
            iso(memory.newest.occurred_at),
            memory.newest.sequence,
            memory.newest.source,
            memory.newest.event_id,
        ],
        "fold_version": memory.fold_version,
    }
    if keyring.hashes_names:
        item[NAME] = keyring.seal(memory.key.encode(), *key, NAME)
    if memory.expires_at is not None:
        item[ENDS_AT] = iso(memory.expires_at)
    if memory.expires_at is not None and memory.value:
        # What collects garbage comes after the sweep, which leaves an empty memory in the place of an expired one.
        item[keys.TTL] = int((memory.expires_at + GARBAGE_AFTER).timestamp())
    if (due := due_at(memory)) is not None:
        item[keys.GSI1_PK] = keys.due_shard(memory.lead_organization_id)
        item[keys.GSI1_SK] = keys.due_at(due)
    return item


def memory_of(item: Mapping[str, Any], keyring: Keyring) -> Memory:
    """Raises `KeyUnknown` or `Unreadable`."""
    name = memory_name(item, keyring)
    occurred_at, sequence, source, event_id = item[NEWEST]
    expires_at = item.get(ENDS_AT)
    return Memory(
        lead_organization_id=item[keys.PK],
        organization_id=item[ORGANIZATION],
        memory_type=name.memory_type,
        key=name.key,
        value=canonical.decode(_unpacked(keyring.open(item[CONTENT], item[keys.PK], item[keys.SK], CONTENT))),
        confidence=float(item["confidence"]),
        source=Source(item["source"]),
        source_event_ids=tuple(item["source_event_ids"]),
        source_event_count=item["source_event_count"],
        evidence_count=item["evidence_count"],
        contradiction_count=item["contradiction_count"],
        created_at=time(item["created_at"]),
        updated_at=time(item["updated_at"]),
        expires_at=time(expires_at) if expires_at else None,
        tier=Tier(item["tier"]),
        newest=Position(time(occurred_at), sequence, source, event_id),
        fold_version=item["fold_version"],
    )


def _packed(value_json: bytes) -> bytes:
    return packing.pack(value_json) if len(value_json) > PLAIN_BYTES else value_json


def _unpacked(content: bytes) -> bytes:
    # JSON begins with a brace, and what is packed never does.
    return content if content.startswith(b"{") else packing.unpack(content)


def memory_name(item: Mapping[str, Any], keyring: Keyring) -> MemoryKey:
    """Raises as `memory_of` does."""
    name = keys.memory_name(item[keys.SK])
    return (
        name._replace(key=keyring.open(item[NAME], item[keys.PK], item[keys.SK], NAME).decode())
        if NAME in item
        else name
    )


def iso(time: datetime) -> str:
    return time.astimezone(UTC).isoformat()


def time(text: str) -> datetime:
    return datetime.fromisoformat(text)
