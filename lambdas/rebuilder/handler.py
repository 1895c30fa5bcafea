"""Rebuilds leads: those that the queue names, or the one of a call, which is answered with its report."""

import asyncio
import logging
import os
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from lead_memory.adapters.aws import Aws
from lead_memory.adapters.keyrings import Keyrings
from lead_memory.adapters.kms import KeyService
from lead_memory.adapters.large_payloads import PayloadBucket
from lead_memory.adapters.metrics import emit_metrics
from lead_memory.adapters.rebuild_runs import RebuildRuns
from lead_memory.adapters.store import EventStore
from lead_memory.adapters.table import DynamoTable
from lead_memory.adapters.vector_queue import VectorQueue
from lead_memory.domain.errors import Erased, LeadMemoryError, Unavailable
from lead_memory.domain.memories import Lead
from lead_memory.services import index_queue
from lead_memory.services.rebuild import Rebuilder, Report
from lead_memory.settings import RebuilderSettings

logger = logging.getLogger(__name__)


class Request(msgspec.Struct, frozen=True, kw_only=True):
    lead_id: str
    organization_id: str
    derivation: str | None = None
    check: bool = False
    run_id: str | None = None
    """Of the run that counts this lead."""


def _now() -> datetime:
    return datetime.now(UTC)


_settings = RebuilderSettings.from_environment(os.environ)
_aws = Aws(os.environ)
_table = DynamoTable(_settings.table_name, _aws)
_keyrings = Keyrings(_table, KeyService(_settings.content_key, _aws))
_rebuilder = Rebuilder(EventStore(_table, _keyrings, PayloadBucket(_settings.payload_bucket), _now))
_vectors = VectorQueue(_settings.vectors_queue_url, _aws)
_runs = RebuildRuns(_table, _now)
# One loop for the life of the process: the connections belong to it.
_loop = asyncio.Runner()


def handler(event: dict[str, Any], _: object) -> dict[str, Any]:
    if "Records" in event:
        return _loop.run(_rebuild_all(event["Records"]))
    return _loop.run(_answer(event))


async def _answer(event: dict[str, Any]) -> dict[str, Any]:
    try:
        report = await _rebuild(msgspec.convert(event, Request))
    except Exception as error:
        return {"error": _reason(error)}
    return {"report": msgspec.to_builtins(report)}


async def _rebuild_all(records: Sequence[dict[str, Any]]) -> dict[str, Any]:
    results = await asyncio.gather(*(_rebuild_message(record["body"]) for record in records))
    done = [result for result in results if result is not None]
    leads, memories = Counter[str](), Counter[str]()
    for request, report in done:
        if request.run_id:
            leads[request.run_id] += 1
            memories[request.run_id] += len(report.differences)
    for run_id in leads:
        await _runs.count(run_id, leads=leads[run_id], memories=memories[run_id])
    emit_metrics(
        _settings.stage,
        "rebuilder",
        rebuilt=len(done),
        rewritten=sum(len(report.differences) for _, report in done),
        given_back=len(records) - len(done),
    )
    failed = [record["messageId"] for record, result in zip(records, results, strict=True) if result is None]
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


async def _rebuild_message(body: str) -> tuple[Request, Report] | None:
    """None for a lead that must come again; in the end it is a dead letter."""
    try:
        request = msgspec.json.decode(body, type=Request)
        report = await _rebuild(request)
    except Erased:
        report = Report(request.lead_id, request.organization_id, memories=0, differences=())
    except Exception as error:
        logger.warning("a lead was not rebuilt: %s", _reason(error))
        return None
    return request, report


def _reason(error: Exception) -> str:
    """Without the message of an error that is not ours: it may quote a memory."""
    return str(error) if isinstance(error, LeadMemoryError) else type(error).__name__


async def _rebuild(request: Request) -> Report:
    lead = Lead(request.organization_id, request.lead_id)
    if request.check:
        return await _rebuilder.check(lead, request.derivation)
    report = await _rebuilder.rebuild(lead, request.derivation)
    if report.differences:
        again = index_queue.Request(organization_id=lead.organization_id, lead_id=lead.lead_id)
        if not await _vectors.send([again]):
            raise Unavailable("the vectors' queue did not take a message")
    return report
