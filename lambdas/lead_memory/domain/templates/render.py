"""Template and values to text, in one pass: a value is never parsed, so `{{` in it stays text."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from html import escape as escape_html
from typing import Any

import msgspec

from lead_memory.domain.limits import RENDERING_CHARACTERS
from lead_memory.domain.templates.template import FilterCall, Template
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


class Rendering(msgspec.Struct, frozen=True, gc=False):
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
    escaping = escape is Escape.HTML
    for part in template.parts:
        if isinstance(part, str):
            pieces.append(part)
            continue
        name = part.variable.name
        value, covered = values[name], None
        if part.filters:
            value, covered, room = _filtered(value, part.filters, room)
        # An `isinstance` of an enum takes five times as long.
        if type(value) is not Reason:
            try:
                text = value if type(value) is str else to_text(value)
            except ValueError:
                value = Reason.NOT_TEXT
            else:
                room -= len(text)
                if room >= 0:
                    pieces.append(escape_html(text) if escaping else text)
                    if covered:
                        defaulted[name] = covered
                    continue
                value, room = Reason.TOO_LONG, 0
        missing[name] = value
        pieces.append(part.source if on_missing is OnMissing.KEEP else "")
    failed = missing and on_missing is OnMissing.FAIL
    return Rendering(None if failed else "".join(pieces), missing, defaulted)


def _filtered(value: Any, filters: Iterable[FilterCall], room: int) -> tuple[Any, Reason | None, int]:
    """The value or why there is none, the reason that a `default` covered, if one did, and the room that is left.

    Every filter's text takes room, also one that the next filter cuts.
    """
    reason = value if type(value) is Reason else None
    for called, arguments in filters:
        if type(value) is Reason:
            if not called.covers_missing:
                continue
        elif isinstance(value, (str, list)):
            room -= len(value)
            if room < 0:
                return Reason.TOO_LONG, None, 0
        try:
            value = called.apply(value, *arguments)
        except Exception:  # whatever a library does about one lead's value, the other leads have their texts
            value = Reason.FILTER_FAILED
        if value is None:
            value = Reason.NULL
        if type(value) is Reason:
            reason = value
    return value, reason, room
