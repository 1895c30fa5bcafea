"""Where memories come from, asked of the deployed local stage."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import boto3
import msgspec
import pytest

from lead_memory.adapters.event_items import head_item, packed_event
from lead_memory.domain.derivations import derive
from lead_memory.domain.memories import MemoryType
from lead_memory_client import Entry, LeadMemory
from lead_memory_client.delivery import deliver
from local.deployment import STACK
from local.stack import LocalStack
from tests import events
from tests.events import NOW, ORGANIZATION, START

PATIENCE_SECONDS = 60
EVENTS = 3_000
WHEY = (MemoryType.PURCHASE, "product:whey_1kg")


@pytest.fixture(scope="module")
def memory(stack: LocalStack) -> LeadMemory:
    return LeadMemory.connect()


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
    memory: LeadMemory, stack: LocalStack
) -> None:
    lead = str(uuid4())
    outputs = boto3.client("cloudformation", **stack.client_arguments()).describe_stacks(StackName=STACK)["Stacks"][0]
    table_name = next(each["OutputValue"] for each in outputs["Outputs"] if each["OutputKey"] == "TableName")
    table: Any = boto3.resource("dynamodb", **stack.client_arguments()).Table(table_name)
    with table.batch_writer() as batch:
        batch.put_item(head_item(lead, ORGANIZATION, NOW))
        for number in range(EVENTS):
            at = START + timedelta(seconds=number)
            viewed = events.event(
                "product.viewed", {"sku": "whey"}, event_id=str(number), at=at, lead_organization_id=lead
            )
            touches = {change.name for change in derive(viewed)}
            batch.put_item(packed_event(viewed, touches, recorded_at=NOW, settled=True).item)
    found: list[str] = []
    after = None
    while True:
        page = memory.lineage(lead, MemoryType.INTEREST, "product:whey", ORGANIZATION, after=after)
        found += page.events
        if (after := page.next) is None:
            break
    assert found == [f"test/{number}" for number in reversed(range(EVENTS))]
