"""What a recall searches of a memory: its text, or one that is made of its name and value."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from lead_memory.domain.crm.entities import STANDING, kind_and_key
from lead_memory.domain.drawn import whole_length
from lead_memory.domain.limits import RECALL_TEXT_CHARACTERS
from lead_memory.domain.memories import IN_TEMPLATES, Memory, MemoryKey, MemoryType

_UNTOLD = frozenset((*STANDING, "is_summary", "summary_of", "lastExtractedAt", "extractionCount", "last_said_at"))
"""Fields that are about the memory rather than about the lead, as counts are."""
_TIME = "_at"
"""Of a field that says by its name that something happened, as `unsubscribed_at`; when it did is not searched."""
_NAMES = {MemoryKey(MemoryType.PREFERENCE, "channel"): "preferred contact channel"}
"""Of memories whose keys alone do not say what they are about."""
_UNNAMED = ("value", "text")
"""Fields whose names say nothing."""


_OF_CONVERSATIONS = frozenset(
    MemoryKey(MemoryType.BEHAVIORAL, key) for key in ("last_conversation", "response_pattern")
)
"""They change with every message, and a context tells what they do."""


def recalled(name: MemoryKey) -> bool:
    """Whether a memory of the name ever is."""
    return name.memory_type in IN_TEMPLATES and name not in _OF_CONVERSATIONS


def recallable(memory: Memory, now: datetime) -> bool:
    return recalled(memory.name) and bool(memory.value) and not memory.hidden(now) and not _merged(memory)


def _merged(memory: Memory) -> bool:
    """Into another, which tells all of it."""
    return kind_and_key(memory.name) is not None and "merged_into" in memory.value


def recall_text(memory: Memory) -> str:
    """At most `RECALL_TEXT_CHARACTERS` of it, in one line."""
    text = " ".join(_beginning(memory).split())
    return text[: whole_length(text, RECALL_TEXT_CHARACTERS)]


def _beginning(memory: Memory) -> str:
    """No more is written out than is kept: a value may be 380 KB."""
    if memory.annotations.text:
        return memory.annotations.text[: 2 * RECALL_TEXT_CHARACTERS]
    written = ""
    for piece in _pieces(memory):
        written += piece[: 2 * RECALL_TEXT_CHARACTERS]
        if len(written) > 2 * RECALL_TEXT_CHARACTERS:
            break
    return written


def _pieces(memory: Memory) -> Iterator[str]:
    yield f"{_NAMES.get(memory.name, _words(memory.key))}: "
    yield from _told(memory.value)


def _told(value: Any) -> Iterator[str]:
    match value:
        case Mapping():
            for number, (name, field) in enumerate(each for each in value.items() if _tells(each[0])):
                yield ", " if number else ""
                yield from _field(name, field)
        case list():
            for number, entry in enumerate(value):
                yield ", " if number else ""
                yield from _told(entry)
        case bool():
            yield "yes" if value else "no"
        case Decimal():
            yield f"{value:f}"
        case _:
            yield str(value)


def _field(name: str, value: Any) -> Iterator[str]:
    if name.endswith(_TIME):
        yield _words(name.removesuffix(_TIME))
    else:
        yield "" if name in _UNNAMED else f"{_words(name)} "
        yield from _told(value)


def _tells(name: str) -> bool:
    return name not in _UNTOLD and not name.endswith(("_count", "_counts"))


def _words(name: str) -> str:
    return name.replace("_", " ").replace(":", " ")
