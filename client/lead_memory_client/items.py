"""The table's items, as the SDK's low-level client gives them."""

from collections.abc import Mapping
from typing import Any

import msgspec

from lead_memory.adapters import keys
from lead_memory.adapters.memory_items import Item
from lead_memory.adapters.sealing import Keyring
from lead_memory.domain import canonical
from lead_memory_client.answers import RecordedEvent


def attributes(key: keys.Key) -> dict[str, Any]:
    return {attribute: {"S": text} for attribute, text in key._asdict().items()}


def plain_item(item: Mapping[str, Any]) -> Item:
    return {name: _plain(attribute) for name, attribute in item.items()}


def _plain(attribute: Mapping[str, Any]) -> Any:
    match attribute:
        case {"N": number}:
            # Other numbers are within an item's content.
            return int(number)
        case {"L": values}:
            return [_plain(value) for value in values]
        case {"M": fields}:
            return plain_item(fields)
    [value] = attribute.values()
    return value


def recorded_event(item: Item, keyring: Keyring) -> RecordedEvent:
    from lead_memory.adapters.event_items import event_of, recorded_at

    event = event_of(item, keyring)
    return RecordedEvent(
        source=event.source,
        event_id=event.event_id,
        event_type=event.event_type,
        occurred_at=event.occurred_at,
        recorded_at=recorded_at(item),
        version=event.version,
        data=canonical.decode(event.data_json),
        raw_payload=msgspec.Raw(event.raw_payload_json) if event.raw_payload_json else None,
    )
