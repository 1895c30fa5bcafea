"""Erasing, and organizations' keys, by the command on the deployed local stage."""

import json
import subprocess
import time
from collections.abc import Iterator
from datetime import timedelta
from random import Random
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from lead_memory.adapters import keys
from lead_memory.adapters.sealing import key_version
from lead_memory.domain.memories import MemoryType
from lead_memory_client import Entry, LeadMemory
from lead_memory_client.delivery import Delivery, deliver
from lead_memory_client.stage import Stage
from tests import events
from tests.events import START

PATIENCE_SECONDS = 60
QUESTION = "sat_2026:did_your_doctor_tell_you_to"
LARGE_BYTES = 450_000
"""Of a payload that cannot be packed, written in twice as many digits: more than an item holds."""


@pytest.fixture
def organization() -> str:
    return str(uuid4())


@pytest.fixture
def lead() -> str:
    return str(uuid4())


def entry(event_type: str, data: Any, organization: str, lead: str, *, event_id: str, **more: Any) -> Entry:
    made = events.entry(
        event_type, data, event_id=event_id, organization_id=organization, lead_organization_id=lead, **more
    )
    return msgspec.convert(made, Entry)


def bought(organization: str, lead: str, number: int) -> Entry:
    data = {"order_id": f"o-{number}", "total": "10.00", "currency": "BRL", "products": [{"sku": f"sku_{number}"}]}
    at = START + timedelta(days=number)
    return entry("order.paid", data, organization, lead, event_id=f"bought-{number}", at=at)


def published(memory: LeadMemory, *entries: Entry) -> Delivery:
    delivery = deliver(memory, entries, patience_seconds=PATIENCE_SECONDS)
    assert not delivery.waiting
    assert reasons(delivery) <= {"erased"}
    return delivery


def lead_memory(*arguments: str) -> tuple[int, Any]:
    ran = subprocess.run(["lead-memory", *arguments, "--json"], capture_output=True, text=True)
    assert ran.stdout, ran.stderr
    return ran.returncode, json.loads(ran.stdout)


def erase(*arguments: str) -> Any:
    code, told = lead_memory("erase", *arguments, "--asked-by", "case 7")
    assert code == 0, told
    assert told["receipt"]["asked_by"] == "case 7"
    return told


def refused(*arguments: str) -> str:
    ran = subprocess.run(["lead-memory", *arguments], capture_output=True, text=True)
    assert (ran.returncode, ran.stdout) == (1, "")
    return ran.stderr


def items(table: Any, partition: str) -> list[dict[str, Any]]:
    pages = {"KeyConditionExpression": f"{keys.PK} = :pk", "ExpressionAttributeValues": {":pk": partition}}
    found: list[dict[str, Any]] = table.query(**pages, ConsistentRead=True)["Items"]
    return found


def reasons(delivery: Delivery) -> set[str]:
    return {rejection.reason for rejection in delivery.rejected.values()}


def test_an_event_is_erased_and_what_another_supports_stays(memory: LeadMemory, organization: str, lead: str) -> None:
    published(memory, *(bought(organization, lead, number) for number in range(3)))
    of = ("--lead", lead, "--organization", organization)
    there = erase("event", "test/bought-2", *of, "--dry-run")["receipt"]
    assert there["dry_run"]
    assert len(memory.events(lead, organization)) == 3

    told = erase("event", "test/bought-2", *of, "--yes", "--no-wait")
    receipt = told["receipt"]
    assert (receipt["removed"], receipt["event"]) == (there["removed"], "test/bought-2")
    assert (receipt["found_again"], told["verified"]) == (0, False)
    by_key = {each.key: each.value for each in memory.memories(lead, organization)}
    assert (by_key["summary"]["order_count"], "product:sku_2" in by_key) == (2, False)
    assert [each.event_id for each in memory.events(lead, organization)] == ["bought-1", "bought-0"]
    assert memory.explain(lead, MemoryType.PURCHASE, "summary", organization).is_the_fold
    again = published(memory, bought(organization, lead, 2), bought(organization, lead, 3))
    assert (reasons(again), len(again.visible_seconds)) == ({"erased"}, 1)


