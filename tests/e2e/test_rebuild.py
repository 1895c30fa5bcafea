"""Rebuilding many leads through the queue, while their events keep coming."""

import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from random import Random
from typing import Any
from uuid import uuid4

import boto3
import msgspec
import pytest

from lead_memory.adapters import keys
from lead_memory_client import Entry, LeadMemory
from lead_memory_client.delivery import deliver
from lead_memory_client.stage import Stage
from local.stack import LocalStack
from tests import events
from tests.events import START

LEADS = 50
PATIENCE_SECONDS = 90


@pytest.fixture
def organization() -> str:
    return str(uuid4())


def order(organization: str, lead: str, number: int) -> Entry:
    product = {"sku": f"sku-{number}", "price": "10.00"}
    data = {"order_id": f"o-{number}", "total": "10.00", "currency": "BRL", "products": [product]}
    made = events.entry(
        "order.paid",
        data,
        event_id=str(uuid4()),
        at=START + timedelta(minutes=number),
        organization_id=organization,
        lead_organization_id=lead,
    )
    return msgspec.convert(made, Entry)


def publish(entries: list[Entry]) -> None:
    delivery = deliver(LeadMemory.connect(), entries, patience_seconds=PATIENCE_SECONDS)
    assert not delivery.waiting
    assert not delivery.rejected


def damage(stack: LocalStack, stage: Stage, leads: list[str]) -> int:
    """Deletes half of the memories and spoils the others; how many there were."""
    table: Any = boto3.resource("dynamodb", **stack.client_arguments()).Table(stage.resources.table_name)
    random, damaged = Random(1), 0
    for lead in leads:
        for item in _purchases(table, lead):
            key = {keys.PK: lead, keys.SK: item[keys.SK]}
            if random.random() < 0.5:
                table.delete_item(Key=key)
            else:
                table.update_item(
                    Key=key, UpdateExpression="SET content = :wrong", ExpressionAttributeValues={":wrong": b"{}"}
                )
            damaged += 1
    return damaged


def _purchases(table: Any, lead: str) -> Iterator[dict[str, Any]]:
    yield from table.query(
        KeyConditionExpression=f"{keys.PK} = :lead and begins_with({keys.SK}, :type)",
        ExpressionAttributeValues={":lead": lead, ":type": "purchase#"},
    )["Items"]


@contextmanager
def reading(stack: LocalStack, stage: Stage, leads: list[str]) -> Iterator[list[set[str]]]:
    """Reads the leads round after round; of each, the leads with a memory missing that was there before."""
    table: Any = boto3.resource("dynamodb", **stack.client_arguments()).Table(stage.resources.table_name)
    before = {lead: {item[keys.SK] for item in _purchases(table, lead)} for lead in leads}
    rounds: list[set[str]] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            rounds.append(
                {lead for lead in leads if before[lead] - {item[keys.SK] for item in _purchases(table, lead)}}
            )

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield rounds
    finally:
        done.set()
        reader.join()


def lead_memory(*arguments: str) -> tuple[int, Any]:
    ran = subprocess.run(["lead-memory", *arguments, "--json"], capture_output=True, text=True)
    assert ran.stdout, ran.stderr
    return ran.returncode, json.loads(ran.stdout)


def test_leads_that_are_rebuilt_beside_live_traffic_end_with_the_fold_of_every_event(
    stack: LocalStack, stage: Stage, organization: str
) -> None:
    leads = [str(uuid4()) for _ in range(LEADS)]
    publish([order(organization, lead, number) for lead in leads for number in range(2)])
    damaged = damage(stack, stage, leads)

    code, found = lead_memory("rebuild", "--organization", organization, "--check")
    assert (code, found["leads"], found["memories"]) == (1, LEADS, damaged)

    arriving = [order(organization, lead, number) for number in range(2, 4) for lead in leads]
    live = threading.Thread(target=publish, args=(arriving,))
    live.start()
    with reading(stack, stage, leads) as rounds:
        code, rebuilt = lead_memory("rebuild", "--organization", organization)
    live.join()
    assert rounds
    assert not set().union(*rounds)
    assert code == 0
    assert (rebuilt["leads"], rebuilt["failed"]) == (LEADS, 0)
    assert rebuilt["memories"] > 0

    code, left = lead_memory("rebuild", "--organization", organization, "--check")
    assert (code, left["leads"], left["drift"]) == (0, LEADS, [])
    memory = LeadMemory.connect()
    for lead in leads:
        (summary,) = (each for each in memory.memories(lead, organization) if each.key == "summary")
        assert summary.value["order_count"] == 4


def test_one_lead_is_rebuilt_by_a_call_and_all_leads_are_found(
    stack: LocalStack, stage: Stage, organization: str
) -> None:
    lead = str(uuid4())
    publish([order(organization, lead, 0)])
    damaged = damage(stack, stage, [lead])
    assert lead in drifted()
    code, one = lead_memory("rebuild", "--lead", lead, "--organization", organization)
    assert (code, one["leads"], one["memories"]) == (0, 1, damaged)
    assert lead not in drifted()


def drifted() -> set[str]:
    """Other tests' leads may be among them: the stack is shared."""
    _, found = lead_memory("rebuild", "--all", "--check")
    return {report["lead_id"] for report in found["drift"]}
