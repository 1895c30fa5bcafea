"""Entries on their way to the bus."""

import random
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from lead_memory_client.entries import Entry, batches
from lead_memory_client.errors import NotPublished, translated

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

ATTEMPTS = 4


def publish(events: "EventBridgeClient", bus: str, entries: Iterable[Entry]) -> None:
    """Raises `AwsRefused`, and `NotPublished` once all have been tried."""
    sent, failed = 0, []
    for batch in batches(entries):
        sent += len(batch)
        failed += _put(events, bus, batch)
    if failed:
        raise NotPublished(failed, of=sent)


def _put(events: "EventBridgeClient", bus: str, batch: Sequence[Entry]) -> list[tuple[Entry, str]]:
    """Those that the bus did not take, after some attempts, with its error code."""
    failed = [(entry, "") for entry in batch]
    for attempt in range(ATTEMPTS):
        time.sleep(random.uniform(0, 0.2 * attempt**2))  # noqa: S311 - jitter between attempts
        entries = [entry for entry, _ in failed]
        with translated("publish"):
            answer = events.put_events(
                Entries=[
                    {
                        "EventBusName": bus,
                        "Source": entry.source,
                        "DetailType": entry.detail_type,
                        "Detail": entry.detail_json(),
                    }
                    for entry in entries
                ]
            )
        results = zip(entries, answer["Entries"], strict=True)
        failed = [(entry, result["ErrorCode"]) for entry, result in results if "ErrorCode" in result]
        if not failed:
            break
    return failed
