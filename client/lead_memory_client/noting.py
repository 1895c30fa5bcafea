"""What operators' notes come to with one event more."""

from collections.abc import Iterable

import msgspec

from lead_memory.domain.conversation.notes import Note, live_notes, refuse_over_bound
from lead_memory.domain.derivations import derive
from lead_memory.domain.events import Event


def notes_with(notes: Iterable[Note], event: Event) -> list[Note]:
    """The target's notes once the event is recorded. Raises `Rejected` where they would be too many, as the updater."""
    [change] = derive(event)
    value = change.reduce({"notes": {note.note_id: _stored(note) for note in notes}}, change.said) or {}
    refuse_over_bound(value, event.occurred_at)
    return live_notes(value, event.occurred_at)


def _stored(note: Note) -> dict[str, object]:
    return {field: what for field, what in msgspec.to_builtins(note).items() if what is not None}
