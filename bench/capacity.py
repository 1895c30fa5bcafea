"""What requests to DynamoDB consume, by the rules that it bills by.

The local engine counts items and not their bytes, so what it reports is not used: the items are read before and after
each request, and weighed here.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
"""

import json
import math
import re
from base64 import b64decode
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import batched, chain
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import boto3
import msgspec
from aiodynamo.http.aiohttp import AIOHTTP

from lead_memory.adapters import aws, table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

WRITE_BYTES, READ_BYTES = 1_024, 4_096
"""Of one unit. A strongly consistent read takes a whole one, an eventually consistent read half of one."""
BATCH_GET_ITEMS = 100
_LEAVING_OUT = frozenset({"FilterExpression", "ProjectionExpression"})

type Item = Mapping[str, Any]
"""In DynamoDB's JSON: every value has its type beside it."""


@dataclass
class Consumed:
    requests: Counter[str] = field(default_factory=Counter)
    """By operation."""
    items_read: int = 0
    """Of the table and of its indexes, before a filter."""
    read_units: float = 0
    write_units: float = 0
    """Of the table and of its indexes."""

    def __add__(self, other: "Consumed") -> "Consumed":
        return Consumed(
            self.requests + other.requests,
            self.items_read + other.items_read,
            self.read_units + other.read_units,
            self.write_units + other.write_units,
        )

    def taken(self) -> "Consumed":
        """What was counted so far; counting begins anew."""
        counted = replace(self)
        self.requests, self.items_read, self.read_units, self.write_units = Counter(), 0, 0, 0
        return counted


@contextmanager
def metered(*clients: "DynamoDBClient") -> Iterator[Consumed]:
    """Of these clients, and of the tables that are opened within."""
    meter = _Meter()

    class Metered(AIOHTTP):
        async def __call__(self, request: Any) -> Any:
            operation = request.headers["X-Amz-Target"].partition(".")[2]
            with meter.measured(operation, json.loads(request.body)) as answers:
                response = await super().__call__(request)
                answers.append(json.loads(response.body))
            return response

    asked = aws.Aws.ask

    async def ask(self: aws.Aws, service: str, body: bytes, *answer: Any, **how: Any) -> Any:
        if service != "dynamodb":
            return await asked(self, service, body, *answer, **how)
        operation = how["headers"]["X-Amz-Target"].partition(".")[2]
        with meter.measured(operation, json.loads(body)) as answers:
            told = await asked(self, service, body, *answer, **how)
            answers.append(msgspec.json.decode(told))
        return told

    with ExitStack() as stack:
        stack.enter_context(patch.object(table, "AIOHTTP", Metered))
        stack.enter_context(patch.object(aws.Aws, "ask", ask))
        for client in clients:
            # A client sends one request after the other, so the one that is answered is the last that was sent.
            stack.enter_context(_of_client(client, meter))
        yield meter.consumed


@contextmanager
def _of_client(client: "DynamoDBClient", meter: "_Meter") -> Iterator[None]:
    under_way = ExitStack()
    answers: list[Any] = []

    def sent(params: Any, model: Any, **_: object) -> None:
        nonlocal answers
        answers = under_way.enter_context(meter.measured(model.name, json.loads(params["body"])))

    def answered(parsed: Any, **_: object) -> None:
        answers.append(parsed)
        under_way.close()

    client.meta.events.register("before-call.dynamodb", sent)
    client.meta.events.register("after-call.dynamodb", answered)
    try:
        yield
    finally:
        client.meta.events.unregister("before-call.dynamodb", sent)
        client.meta.events.unregister("after-call.dynamodb", answered)


