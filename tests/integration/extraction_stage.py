"""A stage's extractor and cleanup on a table, a bus and queues, with a clock: what they publish is recorded."""

import asyncio
import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from types import ModuleType
from typing import Any, Self

import boto3
import pytest
from boto3.dynamodb.conditions import Key

from infra.extraction import ASKS
from lead_memory.adapters import keys
from lead_memory.adapters.aws import Aws
from lead_memory.adapters.context_reader import ContextReader
from lead_memory.adapters.keyrings import Keyrings
from lead_memory.adapters.kms import KeyService
from lead_memory.adapters.large_payloads import PayloadBucket
from lead_memory.adapters.leases import Budgets
from lead_memory.adapters.organization_items import SPENT
from lead_memory.adapters.organization_settings import OrganizationSettings
from lead_memory.adapters.store import EventStore
from lead_memory.adapters.table import DynamoTable
from lead_memory.domain.conversation.layers import Format, Layer
from lead_memory.domain.events import Event, parse
from lead_memory.domain.memories import Lead, Memory, MemoryKey
from lead_memory.services.context import Answer, Contexts, Question
from lead_memory.services.models import Model
from lead_memory.services.rebuild import Rebuilder
from lead_memory.services.record import Outcome, Recorder
from lead_memory.settings import CleanupSettings, ExtractorSettings, ResolverSettings, Settings
from tests.events import START, body
from tests.fakes import canonical_bytes

EVALUATED = "intelligence.evaluated"
DEAD_LETTERS, QUEUE = "extraction-dead-letters", "extraction"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PAUSE_SECONDS = 30
A_WHILE = timedelta(minutes=1)
"""In which what was published is recorded, and a thread is free again."""


class Clock:
    """Takes the place of `datetime` in the handlers."""

    def __init__(self) -> None:
        self.time = START

    def now(self, _: object) -> datetime:
        return self.time


class Context:
    def get_remaining_time_in_millis(self) -> int:
        return 100_000


class InTurn(Budgets):
    """The local AWS loses one of two sums that begin an item at the same time; AWS does not."""

    def __init__(self, table: DynamoTable) -> None:
        super().__init__(table)
        self._turn = asyncio.Lock()

    async def reserve(self, organization_id: str, now: datetime, micros: int, limit_micros: int) -> bool:
        async with self._turn:
            return await super().reserve(organization_id, now, micros, limit_micros)

    async def correct(self, organization_id: str, now: datetime, micros: int) -> None:
        async with self._turn:
            await super().correct(organization_id, now, micros)


