"""Text to template, in one pass. What can be wrong with a template is found here, before it is sent.

tag      = "{{" variable { "|" filter } "}}"
variable = namespace { "." name | "[" quoted "]" }
filter   = name [ ":" argument { "," argument } ]
argument = quoted | number
"""

import re
from collections.abc import Iterable
from decimal import Decimal

from lead_memory.domain.errors import LeadMemoryError, Rejected
from lead_memory.domain.limits import FILTERS_OF_A_TAG, MISTAKE_CHARACTERS, SEGMENT_CHARACTERS, TEMPLATE_CHARACTERS
from lead_memory.domain.memories import IN_TEMPLATES, MemoryKey, MemoryType, check_key
from lead_memory.domain.templates.filters import FILTERS, Argument, Parameter
from lead_memory.domain.templates.nearest import nearest
from lead_memory.domain.templates.template import FilterCall, Tag, Template
from lead_memory.domain.templates.variables import NAME, PROFILE, Variable, normal, spell

_OPENING = re.compile(r"\{[{%]")
_SPACE = re.compile(r"\s*")
_FILTER_NAME = re.compile(r"[a-zA-Z_]\w*")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"' "|" r"'((?:[^'\\]|\\.)*)'", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_PLACE = re.compile(r"[0-9]{1,9}")
_NUMBER = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?")
_SPACED = re.compile(r"""[^\S\n]+(?=[\w:-])([^.|\[\]{}"'\n]+)""")
_ARGUMENT_START = re.compile(r"""["'\u201c\u2018(0-9=]""")
_NAMESPACES = (PROFILE, *IN_TEMPLATES)
_FILTER_OR_END = '"|" and a filter, or "}}"'


class TemplateError(LeadMemoryError):
    """The template can never be rendered; tell its author.

    `position` counts characters from 0, `line` and `column` from 1; all three may point at the end of the text.
    """

    def __init__(self, code: str, problem: str, text: str, position: int, expected: str, nearest: str | None):
        self.code = code
        self.position = position
        self.line = text.count("\n", 0, position) + 1
        self.column = position - text.rfind("\n", 0, position)
        self.expected = expected = _shortened(expected)
        self.nearest = nearest = None if nearest and len(nearest) > MISTAKE_CHARACTERS else nearest
        advice = f'did you mean "{nearest}"? Expected {expected}.' if nearest else f"expected {expected}."
        super().__init__(f"Line {self.line}, column {self.column}: {_shortened(problem)}; {advice}")


def _shortened(text: str) -> str:
    return text if len(text) <= MISTAKE_CHARACTERS else f"{text[:MISTAKE_CHARACTERS]}…"


