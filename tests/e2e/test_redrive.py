"""What waits for a person, and goes back once it was mended, on the deployed local stage."""

import json
import subprocess
import time
from datetime import timedelta
from typing import Any
from uuid import uuid4

import boto3
import pytest

from lead_memory_client import LeadMemory
from lead_memory_client.answers import QueueDepth
from lead_memory_client.stage import Stage
from local.stack import LocalStack
from tests.e2e import test_rebuild as rebuild
from tests.events import ORGANIZATION, START, body, entry

PATIENCE_SECONDS = 60


@pytest.fixture
def sqs(stack: LocalStack) -> Any:
    return boto3.client("sqs", **stack.client_arguments())


def order(lead: str, order_id: str, *, day: int = 0) -> str:
    data = {"order_id": order_id, "total": "10.00", "currency": "BRL"}
    at = START + timedelta(days=day)
    return body(entry("order.paid", data, event_id=order_id, at=at, lead_organization_id=lead))


def redrive(queue: str, *arguments: str) -> tuple[int, dict[str, Any]]:
    ran = subprocess.run(["lead-memory", "redrive", queue, "--json", *arguments], capture_output=True, text=True)
    return ran.returncode, json.loads(ran.stdout)


def test_dead_letters_that_were_mended_are_recorded_exactly_once_though_they_are_redriven_twice(
    memory: LeadMemory, stage: Stage, sqs: Any
) -> None:
    lead = str(uuid4())
    for _ in range(2):
        for day in (2, 1, 3):
            sqs.send_message(QueueUrl=stage.resources.dead_letter_queue_url, MessageBody=order(lead, str(day), day=day))
        code, told = redrive("dead-letters")
        assert (code, told["sent"], told["recorded"], told["unseen"]) == (0, 3, 3, 0)
    [summary] = [each for each in memory.memories(lead, ORGANIZATION) if each.key == "summary"]
    assert summary.value["order_count"] == 3
    assert memory.queues()["dead_letters"].waiting == 0


def test_what_is_still_bad_is_rejected_again_and_counted(memory: LeadMemory, stage: Stage, sqs: Any) -> None:
    lead = str(uuid4())
    unknown = body(entry("product.smelled", {"sku": "a"}, event_id="unknown", lead_organization_id=lead))
    before = memory.queues()["rejected"].reasons.get("unknown_type", 0)
    sqs.send_message(QueueUrl=stage.resources.ingest_queue_url, MessageBody=unknown)
    wait_for_rejection(memory, unknown)
    found = {"unknown_type": before + 1}
    assert memory.queues()["rejected"].reasons["unknown_type"] == before + 1
    assert redrive("rejected", "--reason", "unknown_type", "--dry-run") == (
        0,
        {"found": found, "sent": 0, "watched": False, "recorded": 0, "rejected_again": {}, "unseen": 0},
    )
    code, told = redrive("rejected", "--reason", "unknown_type")
    assert (code, told["sent"], told["rejected_again"]) == (1, before + 1, found)
    assert [each.reason for each in memory.rejections() if each.body == unknown] == ["unknown_type"]


def test_a_conflict_is_not_taken_for_recorded(memory: LeadMemory, stage: Stage, sqs: Any) -> None:
    lead = str(uuid4())
    for body_ in (order(lead, "1"), order(lead, "1").replace("10.00", "11.00")):
        sqs.send_message(QueueUrl=stage.resources.dead_letter_queue_url, MessageBody=body_)
        code, told = redrive("dead-letters")
    assert (code, told["recorded"], told["rejected_again"]) == (1, 0, {"conflict": 1})


def test_a_lead_that_was_not_rebuilt_is_rebuilt_once_its_message_is_sent_back(
    memory: LeadMemory, stack: LocalStack, stage: Stage, sqs: Any
) -> None:
    organization, lead = str(uuid4()), str(uuid4())
    rebuild.publish([rebuild.order(organization, lead, 0)])
    before = memory.memories(lead, organization)
    assert rebuild.damage(stack, stage, [lead]) > 0
    failed = json.dumps({"lead_id": lead, "organization_id": organization})
    sqs.send_message(QueueUrl=stage.resources.rebuild_dead_letter_queue_url, MessageBody=failed)
    waiting = memory.queues()["rebuild_dead_letters"]
    assert (waiting.reasons, [each.lead for each in waiting.samples]) == ({"not_rebuilt": 1}, [lead])
    code, told = redrive("rebuild-dead-letters")
    assert (code, told["sent"], told["watched"]) == (0, 1, False)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while memory.status().queues["rebuild"] != QueueDepth(0, 0):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert memory.memories(lead, organization) == before
    assert memory.queues()["rebuild_dead_letters"].waiting == 0


def wait_for_rejection(memory: LeadMemory, rejected: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not any(each.body == rejected for each in memory.rejections()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
