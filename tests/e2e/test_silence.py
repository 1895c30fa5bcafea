"""Canaries in every content field go through every function, and none is in a log, a metric or a queue's attributes."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from lead_memory.domain.errors import Rejected
from lead_memory.domain.events import parse
from lead_memory.domain.memories import Lead
from lead_memory_client import LeadMemory, RequestRefused
from lead_memory_client.answers import QueueDepth
from lead_memory_client.entries import EventName
from lead_memory_client.rebuild import Rebuilds
from lead_memory_client.stage import Stage
from local import state
from tests.events import NOW, SAMPLE_FILES, body, entry

CANARY = "zqxcanary7431"
LARGE = Random(1).randbytes(400_000).hex()
PATIENCE_SECONDS = 90
LOOK_SECONDS = 10
"""Others see again after this what was looked at."""
ENDED_AT = datetime(2020, 1, 1, tzinfo=UTC)


def filled(value: Any, is_good: Callable[[Any], bool]) -> Any:
    """With the canary at the end of every text where that is good."""
    if isinstance(value, dict):
        for name in list(value):
            value[name] = filled(value[name], lambda changed, name=name: is_good(value | {name: changed}))  # type: ignore[misc]
    elif isinstance(value, list):
        for index in range(len(value)):
            others = (value[:index], value[index + 1 :])
            value[index] = filled(value[index], lambda changed, o=others: is_good([*o[0], changed, *o[1]]))  # type: ignore[misc]
    elif isinstance(value, str) and is_good(f"{value} {CANARY}"):
        return f"{value} {CANARY}"
    return value


def accepted(sample: dict[str, Any]) -> Callable[[str], Callable[[Any], bool]]:
    def with_part(part: str) -> Callable[[Any], bool]:
        def is_good(value: Any) -> bool:
            try:
                parse(body(sample | {"Detail": sample["Detail"] | {part: value}}), NOW)
            except Rejected:
                return False
            return True

        return is_good

    return with_part


def canaries(lead: Lead) -> Iterator[dict[str, Any]]:
    """Each sample with canaries where it stays good, and with canaries in every text, good or not."""
    for number, path in enumerate(SAMPLE_FILES):
        for is_good in (accepted(json.loads(path.read_text())), lambda _: lambda _: True):
            sample = json.loads(path.read_text())
            detail = sample["Detail"]
            detail["metadata"] |= {
                "event_id": f"{CANARY}-{number}-{uuid4()}",
                "correlation_id": CANARY,
                **{"organization_id": lead.organization_id, "lead_organization_id": lead.lead_id},
            }
            for part in ("data", "raw_payload"):
                if part in detail:
                    detail[part] = filled(detail[part], is_good(part))
            yield sample


def malformed(lead: Lead) -> list[str]:
    ours = {"organization_id": lead.organization_id, "lead_organization_id": lead.lead_id}
    order = {"order_id": CANARY, "total": "1", "currency": "BRL", "note": CANARY}

    def message(event_type: str, data: Any, **metadata: Any) -> str:
        return body(entry(event_type, data, **(ours | metadata)))

    return [
        f"{CANARY} is not JSON",
        f'["{CANARY}"]',
        json.dumps({"source": CANARY, "detail-type": [CANARY], "detail": CANARY}),
        json.dumps({"source": CANARY, "detail-type": CANARY, "detail": {"data": CANARY}}),
        message(CANARY, {CANARY: CANARY}),
        message("order.paid", {"total": CANARY, CANARY: CANARY}),
        message("order.paid", order | {"total": f"1{CANARY}"}),
        message("order.paid", CANARY),
        *(message("order.paid", order, **{name: CANARY}) for name in ("organization_id", "occurred_at", "version")),
        message("order.paid", order, event_id=CANARY * 100),
        message("memory.declared", {"memory_type": CANARY, "key": CANARY, "value": {"a": CANARY}}),
        message("memory.declared", {"memory_type": "fact", "key": f"{CANARY}#", "value": {"a": CANARY}}),
        message("memory.declared", {"memory_type": "fact", "key": CANARY, "value": {"a": CANARY * 40_000}}),
        message("memory.expired", {"memory_type": "fact", "key": CANARY}),
        message("order.paid", order, event_id=f"{CANARY}-deep").replace(f'"{CANARY}"', "[" * 200 + "]" * 200, 1),
        message("order.paid", order, event_id=f"{CANARY}-c"),
        message("order.paid", order | {"note": f"{CANARY} otherwise"}, event_id=f"{CANARY}-c"),
        message("order.paid", order, organization_id=str(uuid4())),
        message("order.paid", order | {"note": CANARY + LARGE}, event_id=f"{CANARY}-large"),
        message(
            "memory.declared",
            {"memory_type": "fact", "key": CANARY, "value": {"a": CANARY}, "expires_at": ENDED_AT.isoformat()},
            event_id=f"{CANARY}-ended",
            at=ENDED_AT,
        ),
    ]


def send(stage: Stage, bodies: list[str]) -> None:
    for each in bodies:
        stage.client("sqs").send_message(QueueUrl=stage.resources.ingest_queue_url, MessageBody=each)


def drained(memory: LeadMemory) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while busy := [each for each in _working(memory) if each.waiting + each.in_flight]:
        assert time.monotonic() < deadline, busy
        time.sleep(0.2)


def _working(memory: LeadMemory) -> list[QueueDepth]:
    """In this order, for what the extractor says comes to be recorded after it."""
    return [memory.status().queues[name] for name in ("extraction", "ingest")]


def invoked(stage: Stage, function: str, request: Any) -> str:
    answer = stage.client("lambda").invoke(FunctionName=function, Payload=msgspec.json.encode(request))
    return answer["Payload"].read().decode()  # type: ignore[no-any-return]


def logged(stage: Stage) -> list[str]:
    logs = stage.client("logs")
    groups = [
        each["logGroupName"]
        for page in logs.get_paginator("describe_log_groups").paginate()
        for each in page["logGroups"]
    ]
    return [
        event["message"]
        for group in groups
        for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group)
        for event in page["events"]
    ]


def printed() -> list[str]:
    """What the stack's own processes printed: the local AWS prints what functions print."""
    return [
        line for log in Path(state.directory_from_environment()).glob("*.log") for line in log.read_text().splitlines()
    ]