class Parser:
    def __init__(self, text: str, profile_fields: tuple[str, ...] | None = None) -> None:
        self.text = text
        self.profile_fields = profile_fields
        self.position = 0
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise self.error("half of a surrogate pair is not a character", "text", at=error.start) from None

    def template(self) -> Template:
        if len(self.text) > TEMPLATE_CHARACTERS:
            raise self.error(
                "the template is too long",
                f"{TEMPLATE_CHARACTERS} characters at most",
                at=TEMPLATE_CHARACTERS,
                code="template_too_long",
            )
        parts: list[str | Tag] = []
        variables: list[Variable] = []
        while opening := _OPENING.search(self.text, self.position):
            if opening.start() > self.position:
                parts.append(self.text[self.position : opening.start()])
            self.position = opening.start()
            if opening[0] == "{%":
                raise self.error(
                    'there are no conditions or loops, which "{%" begins elsewhere',
                    'a tag, like {{lead.name | default: "you"}}',
                )
            tag = self.tag()
            parts.append(tag)
            variables.append(tag.variable)
        if self.position < len(self.text):
            parts.append(self.text[self.position :])
        return Template(tuple(parts), tuple(variables))

    def only_variable(self) -> Variable:
        variable = self.variable()
        if self.position < len(self.text):
            raise self.unexpected("the end of the variable")
        return variable

    def only_filters(self) -> tuple[FilterCall, ...]:
        filters = self.filters()
        if self.position < len(self.text):
            raise self.unexpected(_FILTER_OR_END)
        return filters

    def tag(self) -> Tag:
        start = self.position
        self.position += len("{{")
        self.skip_space()
        variable = self.variable()
        filters = self.filters()
        if not self.accept("}}"):
            raise self.after_variable_or_filter()
        return Tag(self.text[start : self.position], variable, filters)

    def filters(self) -> tuple[FilterCall, ...]:
        filters: list[FilterCall] = []
        while self.accept("|"):
            if len(filters) == FILTERS_OF_A_TAG:
                raise self.error("the tag has too many filters", f"{FILTERS_OF_A_TAG} at most")
            filters.append(self.filter_call())
        return tuple(filters)

    def variable(self) -> Variable:
        start = self.position
        namespace = self.match(NAME, "a variable, like lead.name")
        if namespace not in _NAMESPACES:
            raise self.unknown("namespace", namespace, _NAMESPACES, at=start)
        segments, starts = self.segments()
        self.refuse_space(namespace, segments, starts)
        if namespace == PROFILE:
            return self.profile_variable(segments, starts)
        return self.memory_variable(MemoryType(namespace), segments, starts)

    def segments(self) -> tuple[list[str], list[int]]:
        """The path after the namespace, and where each segment of it starts."""
        segments, starts = [], []
        while (mark := self.text[self.position : self.position + 1]) in (".", "["):
            self.position += 1
            starts.append(self.position)
            if mark == ".":
                segments.append(self.segment(self.match(NAME, 'a name of letters, digits, "_", "-" or ":"')))
                continue
            if place := _PLACE.match(self.text, self.position):
                raise self.error("a place in a list stands after a dot", f'".{place[0]}"', at=self.position - 1)
            segments.append(self.segment(self.quoted('a text in straight quotes, like ["name"]')))
            if not self.text.startswith("]", self.position):
                raise self.unexpected('"]"')
            self.position += 1
        return segments, starts

    def segment(self, name: str) -> str:
        # Before it is normalized, which takes the square of its length.
        if len(name) > SEGMENT_CHARACTERS:
            raise self.error("the name is too long", f"{SEGMENT_CHARACTERS} characters at most")
        return normal(name)

    def refuse_space(self, namespace: str, segments: list[str], starts: list[int]) -> None:
        """A name that was written with a space, or two names with a space in place of the dot."""
        spaced = _SPACED.match(self.text, self.position)
        if not spaced or self.filter_at(spaced.start(1)):
            return
        more = spaced[1].strip()
        if not segments:
            raise self.error("a space stands between names", f'".", like {namespace}.{more}', at=spaced.start(1))
        whole = normal(segments[-1] + spaced[0].rstrip())
        if namespace == PROFILE and self.profile_fields is not None:
            raise self.unknown("field", whole, self.profile_fields, at=starts[-1])
        raise self.error("a name ends at a space", f'brackets and quotes around it, ["{whole}"]', at=spaced.start(1))

    def filter_at(self, position: int) -> str | None:
        name = _FILTER_NAME.match(self.text, position)
        return name[0] if name and name[0] in FILTERS else None

    def profile_variable(self, segments: list[str], starts: list[int]) -> Variable:
        if not segments:
            raise self.error("a profile has many fields", 'a field, like "lead.name"', code="path_expected")
        if len(segments) > 1:
            raise self.error("a profile's field has no parts", _FILTER_OR_END, at=starts[1] - 1)
        [field] = segments
        if self.profile_fields is not None and field not in self.profile_fields:
            raise self.unknown("field", field, self.profile_fields, at=starts[0])
        return Variable(spell([PROFILE, field]), None, (field,))

    def memory_variable(self, memory_type: MemoryType, segments: list[str], starts: list[int]) -> Variable:
        if len(segments) < 2:
            raise self.error(
                "a memory holds more than one value",
                f'a key and a path, like "{memory_type}.<key>.<name>"',
                code="path_expected",
            )
        key, *path = segments
        try:
            check_key(key)
        except Rejected as rejected:
            expected = f'a key, like "{memory_type}.<key>.<name>"'
            raise self.error(rejected.detail, expected, at=starts[0], code="bad_key") from None
        return Variable(spell([memory_type, *segments]), MemoryKey(memory_type, key), tuple(path))

    def filter_call(self) -> FilterCall:
        self.skip_space()
        start = self.position
        name = self.match(_FILTER_NAME, "a filter's name")
        if name not in FILTERS:
            raise self.unknown("filter", name, FILTERS, at=start)
        found = FILTERS[name]
        arguments: list[Argument] = []
        if self.accept(":"):
            arguments.append(self.argument(name, found.parameters, 0))
            while self.accept(","):
                arguments.append(self.argument(name, found.parameters, len(arguments)))
        elif _ARGUMENT_START.match(self.text, self.position):
            if not found.parameters:
                raise self.surplus(name, found.parameters)
            raise self.unexpected('":" before the argument')
        if len(arguments) < len(found.parameters) and found.parameters[len(arguments)].required:
            lacking = found.parameters[len(arguments)].expected
            raise self.error(f'the filter "{name}" lacks an argument', lacking, code="bad_argument")
        return FilterCall(found, tuple(arguments))

    def argument(self, name: str, parameters: tuple[Parameter, ...], index: int) -> Argument:
        self.skip_space()
        start = self.position
        if index == len(parameters):
            raise self.surplus(name, parameters)
        parameter = parameters[index]
        value: Argument
        if number := _NUMBER.match(self.text, start):
            value = Decimal(number[0]) if number[1] else int(number[0])
            self.position = number.end()
        else:
            value = self.quoted(parameter.expected)
        if not parameter.accepts(value):
            raise self.error(
                f'the filter "{name}" cannot take {self.text[start : self.position]}',
                parameter.expected,
                at=start,
                code="bad_argument",
                nearest=parameter.nearest(str(value)),
            )
        return value

    def surplus(self, name: str, parameters: tuple[Parameter, ...]) -> TemplateError:
        problem = "has an argument too many" if parameters else "takes no argument"
        return self.error(f'the filter "{name}" {problem}', _FILTER_OR_END, code="bad_argument")

    def quoted(self, expected: str) -> str:
        quoted = _QUOTED.match(self.text, self.position)
        if quoted is None and self.text.startswith(('"', "'"), self.position):
            raise self.error("the quote is never closed", f"a closing {self.text[self.position]}")
        if quoted is None:
            raise self.unexpected(expected)
        self.position = quoted.end()
        return _ESCAPED.sub(r"\1", quoted[1] if quoted[1] is not None else quoted[2])

    def match(self, pattern: re.Pattern[str], expected: str) -> str:
        match = pattern.match(self.text, self.position)
        if match is None:
            raise self.unexpected(expected)
        self.position = match.end()
        return match[0]

    def accept(self, token: str) -> bool:
        self.skip_space()
        accepted = self.text.startswith(token, self.position)
        if accepted:
            self.position += len(token)
        return accepted

    def skip_space(self) -> None:
        space = _SPACE.match(self.text, self.position)
        self.position = space.end() if space else self.position

    def after_variable_or_filter(self) -> TemplateError:
        if name := self.filter_at(self.position):
            return self.unexpected(f'"|" before the filter "{name}"')
        return self.unexpected(_FILTER_OR_END)

    def unexpected(self, expected: str) -> TemplateError:
        ended = self.position == len(self.text)
        found = "the text ends" if ended else f"found {self.text[self.position]!r}"
        return self.error(found, expected)

    def unknown(self, what: str, name: str, known: Iterable[str], *, at: int) -> TemplateError:
        known = tuple(known)
        return self.error(
            f'there is no {what} "{name}"',
            f"one of {', '.join(known)}",
            at=at,
            code=f"unknown_{what}",
            nearest=nearest(name, known, likeness=0.7 if what == "namespace" else 0.5),
        )

    def error(
        self, problem: str, expected: str, *, at: int | None = None, code: str = "syntax", nearest: str | None = None
    ) -> TemplateError:
        position = self.position if at is None else at
        return TemplateError(code, problem, self.text, position, expected, nearest)