def test_a_lead_is_erased_with_its_objects_and_proven_gone_by_a_last_look(
    memory: LeadMemory, stage: Stage, table: Any, organization: str, lead: str
) -> None:
    large = entry("lead.identified", {}, organization, lead, event_id="large")
    large.detail["raw_payload"] = {"picture": Random(1).randbytes(LARGE_BYTES).hex()}
    published(memory, bought(organization, lead, 0), large)
    bucket, prefix = stage.resources.payload_bucket, f"events/{lead}/"
    s3 = stage.client("s3")
    of = ("--lead", lead, "--organization", organization)
    there = erase("lead", *of, "--dry-run")["receipt"]["removed"]
    assert (there["leads"], there["events"], there["objects"]) == (1, 2, 1)

    told = erase("lead", *of, "--yes", "--no-wait")
    assert (told["receipt"]["removed"], told["verified"]) == (there, False)
    last = memory.erase_lead(lead, organization, settle_seconds=0.1)
    assert (last.receipt.removed, last.receipt.asked_by, last.verified) == ({}, "case 7", True)
    assert [item[keys.SK] for item in items(table, lead)] == [keys.HEAD_SK]
    assert s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["KeyCount"] == 0
    assert reasons(published(memory, bought(organization, lead, 0), bought(organization, lead, 1))) == {"erased"}
    assert refused("memories", *of).startswith("The lead was erased at ")
    [answer] = memory.resolve([lead], organization_id=organization, variables=["purchase.summary.order_count"])
    assert [missing.reason for missing in answer.missing] == ["erased"]


def test_an_organization_is_erased_with_its_keys_and_every_lead(
    memory: LeadMemory, table: Any, organization: str
) -> None:
    leads = [str(uuid4()) for _ in range(3)]
    published(memory, *(bought(organization, lead, number) for lead in leads for number in range(2)))
    there = erase("organization", organization, "--dry-run")["receipt"]["removed"]
    assert (there["keys"], there["leads"]) == (1, 3)
    assert memory.memories(leads[0], organization)

    told = erase("organization", organization, "--yes", "--no-wait")
    receipt = told["receipt"]
    assert (receipt["removed"]["keys"], receipt["removed"]["leads"], receipt["removed"]["events"]) == (1, 3, 6)
    # The leads' own tombstones stay until no process can have the keys any more.
    assert (receipt["found_again"], receipt["finished"], told["verified"]) == (0, False, False)
    assert [[item[keys.SK] for item in items(table, lead)] for lead in leads] == [[keys.HEAD_SK]] * 3
    [organizations_item] = items(table, keys.organization_key(organization).pk)
    assert not [value for value in organizations_item.values() if isinstance(value, list)]
    assert reasons(published(memory, bought(organization, leads[0], 0), bought(organization, str(uuid4()), 0))) == {
        "erased"
    }
    assert refused("keys", "rotate", "--organization", organization) == "The organization was erased.\n"


def sealed(table: Any, lead: str) -> Iterator[bytes]:
    for item in items(table, lead):
        yield from (bytes(value) for value in item.values() if hasattr(value, "value"))


def test_a_rotated_key_seals_what_comes_and_with_reseal_what_was_there(
    memory: LeadMemory, table: Any, organization: str, lead: str
) -> None:
    published(memory, bought(organization, lead, 0))
    before = memory.memories(lead, organization)
    code, rotated = lead_memory("keys", "rotate", "--organization", organization)
    assert (code, rotated) == (0, {"version": 2, "resealed": None})
    assert {key_version(each) for each in sealed(table, lead)} == {1}
    assert memory.memories(lead, organization) == before

    code, rotated = lead_memory("keys", "rotate", "--organization", organization, "--reseal", "--no-wait")
    resealed = rotated["resealed"]
    assert (code, rotated["version"], resealed["leads"], resealed["unreadable"]) == (0, 3, 1, 0)
    assert resealed["items"] == len([item for item in items(table, lead) if item[keys.SK] != keys.HEAD_SK])
    assert {key_version(each) for each in sealed(table, lead)} == {3}
    assert memory.memories(lead, organization) == before
    [answer] = memory.resolve([lead], organization_id=organization, variables=["purchase.summary.order_count"])
    assert answer.values["purchase.summary.order_count"].value == 1
    code, again = lead_memory("keys", "reseal", "--organization", organization, "--no-wait")
    assert (code, again["resealed"]["items"]) == (0, 0)


