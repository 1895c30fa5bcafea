"""The bus, for those who publish events of ours."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

import msgspec

from lead_memory.domain.memories import Lead


class Entry(NamedTuple):
    source: str
    detail_type: str
    detail: str


class Bus(Protocol):
    async def publish(self, entries: Sequence[Entry]) -> int:
        """How many it took; publishing some twice does no harm. Raises `Unavailable` when it does not answer."""


def entry(
    source: str, event_type: str, lead: Lead, event_id: str, occurred_at: datetime, data: Mapping[str, Any]
) -> Entry:
    detail = {
        "metadata": {
            "event_id": event_id,
            "occurred_at": occurred_at.isoformat(),
            "organization_id": lead.organization_id,
            "lead_organization_id": lead.lead_id,
            "version": 1,
        },
        "data": data,
    }
    return Entry(source, event_type, msgspec.json.encode(detail).decode())
