"""The extractor's queue on a real socket: what is put there, and what is read of what the bus's rule puts there."""

import json
import os
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import boto3
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_memory.adapters.aws import Aws
from lead_memory.adapters.extraction_queue import SqsExtractionQueue, request_of
from lead_memory.domain.errors import Unavailable
from lead_memory.domain.events import parse
from lead_memory.domain.intelligence.jobs import Job
from lead_memory.services.extraction_queue import DELAY_SECONDS, Request
from tests.events import LEAD, NOW, ORGANIZATION, body, entry

REQUEST = Request(organization_id=ORGANIZATION, lead_id=LEAD, row="conversation#thread:t")


@pytest.fixture
def urls(environment: dict[str, str]) -> tuple[str, str]:
    sqs = boto3.client("sqs")
    queue, dead = (sqs.create_queue(QueueName=f"extraction-{uuid4()}")["QueueUrl"] for _ in range(2))
    return queue, dead


@pytest.fixture
async def queue(urls: tuple[str, str], aws: Aws) -> SqsExtractionQueue:
    return SqsExtractionQueue(urls[0], aws, urls[1])


def received(url: str) -> list[dict[str, Any]]:
    messages = []
    while (
        found := boto3.client("sqs")
        .receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
        .get("Messages")
    ):
        messages += found
    return messages  # type: ignore[return-value]


def delayed(url: str) -> int:
    told = boto3.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return int(told["ApproximateNumberOfMessagesDelayed"])


@pytest.mark.parametrize("count", [0, 1, 10, 23])
async def test_every_request_comes_as_it_was_sent(queue: SqsExtractionQueue, urls: tuple[str, str], count: int) -> None:
    sent = [msgspec.structs.replace(REQUEST, row=f"conversation#thread:{n}") for n in range(count)]
    assert await queue.send(sent) == count
    found = [request_of(message["Body"]) for message in received(urls[0])]
    assert sorted(found, key=str) == sorted(sent, key=str)


@pytest.mark.parametrize("seconds", [30, DELAY_SECONDS])
async def test_what_is_sent_for_later_does_not_come_at_once(
    queue: SqsExtractionQueue, urls: tuple[str, str], seconds: int
) -> None:
    assert await queue.send([REQUEST], seconds) == 1
    assert (received(urls[0]), delayed(urls[0])) == ([], 1)


async def test_what_is_given_up_waits_for_a_person_with_its_reason(
    queue: SqsExtractionQueue, urls: tuple[str, str]
) -> None:
    lost = msgspec.structs.replace(REQUEST, jobs=frozenset({Job.SUMMARY}))
    await queue.give_up(lost, "throttled")
    assert received(urls[0]) == []
    [message] = received(urls[1])
    assert request_of(message["Body"]) == lost
    assert message["MessageAttributes"]["reason"]["StringValue"] == "throttled"


@pytest.fixture
async def nowhere(environment: dict[str, str]) -> AsyncIterator[Aws]:
    aws = Aws({**os.environ, "AWS_ENDPOINT_URL": "http://127.0.0.1:9"})
    yield aws
    await aws.close()


async def test_a_queue_that_does_not_answer_is_said_to_be_away(nowhere: Aws) -> None:
    queue = SqsExtractionQueue("http://127.0.0.1:9/1/queue", nowhere, "http://127.0.0.1:9/1/dead")
    with pytest.raises(Unavailable):
        await queue.send([REQUEST])
    with pytest.raises(Unavailable):
        await queue.give_up(REQUEST, "away")


# What is read of a body


def of_bus(**metadata: Any) -> str:
    """As the bus's rule puts it there: without data."""
    made = entry("conversation.reply_sent", {}, **metadata)
    del made["Detail"]["data"]
    return body(made)


def test_what_the_bus_puts_there_names_an_event_of_a_lead() -> None:
    found = request_of(of_bus(event_id="e/1", source="whatsapp"))
    assert found == Request(organization_id=ORGANIZATION, lead_id=LEAD, ref="whatsapp/e/1")


@given(st.uuids(), st.sampled_from([str, lambda id_: str(id_).upper(), lambda id_: id_.hex, lambda id_: id_.urn]))
def test_a_lead_is_named_as_the_log_names_it_however_the_integration_writes_its_id(id_: UUID, written: Any) -> None:
    said = {"thread_id": "t", "channel": "sms"}
    made = entry("conversation.reply_sent", said, lead_organization_id=written(id_), organization_id=written(id_))
    found, event = request_of(body(made)), parse(body(made), NOW)
    assert (found.lead, found.ref) == (event.lead, event.ref)


requests = st.builds(
    Request,
    organization_id=st.uuids().map(str),
    lead_id=st.uuids().map(str),
    row=st.none() | st.text(),
    ref=st.none() | st.text(),
    jobs=st.frozensets(st.sampled_from(Job)),
    attempt=st.integers(0, 3),
    triggers=st.lists(st.text(), max_size=3).map(tuple),
    held_by=st.none() | st.text(),
    waits=st.integers(0, 5),
)


@given(requests)
def test_what_we_put_there_comes_back_as_it_was(request: Request) -> None:
    assert request_of(msgspec.json.encode(request).decode()) == request


_json = st.recursive(st.none() | st.booleans() | st.text() | st.integers(), st.lists, max_leaves=5)


@given(
    st.one_of(
        st.text(),
        _json.map(json.dumps),
        st.dictionaries(st.sampled_from(["source", "detail", "organization_id", "lead_id", "jobs"]), _json).map(
            json.dumps
        ),
        st.just(of_bus(lead_organization_id="me")),
        st.just(of_bus(event_id=7)),
    )
)
def test_anything_else_is_refused_as_such_or_is_a_request(text: str) -> None:
    try:
        found = request_of(text)
    except msgspec.DecodeError:
        return
    assert found.organization_id == json.loads(text)["organization_id"]
