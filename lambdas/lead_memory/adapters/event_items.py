"""An event as an item, and the head that makes a lead known."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from itertools import batched
from typing import Any, NamedTuple

import msgspec

from lead_memory.adapters import keys, packing
from lead_memory.adapters.large_payloads import LARGE_CONTENT, object_key
from lead_memory.adapters.memory_items import CONTENT, ERASED_AT, ORGANIZATION, Item, iso
from lead_memory.adapters.sealing import Keyring
from lead_memory.domain.errors import Rejected
from lead_memory.domain.events import CONTENT_HASH_DIGITS, Event, validated
from lead_memory.domain.limits import ITEM_BYTES
from lead_memory.domain.memories import Lead, MemoryKey, MemoryType

CONTENT_HASHES = "hashes"
"""Sealed, one after the other: the hash of a short answer tells the answer."""
TOUCHED_NAMES = "touched_names"
"""Of an event of an organization whose memories' sort keys are hashes: sealed, their names."""
UNSETTLED = "unsettled"
RECORDED_AT = "recorded_at"
"""In microseconds since 1970."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HASH_BYTES = CONTENT_HASH_DIGITS // 2


class _Content(msgspec.Struct, frozen=True):
    data: msgspec.Raw
    raw_payload: msgspec.Raw
    mapped: bool


class PackedEvent(NamedTuple):
    item: Item
    large_content: bytes | None
    """What the object that the item points to must hold; None where the item holds all."""


def packed_event(
    event: Event, touches: Collection[MemoryKey], keyring: Keyring, *, recorded_at: datetime, settled: bool
) -> PackedEvent:
    """Raises `Rejected` when the names of the memories that the event touches do not fit into an item."""
    item = _without_content(event, touches, keyring, recorded_at=recorded_at, settled=settled)
    room = ITEM_BYTES - _size(item)
    if room < 0:
        raise Rejected("too_large", f"the names of the event's {len(touches):,} memories do not fit into an item")
    place = (item[keys.PK], item[keys.SK], CONTENT)
    packed = _packed(event, event.raw_payload_json)
    whole = keyring.seal(packed, *place)
    if len(whole) <= room:
        return PackedEvent({**item, CONTENT: whole}, None)
    fingerprint = keyring.fingerprint(event.ref.encode() + b"\0" + packed)
    item[LARGE_CONTENT] = object_key(event.lead_organization_id, event.ref, fingerprint)
    to_fold = keyring.seal(_packed(event, None), *place)
    return PackedEvent({**item, CONTENT: to_fold} if len(to_fold) <= room else item, whole)


def _packed(event: Event, raw_payload_json: bytes | None) -> bytes:
    content = _Content(
        data=msgspec.Raw(event.data_json),
        raw_payload=msgspec.Raw(raw_payload_json or b"null"),
        mapped=event.data_was_mapped,
    )
    return packing.pack(msgspec.json.encode(content))


def _size(item: Item) -> int:
    """About what DynamoDB counts: the bytes of names and values."""
    return len(msgspec.json.encode(item))


def _without_content(
    event: Event, touches: Collection[MemoryKey], keyring: Keyring, *, recorded_at: datetime, settled: bool
) -> Item:
    key = keys.event_key(event.lead_organization_id, event.ref)
    optional = {
        "correlation_id": event.correlation_id,
        "causation_id": event.causation_id,
        UNSETTLED: None if settled else 1,
    }
    return {
        **key._asdict(),
        keys.GSI1_PK: keys.timeline(event.lead_organization_id),
        keys.GSI1_SK: keys.timeline_place(event.position),
        **touches_of(key, touches, keyring),
        CONTENT_HASHES: keyring.seal(bytes.fromhex("".join(event.content_hashes)), *key, CONTENT_HASHES),
        ORGANIZATION: event.organization_id,
        "type": event.event_type,
        RECORDED_AT: (recorded_at - _EPOCH) // timedelta(microseconds=1),
        **{name: value for name, value in optional.items() if value is not None},
    }


def touches_of(key: keys.Key, names: Collection[MemoryKey], keyring: Keyring) -> Item:
    """The attributes that say which memories an event has a part in."""
    ordered = sorted(names)
    attributes: Item = {keys.TOUCHES: [keyring.memory_key(key.pk, name).sk for name in ordered]}
    if keyring.hashes_names:
        attributes[TOUCHED_NAMES] = keyring.seal(msgspec.json.encode(ordered), *key, TOUCHED_NAMES)
    return attributes


def touched_names(item: Mapping[str, Any], keyring: Keyring) -> frozenset[MemoryKey]:
    """Raises `KeyUnknown` or `Unreadable`."""
    if TOUCHED_NAMES not in item:
        return frozenset(map(keys.memory_name, item[keys.TOUCHES]))
    names = msgspec.json.decode(_opened(item, TOUCHED_NAMES, keyring), type=list[tuple[MemoryType, str]])
    return frozenset(MemoryKey(*name) for name in names)


def content_hashes(item: Mapping[str, Any], keyring: Keyring) -> tuple[str, ...]:
    """Raises `KeyUnknown` or `Unreadable`."""
    hashes = _opened(item, CONTENT_HASHES, keyring)
    return tuple(bytes(each).hex() for each in batched(hashes, _HASH_BYTES, strict=True))


def recorded_at(item: Mapping[str, Any]) -> datetime:
    return _EPOCH + timedelta(microseconds=item[RECORDED_AT])


def _opened(item: Mapping[str, Any], attribute: str, keyring: Keyring) -> bytes:
    return keyring.open(item[attribute], item[keys.PK], item[keys.SK], attribute)


def event_of(item: Mapping[str, Any], keyring: Keyring) -> Event:
    """Where the item points to an object, its `content` is to be the object's, or the raw payload stays behind.

    Raises `KeyUnknown` or `Unreadable`.
    """
    content = msgspec.json.decode(packing.unpack(_opened(item, CONTENT, keyring)), type=_Content)
    position = keys.timeline_position(item[keys.GSI1_SK])
    return Event(
        source=position.source,
        event_id=position.event_id,
        event_type=item["type"],
        occurred_at=position.occurred_at,
        sequence=position.given_sequence,
        organization_id=item[ORGANIZATION],
        lead_organization_id=item[keys.PK],
        version=1,  # The envelope has had no other.
        correlation_id=item.get("correlation_id"),
        causation_id=item.get("causation_id"),
        data=validated(item["type"], bytes(content.data)),
        data_json=bytes(content.data),
        raw_payload_json=None if content.raw_payload == msgspec.Raw(b"null") else bytes(content.raw_payload),
        data_was_mapped=content.mapped,
        content_hashes=content_hashes(item, keyring),
    )


def head_item(lead: Lead, recorded_at: datetime) -> Item:
    return {
        **keys.head_key(lead.lead_id)._asdict(),
        keys.GSI1_PK: keys.registry(*lead),
        keys.GSI1_SK: lead.lead_id,
        ORGANIZATION: lead.organization_id,
        "created_at": iso(recorded_at),
    }


def tombstone(key: keys.Key, organization_id: str, erased_at: datetime) -> Item:
    """What is left in the place of an erased event or lead, so that it stays out: no content, and in no index."""
    return {**key._asdict(), ORGANIZATION: organization_id, ERASED_AT: iso(erased_at)}
