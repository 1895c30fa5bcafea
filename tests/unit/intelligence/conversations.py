"""Conversations as a model is given them."""

from datetime import UTC, datetime, timedelta

from lead_memory.domain.intelligence.lines import Line
from lead_memory.domain.intelligence.triggers import unquoted

MONDAY = datetime(2026, 3, 2, 12, tzinfo=UTC)


def conversation(*said: str) -> list[Line]:
    """Each message begins with who says it: `lead: …`, `us: …`, and `old lead: …` for one that was looked at before."""
    return [_line(number, *one.split(": ", 1)) for number, one in enumerate(said, start=1)]


def _line(number: int, who: str, text: str) -> Line:
    at = MONDAY + timedelta(minutes=number)
    return Line(number, f"whatsapp/m{number}", at, "lead" in who, unquoted(text), "old" not in who)
