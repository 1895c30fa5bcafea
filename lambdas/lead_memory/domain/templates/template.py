"""A parsed template, without mistakes: what is left to do is to read its variables and to print it."""

from typing import NamedTuple

import msgspec

from lead_memory.domain.templates.filters import Argument, Filter
from lead_memory.domain.templates.variables import Variable


class FilterCall(NamedTuple):
    filter: Filter
    arguments: tuple[Argument, ...]


class Tag(msgspec.Struct, frozen=True, gc=False):
    source: str
    """As it was written, braces included."""
    variable: Variable
    filters: tuple[FilterCall, ...]


class Template(msgspec.Struct, frozen=True, gc=False):
    parts: tuple[str | Tag, ...]
    variables: tuple[Variable, ...]
    """One for each tag, in order."""
