"""The cleanup's handler on a table and a bus."""

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from itertools import count
from socket import socket
from types import ModuleType
from typing import Any
from uuid import UUID

import boto3
import pytest

from lead_memory.adapters import bus, keys
from lead_memory.adapters.aws import Aws
from lead_memory.adapters.keyrings import Keyrings
from lead_memory.adapters.kms import KeyService
from lead_memory.adapters.large_payloads import PayloadBucket
from lead_memory.adapters.store import EventStore
from lead_memory.adapters.table import DynamoTable
from lead_memory.domain.conversation import names
from lead_memory.domain.errors import Unavailable
from lead_memory.domain.events import parse
from lead_memory.services import sweep
from lead_memory.services.bus import Entry
from lead_memory.services.record import Outcome, Recorder
from lead_memory.settings import CleanupSettings
from tests.events import LEAD, ORGANIZATION, body, entry
from tests.integration.conftest import BUS

ENDED_AT = "2020-01-02T00:00:00Z"
MUCH_TIME_MS, LITTLE_TIME_MS = 100_000, 5_000


class Context:
    """Tells each of these times once, and the last one for ever."""

    def __init__(self, *remaining_ms: int) -> None:
        self._remaining_ms = list(remaining_ms)

    def get_remaining_time_in_millis(self) -> int:
        return self._remaining_ms.pop(0) if len(self._remaining_ms) > 1 else self._remaining_ms[0]


type Handler = Callable[[dict[str, Any], Context], dict[str, Any]]
type Record = Callable[[Iterable[str]], None]


@pytest.fixture
def asked(table_name: str) -> str:
    """The URL of the extractor's queue."""
    return str(boto3.client("sqs").create_queue(QueueName=f"asked-{table_name}")["QueueUrl"])


@pytest.fixture
def handler(
    table_name: str,
    content_key: str,
    announced: str,
    asked: str,
    import_handler: Callable[[str], ModuleType],
    monkeypatch: pytest.MonkeyPatch,
) -> Handler:
    settings = CleanupSettings(
        stage="test", table_name=table_name, content_key=content_key, bus_name=BUS, extraction_queue_url=asked
    )
    for name, value in settings.as_environment().items():
        monkeypatch.setenv(name, value)
    return import_handler("cleanup").handler  # type: ignore[no-any-return]


@pytest.fixture
def record(table_name: str, content_key: str, environment: dict[str, str]) -> Record:
    """Does what the updater does with messages."""

    def record(messages: Iterable[str]) -> None:
        async def recorded() -> None:
            aws = Aws(environment)
            table = DynamoTable(table_name, aws)
            events = [parse(message, datetime.now(UTC)) for message in messages]
            keyrings = Keyrings(table, KeyService(content_key, aws))
            store = EventStore(table, keyrings, PayloadBucket("none"), lambda: datetime.now(UTC))
            for lead in {event.lead for event in events}:
                results = await Recorder(store).record([event for event in events if event.lead == lead])
                assert set(results) == {Outcome.RECORDED}
            await aws.close()

        asyncio.run(recorded())

    return record


def on_holiday(key: str, lead: str = LEAD) -> str:
    declared = {"memory_type": "fact", "key": key, "value": {"until": "Monday"}, "expires_at": ENDED_AT}
    at = datetime(2020, 1, 1, tzinfo=UTC)
    return body(entry("memory.declared", declared, event_id=key, at=at, lead_organization_id=lead))


def a_lead_of_each_shard() -> list[str]:
    """Always the same ones."""
    found: dict[str, str] = {}
    for number in count():
        lead = str(UUID(int=number))
        found.setdefault(keys.due_shard(lead), lead)
        if len(found) == keys.DUE_SHARDS:
            break
    return list(found.values())


def lead_of(message: str) -> str:
    return str(json.loads(message)["detail"]["metadata"]["lead_organization_id"])


def received(queue_url: str) -> list[str]:
    sqs = boto3.client("sqs")
    bodies = []
    while messages := sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            bodies.append(message["Body"])
            sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
    return bodies


def keys_of(messages: Iterable[str]) -> set[str]:
    return {json.loads(message)["detail"]["data"]["key"] for message in messages}


