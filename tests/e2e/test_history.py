"""Where memories come from, asked of the deployed local stage."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import batched
from uuid import uuid4

import msgspec

from lead_memory.domain.derivations import derive
from lead_memory.domain.memories import MemoryType
from lead_memory.services.store import Commit
from lead_memory_client import Entry, LeadMemory
from lead_memory_client.delivery import deliver
from lead_memory_client.stage import Resources
from tests import events
from tests.events import ORGANIZATION, START
from tests.stage import open_store

PATIENCE_SECONDS = 60
EVENTS = 3_000
WHEY = (MemoryType.PURCHASE, "product:whey_1kg")


def order(lead: str, order_id: str, *, day: int) -> Entry:
    product = {"sku": "whey_1kg", "price": "189.90"}
    data = {"order_id": order_id, "total": "189.90", "currency": "BRL", "products": [product]}
    made = events.entry(
        "order.paid", data, event_id=order_id, at=START + timedelta(days=day), lead_organization_id=lead
    )
    return msgspec.convert(made, Entry)


def published(memory: LeadMemory, *entries: Entry) -> None:
    assert not deliver(memory, entries, patience_seconds=PATIENCE_SECONDS).waiting


def test_a_memory_is_explained_by_its_events_however_late_they_came(memory: LeadMemory) -> None:
    lead = str(uuid4())
    published(memory, order(lead, "second", day=2))
    published(memory, order(lead, "first", day=1))
    found = memory.explain(lead, *WHEY, ORGANIZATION)
    assert found.memory is not None
    assert (found.memory.value["purchase_count"], found.is_the_fold) == (2, True)
    assert [(each.event, each.effect) for each in found.contributions] == [
        ("test/first", "made"),
        ("test/second", "changed"),
    ]
    assert found.contributions[0].recorded_at > found.contributions[1].recorded_at


def test_what_was_known_before_a_late_event_is_known_as_of_then(memory: LeadMemory) -> None:
    lead = str(uuid4())
    published(memory, order(lead, "second", day=2))
    before = memory.memories(lead, ORGANIZATION)
    then = datetime.now(UTC)
    published(memory, order(lead, "first", day=1))
    assert memory.memories(lead, ORGANIZATION, as_of=then) == before
    assert memory.memories(lead, ORGANIZATION, as_of=datetime.now(UTC)) == memory.memories(lead, ORGANIZATION) != before


def test_a_memory_of_thousands_of_events_gives_back_every_id_newest_first(
    memory: LeadMemory, resources: Resources
) -> None:
    lead = str(uuid4())
    asyncio.run(view_often(resources, lead))
    found: list[str] = []
    after = None
    while True:
        page = memory.lineage(lead, MemoryType.INTEREST, "product:whey", ORGANIZATION, after=after)
        found += page.events
        if (after := page.next) is None:
            break
    assert found == [f"test/{number}" for number in reversed(range(EVENTS))]


async def view_often(resources: Resources, lead: str) -> None:
    """Records the events without their memories, which takes a few seconds only."""
    async with open_store(resources) as (_, store):
        for numbers in batched(range(EVENTS), 90, strict=False):
            viewed = [
                events.event(
                    "product.viewed",
                    {"sku": "whey"},
                    event_id=str(number),
                    at=START + timedelta(seconds=number),
                    lead_organization_id=lead,
                )
                for number in numbers
            ]
            touches = {each.ref: {change.name for change in derive(each)} for each in viewed}
            await store.commit(Commit(lead=viewed[0].lead, new_lead=numbers[0] == 0, events=viewed, touches=touches))
