"""An event as an item, and the head that makes a lead known."""

import zlib
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from lead_memory.adapters import keys
from lead_memory.adapters.large_payloads import LARGE_CONTENT, object_key
from lead_memory.adapters.memory_items import CONTENT, ORGANIZATION, Item, iso, time
from lead_memory.domain.errors import Rejected
from lead_memory.domain.events import Event, validated
from lead_memory.domain.memories import MemoryKey

CONTENT_HASHES = "content_hashes"
UNSETTLED = "unsettled"
ITEM_BYTES = 350_000
"""DynamoDB takes 409,600; the rest is for names of memories that the event may yet have a part in."""


class _Content(msgspec.Struct, frozen=True):
    data: msgspec.Raw
    raw_payload: msgspec.Raw
    mapped: bool


class PackedEvent(NamedTuple):
    item: Item
    large_content: bytes | None
    """What the object that the item points to must hold; None where the item holds all."""


def packed_event(event: Event, touches: Collection[MemoryKey], *, recorded_at: datetime, settled: bool) -> PackedEvent:
    """Raises `Rejected` when the names of the memories that the event touches do not fit into an item."""
    item = _without_content(event, touches, recorded_at=recorded_at, settled=settled)
    room = ITEM_BYTES - _size(item)
    if room < 0:
        raise Rejected("too_large", f"the names of the event's {len(touches):,} memories do not fit into an item")
    whole = _packed(event, event.raw_payload_json)
    if len(whole) <= room:
        return PackedEvent({**item, CONTENT: whole}, None)
    item[LARGE_CONTENT] = object_key(event.lead_organization_id, event.ref, whole)
    to_fold = _packed(event, None)
    return PackedEvent({**item, CONTENT: to_fold} if len(to_fold) <= room else item, whole)


def _packed(event: Event, raw_payload_json: bytes | None) -> bytes:
    content = _Content(
        data=msgspec.Raw(event.data_json),
        raw_payload=msgspec.Raw(raw_payload_json or b"null"),
        mapped=event.data_was_mapped,
    )
    return zlib.compress(msgspec.json.encode(content))


def _size(item: Item) -> int:
    """About what DynamoDB counts: the bytes of names and values."""
    return len(msgspec.json.encode(item))


def _without_content(event: Event, touches: Collection[MemoryKey], *, recorded_at: datetime, settled: bool) -> Item:
    optional = {
        "sequence": event.sequence,
        "correlation_id": event.correlation_id,
        "causation_id": event.causation_id,
        UNSETTLED: None if settled else 1,
    }
    return {
        **keys.event_key(event.lead_organization_id, event.ref)._asdict(),
        keys.GSI1_PK: keys.timeline(event.lead_organization_id),
        keys.GSI1_SK: keys.timeline_place(event.position),
        keys.TOUCHES: touched_keys(touches),
        CONTENT_HASHES: list(event.content_hashes),
        ORGANIZATION: event.organization_id,
        "source": event.source,
        "event_id": event.event_id,
        "event_type": event.event_type,
        "event_version": event.version,
        "occurred_at": iso(event.occurred_at),
        "recorded_at": iso(recorded_at),
        **{name: value for name, value in optional.items() if value is not None},
    }


def touched_keys(names: Collection[MemoryKey]) -> list[str]:
    return sorted(keys.memory_sk(name) for name in names)


def event_of(item: Mapping[str, Any]) -> Event:
    """Where the item points to an object, its `content` is to be the object's, or the raw payload stays behind."""
    content = msgspec.json.decode(zlib.decompress(item[CONTENT]), type=_Content)
    return Event(
        source=item["source"],
        event_id=item["event_id"],
        event_type=item["event_type"],
        occurred_at=time(item["occurred_at"]),
        sequence=item.get("sequence"),
        organization_id=item[ORGANIZATION],
        lead_organization_id=item[keys.PK],
        version=item["event_version"],
        correlation_id=item.get("correlation_id"),
        causation_id=item.get("causation_id"),
        data=validated(item["event_type"], bytes(content.data)),
        data_json=bytes(content.data),
        raw_payload_json=None if content.raw_payload == msgspec.Raw(b"null") else bytes(content.raw_payload),
        data_was_mapped=content.mapped,
        content_hashes=tuple(item[CONTENT_HASHES]),
    )


def organization_item(organization_id: str, recorded_at: datetime) -> Item:
    return {
        **keys.organization_key(organization_id)._asdict(),
        keys.GSI1_PK: keys.ORGANIZATIONS,
        keys.GSI1_SK: organization_id,
        "created_at": iso(recorded_at),
    }


def head_item(lead_id: str, organization_id: str, recorded_at: datetime) -> Item:
    return {
        **keys.head_key(lead_id)._asdict(),
        keys.GSI1_PK: keys.registry(organization_id, lead_id),
        keys.GSI1_SK: lead_id,
        ORGANIZATION: organization_id,
        "created_at": iso(recorded_at),
    }