class _Meter:
    def __init__(self) -> None:
        self.consumed = Consumed()
        self._client: DynamoDBClient = boto3.client("dynamodb")
        self._tables: dict[str, Any] = {}

    @contextmanager
    def measured(self, operation: str, request: Any) -> Iterator[list[Any]]:
        """Of the request that is sent within; its answer goes into the list."""
        self.consumed.requests[operation] += 1
        answers: list[Any] = []
        if operation == "Query":
            yield answers
            items = self._looked_at(request, answers[0])
            size = sum(map(item_bytes, items))
            self.consumed.items_read += len(items)
            self.consumed.read_units += read_units(size, consistent=request.get("ConsistentRead", False))
            return
        named = [(name, self._key(name, item)) for name, item in _items_of(operation, request)]
        before = self._read(named)
        yield answers
        if operation in {"GetItem", "BatchGetItem"}:
            self.consumed.items_read += len(list(filter(None, before)))
            tables = request["RequestItems"] if operation == "BatchGetItem" else {request["TableName"]: request}
            self.consumed.read_units += sum(
                read_units(item_bytes(item), consistent=tables[name].get("ConsistentRead", False))
                for (name, _), item in zip(named, before, strict=True)
            )
        else:
            times = 2 if operation == "TransactWriteItems" else 1
            self.consumed.write_units += sum(
                times * write_units(item_bytes(old), item_bytes(new)) + self._index_units(name, old, new)
                for (name, _), old, new in zip(named, before, self._read(named), strict=True)
            )

    def _looked_at(self, request: Any, answer: Any) -> list[Item]:
        """What a Query read: whole, and also what its filter then left out."""
        if not _LEAVING_OUT & request.keys():
            return list(answer.get("Items", ()))
        named = re.findall(r"[:#]\w+", request["KeyConditionExpression"])
        whole = {name: value for name, value in request.items() if name not in {*_LEAVING_OUT, "Select"}}
        for kind in ("ExpressionAttributeNames", "ExpressionAttributeValues"):
            if kind in whole:
                whole[kind] = {name: value for name, value in whole[kind].items() if name in named}
        return list(self._client.query(**{name: value for name, value in whole.items() if value})["Items"])

    def _table(self, name: str) -> Any:
        if name not in self._tables:
            self._tables[name] = self._client.describe_table(TableName=name)["Table"]
        return self._tables[name]

    def _key(self, name: str, item: Item) -> Item:
        return {each: item[each] for each in _names(self._table(name))}

    def _read(self, named: Sequence[tuple[str, Item]]) -> list[Item]:
        """Strongly consistent, in their order; an empty item for one that is not there."""
        found: dict[tuple[str, str], Item] = {}
        for some in batched(named, BATCH_GET_ITEMS, strict=False):
            asked: dict[str, Any] = {}
            for name, key in some:
                asked.setdefault(name, {"Keys": [], "ConsistentRead": True})["Keys"].append(key)
            answer = self._client.batch_get_item(RequestItems=asked)
            for name, items in answer["Responses"].items():
                found |= {(name, json.dumps(self._key(name, item))): item for item in items}
        return [found.get((name, json.dumps(key)), {}) for name, key in named]

    def _index_units(self, name: str, old: Item, new: Item) -> int:
        return sum(
            index_units(_entry(old, index, self._table(name)), _entry(new, index, self._table(name)), _names(index))
            for index in self._table(name).get("GlobalSecondaryIndexes", ())
        )


def _items_of(operation: str, request: Any) -> Iterator[tuple[str, Item]]:
    """Table, and the item or key, of each item that a request names."""
    match operation:
        case "TransactWriteItems":
            writes = list(chain.from_iterable(each.values() for each in request["TransactItems"]))
        case "BatchWriteItem":
            yield from (
                (name, write.get("Item") or write["Key"])
                for name, each in request["RequestItems"].items()
                for write in chain.from_iterable(one.values() for one in each)
            )
            return
        case "BatchGetItem":
            yield from ((name, key) for name, each in request["RequestItems"].items() for key in each["Keys"])
            return
        case _:
            writes = [request]
    yield from ((each["TableName"], each.get("Item") or each["Key"]) for each in writes)


def _names(keyed: Any) -> list[str]:
    return [each["AttributeName"] for each in keyed["KeySchema"]]


def _entry(item: Item, index: Any, table: Any) -> Item:
    """What an index holds of an item; nothing where it lacks one of the index's keys."""
    if any(name not in item for name in _names(index)):
        return {}
    projection = index["Projection"]
    if projection["ProjectionType"] == "ALL":
        return item
    kept = {*_names(table), *_names(index), *projection.get("NonKeyAttributes", ())}
    return {name: value for name, value in item.items() if name in kept}


def write_units(old_bytes: int, new_bytes: int) -> int:
    """The larger of the item before and after counts; an item that is not there, as the smallest."""
    return max(1, math.ceil(max(old_bytes, new_bytes) / WRITE_BYTES))


def read_units(size: int, *, consistent: bool) -> float:
    return max(1, math.ceil(size / READ_BYTES)) * (1 if consistent else 0.5)


def index_units(old: Item, new: Item, key_names: Sequence[str]) -> int:
    """Of one entry: an index follows its table after the transaction, so its writes count once.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html
    """
    if old == new:
        return 0
    if old and new and any(old[name] != new[name] for name in key_names):
        return write_units(item_bytes(old), 0) + write_units(0, item_bytes(new))
    return write_units(item_bytes(old), item_bytes(new))


def item_bytes(item: Item) -> int:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html"""
    return sum(len(name.encode()) + _bytes(value) for name, value in item.items())


def _bytes(value: Mapping[str, Any]) -> int:
    [(kind, held)] = value.items()
    match kind:
        case "S":
            return len(held.encode())
        case "N":
            sign, digits, _ = Decimal(held).normalize().as_tuple()
            return math.ceil(len(digits) / 2) + 1 + sign
        case "B":
            return len(held if isinstance(held, bytes) else b64decode(held))
        case "L":
            return 3 + sum(1 + _bytes(each) for each in held)
        case "M":
            return 3 + sum(1 + len(name.encode()) + _bytes(each) for name, each in held.items())
        case "SS" | "NS" | "BS":
            return sum(_bytes({kind[0]: each}) for each in held)
        case _:
            return 1  # NULL and BOOL
