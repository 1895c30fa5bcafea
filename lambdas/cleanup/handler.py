"""What time decides, on a schedule."""

import asyncio
import os
from datetime import UTC, datetime
from typing import Any, Protocol

from lead_memory.adapters.aws import Aws
from lead_memory.adapters.bus import PATIENCE_SECONDS, EventBus
from lead_memory.adapters.due import DueIndex
from lead_memory.adapters.keyrings import Keyrings
from lead_memory.adapters.kms import KeyService
from lead_memory.adapters.metrics import emit_metrics
from lead_memory.adapters.table import DynamoTable
from lead_memory.adapters.thread_log import ThreadLog
from lead_memory.services.summarize import THREAD_SECONDS, Summarizer
from lead_memory.services.sweep import sweep
from lead_memory.settings import CleanupSettings


class Context(Protocol):
    def get_remaining_time_in_millis(self) -> int: ...


_settings = CleanupSettings.from_environment(os.environ)
_aws = Aws(os.environ)
_table = DynamoTable(_settings.table_name, _aws)
_keyrings = Keyrings(_table, KeyService(_settings.content_key, _aws))
_due = DueIndex(_table, _keyrings)
_threads = ThreadLog(_table, _keyrings)
_bus = EventBus(_settings.bus_name, _aws)
_loop = asyncio.Runner()


def handler(_: dict[str, Any], context: Context) -> dict[str, Any]:
    def has_seconds(seconds: int) -> bool:
        return context.get_remaining_time_in_millis() > 1_000 * seconds

    now = datetime.now(UTC)
    summarizer = Summarizer(_threads, now, lambda: has_seconds(THREAD_SECONDS + PATIENCE_SECONDS))
    report = _loop.run(sweep(_due, _bus, summarizer.entries, now=now, has_time=lambda: has_seconds(PATIENCE_SECONDS)))
    finished = report.finished and summarizer.finished
    emit_metrics(
        _settings.stage,
        "cleanup",
        published=report.published,
        unfinished=not finished,
        summaries=len(summarizer.summaries),
        summary_characters=sum(summarizer.summaries),
    )
    return report._replace(finished=finished)._asdict()
