"""Keeps the index that recalls read: embeds what was written, and counts what was recalled."""

import asyncio
import os
from datetime import UTC, datetime
from typing import Any

import msgspec

from lead_memory.adapters import embedders
from lead_memory.adapters.aws import Aws
from lead_memory.adapters.bus import EventBus
from lead_memory.adapters.keyrings import Keyrings
from lead_memory.adapters.kms import KeyService
from lead_memory.adapters.large_payloads import PayloadBucket
from lead_memory.adapters.metrics import emit_metrics
from lead_memory.adapters.table import DynamoTable
from lead_memory.adapters.use_queue import message_of
from lead_memory.adapters.vector_index import VectorIndex
from lead_memory.adapters.vector_queue import VectorQueue
from lead_memory.services import uses
from lead_memory.services.index_queue import Request
from lead_memory.services.indexing import Indexer
from lead_memory.services.uses import Uses
from lead_memory.settings import EmbedderSettings

_settings = EmbedderSettings.from_environment(os.environ)
_aws = Aws(os.environ)
_table = DynamoTable(_settings.table_name, _aws)
_keyrings = Keyrings(_table, KeyService(_settings.content_key, _aws))
_index = VectorIndex(_table, _keyrings, PayloadBucket(_settings.payload_bucket), _aws)
_bus = EventBus(_settings.bus_name, _aws)
_indexer = Indexer(
    _index,
    embedders.connect(_settings.embedder, _aws),
    _bus,
    VectorQueue(_settings.queue_url, _aws),
    recording_seconds=_settings.recording_seconds,
    clock=lambda: datetime.now(UTC),
)
_loop = asyncio.Runner()


def handler(event: dict[str, Any], _: object) -> dict[str, Any]:
    requests: dict[str, Request] = {}
    recalled: dict[str, Uses] = {}
    for record in event["Records"]:
        try:
            message = message_of(record["body"])
        except msgspec.DecodeError:
            continue  # the updater rejects such an event
        of_kind: dict[str, Any] = requests if isinstance(message, Request) else recalled
        of_kind[record["messageId"]] = message
    failed = _loop.run(_embed(requests)) + _loop.run(_count(recalled))
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


async def _embed(requests: dict[str, Request]) -> list[str]:
    """The ids of the messages that are to be given back; so the next."""
    if not requests:
        return []
    outcome = await _indexer.index(list(requests.values()))
    emit_metrics(_settings.stage, "embedder", requests=len(requests), **outcome.counts)
    return [list(requests)[position] for position in sorted(outcome.failed)]


async def _count(recalled: dict[str, Uses]) -> list[str]:
    if not recalled:
        return []
    failed = await uses.count(_index, _bus, list(recalled.values()))
    emit_metrics(_settings.stage, "embedder", recalls_counted=len(recalled) - len(failed))
    return [list(recalled)[position] for position in sorted(failed)]
