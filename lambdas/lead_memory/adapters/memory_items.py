"""A memory as an item: its value is content, one sealed attribute of canonical JSON; the rest is in clear.

A large value is packed, for a thread's newest messages are written with every one that follows.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from lead_memory.adapters import keys, packing
from lead_memory.adapters.sealing import Keyring
from lead_memory.domain import canonical
from lead_memory.domain.lifecycle import Standing, due_at
from lead_memory.domain.memories import Annotations, Memory, MemoryKey, Position, Source, StorageTier, Tier
from lead_memory.domain.retention import NO_POLICY, Policy, Retention

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

RETENTION = "retention"
"""A map; where it is absent, nothing ever happened to the memory."""
STORAGE_TIER = "storage_tier"
"""Absent for `hot`."""
ANNOTATIONS = "annotations"
"""Sealed; absent where there are none."""
LAST_ACCESSED_AT = "last_accessed_at"
ATTEMPT_ID = "extraction_attempt_id"
UPDATED_AT = "updated_at"

type Item = dict[str, Any]


def memory_item(memory: Memory, version: int, keyring: Keyring, policy: Policy = NO_POLICY) -> Item:
    """The policy says when the memory is looked at, and nothing else of the item."""
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
        UPDATED_AT: iso(memory.updated_at),
        "tier": memory.tier.value,
        NEWEST: [
            iso(memory.newest.occurred_at),
            memory.newest.sequence,
            memory.newest.source,
            memory.newest.event_id,
        ],
        "fold_version": memory.fold_version,
    }
    item |= _unusual(memory, key, keyring)
    if keyring.hashes_names:
        item[NAME] = keyring.seal(memory.key.encode(), *key, NAME)
    if memory.expires_at is not None:
        item[ENDS_AT] = iso(memory.expires_at)
    if memory.expires_at is not None and memory.value:
        # What collects garbage comes after the sweep, which leaves an empty memory in the place of an expired one.
        item[keys.TTL] = int((memory.expires_at + GARBAGE_AFTER).timestamp())
    if (due := due_place(memory, policy)) is not None:
        item[keys.GSI1_PK] = keys.due_shard(memory.lead_organization_id)
        item[keys.GSI1_SK] = due
    return item


def due_place(memory: Memory, policy: Policy) -> str | None:
    """In the index of due dates."""
    due = due_at(memory, policy)
    return None if due is None else keys.due_at(due)


def _unusual(memory: Memory, key: keys.Key, keyring: Keyring) -> Item:
    """What most memories do not have, so that they stay small."""
    item: Item = {}
    if memory.annotations != Annotations():
        item[ANNOTATIONS] = keyring.seal(canonical.encode(memory.annotations), *key, ANNOTATIONS)
    if memory.retention != Retention():
        item[RETENTION] = msgspec.to_builtins(memory.retention)
    if memory.storage_tier is not StorageTier.HOT:
        item[STORAGE_TIER] = memory.storage_tier.value
    if memory.last_accessed_at is not None:
        item[LAST_ACCESSED_AT] = iso(memory.last_accessed_at)
    if memory.extraction_attempt_id is not None:
        item[ATTEMPT_ID] = memory.extraction_attempt_id
    return item


def memory_of(item: Mapping[str, Any], keyring: Keyring) -> Memory:
    """Without a value where the item only points to it. Raises `KeyUnknown` or `Unreadable`."""
    of = standing_of(item, memory_name(item, keyring))
    occurred_at, sequence, source, event_id = item[NEWEST]
    place = (item[keys.PK], item[keys.SK])
    annotations = keyring.open(item[ANNOTATIONS], *place, ANNOTATIONS) if ANNOTATIONS in item else b"{}"
    return Memory(
        lead_organization_id=item[keys.PK],
        organization_id=item[ORGANIZATION],
        memory_type=of.name.memory_type,
        key=of.name.key,
        value=canonical.decode(_unpacked(keyring.open(item[CONTENT], *place, CONTENT))) if CONTENT in item else {},
        confidence=float(item["confidence"]),
        source=Source(item["source"]),
        source_event_ids=tuple(item["source_event_ids"]),
        source_event_count=item["source_event_count"],
        evidence_count=item["evidence_count"],
        contradiction_count=item["contradiction_count"],
        created_at=time(item["created_at"]),
        updated_at=of.updated_at,
        expires_at=of.expires_at,
        tier=Tier(item["tier"]),
        newest=Position(time(occurred_at), sequence, source, event_id),
        fold_version=item["fold_version"],
        annotations=msgspec.convert(canonical.decode(annotations), Annotations),
        retention=of.retention,
        storage_tier=of.storage_tier,
        last_accessed_at=of.last_accessed_at,
        extraction_attempt_id=item.get(ATTEMPT_ID),
    )


def standing_of(item: Mapping[str, Any], name: MemoryKey) -> Standing:
    """Of an item that may lack its content."""
    return Standing(
        name=name,
        updated_at=time(item[UPDATED_AT]),
        expires_at=_time_or_none(item.get(ENDS_AT)),
        retention=msgspec.convert(item[RETENTION], Retention) if RETENTION in item else Retention(),
        storage_tier=StorageTier(item.get(STORAGE_TIER, StorageTier.HOT)),
        last_accessed_at=_time_or_none(item.get(LAST_ACCESSED_AT)),
    )


def _time_or_none(text: str | None) -> datetime | None:
    return time(text) if text else None


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
