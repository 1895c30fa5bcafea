"""The commands for operators' notes, which every context of their target has, whole."""

import getpass
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

from cyclopts import App, Parameter, Token

from lead_memory.domain.conversation.notes import Category, Note, Priority, tokens
from lead_memory.domain.limits import NOTE_CHARACTERS, NOTES_TOKENS
from lead_memory.domain.memories import Lead
from lead_memory_client import recording
from lead_memory_client.errors import NoteUnknown
from lead_memory_client.terminal import OK, Filled, Of, UsageError, answer, time_of

if TYPE_CHECKING:
    from rich.table import Table

    from lead_memory_client.client import LeadMemory
    from lead_memory_client.entries import Entry

SOURCE = "operator"
NEVER = datetime(9999, 12, 31, tzinfo=UTC)
"""As events write it."""


def _until(_: type, tokens: Sequence[Token]) -> datetime:
    until = NEVER if tokens[0].value == "never" else time_of(tokens[0].value)
    if until <= datetime.now(UTC):
        raise ValueError("that time is over: give one to come, or take a note away with `lead-memory note remove`")
    return until


type Until = Annotated[
    datetime | None,
    Parameter(converter=_until, help="When it ends, for example 2026-12-24T18:00Z, or never, which it is unless said."),
]
type Content = Annotated[str, Parameter(validator=Filled(NOTE_CHARACTERS))]
type Pinned = Annotated[bool, Parameter(negative="--not-pinned", help="Whether it comes first among its priority.")]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class On(Of):
    """Whose notes, and who changes them."""

    lead: Annotated[UUID, Parameter(help="The lead's id.")]
    thread: Annotated[
        str | None,
        Parameter(validator=Filled(), help="The thread that it is on; without it, it is on the contact."),
    ] = None

    @property
    def target(self) -> str:
        return "the contact" if self.thread is None else "the thread"

    def notes(self, memory: "LeadMemory") -> list[Note]:
        return memory.notes(self.lead, self.organization_id(), thread_id=self.thread)


@Parameter(name="*")
@dataclass(frozen=True)
class By:
    author: Annotated[
        str | None,
        Parameter(validator=Filled(), help="Who says so; your login name, unless given."),
    ] = None

    def name(self) -> str:
        return self.author or getpass.getuser()


note = App(name="note", help="What operators note on a contact or a thread: no model changes it.")


@note.command
def add(
    content: Content,
    /,
    *,
    category: Category,
    priority: Priority = Priority.MEDIUM,
    pinned: Pinned = True,
    until: Until = None,
    on: On,
    by: By = By(),
) -> int:
    """Put a note on a contact, or on a thread of theirs; every context has it from then on.

    Args:
        content: What an agent should know.
        category: What kind of note it is.
        priority: Notes of a higher one come first.
    """
    note_id = secrets.token_hex(4)
    said = _said(category, content, priority, pinned, until)
    memory = on.connect()
    return _put(on, memory, on.notes(memory), _entry(on, by, "note.pinned", note_id, said))


@note.command(name="list")
def list_notes(*, on: On) -> int:
    """Show the notes on a contact, or on a thread, in the order in which a context has them."""
    found = on.notes(on.connect())
    counted = {"tokens": tokens(found), "tokens_most": NOTES_TOKENS}
    answer(on, {"notes": found, **counted}, lambda: _listed(found) if found else f"There are no notes on {on.target}.")
    return OK


@note.command
def edit(
    note_id: str,
    /,
    *,
    content: Content | None = None,
    category: Category | None = None,
    priority: Priority | None = None,
    pinned: Annotated[bool | None, Parameter(negative="--not-pinned")] = None,
    until: Until = None,
    on: On,
    by: By = By(),
) -> int:
    """Change what is given of a note, and leave the rest.

    Args:
        note_id: As `lead-memory note list` shows it.
        content: What an agent should know.
        category: What kind of note it is.
        priority: Notes of a higher one come first.
        pinned: Whether it comes first among its priority.
    """
    said = _said(category, content, priority, pinned, until)
    if not any(value is not None for value in said.values()):
        raise UsageError("Nothing was to be changed: give --content, --category, --priority, --pinned or --until.")
    memory = on.connect()
    notes = _with_known(on, memory, note_id)
    return _put(on, memory, notes, _entry(on, by, "note.edited", note_id, said))


@note.command
def remove(note_id: str, /, *, on: On, by: By = By()) -> int:
    """Take a note away.

    Args:
        note_id: As `lead-memory note list` shows it.
    """
    memory = on.connect()
    _with_known(on, memory, note_id)
    recording.record(memory, _entry(on, by, "note.removed", note_id, {}), on)
    answer(on, {"note_id": note_id}, lambda: f"The note {note_id} is removed.")
    return OK


def _said(
    category: Category | None,
    content: str | None,
    priority: Priority | None,
    pinned: bool | None,
    until: datetime | None,
) -> dict[str, Any]:
    return {
        "category": category,
        "content": content,
        "priority": priority,
        "pinned": pinned,
        "expires_at": until and until.isoformat(),
    }


def _entry(on: On, by: By, event_type: str, note_id: str, said: dict[str, Any]) -> "Entry":
    identity = {"note_id": note_id, "thread_id": on.thread, "author": by.name()}
    return recording.made(SOURCE, event_type, identity | said, Lead(str(on.organization_id()), str(on.lead)))


def _put(on: On, memory: "LeadMemory", notes: list[Note], entry: "Entry") -> int:
    from lead_memory_client.noting import notes_with

    together = tokens(notes_with(notes, recording.checked(entry)))
    recording.record(memory, entry, on)
    note_id = entry.detail["data"]["note_id"]
    answer(
        on,
        {"note_id": note_id, "tokens": together, "tokens_most": NOTES_TOKENS},
        lambda: f"The note {note_id} is on {on.target}, whose notes have {together} of {NOTES_TOKENS} tokens.",
    )
    return OK


def _with_known(on: On, memory: "LeadMemory", note_id: str) -> list[Note]:
    notes = on.notes(memory)
    if note_id not in [each.note_id for each in notes]:
        raise NoteUnknown(
            f"There is no note {note_id} on {on.target}: `lead-memory note list` shows those that there are, with "
            "--thread those on a thread."
        )
    return notes


def _listed(notes: list[Note]) -> "Table":
    """Each note's content under what else there is of it."""
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    from lead_memory_client.show import printable

    listed = Table.grid()
    for each in notes:
        parts = [each.note_id, each.category, f"{each.priority} priority"]
        if each.pinned:
            parts.append("pinned")
        if each.expires_at:
            parts.append(f"until {each.expires_at:%Y-%m-%d %H:%M} UTC")
        listed.add_row(Text(printable("  ".join([*parts, f"by {each.author}"])), "bold"))
        listed.add_row(Padding(Text(printable(each.content)), (0, 0, 0, 4)))
    return listed