def test_hashed_names_hold_from_the_first_event_to_the_erasure(
    memory: LeadMemory, stage: Stage, table: Any, organization: str, lead: str
) -> None:
    of = ("--organization", organization)
    assert lead_memory("keys", "hash-names", *of) == (0, {"organization_id": organization, "hashes_names": True})
    form_id, _, question = QUESTION.partition(":")
    form = {
        "form_id": form_id,
        "response_id": "r",
        "answers": [{"question": question, "type": "text", "answer": "yes"}],
    }
    holiday = {"memory_type": "fact", "key": "on_holiday", "value": {"until": "Monday"}}
    ended = (START + timedelta(days=1)).isoformat()
    published(
        memory,
        entry("form.response_submitted", form, organization, lead, event_id="asked"),
        entry("memory.declared", {**holiday, "expires_at": ended}, organization, lead, event_id="holiday"),
        *(bought(organization, lead, number) for number in range(2)),
    )
    stored = items(table, lead)
    clear = [word for word in ("doctor", "on_holiday", "sku_0", "summary") if word in str(stored)]
    assert clear == []
    of_lead = ("--lead", lead, *of)
    assert {each["key"] for each in lead_memory("memories", *of_lead)[1]["memories"]} >= {QUESTION, "product:sku_0"}
    [answer] = memory.resolve([lead], organization_id=organization, variables=[f'form["{QUESTION}"].answer'])
    assert [found.value for found in answer.values.values()] == ["yes"]
    assert lead_memory("explain", "purchase", "summary", *of_lead)[1]["is_the_fold"]
    lineage = lead_memory("lineage", "form", QUESTION, *of_lead)[1]["events"]
    assert lineage == ["test/asked"]

    swept(memory, stage, lead, organization)
    assert lead_memory("rebuild", "--check", *of_lead)[0] == 0
    assert refused("keys", "hash-names", *of).endswith("(conflict).\n")

    removed = erase("event", "test/asked", *of_lead, "--yes", "--no-wait")["receipt"]["removed"]
    assert (removed["events"], removed["memories"]) == (1, 1)
    assert QUESTION not in {each.key for each in memory.memories(lead, organization)}
    assert erase("lead", *of_lead, "--yes", "--no-wait")["receipt"]["found_again"] == 0
    assert [item[keys.SK] for item in items(table, lead)] == [keys.HEAD_SK]


@pytest.mark.usefixtures("stage")
def test_what_an_organization_chose_outlives_a_rotation_and_ends_with_its_erasure(organization: str) -> None:
    of = ("--organization", organization)
    assert "the organization is not known" in refused("organization", "conversations", *of, "--cross-channel", "join")
    assert lead_memory("keys", "hash-names", *of)[0] == 0
    shares = {"full": 80, "no_notes": 20, "single_summary": 0}
    chosen = {"cross_channel": "join", "cohorts": shares, "daily_budget_micros": 2_500_000}
    split = ("--cross-channel", "join", "--cohorts", "full=80,no_notes=20", "--daily-budget", "2.50")
    assert lead_memory("organization", "conversations", *of, *split) == (0, chosen)
    assert lead_memory("keys", "rotate", *of)[1]["version"] == 2
    assert lead_memory("organization", "conversations", *of) == (0, chosen)
    erase("organization", organization, "--yes", "--no-wait")
    assert refused("organization", "conversations", *of).startswith("The organization was erased at ")


def swept(memory: LeadMemory, stage: Stage, lead: str, organization: str) -> None:
    """Has the clock's own function announce what has ended, and waits until that is recorded."""
    [stack] = stage.client("cloudformation").describe_stacks(StackName=f"LeadMemory-{stage.name}")["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    stage.client("lambda").invoke(FunctionName=outputs["CleanupFunction"])
    deadline = time.monotonic() + PATIENCE_SECONDS
    while "memory.expired" not in {each.event_type for each in memory.events(lead, organization)}:
        assert time.monotonic() < deadline
        time.sleep(0.1)
