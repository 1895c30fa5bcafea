"""The context: a lead and a thread in, what an agent should know now out."""

import asyncio
import logging
import os
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from context.messages import Refusal, Request, refused
from lead_memory.adapters.aws import Aws
from lead_memory.adapters.context_reader import ContextReader
from lead_memory.adapters.keyrings import Keyrings
from lead_memory.adapters.kms import KeyService
from lead_memory.adapters.metrics import emit_metrics
from lead_memory.adapters.organization_settings import OrganizationSettings
from lead_memory.adapters.table import DynamoTable
from lead_memory.domain.conversation.layers import BudgetTooSmall
from lead_memory.domain.errors import Erased, Unavailable
from lead_memory.services.context import Answer, Contexts
from lead_memory.settings import ContextSettings

_logger = logging.getLogger(__name__)
_logger.setLevel(logging.INFO)

_settings = ContextSettings.from_environment(os.environ)
_aws = Aws(os.environ)
_table = DynamoTable(_settings.table_name, _aws)
_keyrings = Keyrings(_table, KeyService(_settings.content_key, _aws))
_contexts = Contexts(ContextReader(_table, _keyrings), OrganizationSettings(_table))
# One loop for the life of the process: the connections belong to it.
_loop = asyncio.Runner()


def handler(event: object, _: object) -> dict[str, Any]:
    started, sent = time.perf_counter(), _aws.requests
    try:
        request = Request.read(event)
    except msgspec.ValidationError as error:
        return _refuse(error)
    try:
        answer = _loop.run(_contexts.context(request.question(), datetime.now(UTC)))
    except (BudgetTooSmall, Erased, Unavailable) as error:
        return _refuse(error)
    milliseconds = (time.perf_counter() - started) * 1000
    # A cohort that a caller forced says nothing of the split.
    _report(answer, None if request.cohort else answer.cohort, milliseconds)
    return request.answered(answer, requests=_aws.requests - sent, milliseconds=milliseconds)


def _refuse(refusal: Refusal) -> dict[str, Any]:
    answer = refused(refusal)
    _logger.info("refused", extra={"code": answer["error"]["code"]})
    return answer


def _report(answer: Answer, cohort: str | None, milliseconds: float) -> None:
    """The specification's `MemoryMetrics`, as far as they are a context's."""
    silence = answer.context.silence
    emit_metrics(
        _settings.stage,
        "context",
        cohort,
        **{f"{layer.lower()}_tokens": report.tokens for layer, report in answer.context.layers.items()},
        **{f"{layer.lower()}_used": report.included for layer, report in answer.context.layers.items()},
        total_tokens=answer.context.total_tokens,
        is_reactivation=silence is not None,
        reactivation_days=silence / timedelta(days=1) if silence else 0,
        reactivation_engaged=answer.engaged,
        context_build_ms=round(milliseconds, 1),
    )
