"""Asks models about conversations: what its queue says is worth looking at."""

import asyncio
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Any
from uuid import uuid4

import msgspec

from extractor.metrics import report
from lead_memory.adapters import models
from lead_memory.adapters.aws import Aws
from lead_memory.adapters.bus import EventBus
from lead_memory.adapters.extraction_queue import SqsExtractionQueue, request_of
from lead_memory.adapters.keyrings import Keyrings
from lead_memory.adapters.kms import KeyService
from lead_memory.adapters.leases import Budgets, Leases
from lead_memory.adapters.organization_settings import OrganizationSettings
from lead_memory.adapters.secrets import Secret
from lead_memory.adapters.table import DynamoTable
from lead_memory.adapters.thread_log import ThreadLog
from lead_memory.services.extraction import Extractor
from lead_memory.services.extraction_ports import Ports, Times
from lead_memory.services.extraction_queue import Request
from lead_memory.settings import ExtractorSettings

_settings = ExtractorSettings.from_environment(os.environ)
_aws = Aws(os.environ)
_table = DynamoTable(_settings.table_name, _aws)
_loop = asyncio.Runner()
_threads = ThreadLog(_table, Keyrings(_table, KeyService(_settings.content_key, _aws)))
_organizations = OrganizationSettings(_table)
_bus = EventBus(_settings.bus_name, _aws)
_queue = SqsExtractionQueue(_settings.queue_url, _aws, _settings.dead_letter_queue_url)
_times = Times(pause_seconds=_settings.pause_seconds, recording_seconds=_settings.recording_seconds)
_secret = Secret(_settings.model_secret_arn, _aws) if _settings.model_secret_arn else None
_model = lru_cache(1)(partial(models.connect, _settings))
if _secret is None:
    _model(None)  # what it takes to ask one is loaded before the first job


async def _extract(requests: Sequence[Request]) -> set[int]:
    ports = Ports(
        threads=_threads,
        organizations=_organizations,
        leases=Leases(_table),
        budgets=Budgets(_table),
        model=_model(await _secret.value() if _secret else None),
        bus=_bus,
        queue=_queue,
        clock=lambda: datetime.now(UTC),
        new_id=lambda: str(uuid4()),
        report=lambda outcome, attempt_id: report(_settings.stage, outcome, attempt_id),
    )
    return await Extractor(ports, _times).extract(requests)


def handler(event: dict[str, Any], _: object) -> dict[str, Any]:
    records, requests = [], []
    for record in event["Records"]:
        try:
            requests.append(request_of(record["body"]))
        except msgspec.DecodeError:
            continue  # the updater rejects such an event
        records.append(record)
    failed = _loop.run(_extract(requests))
    return {"batchItemFailures": [{"itemIdentifier": records[position]["messageId"]} for position in sorted(failed)]}
