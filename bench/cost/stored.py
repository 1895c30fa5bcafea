"""What the table holds of leads, as DynamoDB bills it."""

from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from bench.capacity import Item, item_bytes, write_units
from bench.ground import Ground
from lead_memory.adapters import keys

OVERHEAD_BYTES = 100
"""Of each item in a table, and of each entry of an index.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
"""
TRANSACTION = 2
"""How many times the units a write takes in a transaction."""
_ENTRY = frozenset({keys.PK, keys.SK, keys.GSI1_PK, keys.GSI1_SK, keys.TOUCHES})


class Stored(NamedTuple):
    items: int
    table_bytes: int
    index_bytes: int
    write_units: int
    """To write each item once, in transactions, and its entry in the index."""


def of(items: Collection[Item]) -> Stored:
    entries = [indexed(item) for item in items if keys.GSI1_PK in item]
    sizes, entry_sizes = list(map(item_bytes, items)), list(map(item_bytes, entries))
    return Stored(
        items=len(items),
        table_bytes=sum(sizes) + OVERHEAD_BYTES * len(items),
        index_bytes=sum(entry_sizes) + OVERHEAD_BYTES * len(entries),
        write_units=sum(TRANSACTION * write_units(0, size) for size in sizes)
        + sum(write_units(0, size) for size in entry_sizes),
    )


def together(one: Stored, other: Stored) -> Stored:
    return Stored(*map(sum, zip(one, other, strict=True)))


def indexed(item: Item) -> Item:
    """What the index holds of an item."""
    return {name: value for name, value in item.items() if name in _ENTRY}


def is_event(item: Item) -> bool:
    return bool(item[keys.SK]["S"].startswith(keys.EVENT_SK_PREFIX))


def is_entry(item: Item) -> bool:
    return bool(item[keys.SK]["S"].startswith(keys.VECTOR_SK_PREFIX))


def is_memory(item: Item) -> bool:
    return not is_event(item) and not is_entry(item) and item[keys.SK]["S"] != keys.HEAD_SK


def rows_of(ground: Ground, lead_ids: Iterable[str]) -> Iterator[Item]:
    pages = ground.stage.client("dynamodb").get_paginator("query")
    for lead_id in lead_ids:
        for page in pages.paginate(
            TableName=ground.stage.resources.table_name,
            KeyConditionExpression=f"{keys.PK} = :lead",
            ExpressionAttributeValues={":lead": {"S": lead_id}},
            ConsistentRead=True,
        ):
            yield from page["Items"]


def delete(ground: Ground, items: Collection[Item]) -> None:
    dynamodb = ground.stage.client("dynamodb")
    for item in items:
        key = {name: item[name] for name in keys.Key._fields}
        dynamodb.delete_item(TableName=ground.stage.resources.table_name, Key=key)
