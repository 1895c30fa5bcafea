"""One event that is made here: checked as the updater will, published, and waited for."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from lead_memory.domain import canonical
from lead_memory.domain.errors import LeadMemoryError, Rejected
from lead_memory.domain.memories import Lead
from lead_memory_client.entries import Entry
from lead_memory_client.terminal import At, UsageError, steps

if TYPE_CHECKING:
    from lead_memory.domain.events import Event
    from lead_memory_client.client import LeadMemory

PATIENCE_SECONDS = 60


def made(
    source: str,
    event_type: str,
    data: Mapping[str, Any],
    lead: Lead,
    at: datetime | None = None,
    *,
    nulls: Iterable[str] = (),
) -> Entry:
    """As of now, unless another time is given; what is None in the data is left out, but for fields among `nulls`."""
    metadata = {
        "event_id": str(uuid4()),
        "occurred_at": (at or datetime.now(UTC)).isoformat(),
        "organization_id": lead.organization_id,
        "lead_organization_id": lead.lead_id,
    }
    said = {name: value for name, value in data.items() if value is not None} | dict.fromkeys(nulls)
    return Entry(source, event_type, {"metadata": metadata, "data": said})


def checked(entry: Entry) -> "Event":
    """Raises `UsageError`, so that nothing goes to the rejected queue that never can be recorded."""
    from lead_memory.domain.events import parse

    on_the_bus = {"source": entry.source, "detail-type": entry.detail_type, "detail": entry.detail}
    try:
        return parse(canonical.encode(on_the_bus), datetime.now(UTC))
    except Rejected as rejected:
        raise UsageError(f"This cannot be recorded: {rejected.detail}.") from rejected


def record(memory: "LeadMemory", entry: Entry, at: At) -> None:
    """Raises `LeadMemoryError` where it was rejected after all, or could not be read in time."""
    from lead_memory_client.delivery import deliver

    with steps() as progress:
        progress(f"Publishing {entry.detail_type}, and waiting until it can be read.")
        delivery = deliver(memory, [entry], patience_seconds=PATIENCE_SECONDS)
    for rejection in delivery.rejected.values():
        raise LeadMemoryError(f"The event was rejected, {rejection.reason}: {rejection.detail}.")
    if delivery.waiting:
        raise LeadMemoryError(
            f"The event could not be read after {PATIENCE_SECONDS} seconds: "
            f"`lead-memory status --stage {at.stage}` shows where it waits."
        )
