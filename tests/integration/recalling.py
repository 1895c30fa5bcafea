"""A table with an index, the embedder that keeps it and the recall that reads it, by a fake of a model."""

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any

import boto3

from lead_memory.adapters import keys
from lead_memory.adapters.aws import Aws
from lead_memory.adapters.keyrings import Keyrings
from lead_memory.adapters.large_payloads import PayloadBucket
from lead_memory.adapters.organization_settings import OrganizationSettings
from lead_memory.adapters.recall_reader import RecallReader
from lead_memory.adapters.store import EventStore
from lead_memory.adapters.table import DynamoTable
from lead_memory.adapters.use_queue import UseQueue, message_of
from lead_memory.adapters.vector_index import VectorIndex
from lead_memory.domain.events import Event, parse
from lead_memory.domain.memories import Lead
from lead_memory.domain.recall.ranking import Filters
from lead_memory.services import uses
from lead_memory.services.bus import Entry
from lead_memory.services.index_queue import Request
from lead_memory.services.indexing import Indexer, Outcome
from lead_memory.services.recall import Answer, Question, Recall
from lead_memory.services.record import Outcome as Recorded
from lead_memory.services.record import Recorder
from lead_memory.services.uses import Uses
from tests.events import SOMEBODY, START, body, event
from tests.raw_items import raw_items
from tests.unit.recalling.fakes import KeptEvents, KeptRequests, WordEmbedder

LATER = START + timedelta(days=1)
RECORDING_SECONDS = 20


class Recalling:
    def __init__(self, table: DynamoTable, keyrings: Keyrings, bucket: str, aws: Aws, uses_url: str) -> None:
        self.now: datetime = LATER
        self.table, self.keyrings, self.bucket, self.uses_url = table, keyrings, bucket, uses_url
        self.embedder, self.queue, self.bus = WordEmbedder(), KeptRequests(), KeptEvents()
        self.payloads = PayloadBucket(bucket)
        self.store = EventStore(table, keyrings, self.payloads, lambda: self.now)
        self.index = VectorIndex(table, keyrings, self.payloads, aws)
        self.reader = RecallReader(table, keyrings, self.payloads, aws)
        self.aws = aws

    async def record(self, *events: Event) -> None:
        assert set(await Recorder(self.store).record(list(events))) == {Recorded.RECORDED}

    async def say(self, *events: Event) -> Outcome:
        """Recorded, and indexed as one batch."""
        await self.record(*events)
        return await self.look_at(*events)

    async def look_at(self, *events: Event) -> Outcome:
        return await self.embed(*(request(each.lead, each.ref) for each in events))

    async def embed(self, *requests: Request) -> Outcome:
        indexer = Indexer(
            self.index,
            self.embedder,
            self.bus,
            self.queue,
            recording_seconds=RECORDING_SECONDS,
            clock=lambda: self.now,
        )
        return await indexer.index(requests)

    async def make_right(self, lead: Lead = SOMEBODY) -> Outcome:
        """All that the lead has, page by page."""
        self.queue.sent.clear()
        outcome = await self.embed(request(lead))
        while self.queue.sent:
            [(rest, _)] = self.queue.sent
            self.queue.sent.clear()
            outcome.counts.update((await self.embed(rest)).counts)
        return outcome

    async def recall(self, query: str, *, lead: Lead = SOMEBODY, k: int = 10, cold: bool = False, **of: Any) -> Answer:
        settings = OrganizationSettings(self.table)
        recall = Recall(self.reader, self.embedder, settings, UseQueue(self.uses_url, self.keyrings, self.aws))
        return await recall.recall(Question(lead, query, k, Filters(**of), cold), self.now)

    async def keys(self, query: str, **of: Any) -> list[str]:
        return [each.memory.key for each in (await self.recall(query, **of)).recalled]

    async def count_uses(self) -> set[int]:
        """All that is in the queue, as one batch."""
        return await uses.count(self.index, self.bus, self.recalls())

    def recalls(self) -> list[Uses]:
        sqs: Any = boto3.client("sqs")
        recalls = []
        while found := sqs.receive_message(QueueUrl=self.uses_url, MaxNumberOfMessages=10).get("Messages"):
            for message in found:
                uses = message_of(message["Body"])
                assert isinstance(uses, Uses)
                recalls.append(uses)
                sqs.delete_message(QueueUrl=self.uses_url, ReceiptHandle=message["ReceiptHandle"])
        return recalls

    async def record_published(self) -> list[Event]:
        """What was put on the bus, as the updater records it."""
        events = [parse(body(_as_entry(each)), self.now) for each in self.bus.published]
        self.bus.published = []
        await self.record(*events)
        return events

    def items(self) -> dict[str, dict[str, Any]]:
        """Those of the index, by sort key."""
        found = {item[keys.SK]: item for item in raw_items(self.table.name)}
        return {sk: item for sk, item in found.items() if sk.startswith(keys.VECTOR_SK_PREFIX)}


def fact(key: str, text: str, hours: float = 0, lead: Lead = SOMEBODY, **data: Any) -> Event:
    return of_fact("memory.declared", key, hours, lead, value={"says": text}, **data)


def of_fact(
    event_type: str, key: str, hours: float = 0, lead: Lead = SOMEBODY, source: str | None = None, **data: Any
) -> Event:
    return event(
        event_type,
        {"memory_type": "fact", "key": key, **data},
        event_id=hashlib.sha256(repr((event_type, key, hours, data)).encode()).hexdigest(),
        at=START + timedelta(hours=hours),
        source=source,
        organization_id=lead.organization_id,
        lead_organization_id=lead.lead_id,
    )


def request(lead: Lead, ref: str | None = None) -> Request:
    return Request(organization_id=lead.organization_id, lead_id=lead.lead_id, ref=ref)


def _as_entry(entry: Entry) -> dict[str, Any]:
    return {"Source": entry.source, "DetailType": entry.detail_type, "Detail": json.loads(entry.detail)}
