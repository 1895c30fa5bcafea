"""The export of a lead as a page to read: alone, without scripts, and with every value inert."""

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from importlib.resources import files
from itertools import groupby
from typing import IO, Any, NamedTuple

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from lead_memory.domain.conversation.messages import Message, messages_of
from lead_memory.domain.conversation.notes import Note, in_order, live_notes
from lead_memory.domain.limits import EARLIEST, UNSEEN
from lead_memory.domain.memories import Memory, MemoryType, Source
from lead_memory.domain.retention import RetentionStatus
from lead_memory_client.export_document import Document
from lead_memory_client.export_records import (
    ERASED_EVENTS,
    EVENTS,
    MEMORIES,
    WAITING_MESSAGES,
    ErasedEvent,
    HeldEvent,
    WaitingMessage,
)

PACKAGE = "lead_memory_client"
TEMPLATE, STYLE = "export.html", "export.css"

TYPES = {
    MemoryType.FACT: "Facts",
    MemoryType.PREFERENCE: "Preferences and consents",
    MemoryType.INTEREST: "Interests",
    MemoryType.PURCHASE: "Purchases",
    MemoryType.SUPPORT: "Support",
    MemoryType.BEHAVIORAL: "Behavior",
    MemoryType.CAMPAIGN: "Campaigns",
    MemoryType.FORM: "Answers to forms",
    MemoryType.CONVERSATION: "Conversations",
    MemoryType.NOTE: "Notes about you",
}
SOURCES = {
    Source.USER_DECLARED: "Said by the person",
    Source.EVENT_DERIVED: "Taken from what happened",
    Source.SYSTEM_COMPUTED: "Computed",
    Source.AGENT_INFERRED: "Concluded by a program, and perhaps wrong",
}
WRITTEN_BY_STAFF = "Written by people of the organization"
"""Where notes come from."""
STATUSES = {
    RetentionStatus.ARCHIVED: "Archived: it is read, and no more changed",
    RetentionStatus.SOFT_DELETED: "Deleted: nobody reads it, and it can be restored",
    RetentionStatus.HARD_DELETE_PENDING: "Deleted: nobody reads it, and its content goes within days",
    RetentionStatus.PURGED: "Deleted for good: only its name is left",
}
QUEUES = {
    "rejected": "rejected as what can never be recorded",
    "dead_letters": "given up after several tries",
    "rebuild_dead_letters": "a request to make this lead's memories again, given up after several tries",
    "extraction_dead_letters": "a request to read this lead's conversation, given up after several tries",
    "vectors_dead_letters": "a request to make this lead's memories findable, given up after several tries",
    "uses_dead_letters": "that memories of this lead were recalled, given up after several tries",
}

_UNLIKE = (AttributeError, TypeError, msgspec.ValidationError)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII)
_JSON = msgspec.json.Encoder(decimal_format="number")


class _Contribution(NamedTuple):
    ref: str
    number: int | None
    """The event's place on the page."""


def write_page(file: IO[str], document: Document) -> None:
    """As a stream: the page of a lead with many events is larger than memory should be."""
    places = document.spool.places(EVENTS)
    numbers = {f"{source}/{event_id}": number for number, (*_, source, event_id) in enumerate(places, start=1)}

    def contributions(memory: Memory) -> list[_Contribution]:
        return [_Contribution(ref, numbers.get(ref)) for ref in memory.source_event_ids]

    stream = (
        _environment()
        .get_template(TEMPLATE)
        .stream(
            document=document,
            counts=document.spool.counts(),
            memories=groupby(_read(document, MEMORIES, Memory), key=lambda memory: memory.memory_type),
            contributions=contributions,
            events=_read(document, EVENTS, HeldEvent),
            erased_events=_read(document, ERASED_EVENTS, ErasedEvent),
            messages=_read(document, WAITING_MESSAGES, WaitingMessage),
            other_items=lambda kind: map(msgspec.Raw, document.spool.read(kind)),
            style=_style(),
            style_hash=base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode(),
            types=TYPES,
            origin=_origin,
            messages_in=_messages,
            notes_in=_notes,
            queues=QUEUES,
            statuses=STATUSES,
            beside=_beside,
        )
    )
    stream.enable_buffering(100)
    file.writelines(stream)


def _read[T](document: Document, section: str, as_type: type[T]) -> Iterator[T]:
    decoder = msgspec.json.Decoder(as_type, float_hook=Decimal)
    return map(decoder.decode, document.spool.read(section))


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader(PACKAGE),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(label=_label, words=_words, when=_when, moment=_moment, pretty=_pretty, without=_without)
    environment.tests.update(
        object=lambda value: isinstance(value, Mapping), array=lambda value: isinstance(value, list)
    )
    return environment


@cache
def _style() -> Markup:
    """Our own; the page's policy allows it by its hash, and nothing else."""
    return Markup((files(PACKAGE) / "templates" / STYLE).read_text())  # noqa: S704 - from our package


def _origin(memory: Memory) -> str:
    return WRITTEN_BY_STAFF if memory.memory_type is MemoryType.NOTE else SOURCES[memory.source]


def _messages(memory: Memory) -> list[Message]:
    """Of a thread; none where other rules wrote the memory, which is then shown like any other."""
    with suppress(*_UNLIKE):
        return messages_of(memory.value) if memory.memory_type is MemoryType.CONVERSATION else []
    return []


def _notes(memory: Memory) -> list[Note]:
    """Those that are over, too; none where other rules wrote the memory."""
    with suppress(*_UNLIKE):
        return in_order(live_notes(memory.value, EARLIEST)) if memory.memory_type is MemoryType.NOTE else []
    return []


def _beside(memory: Memory) -> dict[str, Any]:
    """What was said of it beside its value."""
    said: dict[str, Any] = msgspec.to_builtins(memory.annotations)
    return said | ({"parent": str(memory.annotations.parent)} if memory.annotations.parent else {})


def _visible(value: Any) -> Any:
    """Every value passes here on its way to the page: what cannot be seen, or turns the text around it, is spelled."""
    match value:
        case Markup():
            return value
        case None:
            return "nothing"
        case bool():
            return "yes" if value else "no"
        case Decimal():
            return f"{value:f}"
    return UNSEEN.sub(_spelled, str(value))


def _spelled(found: re.Match[str]) -> str:
    return found[0] if found[0] in "\t\n" else f"[U+{ord(found[0]):04X}]"


def _label(name: str) -> str:
    """`purchase_count` as words."""
    words = name.replace("_", " ").replace(":", ": ").strip()
    return words[:1].upper() + words[1:] or name


def _words(value: Any) -> Any:
    """A time within a value as words, and whatever else as it is."""
    if isinstance(value, str) and _TIME.fullmatch(value):
        with suppress(ValueError, OverflowError):
            return _when(datetime.fromisoformat(value))
    return value


def _when(time: datetime) -> str:
    time = time.astimezone(UTC)
    return f"{time.day} {time:%B %Y, %H:%M} UTC"


def _moment(time: datetime) -> str:
    return time.astimezone(UTC).isoformat()


def _without(value: Mapping[str, Any], field: str) -> dict[str, Any]:
    return {name: member for name, member in value.items() if name != field}


def _pretty(value: Any) -> str:
    """JSON, indented."""
    return msgspec.json.format(_JSON.encode(value), indent=2).decode()
