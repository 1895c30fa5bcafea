"""Queue messages in, memories out."""

import asyncio
import os
from datetime import UTC, datetime
from typing import Any, Protocol

from lead_memory.adapters.aws import Aws
from lead_memory.adapters.keyrings import Keyrings
from lead_memory.adapters.kms import KeyService
from lead_memory.adapters.large_payloads import PayloadBucket
from lead_memory.adapters.metrics import emit_metrics
from lead_memory.adapters.rejected_queue import SqsRejectedQueue
from lead_memory.adapters.store import EventStore
from lead_memory.adapters.table import DynamoTable
from lead_memory.services.ingest import Message, ingest
from lead_memory.services.record import Recorder
from lead_memory.settings import UpdaterSettings

SECONDS_TO_ANSWER = 2


class Context(Protocol):
    def get_remaining_time_in_millis(self) -> int: ...


def _now() -> datetime:
    return datetime.now(UTC)


_settings = UpdaterSettings.from_environment(os.environ)
_aws = Aws(os.environ)
_table = DynamoTable(_settings.table_name, _aws)
_keyrings = Keyrings(_table, KeyService(_settings.content_key, _aws))
_recorder = Recorder(EventStore(_table, _keyrings, PayloadBucket(_settings.payload_bucket), _now))
_rejected_queue = SqsRejectedQueue(_settings.rejected_queue_url, _aws)
# One loop for the life of the process: the connections belong to it.
_loop = asyncio.Runner()


def handler(event: dict[str, Any], context: Context) -> dict[str, Any]:
    messages = [Message(record["messageId"], record["body"]) for record in event["Records"]]
    report = _loop.run(
        ingest(
            messages,
            recorder=_recorder,
            rejected_queue=_rejected_queue,
            now=_now(),
            patience_seconds=context.get_remaining_time_in_millis() / 1000 - SECONDS_TO_ANSWER,
        )
    )
    emit_metrics(
        _settings.stage,
        "memory_updater",
        **report.counts,
        **{f"rejected_{reason}": count for reason, count in report.reasons.items()},
    )
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in sorted(report.given_back)]}