def test_what_is_due_is_announced_on_the_bus_and_once_recorded_is_due_no_more(
    handler: Handler, record: Record, announced: str, capsys: pytest.CaptureFixture[str]
) -> None:
    record([on_holiday("a")])
    assert handler({}, Context(MUCH_TIME_MS)) == {"published": 1, "threads": 0, "finished": True}
    (message,) = received(announced)
    event = parse(message, datetime.now(UTC))
    assert (event.source, event.event_type, event.lead_organization_id) == ("cleanup", "memory.expired", LEAD)
    assert json.loads(event.data_json) == {"memory_type": "fact", "key": "a"}
    assert '"published": 1' in capsys.readouterr().out
    record([message])
    assert handler({}, Context(MUCH_TIME_MS)) == {"published": 0, "threads": 0, "finished": True}


def test_an_idle_thread_is_sent_to_the_extractor_without_what_was_said(
    handler: Handler, record: Record, announced: str, asked: str, capsys: pytest.CaptureFixture[str]
) -> None:
    spoken = {"thread_id": "t", "channel": "sms", "text": "I need a refund."}
    at = datetime(2020, 1, 1, tzinfo=UTC)
    record(body(entry("conversation.message_received", spoken, event_id=f"m{n}", at=at)) for n in range(3))
    # The short-term memory and the interactions end.
    assert handler({}, Context(MUCH_TIME_MS)) == {"published": 2, "threads": 1, "finished": True}
    [request] = map(json.loads, received(asked))
    row = keys.memory_sk(names.thread("t"))
    assert request == {"organization_id": ORGANIZATION, "lead_id": LEAD, "row": row}
    printed = capsys.readouterr().out
    assert '"threads": 1' in printed
    assert "refund" not in printed
    record(received(announced))
    # Until it is recorded that the extractor was there.
    assert handler({}, Context(MUCH_TIME_MS)) == {"published": 0, "threads": 1, "finished": True}


def test_a_backlog_is_announced_a_page_of_each_shard_at_a_time_and_the_next_run_goes_on(
    handler: Handler,
    record: Record,
    announced: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    page, each = 3, 7
    # Fewer, because the local AWS takes long for hundreds of leads.
    monkeypatch.setattr(keys, "DUE_SHARDS", 8)
    monkeypatch.setattr(sweep, "PAGE", page)
    monkeypatch.setattr(sweep, "PAGES_AT_ONCE", 1)
    backlog = [on_holiday(f"{lead}/{number}", lead) for lead in a_lead_of_each_shard() for number in range(each)]
    record(backlog)
    a_page_of_each = Context(*[MUCH_TIME_MS] * keys.DUE_SHARDS, LITTLE_TIME_MS)
    assert handler({}, a_page_of_each) == {"published": page * keys.DUE_SHARDS, "threads": 0, "finished": False}
    assert '"unfinished": 1' in capsys.readouterr().out
    first = received(announced)
    assert Counter(lead_of(message) for message in first) == dict.fromkeys(a_lead_of_each_shard(), page)
    record(first)
    assert handler({}, Context(MUCH_TIME_MS)) == {
        "published": (each - page) * keys.DUE_SHARDS,
        "threads": 0,
        "finished": True,
    }
    both = [*first, *received(announced)]
    assert (len(both), len(keys_of(both))) == (len(backlog), len(backlog))


def test_a_memory_that_cannot_be_read_is_logged_by_its_hash_and_the_others_are_announced(
    handler: Handler, record: Record, announced: str, table_name: str, caplog: pytest.LogCaptureFixture
) -> None:
    record(map(on_holiday, ("a", "broken", "c")))
    boto3.resource("dynamodb").Table(table_name).update_item(
        Key={keys.PK: LEAD, keys.SK: "fact#broken"},
        UpdateExpression="SET newest = :it",
        ExpressionAttributeValues={":it": 1},
    )
    assert handler({}, Context(MUCH_TIME_MS)) == {"published": 2, "threads": 0, "finished": True}
    assert keys_of(received(announced)) == {"a", "c"}
    assert hashlib.sha256(f"{LEAD}\nfact#broken".encode()).hexdigest() in caplog.text
    assert LEAD not in caplog.text


async def test_a_bus_that_never_answers_is_given_up(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bus, "REQUEST_SECONDS", 0.1)
    with socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(Unavailable, match="TimeoutError"):
            await bus.EventBus(BUS, aws).publish([Entry("cleanup", "memory.expired", "{}")])


async def test_the_bus_tells_how_many_it_took_of_several_calls(aws: Aws, announced: str) -> None:
    entries = [Entry("cleanup", "memory.expired", json.dumps({"data": {"key": str(n)}})) for n in range(23)]
    refused = Entry("cleanup", "memory.expired", "no JSON")
    assert await bus.EventBus(BUS, aws).publish([*entries, refused]) == len(entries)
    assert keys_of(received(announced)) == {str(n) for n in range(23)}
