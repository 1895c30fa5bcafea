"""What the deployed rule puts into the extractor's queue."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from lead_memory_client import LeadMemory
from lead_memory_client.stage import Stage
from tests.events import ORGANIZATION, entry

ODD = 'said "hi" \\ to Zoë\n\t\u2028 {}<b>, 100% \U0001f600'
TARGET = "copy"


@pytest.fixture
def copies(stage: Stage) -> Iterator[str]:
    """A queue that gets what the extractor's gets, and that no function reads."""
    events, sqs, bus = stage.client("events"), stage.client("sqs"), stage.resources.bus_name
    rules = events.list_rules(EventBusName=bus)["Rules"]
    (rule,) = (each["Name"] for each in rules if {"source", "detail-type"} <= json.loads(each["EventPattern"]).keys())
    (target,) = events.list_targets_by_rule(Rule=rule, EventBusName=bus)["Targets"]
    url = sqs.create_queue(QueueName=f"copies-{uuid4()}")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_targets(Rule=rule, EventBusName=bus, Targets=[{**target, "Id": TARGET, "Arn": arn}])
    try:
        yield url
    finally:
        events.remove_targets(Rule=rule, EventBusName=bus, Ids=[TARGET])
        sqs.delete_queue(QueueUrl=url)


def put(stage: Stage, *entries: dict[str, Any]) -> None:
    answer = stage.client("events").put_events(
        Entries=[
            {**each, "Detail": json.dumps(each["Detail"]), "EventBusName": stage.resources.bus_name} for each in entries
        ]
    )
    assert answer["FailedEntryCount"] == 0


def taken(stage: Stage, url: str) -> list[Any]:
    answer = stage.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=10)
    return [json.loads(message["Body"]) for message in answer.get("Messages", [])]


def message(source: str = "test", event_type: str = "conversation.message_received", **more: Any) -> dict[str, Any]:
    data = {"thread_id": "t", "channel": "sms", "text": ODD}
    return entry(event_type, data, event_id=ODD, lead_organization_id=str(uuid4())) | {"Source": source} | more


def test_a_message_arrives_without_its_content_and_with_its_metadata_to_the_letter(stage: Stage, copies: str) -> None:
    said = message()
    said["Detail"]["metadata"]["correlation_id"] = ODD
    put(stage, said)
    metadata = said["Detail"]["metadata"]
    assert taken(stage, copies) == [
        {"source": "test", "detail-type": "conversation.message_received", "detail": {"metadata": metadata}}
    ]


def test_only_what_asks_for_a_model_arrives_and_never_what_it_or_the_cleanup_says(stage: Stage, copies: str) -> None:
    asks = [
        "conversation.message_received",
        "conversation.reply_sent",
        "thread.extraction_requested",
        "thread.summary_requested",
        "memories.summary_requested",
    ]
    put(
        stage,
        message("extractor"),
        message("cleanup"),
        message(event_type="product.viewed"),
        message(Detail={"data": {"text": ODD}}),
        *(message(event_type=each) for each in asks),
    )
    arrived: list[str] = []
    while len(arrived) < len(asks):
        some = taken(stage, copies)
        assert some
        arrived += [each["detail-type"] for each in some]
    assert sorted(arrived) == sorted(asks)


def test_what_waits_for_a_person_is_erased_with_its_lead_and_with_no_other(stage: Stage, memory: LeadMemory) -> None:
    gone, stays = str(uuid4()), str(uuid4())
    url = stage.resources.extraction_dead_letter_queue_url
    for lead in (gone, stays):
        job = {"organization_id": ORGANIZATION, "lead_id": lead, "row": "fact#conversation.thread:t"}
        stage.client("sqs").send_message(QueueUrl=url, MessageBody=json.dumps(job))
    asked = {"operation": "erase_lead", "organization_id": ORGANIZATION, "asked_by": "me"}

    def erased(lead: str) -> Any:
        answer = stage.client("lambda").invoke(
            FunctionName=stage.resources.privacy_function, Payload=json.dumps({**asked, "lead_id": lead})
        )
        return json.loads(answer["Payload"].read())["receipt"]["removed"]

    assert erased(gone)["waiting_messages"] == 1
    assert [each.lead for each in memory.queues()["extraction_dead_letters"].samples] == [stays]
    assert erased(stays)["waiting_messages"] == 1
    assert memory.queues()["extraction_dead_letters"].waiting == 0
