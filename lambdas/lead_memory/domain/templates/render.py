"""Template and values to text, in one pass: a value is never parsed, so `{{` in it stays text."""

from collections.abc import Mapping
from enum import StrEnum
from html import escape as escape_html
from typing import Any, NamedTuple

from lead_memory.domain.limits import RENDERING_CHARACTERS
from lead_memory.domain.templates.syntax import Tag, Template
from lead_memory.domain.templates.text import to_text
from lead_memory.domain.templates.variables import Reason


class OnMissing(StrEnum):
    FAIL = "fail"
    BLANK = "blank"
    KEEP = "keep"
    """The tag stays as it was written."""


class Escape(StrEnum):
    NONE = "none"
    HTML = "html"


class Rendering(NamedTuple):
    text: str | None
    """None where a variable is missing and `fail` was asked for."""
    missing: dict[str, Reason]
    """By variable: those that left a gap."""
    defaulted: dict[str, Reason]
    """By variable: those that a `default` stood in for."""


def render(template: Template, values: Mapping[str, Any], *, on_missing: OnMissing, escape: Escape) -> Rendering:
    """`values` holds a value or a `Reason` for the name of each of the template's variables."""
    pieces: list[str] = []
    room = RENDERING_CHARACTERS
    missing: dict[str, Reason] = {}
    defaulted: dict[str, Reason] = {}
    for part in template.parts:
        if isinstance(part, str):
            pieces.append(part)
            continue
        printed, covered, room = _print(part, values[part.variable.name], room)
        if isinstance(printed, Reason):
            missing[part.variable.name] = printed
            pieces.append(part.source if on_missing is OnMissing.KEEP else "")
            continue
        if covered:
            defaulted[part.variable.name] = covered
        pieces.append(escape_html(printed) if escape is Escape.HTML else printed)
    failed = missing and on_missing is OnMissing.FAIL
    return Rendering(None if failed else "".join(pieces), missing, defaulted)


def _print(tag: Tag, value: Any, room: int) -> tuple[str | Reason, Reason | None, int]:
    """The text or why there is none, the reason that a `default` covered, if one did, and the room that is left.

    Every filter's text takes room, also one that the next filter cuts.
    """
    reason = value if isinstance(value, Reason) else None
    for called, arguments in tag.filters:
        if isinstance(value, Reason) and not called.covers_missing:
            continue
        room -= _length(value)
        if room < 0:
            return Reason.TOO_LONG, None, 0
        try:
            value = called.apply(value, *arguments)
        except Exception:  # whatever a library does about one lead's value, the other leads have their texts
            value = Reason.FILTER_FAILED
        if value is None:
            value = Reason.NULL
        if isinstance(value, Reason):
            reason = value
    try:
        text = value if isinstance(value, Reason) else to_text(value)
    except ValueError:
        return Reason.NOT_TEXT, None, room
    room -= _length(text)
    return (text, reason, room) if room >= 0 else (Reason.TOO_LONG, None, 0)


def _length(value: Any) -> int:
    return len(value) if isinstance(value, str | list) and not isinstance(value, Reason) else 0
