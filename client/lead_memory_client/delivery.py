"""Publishes entries and waits until each can be read, or was rejected."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from statistics import median
from typing import Any

import msgspec

from lead_memory_client.answers import Rejection
from lead_memory_client.client import LeadMemory
from lead_memory_client.entries import Entry, EventName, batches
from lead_memory_client.queues import CLOCK_DIFFERENCE

POLL_SECONDS = 0.05


class Delivery(msgspec.Struct, frozen=True):
    known: set[EventName]
    """In the log before: published again and recorded once."""
    visible_seconds: dict[EventName, float]
    """From just before PutEvents took it until a strongly consistent read first found it in the log."""
    rejected: dict[EventName, Rejection]
    waiting: set[EventName]
    """Neither in the log nor rejected when the time was up."""

    def counts(self) -> dict[str, Any]:
        seconds = self.visible_seconds.values()
        return {
            "known": len(self.known),
            "visible": len(seconds),
            "visible_seconds": {"median": median(seconds), "max": max(seconds)} if seconds else None,
            "rejected": [
                {"event": name.ref, "reason": rejection.reason, "detail": rejection.detail}
                for name, rejection in self.rejected.items()
            ],
            "waiting": sorted(name.ref for name in self.waiting),
        }

    def summary(self) -> str:
        seconds = self.visible_seconds.values()
        times = f" ({median(seconds):.1f} s in the median, {max(seconds):.1f} s at most)" if seconds else ""
        counts = {
            f"can be read{times}": len(seconds),
            "recorded before": len(self.known),
            "rejected": len(self.rejected),
            "not seen yet": len(self.waiting),
        }
        return ", ".join(f"{count} {what}" for what, count in counts.items() if count)


def deliver(
    memory: LeadMemory,
    entries: Sequence[Entry],
    *,
    patience_seconds: float,
    progress: Callable[[int], None] = lambda _: None,
) -> Delivery:
    """`progress` is called with the number of events that are visible or rejected. Raises `NotPublished`."""
    names = {entry.name for entry in entries}
    delivery = Delivery(memory.recorded(names), {}, {}, set())
    since = datetime.now(UTC) - CLOCK_DIFFERENCE
    sent_at: dict[EventName, float] = {}
    for batch in batches(entries):
        sent_at |= {entry.name: time.monotonic() for entry in batch}
        memory.publish(batch)
    delivery.waiting.update(names - delivery.known)
    deadline = time.monotonic() + patience_seconds
    while delivery.waiting and time.monotonic() < deadline:
        found = memory.recorded(delivery.waiting)
        now = time.monotonic()
        delivery.visible_seconds.update((name, now - sent_at[name]) for name in found)
        if not found:
            delivery.rejected.update(_rejected(memory, delivery.waiting, since))
        delivery.waiting.difference_update(found, delivery.rejected)
        progress(len(names) - len(delivery.waiting))
        time.sleep(POLL_SECONDS)
    return delivery


class _Detail(msgspec.Struct):
    metadata: dict[str, object] = {}


class _Body(msgspec.Struct):
    source: str
    detail: _Detail


def _rejected(memory: LeadMemory, waiting: set[EventName], since: datetime) -> dict[EventName, Rejection]:
    by_lead_and_ref = {(name.lead.lead_id, name.ref): name for name in waiting}
    found = {}
    for rejection in memory.rejections():
        if rejection.rejected_at < since:
            continue
        try:
            body = msgspec.json.decode(rejection.body, type=_Body)
        except msgspec.DecodeError:
            continue
        metadata = body.detail.metadata
        of = (str(metadata.get("lead_organization_id")).lower(), f"{body.source}/{metadata.get('event_id')}")
        if of in by_lead_and_ref:
            found[by_lead_and_ref[of]] = rejection
    return found
