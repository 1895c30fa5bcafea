"""What a template's variable names, and the value that it finds."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any

import msgspec

from lead_memory.domain.memories import MemoryKey

PROFILE = "lead"
"""The namespace of the lead's profile; every other namespace is a memory type."""

NAME = re.compile(r"[\w:\u0300-\u036f-]+")
"""Accents may be typed as characters of their own."""
_LIST_INDEX = re.compile(r"[0-9]{1,9}")


class Reason(StrEnum):
    """Why a variable has no value."""

    NEVER_SEEN = "never_seen"
    NULL = "null"
    EXPIRED = "expired"
    DELETED = "deleted"
    COLD = "cold"
    ERASED = "erased"
    PATH_NOT_FOUND = "path_not_found"
    NOT_TEXT = "not_text"
    TOO_LONG = "too_long"
    FILTER_FAILED = "filter_failed"
    NO_PROFILE = "no_profile"
    PROFILE_REFUSED = "profile_refused"
    PROFILE_UNAVAILABLE = "profile_unavailable"
    MEMORY_UNAVAILABLE = "memory_unavailable"

    @property
    def passing(self) -> bool:
        """Whether the value may be there when it is asked for again."""
        return self in (Reason.PROFILE_UNAVAILABLE, Reason.MEMORY_UNAVAILABLE)


class Variable(msgspec.Struct, frozen=True, gc=False):
    name: str
    """Its one spelling: segments are quoted only where they must be."""
    memory: MemoryKey | None
    """The memory that holds it; none for a profile field."""
    path: tuple[str, ...]
    """Within the memory's value; for a profile, the field."""

    def find(self, record: Mapping[str, Any]) -> Any:
        """The value in a memory's value or in a profile, or the `Reason` why there is none."""
        value: Any = record
        try:
            for segment in self.path:
                value = value[segment]
        except (LookupError, TypeError):  # a list's place, another spelling of an accent, or nothing
            value = _follow(self.path, record)
        return Reason.NULL if value is None else value


class Plan(msgspec.Struct, frozen=True, gc=False):
    """What will be read, each once, in the order of first use."""

    variables: tuple[Variable, ...]
    memories: tuple[MemoryKey, ...]
    profile_fields: tuple[str, ...]


def plan(variables: Iterable[Variable]) -> Plan:
    distinct = tuple({variable.name: variable for variable in variables}.values())
    return Plan(
        variables=distinct,
        memories=tuple({v.memory: None for v in distinct if v.memory is not None}),
        profile_fields=tuple([v.path[0] for v in distinct if v.memory is None]),
    )


def spell(segments: Sequence[str]) -> str:
    namespace, *rest = segments
    return namespace + "".join(f".{s}" if NAME.fullmatch(s) else f"[{_quote(s)}]" for s in rest)


def normal(name: str) -> str:
    """Memories' keys are in this one of the spellings that look the same."""
    return unicodedata.normalize("NFC", name)


def _follow(path: Iterable[str], record: Mapping[str, Any]) -> Any:
    value: Any = record
    for segment in path:
        if isinstance(value, Mapping) and (name := _spelling(segment, value)) is not None:
            value = value[name]
        elif isinstance(value, list) and _LIST_INDEX.fullmatch(segment) and int(segment) < len(value):
            value = value[int(segment)]
        else:
            return Reason.PATH_NOT_FOUND
    return value


def _spelling(segment: str, record: Mapping[str, Any]) -> str | None:
    """How an object spells the name: those within a value are as they came."""
    spellings = (segment, unicodedata.normalize("NFD", segment))
    return next((spelling for spelling in spellings if spelling in record), None)


def _quote(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
