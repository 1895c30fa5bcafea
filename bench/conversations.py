"""A lead in a conversation, of whom everything is known that a context can tell."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from bench.leads import entry_of
from lead_memory.domain.conversation.notes import Category
from lead_memory.domain.events import Event, parse
from lead_memory.domain.limits import RECENT_MESSAGES
from lead_memory.domain.memories import Lead
from tests.events import body, entry

THREAD, RESOLVED_THREAD = "whey-1", "delivery-1"
MESSAGE_CHARACTERS = 400
"""At least: so that the newest 15 messages fill what a context has for them."""
FACTS = 5
"""And as many preferences."""
_TEXTS = [
    text
    for text in (Path(__file__).parent / "texts" / "portuguese.txt").read_text().split("\n%\n")
    if len(text) >= MESSAGE_CHARACTERS
][: RECENT_MESSAGES[1]]
_NOTE = (
    "Decides with her partner, who trains in the same gym: offer the size for two, say when it arrives, and leave the "
    "discount for later."
)
_SUMMARY = " ".join(_TEXTS[:3])[:700]
_PROFILE = {
    "preferences": {
        "budget_range": "R$ 200 to R$ 300 a month",
        "timeline": "before the next competition",
        "decision_maker": True,
        "preferred_contact_method": "whatsapp",
        "preferred_contact_time": "after 18:00",
        "company_size": "a gym of 40 members",
    },
    "painPoints": [f"The whey of last month's order number {number} arrived late" for number in range(5)],
    "objectionsAddressed": [{"objection": f"Brand {number} is cheaper", "resolved": False} for number in range(5)],
    "productsDiscussed": [{"productName": f"Whey {number} kg", "interest_level": "high"} for number in range(1, 6)],
    "currentStage": "decision",
    "nextStep": {"action": "Send the price of two packages", "dueDate": "2026-12-01T12:00:00Z"},
}

type Said = tuple[str, dict[str, Any], str]
"""Event type, `data` and source."""


def conversation(lead: Lead, messages: int, now: datetime) -> list[Event]:
    """All events of a lead whose open thread has so many messages, one a second until now."""
    started = now - timedelta(seconds=messages)
    known = [event_of(lead, f"known-{number}", started, said) for number, said in enumerate(_known(messages))]
    order = parse(body(entry_of("segment/order.paid.json", lead)), now)
    return [order, *known, *_messages(lead, messages, started)]


def _known(messages: int) -> Iterator[Said]:
    for number, category in enumerate(list(Category)[:3]):
        note = {"category": category, "content": _NOTE, "author": "ana"}
        yield "note.pinned", {"note_id": f"contact-{number}", **note}, "operator"
        yield "note.pinned", {"note_id": f"thread-{number}", "thread_id": THREAD, **note}, "operator"
    yield "memory.declared", {"memory_type": "fact", "key": "contact_profile", "value": _PROFILE}, "operator"
    for number in range(FACTS):
        fact = {"memory_type": "fact", "key": f"family_{number}", "value": {"name": "Bia", "relation": "daughter"}}
        yield "memory.declared", fact, "operator"
        yield "preference.expressed", {"name": f"flavour_{number}", "value": "chocolate"}, "preferences"
    resolution = {"topic": "delivery", "resolution": "sent again", "sentiment": "positive"}
    yield "conversation.thread_resolved", {"thread_id": RESOLVED_THREAD, **resolution}, "agent"
    written = {"thread_id": THREAD, "message_count": messages, "written_by": "extractive"}
    yield "thread.summarized", {**written, "summary": _SUMMARY}, "extractor"
    yield "thread.reactivation_prepared", {**written, "text": _SUMMARY}, "extractor"


def _messages(lead: Lead, messages: int, started: datetime) -> Iterator[Event]:
    # The last ones are the same whatever the number.
    texts = islice(cycle(_TEXTS), -messages % len(_TEXTS), None)
    for number, text in zip(range(messages), texts, strict=False):
        event_type = "conversation.reply_sent" if (messages - number) % 2 == 0 else "conversation.message_received"
        said = {"thread_id": THREAD, "channel": "whatsapp", "text": text}
        at = started + timedelta(seconds=number + 1)
        yield event_of(lead, f"message-{number}", at, (event_type, said, "whatsapp"))


def event_of(lead: Lead, event_id: str, at: datetime, said: Said) -> Event:
    event_type, data, source = said
    published = entry(
        event_type,
        data,
        event_id=event_id,
        at=at,
        source=source,
        organization_id=lead.organization_id,
        lead_organization_id=lead.lead_id,
    )
    return parse(body(published), at)
