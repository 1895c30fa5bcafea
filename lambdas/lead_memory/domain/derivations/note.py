"""What operators note, which nobody else's events change."""

from collections.abc import Iterable

from lead_memory.domain.conversation import names, notes
from lead_memory.domain.events import Event
from lead_memory.domain.memories import Change, Derivation, Reducer, Source, Value
from lead_memory.domain.payloads.conversation import NoteEdited, NotePinned, NoteRemoved
from lead_memory.domain.times import iso

_IDENTITY = {"note_id", "thread_id"}


def pinned(event: Event, note: NotePinned) -> Iterable[Change]:
    yield _change(event, note, note.model_dump(mode="json", exclude=_IDENTITY, exclude_none=True), notes.add)


def edited(event: Event, note: NoteEdited) -> Iterable[Change]:
    said = note.model_dump(mode="json", exclude=_IDENTITY | {"author"}, exclude_none=True)
    if "expires_at" in note.model_fields_set:
        said["expires_at"] = note.expires_at and iso(note.expires_at)
    yield _change(event, note, said, notes.edit)


def removed(event: Event, note: NoteRemoved) -> Iterable[Change]:
    yield _change(event, note, {}, notes.remove)


def _change(event: Event, note: NotePinned | NoteEdited | NoteRemoved, fields: Value, reduce: Reducer) -> Change:
    memory_type, key = names.notes(note.thread_id)
    return Change(
        memory_type=memory_type,
        key=key,
        said={"note_id": note.note_id, "note": fields, "at": iso(event.occurred_at)},
        reduce=reduce,
        aggregates=True,
        source=Source.USER_DECLARED,
    )


DERIVATIONS: dict[str, Derivation] = {
    "note.pinned": pinned,
    "note.edited": edited,
    "note.removed": removed,
}
