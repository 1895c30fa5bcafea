"""CLDR's date patterns, and the mistakes in them that would print something, only not the date.

https://www.unicode.org/reports/tr35/tr35-dates.html#Date_Field_Symbol_Table
"""

import re
from typing import NamedTuple

from babel.dates import PATTERN_CHARS

_LONGEST_FIELD = 9
_QUOTED = re.compile(r"'(?:[^']|'')*'")
_FIELD = re.compile(r"([A-Za-z])\1*")
_STRFTIME = {"%d": "dd", "%m": "MM", "%Y": "yyyy", "%y": "yy", "%H": "HH", "%M": "mm", "%S": "ss", "%B": "MMMM"}
_HOURS = "hHkK"
_WORD = re.compile(rf"({_QUOTED.pattern})|\bde\b")
"""Portuguese and Spanish write "3 de fevereiro"; without quotes it is the day and the weekday's number."""


class _Field(NamedTuple):
    letters: str
    start: int

    @property
    def letter(self) -> str:
        return self.letters[0]


def is_pattern(pattern: str) -> bool:
    """Whether it prints what its author must mean."""
    unquoted = _unquoted(pattern)
    fields = _fields(unquoted)
    return (
        bool(fields)
        and not set(unquoted) & set("%'")
        and not _WORD.search(unquoted)
        and all(_defined(field) for field in fields)
        and _mended(pattern) == pattern
    )


def nearest_pattern(pattern: str) -> str | None:
    """The pattern that its author may have meant."""
    for said, meant in _STRFTIME.items():
        pattern = pattern.replace(said, meant)
    mended = _mended(_WORD.sub(lambda word: word[1] or "'de'", pattern))
    return mended if is_pattern(mended) else None


def _mended(pattern: str) -> str:
    """With the letters that are taken for others put right, each field as long as it was."""
    fields = _fields(_unquoted(pattern))
    letters = {field.letter for field in fields}
    mended = list(pattern)
    before: _Field | None = None
    for field in fields:
        after_hours = before is not None and before.letter in _HOURS
        meant = field.letter
        match field.letter:
            case "Y" if "w" not in letters:  # the year that a week belongs to
                meant = "y"
            case "D":  # the day of the year
                meant = "d"
            case "m" if not after_hours and (before or not letters & set(_HOURS)):  # minutes
                meant = "M"
            case "M" if after_hours and pattern[field.start - 1] == ":":  # the month
                meant = "m"
            case "S" if "s" not in letters:  # a fraction of the second
                meant = "s"
        mended[field.start : field.start + len(field.letters)] = meant * len(field.letters)
        before = field
    return "".join(mended)


def _unquoted(pattern: str) -> str:
    """As long as the pattern, with spaces for what stands in quotes."""
    return _QUOTED.sub(lambda quoted: " " * len(quoted[0]), pattern)


def _fields(unquoted: str) -> list[_Field]:
    return [_Field(match[0], match.start()) for match in _FIELD.finditer(unquoted)]


def _defined(field: _Field) -> bool:
    lengths = PATTERN_CHARS.get(field.letter, ())
    return len(field.letters) in (range(1, _LONGEST_FIELD + 1) if lengths is None else lengths)
