"""Recall: a lead and a question in, the memories that answer it out."""

import asyncio
import logging
import os
import time
from datetime import UTC, datetime
from typing import Any

import msgspec

from lead_memory.adapters import embedders
from lead_memory.adapters.aws import Aws
from lead_memory.adapters.keyrings import Keyrings
from lead_memory.adapters.kms import KeyService
from lead_memory.adapters.large_payloads import PayloadBucket
from lead_memory.adapters.metrics import emit_metrics
from lead_memory.adapters.organization_settings import OrganizationSettings
from lead_memory.adapters.recall_reader import RecallReader
from lead_memory.adapters.table import DynamoTable
from lead_memory.adapters.use_queue import UseQueue
from lead_memory.domain.errors import Erased, Unavailable
from lead_memory.services.recall import Answer, Recall
from lead_memory.settings import RecallSettings
from recall.messages import Refusal, Request, answered, refused

_logger = logging.getLogger(__name__)
_logger.setLevel(logging.INFO)

_settings = RecallSettings.from_environment(os.environ)
_aws = Aws(os.environ)
_table = DynamoTable(_settings.table_name, _aws)
_keyrings = Keyrings(_table, KeyService(_settings.content_key, _aws))
_recall = Recall(
    RecallReader(_table, _keyrings, PayloadBucket(_settings.payload_bucket), _aws),
    embedders.connect(_settings.embedder, _aws),
    OrganizationSettings(_table),
    UseQueue(_settings.uses_queue_url, _keyrings, _aws),
)
# One loop for the life of the process: the connections belong to it.
_loop = asyncio.Runner()


def handler(event: object, _: object) -> dict[str, Any]:
    started, sent = time.perf_counter(), _aws.requests
    try:
        request = Request.read(event)
    except msgspec.ValidationError as error:
        return _refuse(error)
    try:
        answer = _loop.run(_recall.recall(request.question(), datetime.now(UTC)))
    except (Erased, Unavailable) as error:
        return _refuse(error)
    milliseconds = (time.perf_counter() - started) * 1000
    _report(answer, milliseconds)
    return answered(answer, requests=_aws.requests - sent, milliseconds=milliseconds)


def _refuse(refusal: Refusal) -> dict[str, Any]:
    answer = refused(refusal)
    _logger.info("refused", extra={"code": answer["error"]["code"]})
    return answer


def _report(answer: Answer, milliseconds: float) -> None:
    emit_metrics(
        _settings.stage,
        "recall",
        memories_recalled=len(answer.recalled),
        entries_ranked=answer.entries,
        vectors_waiting=answer.waiting,
        without_similarity=not answer.similar,
        uses_lost=not answer.counted,
        recall_ms=round(milliseconds, 1),
    )
