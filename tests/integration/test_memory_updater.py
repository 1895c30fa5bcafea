"""The updater's handler on a table and a queue."""

import asyncio
import base64
import gzip
import json
import socket
import time
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any
from uuid import uuid4

import boto3
import pytest

from lead_memory.adapters.aws import Aws
from lead_memory.adapters.keyrings import Keyrings
from lead_memory.adapters.kms import KeyService
from lead_memory.adapters.memory_reader import MemoryReader
from lead_memory.adapters.table import DynamoTable
from lead_memory.domain.events import Event
from lead_memory.domain.memories import MemoryKey, MemoryType
from lead_memory.services.ingest import Message
from lead_memory.settings import UpdaterSettings
from tests.events import SOMEBODY, body, entry
from tests.garbage import uncollected
from tests.stage import read_memory


class Context:
    def __init__(self, milliseconds: int = 30_000) -> None:
        self._milliseconds = milliseconds

    def get_remaining_time_in_millis(self) -> int:
        return self._milliseconds


type Handler = Callable[[dict[str, Any], object], dict[str, Any]]


@pytest.fixture
def queue_url(environment: dict[str, str]) -> str:
    return boto3.client("sqs").create_queue(QueueName="rejected")["QueueUrl"]


@pytest.fixture
def silent_sqs(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", f"http://127.0.0.1:{server.getsockname()[1]}")
        yield


@pytest.fixture
def handler(
    table_name: str,
    content_key: str,
    queue_url: str,
    import_handler: Callable[[str], ModuleType],
    monkeypatch: pytest.MonkeyPatch,
) -> Handler:
    settings = UpdaterSettings(
        stage="test",
        table_name=table_name,
        content_key=content_key,
        rejected_queue_url=queue_url,
        payload_bucket="payloads",
    )
    for name, value in settings.as_environment().items():
        monkeypatch.setenv(name, value)
    return import_handler("memory_updater").handler  # type: ignore[no-any-return]


def sqs(*bodies: str) -> dict[str, Any]:
    return {"Records": [{"messageId": f"m{number}", "body": text} for number, text in enumerate(bodies)]}


def received(queue_url: str) -> list[Any]:
    answer = boto3.client("sqs").receive_message(
        QueueUrl=queue_url, MessageAttributeNames=["All"], MaxNumberOfMessages=10
    )
    return list(answer.get("Messages", []))


def test_good_events_become_memories_and_bad_ones_wait_with_their_reason(
    handler: Handler,
    table_name: str,
    content_key: str,
    environment: dict[str, str],
    queue_url: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    order = body(entry("order.paid", {"order_id": "o", "total": "189.90", "currency": "BRL"}))
    assert handler(sqs(order, "not json"), Context()) == {"batchItemFailures": []}
    (rejected,) = received(queue_url)
    assert rejected["Body"] == "not json"
    assert rejected["MessageAttributes"]["reason"]["StringValue"] == "not_json"
    printed = capsys.readouterr().out
    assert '"recorded": 1' in printed
    assert '"rejected_not_json": 1' in printed
    assert "189.90" not in printed

    async def last() -> Any:
        aws = Aws(environment)
        table = DynamoTable(table_name, aws)
        reader = MemoryReader(table, Keyrings(table, KeyService(content_key, aws)))
        memory = await read_memory(reader, SOMEBODY, MemoryKey(MemoryType.PURCHASE, "last_transaction"))
        await aws.close()
        return memory

    assert str(asyncio.run(last()).value["amount"]) == "189.90"


def test_half_of_a_surrogate_pair_is_sent_to_the_rejected_queue_as_its_escape(handler: Handler, queue_url: str) -> None:
    text = '{"detail": "a\ud800b"}'
    assert handler(sqs(text), Context()) == {"batchItemFailures": []}
    (rejected,) = received(queue_url)
    assert json.loads(rejected["Body"]) == json.loads(text)


def test_a_rejected_body_as_large_as_a_message_is_kept_whole(handler: Handler, queue_url: str) -> None:
    large = '"' + "é" * 520_000 + '"'
    assert handler(sqs(large), Context()) == {"batchItemFailures": []}
    (rejected,) = received(queue_url)
    assert rejected["MessageAttributes"]["encoding"]["StringValue"] == "gzip+base64"
    assert gzip.decompress(base64.b64decode(rejected["Body"])).decode() == large


def test_nothing_of_a_batch_is_left_to_the_garbage_collector(handler: Handler) -> None:
    # Of an organization that is new, all leads but one lose the race for its first key.
    leads = [str(uuid4()) for _ in range(4)]
    orders = [
        body(entry("order.paid", {"order_id": "o", "total": "189.90", "currency": "BRL"}, lead_organization_id=lead))
        for lead in leads
    ]
    handler(sqs("{}"), Context())
    with uncollected() as left:
        assert handler(sqs(*orders, *orders[:1], "not json"), Context()) == {"batchItemFailures": []}
        # Their events are there already: the transaction of each is cancelled.
        assert handler(sqs(*orders), Context()) == {"batchItemFailures": []}
    assert [each for each in left if isinstance(each, Event | Message)] == []


def test_where_sqs_does_not_answer_the_handler_does_and_gives_back_what_it_could_not_reject(
    handler: Handler, silent_sqs: None
) -> None:
    seconds = 4
    started = time.monotonic()
    answer = handler(sqs(*["not json"] * 12), Context(seconds * 1000))
    assert time.monotonic() - started < seconds
    assert {each["itemIdentifier"] for each in answer["batchItemFailures"]} == {f"m{number}" for number in range(12)}
