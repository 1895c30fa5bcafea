"""The client and the command against the deployed local stage: bus, queue, updater, table and resolver are all real."""

import json
import re
import subprocess
import sys
import time
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from lead_memory.domain.memories import Lead
from lead_memory_client import Entry, LeadMemory, RequestRefused
from lead_memory_client.delivery import Delivery, deliver
from lead_memory_client.demo import MESSAGE, TEMPLATE
from lead_memory_client.entries import EventName, read_entries
from tests import events
from tests.events import ORGANIZATION, SAMPLES, SCRIPTS, START

ANA = "7b1f6c1e-0d5e-4a53-9a53-2f0e6d2f9a11"
PATIENCE_SECONDS = 60


def an_entry(lead: str, event_type: str, data: dict[str, Any], *, at: datetime = START, event_id: str = "") -> Entry:
    made = events.entry(event_type, data, event_id=event_id or str(uuid4()), at=at, lead_organization_id=lead)
    return msgspec.convert(made, Entry)


def published(memory: LeadMemory, *entries: Entry) -> Delivery:
    delivery = deliver(memory, entries, patience_seconds=PATIENCE_SECONDS)
    assert not delivery.waiting
    return delivery


def wait_until_the_queue_is_empty(memory: LeadMemory) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (depth := memory.status().queues["ingest"]) and (depth.waiting or depth.in_flight):
        assert time.monotonic() < deadline, depth
        time.sleep(0.1)


def values(memory: LeadMemory, lead: str) -> dict[str, Any]:
    return {str(each.name): each.value for each in memory.memories(lead, ORGANIZATION)}


def lead_memory(*arguments: str) -> Any:
    ran = subprocess.run(["lead-memory", *arguments, "--json"], capture_output=True, text=True, check=True)
    return json.loads(ran.stdout)


def run_python(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], cwd=SAMPLES.parent, capture_output=True, text=True, check=True
    ).stdout


def test_every_sample_is_recorded_and_the_specifications_template_resolved(memory: LeadMemory) -> None:
    assert not published(memory, *read_entries([SAMPLES])).rejected
    [ana] = memory.resolve([ANA], organization_id=ORGANIZATION, template=TEMPLATE)
    assert ana.text == MESSAGE
    amount = ana.values["purchase.last_transaction.amount"]
    assert amount.value == "189.90"
    assert ana.memories[amount.memory or ""].source_event_ids == ("shopify/0bd45d9a-39e0-4661-bf01-449433a256b8",)
    assert (ana.reads.get_item, ana.reads.sql) == (2, 1)


def test_leads_are_answered_in_order_and_beyond_the_limit_of_one_call(memory: LeadMemory) -> None:
    strangers = [str(uuid4()) for _ in range(520)]
    answers = memory.resolve([*strangers, ANA], organization_id=ORGANIZATION, template="{{lead.name}}")
    assert [answer.lead for answer in answers] == [*strangers, ANA]
    assert {str(missing.reason) for answer in answers for missing in answer.missing} == {"no_profile"}
    assert answers[-1].text == "Ana Souza"


def test_a_template_that_can_never_be_rendered_is_refused_with_its_position(memory: LeadMemory) -> None:
    with pytest.raises(RequestRefused, match='did you mean "name"') as caught:
        memory.plan("Hi {{lead.nam}}")
    assert (caught.value.mistake.line, caught.value.mistake.column) == (1, 11)


def test_what_is_rejected_keeps_its_body_and_the_rest_of_its_batch_is_recorded(memory: LeadMemory) -> None:
    lead = str(uuid4())
    good = an_entry(lead, "product.viewed", {"sku": "whey"})
    unknown = an_entry(lead, "product.smelled", {"sku": "whey"})
    malformed = an_entry(lead, "order.paid", {"order_id": 1.5, "total": "much"})
    delivery = published(memory, unknown, good, malformed)
    assert set(delivery.visible_seconds) == {good.name}
    assert {name: rejection.reason for name, rejection in delivery.rejected.items()} == {
        unknown.name: "unknown_type",
        malformed.name: "invalid_data",
    }
    for entry in (unknown, malformed):
        body = json.loads(delivery.rejected[entry.name].body)
        assert (body["source"], body["detail-type"], body["detail"]) == (entry.source, entry.detail_type, entry.detail)
    assert [event.event_id for event in memory.events(lead, ORGANIZATION)] == [good.detail["metadata"]["event_id"]]


