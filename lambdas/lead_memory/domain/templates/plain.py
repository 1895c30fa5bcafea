"""The short way from text to template, for tags like `{{ purchase.last_transaction.amount | number: "pt_BR" }}`.

It finds all tags at once, and takes only what it is sure of: `parser` reads the rest, and alone makes errors.
"""

import re
from functools import lru_cache

from lead_memory.domain.limits import KEY_CHARACTERS, TEMPLATE_CHARACTERS
from lead_memory.domain.memories import IN_TEMPLATES, MemoryKey
from lead_memory.domain.templates.parser import Parser, TemplateError
from lead_memory.domain.templates.template import FilterCall, Tag, Template
from lead_memory.domain.templates.variables import PROFILE, Variable

_FILTERS_CHARACTERS = 255
"""What follows a variable is kept, and so is short."""
# In ASCII a name is normal as it stands, and no longer than a key it can be one.
_NAME = rf"[A-Za-z0-9_:-]{{1,{KEY_CHARACTERS}}}+"
_VARIABLE = rf"([a-z]++)\.({_NAME})((?:\.{_NAME})*+)"
_TAG = re.compile(rf"(\{{\{{\s*+({_VARIABLE})([^{{}}]{{0,{_FILTERS_CHARACTERS}}}+)\}}\}})([^{{]*+)")
"""A tag, its variable and the three parts of it, its filters, and the text after it."""
_MEMORY_TYPES = {str(memory_type): memory_type for memory_type in IN_TEMPLATES}


def plain_template(text: str, profile_fields: tuple[str, ...] | None) -> Template | None:
    """None for what has another form, or a mistake."""
    found = _TAG.findall(text)
    # A brace that opens none of these tags may open another.
    if text.count("{") != len(found) * len("{{") or len(text) > TEMPLATE_CHARACTERS or not _is_unicode(text):
        return None
    before = text.partition("{{")[0]
    parts: list[str | Tag] = [before] if before else []
    variables: list[Variable] = []
    for source, name, namespace, key, path, calls, after in found:
        if path and namespace in _MEMORY_TYPES:
            # `MemoryKey(…)`, without the call of a Python function that it is.
            memory = tuple.__new__(MemoryKey, (_MEMORY_TYPES[namespace], key))
            variable = Variable(name, memory, tuple(path[1:].split(".")))
        elif namespace == PROFILE and not path and (profile_fields is None or key in profile_fields):
            variable = Variable(name, None, (key,))
        else:
            return None
        filters = _filters(calls) if calls else ()
        if filters is None:
            return None
        parts.append(Tag(source, variable, filters))
        if after:
            parts.append(after)
        variables.append(variable)
    return Template(tuple(parts), tuple(variables))


# A stage's templates share the few ways in which they call filters, whatever their variables.
@lru_cache(maxsize=256)
def _filters(text: str) -> tuple[FilterCall, ...] | None:
    try:
        return Parser(text).only_filters()
    except TemplateError:
        return None


def _is_unicode(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
