"""The events that the demo publishes."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from lead_memory.domain import canonical
from lead_memory.domain.errors import LeadMemoryError
from lead_memory_client.client import LeadMemory
from lead_memory_client.delivery import Delivery, deliver
from lead_memory_client.entries import Entry

EVENTS = Path(__file__).parents[2] / "events"
PATIENCE_SECONDS = 120

_TIME = re.compile(r'"(\d{4}-\d\d-\d\dT[^"]+)"')


class DemoFailed(LeadMemoryError):
    """The product did not do what the demo shows."""


def delivered(memory: LeadMemory, entries: Sequence[Entry]) -> Delivery:
    """Raises `DemoFailed` unless each can be read."""
    delivery = deliver(memory, entries, patience_seconds=PATIENCE_SECONDS)
    if delivery.rejected:
        reasons = ", ".join(f"{name.ref} ({rejection.reason})" for name, rejection in delivery.rejected.items())
        raise DemoFailed(f"Samples were rejected, and should be recorded: {reasons}.")
    if delivery.waiting:
        raise DemoFailed(
            f"{len(delivery.waiting)} of {len(entries)} events could not be read after {PATIENCE_SECONDS} seconds: "
            "with `lead-memory demo --stay` the stack stays up, and .local/aws.log says why."
        )
    return delivery


def occurred_at(entry: Entry) -> datetime:
    return datetime.fromisoformat(entry.detail["metadata"]["occurred_at"])


def moved(entries: Iterable[Entry], by: timedelta, lead_id: str) -> list[Entry]:
    """The same of another lead, with every time in them moved."""

    def later(time: re.Match[str]) -> str:
        return f'"{(datetime.fromisoformat(time[1]) + by).isoformat()}"'

    details = [(entry, canonical.decode(_TIME.sub(later, entry.detail_json()).encode())) for entry in entries]
    for _, detail in details:
        detail["metadata"]["lead_organization_id"] = lead_id
    return [msgspec.structs.replace(entry, detail=detail) for entry, detail in details]