def test_an_event_that_is_published_again_changes_nothing(memory: LeadMemory) -> None:
    lead = str(uuid4())
    paid = an_entry(lead, "order.paid", {"order_id": "1", "total": "10.00", "currency": "BRL"})
    published(memory, paid)
    before = values(memory, lead)
    # The view comes along to say that the updater was there.
    published(memory, paid, an_entry(lead, "product.viewed", {"sku": "whey"}, at=START + timedelta(days=1)))
    wait_until_the_queue_is_empty(memory)
    after = values(memory, lead)
    assert len(memory.events(lead, ORGANIZATION)) == 2
    assert before == {name: value for name, value in after.items() if not name.startswith("interest.")}
    assert before["purchase.summary"]["order_count"] == 1


def test_another_event_under_a_recorded_id_is_rejected_as_a_conflict(memory: LeadMemory) -> None:
    lead, event_id = str(uuid4()), str(uuid4())
    published(memory, an_entry(lead, "product.viewed", {"sku": "whey"}, event_id=event_id))
    memory.publish([an_entry(lead, "product.viewed", {"sku": "creatina"}, event_id=event_id)])
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := [each for each in memory.rejections() if event_id in each.body]):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert [rejection.reason for rejection in found] == ["conflict"]
    assert "interest.product:creatina" not in values(memory, lead)


def test_a_refund_that_arrives_before_its_order_gives_the_same_memories(memory: LeadMemory) -> None:
    in_order, reversed_order = str(uuid4()), str(uuid4())
    order = {"order_id": "1", "total": "30.00", "currency": "BRL", "products": [{"sku": "whey", "price": "30.00"}]}
    refund = {"order_id": "1", "total": "30.00", "products": [{"sku": "whey", "price": "30.00"}]}
    for lead, arrivals in ((in_order, ("paid", "refunded")), (reversed_order, ("refunded", "paid"))):
        happened = {
            "paid": an_entry(lead, "order.paid", order, at=START),
            "refunded": an_entry(lead, "order.refunded", refund, at=START + timedelta(days=1)),
        }
        for arrival in arrivals:
            published(memory, happened[arrival])
    assert values(memory, in_order) == values(memory, reversed_order) != {}


def test_another_organization_sees_nothing_of_a_lead(memory: LeadMemory) -> None:
    lead, stranger = str(uuid4()), str(uuid4())
    published(memory, an_entry(lead, "product.viewed", {"sku": "whey"}))
    assert memory.memories(lead, stranger) == []
    assert memory.events(lead, stranger) == []
    variables = ["interest.product:whey.score"]
    [theirs] = memory.resolve([lead], organization_id=stranger, variables=variables)
    [ours] = memory.resolve([lead], organization_id=ORGANIZATION, variables=variables)
    assert (theirs.values, [str(missing.reason) for missing in theirs.missing]) == ({}, ["never_seen"])
    assert list(ours.values) == variables


def test_the_command_answers_programs_in_json(memory: LeadMemory) -> None:
    lead = str(uuid4())
    published(memory, an_entry(lead, "product.viewed", {"sku": "whey", "name": "Whey Protein 1kg"}))
    [event] = lead_memory("events", "--lead", lead)["events"]
    assert (event["source"], event["event_type"], event["data"]["sku"]) == ("test", "product.viewed", "whey")
    [interest] = lead_memory("memories", "--lead", lead)["memories"]
    assert (interest["memory_type"], interest["key"]) == ("interest", "product:whey")
    assert interest["source_event_ids"] == [f"test/{event['event_id']}"]
    status = lead_memory("status")
    assert (status["stage"], status["region"]) == ("local", "us-east-1")
    assert status["queues"]["dead_letters"] == {"waiting": 0, "in_flight": 0, "delayed": 0}
    [answer] = lead_memory("resolve", "--lead", ANA, "{{lead.first_name}}")["leads"]
    assert answer["text"] == "Ana"


def test_the_readmes_python_runs_as_it_is_written(memory: LeadMemory) -> None:
    readme = (SAMPLES.parent / "README.md").read_text()
    publishing, resolving, telling = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    lead, event_id = "8249ec11-d6fe-4724-a762-59414b00b512", "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043"
    run_python(publishing)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not memory.recorded([EventName(Lead(ORGANIZATION, lead), f"shopify/{event_id}")]):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert run_python(resolving) == "ok Hi John, thanks for the IPod Nano - 8GB! ()\n"
    assert not published(memory, *read_entries(SCRIPTS)).rejected
    *text, told_of_l3, _, _ = run_python(telling).splitlines()
    assert "## Operator Notes (STRATEGIC CONTEXT)" in text
    assert re.fullmatch(r"L3 [1-9]\d* None", told_of_l3)
