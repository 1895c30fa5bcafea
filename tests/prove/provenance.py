"""A memory made of 20,000 events stays small, costs what a young one costs, and gives all their ids back."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from statistics import median
from typing import Any, cast
from uuid import uuid4

import msgspec
from aiodynamo.http.aiohttp import AIOHTTP
from aiodynamo.http.types import Request, Response

from lead_memory.adapters import keys
from lead_memory.adapters.store import EventStore
from lead_memory.adapters.table import DynamoTable
from lead_memory.domain.events import Event
from lead_memory.domain.memories import MemoryKey, MemoryType
from lead_memory.services.record import Outcome, Recorder
from lead_memory_client.client import LeadMemory
from tests.events import ORGANIZATION, START, event
from tests.prove.ground import Ground, difference, hold

EVENTS = 20_000
YOUNG = 20
PER_TRANSACTION = 90
MEASURED = 200
ITEM_BYTES = 4096
GROWTH = 1.1
MEMORY = MemoryKey(MemoryType.INTEREST, "product:whey_1kg")


class Metered:
    """Asks DynamoDB what each transaction consumed, which the client does not."""

    def __init__(self, http: AIOHTTP) -> None:
        self._http = http
        self.session = http.session
        self.write_units: list[float] = []

    async def __call__(self, request: Request) -> Response:
        body = msgspec.json.decode(request.body or b"{}")
        if "TransactItems" not in body:
            return await self._http(request)
        asked = msgspec.json.encode(body | {"ReturnConsumedCapacity": "TOTAL"})
        # The local AWS does not check signatures.
        response = await self._http(Request(request.method, request.url, request.headers, asked))
        consumed = msgspec.json.decode(response.body)["ConsumedCapacity"]
        self.write_units.append(sum(table["CapacityUnits"] for table in consumed))
        return response


def prove_provenance_without_growth(ground: Ground) -> str:
    young, old = str(uuid4()), str(uuid4())
    (young_units, young_seconds), (old_units, old_seconds), item_bytes = asyncio.run(_recorded(ground, young, old))
    found = _lineage(ground.memory, old)
    expected = [f"test/view-{number}" for number in reversed(range(EVENTS + MEASURED))]
    hold(found == expected, f"of {len(expected):,} ids in order {difference(expected, found)}")
    hold(item_bytes < ITEM_BYTES, f"the memory's item has {item_bytes:,} bytes")
    hold(old_units <= young_units * GROWTH, f"{old_units} write units late, {young_units} early")
    hold(
        old_seconds <= young_seconds * GROWTH, f"{old_seconds * 1000:.2f} ms late, {young_seconds * 1000:.2f} ms early"
    )
    return (
        f"provenance: a memory of {len(found):,} events gives all their ids back, newest first, from an item of "
        f"{item_bytes:,} bytes; after {EVENTS:,} events one costs {old_units:g} write units and "
        f"{old_seconds * 1000:.1f} ms, after {YOUNG} {young_units:g} and {young_seconds * 1000:.1f} ms "
        f"(medians of {MEASURED}; {old_units / young_units:.2f}x and {old_seconds / young_seconds:.2f}x)"
    )


async def _recorded(ground: Ground, young: str, old: str) -> tuple[tuple[float, float], tuple[float, float], int]:
    """Write units and seconds of one event, of both leads in turn, and the bytes of the older memory's item."""
    async with ground.store() as (table, store):
        await _record(store, [_view(young, number) for number in range(YOUNG)])
        for start in range(0, EVENTS, PER_TRANSACTION):
            numbers = range(start, min(start + PER_TRANSACTION, EVENTS))
            await _record(store, [_view(old, number) for number in numbers])
        ground.say(f"{EVENTS:,} events of one memory are recorded")
        metered = _metered(table)
        costs: dict[str, list[tuple[float, float]]] = {young: [], old: []}
        for number in range(MEASURED):
            for lead, first in ((young, YOUNG), (old, EVENTS)):
                costs[lead].append(await _cost(store, metered, _view(lead, first + number)))
        [item] = await table.batch_get([keys.memory_key(old, MEMORY)])
    return _medians(costs[young]), _medians(costs[old]), _item_bytes(item)


def _metered(table: DynamoTable) -> Metered:
    client = table._client
    metered = Metered(cast(AIOHTTP, client.http))
    table._client = replace(client, http=metered)
    return metered


async def _cost(store: EventStore, metered: Metered, view: Event) -> tuple[float, float]:
    started = time.perf_counter()
    await _record(store, [view])
    return metered.write_units[-1], time.perf_counter() - started


async def _record(store: EventStore, events: Sequence[Event]) -> None:
    results = await Recorder(store).record(events)
    hold(set(results) == {Outcome.RECORDED}, "an event was not recorded")


def _medians(costs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return median(units for units, _ in costs), median(seconds for _, seconds in costs)


def _lineage(memory: LeadMemory, lead: str) -> list[str]:
    found: list[str] = []
    after = None
    while True:
        page = memory.lineage(lead, *MEMORY, ORGANIZATION, after=after)
        found += page.events
        if (after := page.next) is None:
            return found


def _view(lead: str, number: int) -> Event:
    return event(
        "product.viewed",
        {"sku": "whey_1kg"},
        event_id=f"view-{number}",
        at=START + timedelta(seconds=number),
        lead_organization_id=lead,
    )


def _item_bytes(item: dict[str, Any]) -> int:
    """As DynamoDB counts: names, texts and bytes as they are; 21 bytes for a number and 3 for a list at most."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: Any) -> int:
    match value:
        case str():
            return len(value.encode())
        case bytes():
            return len(value)
        case list():
            return 3 + sum(1 + _value_bytes(each) for each in value)
    return 21
