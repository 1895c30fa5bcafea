"""The updater's handler on a table and a queue."""

import asyncio
import base64
import gzip
from collections.abc import Callable
from types import ModuleType
from typing import Any

import boto3
import pytest

from lead_memory.adapters.table import DynamoTable
from lead_memory.domain.memories import MemoryKey, MemoryType
from lead_memory.settings import UpdaterSettings
from tests.events import LEAD, body, entry


class Context:
    def get_remaining_time_in_millis(self) -> int:
        return 30_000


type Handler = Callable[[dict[str, Any], object], dict[str, Any]]


@pytest.fixture
def queue_url(environment: dict[str, str]) -> str:
    return boto3.client("sqs").create_queue(QueueName="rejected")["QueueUrl"]


@pytest.fixture
def handler(
    table_name: str,
    queue_url: str,
    import_handler: Callable[[str], ModuleType],
    monkeypatch: pytest.MonkeyPatch,
) -> Handler:
    settings = UpdaterSettings(
        stage="test", table_name=table_name, rejected_queue_url=queue_url, payload_bucket="payloads"
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
    handler: Handler, table_name: str, environment: dict[str, str], queue_url: str, capsys: pytest.CaptureFixture[str]
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
        table = DynamoTable.open(table_name, environment)
        memory = await table.get(LEAD, MemoryKey(MemoryType.PURCHASE, "last_transaction"))
        await table.close()
        return memory

    assert str(asyncio.run(last()).value["amount"]) == "189.90"


def test_a_rejected_body_as_large_as_a_message_is_kept_whole(handler: Handler, queue_url: str) -> None:
    large = '"' + "é" * 520_000 + '"'
    assert handler(sqs(large), Context()) == {"batchItemFailures": []}
    (rejected,) = received(queue_url)
    assert rejected["MessageAttributes"]["encoding"]["StringValue"] == "gzip+base64"
    assert gzip.decompress(base64.b64decode(rejected["Body"])).decode() == large
