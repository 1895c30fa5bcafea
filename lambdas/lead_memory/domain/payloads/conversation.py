"""Threads, their messages, and what operators note."""

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from lead_memory.domain.conversation.notes import Category, Priority
from lead_memory.domain.fields import (
    Channel,
    Ending,
    Id,
    Short,
    Text,
    Time,
    normal,
)
from lead_memory.domain.limits import (
    ATTACHMENTS,
    NOTE_CHARACTERS,
    SUMMARY_CHARACTERS,
)
from lead_memory.domain.payloads.base import Payload
from lead_memory.domain.payloads.intelligence import Count, Extraction

type Written = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=SUMMARY_CHARACTERS), AfterValidator(normal)
]
"""A summary, or a reminder."""


def _names(attachments: object) -> object:
    """Webhooks describe what is attached, by whatever fields: its name is kept, else its type."""
    if not isinstance(attachments, list | tuple):
        return ()
    named = (
        next((each[field] for field in _NAMES if isinstance(each.get(field), str)), "file")
        if isinstance(each, dict)
        else str(each)
        for each in attachments[:ATTACHMENTS]
    )
    return tuple(named)


_NAMES = ("name", "filename", "content_type", "mime_type", "type")


class ConversationMessage(Payload):
    """`conversation.message_received` (from the lead) and `conversation.reply_sent` (to the lead)."""

    thread_id: Id
    message_id: Id | None = None
    channel: Channel
    text: Annotated[str, BeforeValidator(lambda text: "" if text is None else text)] = ""
    subject: Short | None = None
    author: Short | None = None
    attachments: Annotated[tuple[Short, ...], BeforeValidator(_names)] = ()
    """Names or media types of the first that came with it, or instead of a text."""


class IntentClassified(Payload):
    thread_id: Id
    channel: Channel | None = None
    intent: Text
    confidence: Annotated[float, Field(ge=0, le=1)] = 1.0
    sentiment: Short | None = None
    topic: Short | None = None
    active_context: Short | None = None
    """What is being spoken of at the moment, such as an order's number."""


class ThreadResolved(Payload):
    thread_id: Id
    channel: Channel | None = None
    topic: Short | None = None
    resolution: Short | None = None
    sentiment: Short | None = None


class ThreadSummaryRequested(Payload):
    thread_id: Id
    full: bool = False
    """Whether the summary is written anew, rather than continued."""
    asked_by: Short | None = None


class ThreadSummarized(Payload):
    thread_id: Id
    summary: Written
    message_count: Count
    """How many of the thread's messages it covers."""
    newest_message_at: Time | None = None
    """When the last of them was sent; an earlier one that comes afterwards is none of them."""
    full: bool = False
    written_by: Text
    """`offline`, or a model's name."""
    extraction: Extraction | None = None


class ThreadReactivationPrepared(Payload):
    thread_id: Id
    text: Written
    message_count: Count
    """How many messages the thread had."""
    written_by: Text
    extraction: Extraction | None = None


class _Note(Payload):
    note_id: Id
    thread_id: Id | None = None
    """The thread that it is on; without one it is on the contact."""
    author: Text


type NoteContent = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=NOTE_CHARACTERS)]


class NotePinned(_Note):
    category: Category
    content: NoteContent
    priority: Priority = Priority.MEDIUM
    pinned: bool = True
    expires_at: Ending = None


class NoteEdited(_Note):
    """What is left out stays; an `expires_at` of null takes the end away."""

    category: Category | None = None
    content: NoteContent | None = None
    priority: Priority | None = None
    pinned: bool | None = None
    expires_at: Ending = None


class NoteRemoved(_Note):
    pass