def attributes(stage: Stage) -> list[str]:
    """Of all messages in the queues where they wait for a person, less their bodies; they are given back."""
    sqs, found = stage.client("sqs"), []
    of = stage.resources
    for url in (
        of.rejected_queue_url,
        of.dead_letter_queue_url,
        of.rebuild_dead_letter_queue_url,
        of.extraction_dead_letter_queue_url,
        of.vectors_dead_letter_queue_url,
        of.uses_dead_letter_queue_url,
    ):
        held = []
        while messages := sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            VisibilityTimeout=LOOK_SECONDS,
            MessageAttributeNames=["All"],
            AttributeNames=["All"],
        ).get("Messages"):
            found += [json.dumps({**each, "Body": None}) for each in messages]
            held += [each["ReceiptHandle"] for each in messages]
        for handle in held:
            sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0)
    return found


def test_no_canary_is_in_a_log_a_metric_an_error_or_an_attribute(stage: Stage, memory: LeadMemory) -> None:
    lead = Lead(str(uuid4()), str(uuid4()))
    good = [body(each) for each in canaries(lead)]
    send(stage, [*good, *malformed(lead)])
    drained(memory)
    # So that what is not found was there to be found.
    assert CANARY in str(memory.memories(lead.lead_id, lead.organization_id))
    assert memory.recorded([EventName(lead, f"test/{CANARY}-{name}") for name in ("c", "large", "ended")])
    assert len(memory.events(lead.lead_id, lead.organization_id, limit=1000)) >= len(good) // 2

    template = f"{CANARY} {{{{fact.{CANARY}.a}}}} {{{{lead.name | default: '{CANARY}'}}}}"
    memory.resolve([lead.lead_id], organization_id=lead.organization_id, template=template)
    for broken in (f"{{{{ {CANARY} }}}}", f"{{{{lead.{CANARY}}}}}", f"{{{{fact.a.b | {CANARY}}}}}"):
        with pytest.raises(RequestRefused):
            memory.resolve([lead.lead_id], organization_id=lead.organization_id, template=broken)
    rebuilds = Rebuilds(stage)
    errors = [
        str(rebuilds.lead(lead, derivation=None, check=False)),
        *(
            invoked(stage, stage.resources.rebuilder_function, asked)
            for asked in ({"lead_id": CANARY}, {CANARY: CANARY})
        ),
        *(
            invoked(stage, stage.resources.privacy_function, asked)
            for asked in ({"operation": "erase_lead", "lead_id": CANARY}, {CANARY: CANARY})
        ),
        invoked(stage, stage.resources.rebuilder_function, {"Records": [{"messageId": "m", "body": CANARY}]}),
    ]
    cleanup = next(each for each in _functions(stage) if "Cleanup" in each)
    errors.append(invoked(stage, cleanup, {}))
    waiting = attributes(stage)
    memory.erase_event(lead.lead_id, f"test/{CANARY}-c", lead.organization_id, settle_seconds=0)
    memory.erase_lead(lead.lead_id, lead.organization_id, settle_seconds=0)

    metrics = json.dumps(stage.client("cloudwatch").list_metrics()["Metrics"])
    said = {"logs": logged(stage), "files": printed(), "attributes": waiting, "errors": errors}
    assert all(said.values())
    assert any("rejected_" in line for line in said["logs"])
    found = {
        where: [line for line in lines if CANARY in line] for where, lines in {**said, "metrics": [metrics]}.items()
    }
    assert not any(found.values()), found


def _functions(stage: Stage) -> list[str]:
    return [each["FunctionName"] for each in stage.client("lambda").list_functions()["Functions"]]
