"""An event as an item, and the head that makes a lead known."""

import zlib
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import msgspec

from lead_memory.adapters import keys
from lead_memory.adapters.memory_items import CONTENT, ORGANIZATION, Item, iso, time
from lead_memory.domain.errors import Rejected
from lead_memory.domain.events import Event, validated
from lead_memory.domain.memories import MemoryKey

CONTENT_HASHES = "content_hashes"
UNSETTLED = "unsettled"
CONTENT_BYTES = 400_000
"""DynamoDB takes 409,600 bytes an item; the rest is for the attributes beside the content."""


class _Content(msgspec.Struct, frozen=True):
    data: msgspec.Raw
    raw_payload: msgspec.Raw
    mapped: bool


def event_item(event: Event, touches: Collection[MemoryKey], *, recorded_at: datetime, settled: bool) -> Item:
    """Raises `Rejected` when the event does not fit into an item."""
    content = _Content(
        data=msgspec.Raw(event.data_json),
        raw_payload=msgspec.Raw(event.raw_payload_json or b"null"),
        mapped=event.data_was_mapped,
    )
    packed = zlib.compress(msgspec.json.encode(content))
    if len(packed) > CONTENT_BYTES:
        raise Rejected("too_large", f"the event has {len(packed):,} bytes compressed; {CONTENT_BYTES:,} are kept")
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
        CONTENT: packed,
        CONTENT_HASHES: list(event.content_hashes()),
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
    )


def head_item(lead_id: str, organization_id: str, recorded_at: datetime) -> Item:
    return {
        **keys.head_key(lead_id)._asdict(),
        keys.GSI1_PK: keys.registry(organization_id, lead_id),
        keys.GSI1_SK: lead_id,
        ORGANIZATION: organization_id,
        "created_at": iso(recorded_at),
    }
