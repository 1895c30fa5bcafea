"""What time decides, on a schedule."""

import asyncio
import os
from datetime import UTC, datetime
from typing import Any, Protocol

from lead_memory.adapters.aws import Aws
from lead_memory.adapters.bus import PATIENCE_SECONDS, EventBus
from lead_memory.adapters.due import DueIndex
from lead_memory.adapters.extraction_queue import SqsExtractionQueue
from lead_memory.adapters.keyrings import Keyrings
from lead_memory.adapters.kms import KeyService
from lead_memory.adapters.metrics import emit_metrics
from lead_memory.adapters.organization_settings import OrganizationSettings
from lead_memory.adapters.table import DynamoTable
from lead_memory.services.sweep import sweep
from lead_memory.settings import CleanupSettings


class Context(Protocol):
    def get_remaining_time_in_millis(self) -> int: ...


_settings = CleanupSettings.from_environment(os.environ)
_aws = Aws(os.environ)
_table = DynamoTable(_settings.table_name, _aws)
_keyrings = Keyrings(_table, KeyService(_settings.content_key, _aws))
_due = DueIndex(_table, _keyrings, OrganizationSettings(_table))
_bus = EventBus(_settings.bus_name, _aws)
_extraction = SqsExtractionQueue(_settings.extraction_queue_url, _aws)
_loop = asyncio.Runner()


def handler(_: dict[str, Any], context: Context) -> dict[str, Any]:
    def has_time() -> bool:
        return context.get_remaining_time_in_millis() > 1_000 * PATIENCE_SECONDS

    report = _loop.run(sweep(_due, _bus, _extraction, now=datetime.now(UTC), has_time=has_time))
    emit_metrics(
        _settings.stage,
        "cleanup",
        published=report.published,
        threads=report.threads,
        unfinished=not report.finished,
    )
    return report._asdict()
