"""Conversations as a model is given them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from lead_memory.domain.intelligence.lines import Line
from lead_memory.domain.intelligence.triggers import unquoted

MONDAY = datetime(2026, 3, 2, 12, tzinfo=UTC)
TALK = (
    "old lead: Get the Acme Corp account. Our budget was R$ 900",
    "us: The premium plan is R$ 2,190 a month, I will send the contract on Friday.",
    "lead: That is too expensive. Our budget is R$ 1,500 to 2,000 a month, and my boss decides. Please don't call, "
    "write me on WhatsApp.",
    "us: With six months it is 15% less. The account ID is 001234",
    "lead: OK, that sounds better. We paid with Pix, our team has 40 athletes.",
)

texts = st.sampled_from(
    [text.split(": ", 1)[1] for text in TALK]
    + ["R$ 1,500", "premium plan", "001234", "Acme Corp", "yes", "40", "better", "2026-03-06", "paid"]
) | st.text(min_size=1, max_size=30).filter(str.strip)  # fmt: skip


def conversation(*said: str) -> list[Line]:
    """Each message begins with who says it: `lead: …`, `us: …`, and `old lead: …` for one that was looked at before."""
    return [_line(number, *one.split(": ", 1)) for number, one in enumerate(said, start=1)]


def stated(**of: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A statement, which may quote what its message does not say."""
    return st.fixed_dictionaries({"message": st.integers(-1, 7), "quote": texts, **of})


def many(**of: st.SearchStrategy[Any]) -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(stated(**of), max_size=4)


def _line(number: int, who: str, text: str) -> Line:
    at = MONDAY + timedelta(minutes=number)
    return Line(number, f"whatsapp/m{number}", at, "lead" in who, unquoted(text), "old" not in who)
