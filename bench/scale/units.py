"""What one event writes and reads, in DynamoDB's units, by the items that the product makes of it."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from math import ceil
from typing import Any, NamedTuple

import msgspec

from lead_memory.adapters import keys
from lead_memory.adapters.event_items import head_item, packed_event
from lead_memory.adapters.memory_items import memory_item
from lead_memory.adapters.sealing import KEY_BYTES, Keyring
from lead_memory.domain.derivations import derive
from lead_memory.domain.events import Event
from lead_memory.domain.fold import fold
from lead_memory.domain.memories import SOURCE_EVENT_IDS_KEPT, Memory, MemoryKey
from tests.events import sample

WRITE_UNIT_BYTES = 1_024
READ_UNIT_BYTES = 4_096
TRANSACTION = 2
"""Units of a write in a transaction; those of an index are not doubled."""
INDEXED = (keys.PK, keys.SK, keys.GSI1_PK, keys.GSI1_SK, keys.TOUCHES)


class Units(NamedTuple):
    """Of one event of a lead that is known, whose memories have as many events as their items name."""

    event: int
    memories: int
    """Written once for all of the lead's events in a batch; so are the next two."""
    due: int
    """In the index: each date that is put there is taken out again."""
    read: int
    """Strongly consistent: the lead's head and the memories."""
    timeline: int
    event_bytes: int
    memory_bytes: int
    """Of all of them."""
    memory_count: int
    timeline_bytes: int


def units_of(sample_name: str) -> Units:
    event = sample(sample_name)
    keyring = Keyring(event.organization_id, [bytes(KEY_BYTES)])
    memories = [memory for memory in _grown(event).values() if memory is not None]
    rows = [memory_item(memory, 2**62, keyring) for memory in memories]
    touches = [memory.name for memory in memories]
    event_item, _ = packed_event(event, touches, keyring, recorded_at=event.occurred_at, settled=True)
    sizes = list(map(item_bytes, rows))
    read = [item_bytes(head_item(event.lead, event.occurred_at)), *sizes]
    return Units(
        event=TRANSACTION * write_units(item_bytes(event_item)),
        memories=TRANSACTION * sum(map(write_units, sizes)),
        due=sum(2 * write_units(_indexed_bytes(row)) for row in rows if keys.GSI1_PK in row),
        read=sum(ceil(size / READ_UNIT_BYTES) for size in read),
        timeline=write_units(_indexed_bytes(event_item)),
        event_bytes=item_bytes(event_item),
        memory_bytes=sum(sizes),
        memory_count=len(rows),
        timeline_bytes=_indexed_bytes(event_item),
    )


def _grown(event: Event) -> dict[MemoryKey, Memory | None]:
    memories: dict[MemoryKey, Memory | None] = {}
    for number in range(SOURCE_EVENT_IDS_KEPT):
        again = msgspec.structs.replace(
            event,
            event_id=f"{event.event_id[:-2]}{number:02}",
            occurred_at=event.occurred_at + timedelta(minutes=number),
        )
        for change in derive(again):
            memories[change.name] = fold(memories.get(change.name), change, again)
    return memories


def write_units(size: int) -> int:
    return ceil(size / WRITE_UNIT_BYTES)


def _indexed_bytes(item: Mapping[str, Any]) -> int:
    return item_bytes({name: item[name] for name in INDEXED if name in item})


def item_bytes(item: Mapping[str, Any]) -> int:
    """As DynamoDB counts: the bytes of names and values.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
    """
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: Any) -> int:
    match value:
        case bool() | None:
            return 1
        case str():
            return len(value.encode())
        case bytes():
            return len(value)
        case int():
            return ceil(len(str(abs(value))) / 2) + 1
        case list() | tuple():
            return 3 + sum(1 + _value_bytes(each) for each in value)
        case _:
            raise TypeError(f"no item holds a {type(value).__name__}")


def mean(mix: Iterable[tuple[float, Units]], name: str) -> float:
    """Of an event; `mix` has the share of each kind."""
    return sum(share * float(getattr(units, name)) for share, units in mix)