class ExtractionStage:
    def __init__(
        self,
        environment: dict[str, str],
        import_handler: Callable[[str], ModuleType],
        monkeypatch: pytest.MonkeyPatch,
        *,
        table_name: str,
        content_key: str,
        bus_name: str,
        announced: str,
    ) -> None:
        """`announced` is the URL of a queue that gets what is put on the bus."""
        self.clock = Clock()
        self.pauses: list[int] = []
        """Seconds, of all that was put into the extractor's queue for later."""
        self._bus_name, self._announced = bus_name, announced
        self._sqs: Any = boto3.client("sqs")
        self.queue_url = self._sqs.create_queue(QueueName=f"{QUEUE}-{table_name}")["QueueUrl"]
        self.dead_letters_url = self._sqs.create_queue(QueueName=f"{DEAD_LETTERS}-{table_name}")["QueueUrl"]
        self._import_handler, self._monkeypatch = import_handler, monkeypatch
        self._table_name = table_name
        self._given: dict[str, Any] = {"stage": "test", "table_name": table_name, "content_key": content_key}
        self._loop = asyncio.Runner()
        self._aws = Aws(environment)
        self._table = DynamoTable(table_name, self._aws)
        self._keyrings = Keyrings(self._table, KeyService(content_key, self._aws))
        self._store = EventStore(self._table, self._keyrings, PayloadBucket("none"), lambda: self.clock.time)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.run(self._aws.close())
        self._loop.close()
        for url in (self.queue_url, self.dead_letters_url):
            self._sqs.delete_queue(QueueUrl=url)

    def start(self, **settings: Any) -> ModuleType:
        """The functions, as they start with these settings of the extractor; its module."""
        extractor = ExtractorSettings(
            **self._given,
            bus_name=self._bus_name,
            queue_url=self.queue_url,
            dead_letter_queue_url=self.dead_letters_url,
            pause_seconds=PAUSE_SECONDS,
            recording_seconds=20,
            **settings,
        )
        cleanup = CleanupSettings(**self._given, bus_name=self._bus_name, extraction_queue_url=self.queue_url)
        # Fewer, because the local AWS takes long for each.
        self._monkeypatch.setattr(keys, "DUE_SHARDS", 2)
        self._cleanup, self._extractor = self._import("cleanup", cleanup), self._import("extractor", extractor)
        for module in (self._cleanup, self._extractor):
            self._monkeypatch.setattr(module, "datetime", self.clock)
        self._monkeypatch.setattr(self._extractor, "Budgets", InTurn)
        send = self._extractor._queue.send

        async def send_at_once(requests: Sequence[Any], delay_seconds: int = 0) -> Any:
            self.pauses += [delay_seconds] * len(requests)
            return await send(requests)

        self._monkeypatch.setattr(self._extractor._queue, "send", send_at_once)
        return self._extractor

    def start_with(self, model: Model) -> None:
        self._monkeypatch.setattr(self.start(), "_model", lambda _: model)

    def _import(self, package: str, settings: Settings) -> ModuleType:
        for name, value in settings.as_environment().items():
            self._monkeypatch.setenv(name, value)
        return self._import_handler(package)

    def say(self, *entries: dict[str, Any]) -> None:
        """Recorded, and put before the extractor in one batch, as the bus's rule does; then whatever comes of it."""
        self.clock.time = max(self.clock.time, *map(_occurred_at, entries))
        self.record(map(body, entries))
        self.extract(*(_without_content(entry) for entry in entries if entry["DetailType"] in ASKS))
        self.settle()

    def live(self, entries: Sequence[dict[str, Any]]) -> None:
        """A day at a time, with a sweep at the end of each."""
        days: dict[str, list[dict[str, Any]]] = {}
        for entry in entries:
            days.setdefault(entry["Detail"]["metadata"]["occurred_at"][:10], []).append(entry)
        for of_day in days.values():
            self.say(*of_day)
            self.sweep(DAY)

    def sweep(self, later: timedelta = A_WHILE) -> None:
        self.clock.time += later
        self._cleanup.handler({}, Context())
        self.settle()

    def settle(self) -> None:
        """Until nothing is left in the queue, and nothing on the bus that is not recorded."""
        while True:
            self.record(self._taken(self._announced))
            waiting = self._taken(self.queue_url)
            if not waiting:
                break
            self.clock.time += A_WHILE + timedelta(seconds=self.pauses[-1] if self.pauses else 0)
            self.extract(*waiting)
        self.clock.time += A_WHILE

    def extract(self, *bodies: str) -> None:
        """One batch of the extractor's queue."""
        records = [{"messageId": f"m{n}", "body": each} for n, each in enumerate(bodies)]
        assert self._extractor.handler({"Records": records}, None) == {"batchItemFailures": []}

    def record(self, messages: Iterable[str]) -> list[Event]:
        """Does what the updater does with messages."""
        events = [parse(message, self.clock.time) for message in messages]
        for lead in dict.fromkeys(event.lead for event in events):
            results = self._loop.run(Recorder(self._store).record([event for event in events if event.lead == lead]))
            assert set(results) == {Outcome.RECORDED}
        return events

    def dead_letters(self) -> list[Any]:
        """Taken out, each with its attributes."""
        answer = self._sqs.receive_message(
            QueueUrl=self.dead_letters_url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        )
        for message in answer.get("Messages", []):
            self._sqs.delete_message(QueueUrl=self.dead_letters_url, ReceiptHandle=message["ReceiptHandle"])
        return list(answer.get("Messages", []))

    def _taken(self, url: str) -> list[str]:
        bodies = []
        while messages := self._sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                bodies.append(message["Body"])
                self._sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return bodies

    # What came of it

    def memories(self, lead: Lead) -> dict[MemoryKey, Memory]:
        snapshot = self._loop.run(self._store.all_memories(lead))
        return {name: stored.memory for name, stored in snapshot.memories.items() if stored.memory}

    def value(self, lead: Lead, name: MemoryKey) -> Any:
        return self.memories(lead)[name].value

    def said(self, lead: Lead) -> list[Event]:
        """What the extractor published, in its order."""
        log = self._loop.run(self._store.log(lead))
        return sorted((event for event in log if event.source == "extractor"), key=lambda event: event.position)

    def evaluated(self, lead: Lead) -> list[dict[str, Any]]:
        """What became of each job, in turn."""
        evaluations = [json.loads(each.data_json) for each in self.said(lead) if each.event_type == EVALUATED]
        return [outcome for evaluation in evaluations for outcome in evaluation["jobs"]]

    def context(self, lead: Lead, thread_id: str) -> Answer:
        contexts = Contexts(ContextReader(self._table, self._keyrings), OrganizationSettings(self._table))
        question = Question(lead, thread_id, 3_500, frozenset(Layer), None, Format.TEXT)
        return self._loop.run(contexts.context(question, self.clock.time))

    def resolved(self, lead: Lead, template: str) -> Any:
        asked = {"organization_id": lead.organization_id, "leads": [lead.lead_id], "template": template}
        [answer] = self._import("resolver", ResolverSettings(**self._given)).handler(asked, None)["leads"]
        return answer["text"]

    def spent_micros(self) -> int:
        """By all organizations, on all days."""
        table: Any = boto3.resource("dynamodb").Table(self._table_name)
        return sum(int(item.get(SPENT, 0)) for item in table.scan()["Items"])

    def rebuilt(self, lead: Lead) -> dict[str, bytes]:
        """As the log alone gives them."""
        table: Any = boto3.resource("dynamodb").Table(self._table_name)
        for item in table.query(KeyConditionExpression=Key(keys.PK).eq(lead.lead_id))["Items"]:
            if not item[keys.SK].startswith((keys.HEAD_SK, keys.EVENT_SK_PREFIX)):
                table.delete_item(Key={keys.PK: item[keys.PK], keys.SK: item[keys.SK]})
        assert self.memories(lead) == {}
        self._loop.run(Rebuilder(self._store).rebuild(lead))
        return canonical_bytes(self.memories(lead))


def _occurred_at(entry: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(entry["Detail"]["metadata"]["occurred_at"])


def _without_content(entry: dict[str, Any]) -> str:
    return body({**entry, "Detail": {"metadata": entry["Detail"]["metadata"]}})
