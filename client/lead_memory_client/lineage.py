"""The events that have a part in a memory, a page at a time, from the lead's timeline."""

import base64

from lead_memory.adapters import keys
from lead_memory.domain.memories import Lead, MemoryKey
from lead_memory_client.answers import Lineage
from lead_memory_client.errors import CursorUnknown
from lead_memory_client.table import LeadTable

READS = 10
ENTRIES_MIN, ENTRIES_MAX = 100, 1000
"""Entries of the timeline in one read. So a page reads 10,000 at most, some megabytes, however long the timeline is."""


def read_page(table: LeadTable, lead: Lead, name: MemoryKey, limit: int, after: str | None) -> Lineage:
    """Raises `CursorUnknown`."""
    places: list[str] = []
    start = _decoded(after) if after is not None else None
    for _ in range(READS):
        found, start = table.lineage(lead, name, start, min(max(limit, ENTRIES_MIN), ENTRIES_MAX))
        places += found
        if len(places) > limit:
            places, start = places[:limit], places[limit - 1]
        if start is None or len(places) == limit:
            break
    refs = tuple(keys.timeline_position(place).ref for place in places)
    return Lineage(refs, None if start is None else _encoded(start))


def _encoded(place: str) -> str:
    """Without what a shell or an address would mind."""
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def _decoded(cursor: str) -> str:
    try:
        place = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
        keys.timeline_position(place)
    except ValueError:
        raise CursorUnknown("The cursor is none that a page of a lineage ended with: start without one.") from None
    return place
