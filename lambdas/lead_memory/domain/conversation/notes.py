"""L3: what operators note on a thread or on a contact. No model writes here, and a context has all of it."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from lead_memory.domain.conversation.tokens import estimate
from lead_memory.domain.errors import Rejected
from lead_memory.domain.limits import NOTES_TOKENS
from lead_memory.domain.memories import Value

HEADING = (
    "## Operator Notes (STRATEGIC CONTEXT)\n"
    "*These notes are provided by human operators and contain critical business context.*\n"
)


class Category(StrEnum):
    STRATEGY = "strategy"
    RELATIONSHIP = "relationship"
    CONTEXT = "context"
    WARNING = "warning"
    OPPORTUNITY = "opportunity"


_ICONS = {
    Category.STRATEGY: "🎯",
    Category.RELATIONSHIP: "🤝",
    Category.CONTEXT: "💡",
    Category.WARNING: "⚠️",
    Category.OPPORTUNITY: "💰",
}


class Priority(StrEnum):
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


_ORDER = list(Priority)


class Note(msgspec.Struct, frozen=True, kw_only=True):
    note_id: str
    category: Category
    content: str
    priority: Priority
    pinned: bool
    """Among notes of one priority, whether it comes first."""
    author: str
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None = None


def live_notes(value: Mapping[str, Any], now: datetime) -> list[Note]:
    """Of a memory of notes: those whose time is not over."""
    notes = (msgspec.convert({"note_id": note_id, **note}, Note) for note_id, note in value.get("notes", {}).items())
    return [note for note in notes if note.expires_at is None or note.expires_at > now]


def in_order(notes: Iterable[Note]) -> list[Note]:
    """By priority; of one priority the pinned ones first, then the oldest."""
    return sorted(notes, key=lambda note: (_ORDER.index(note.priority), not note.pinned, note.created_at, note.note_id))


def line(note: Note) -> str:
    """The content has the lines that it has, set in, so that none of them looks like another part of the context."""
    content = "\n  ".join(note.content.splitlines())
    return f"{_ICONS[note.category]} **[{note.category.upper()}]** {content}"


def section(notes: Iterable[Note]) -> str:
    """As the specification formats it; empty where there are none."""
    lines = list(map(line, in_order(notes)))
    return "\n".join([HEADING, *lines]) if lines else ""


def tokens(notes: Iterable[Note]) -> int:
    return sum(estimate(line(note)) + 1 for note in notes)


def refuse_over_bound(value: Value, at: datetime) -> None:
    """Raises `Rejected` where a target has more notes than a context promises to hold, for the note written last."""
    notes = live_notes(value, at)
    if (together := tokens(notes)) > NOTES_TOKENS:
        last = max(notes, key=lambda note: note.updated_at)
        own = tokens([last])
        left = NOTES_TOKENS - (together - own)
        raise Rejected(
            "notes_full",
            f"the note has {own} tokens, and {max(0, left)} are left of the {NOTES_TOKENS} for notes on one target: "
            "shorten it, or remove another",
        )


def add(value: Value | None, said: Value) -> Value:
    """A note that is pinned again is replaced, and stays as old as it is. One that is over already is none."""
    notes = _standing(value, said)
    before = notes.get(said["note_id"], {})
    ages = {"created_at": before.get("created_at", said["at"]), "updated_at": said["at"]}
    notes[said["note_id"]] = said["note"] | ages
    return without_ended({"notes": notes}, said)


def edit(value: Value | None, said: Value) -> Value:
    """A field that is said as None is taken away. What is no longer there stays away."""
    notes = _standing(value, said)
    if said["note_id"] in notes:
        edited = notes[said["note_id"]] | said["note"] | {"updated_at": said["at"]}
        notes[said["note_id"]] = {field: what for field, what in edited.items() if what is not None}
    return without_ended({"notes": notes}, said)


def remove(value: Value | None, said: Value) -> Value:
    notes = _standing(value, said)
    notes.pop(said["note_id"], None)
    return {"notes": notes}


def without_ended(value: Value | None, said: Value) -> Value:
    return {"notes": _standing(value, said)}


def _standing(value: Value | None, said: Value) -> dict[str, Any]:
    """Without those that are over when something is said of the notes."""
    at = datetime.fromisoformat(said["at"])
    notes = (value or {}).get("notes", {})
    return {note_id: note for note_id, note in notes.items() if not _is_over(note, at)}


def _is_over(note: Mapping[str, Any], at: datetime) -> bool:
    return "expires_at" in note and datetime.fromisoformat(note["expires_at"]) <= at


def next_expiry(value: Mapping[str, Any]) -> datetime | None:
    """When the first of them ends."""
    ends = [note["expires_at"] for note in value.get("notes", {}).values() if "expires_at" in note]
    return min(map(datetime.fromisoformat, ends), default=None)
