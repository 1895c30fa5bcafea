"""The short way to a template, and the full parser, which reads every text."""

from collections.abc import Callable

from hypothesis import example, given
from hypothesis import strategies as st

from lead_memory.domain.limits import FILTERS_OF_A_TAG, KEY_CHARACTERS, TEMPLATE_CHARACTERS
from lead_memory.domain.memories import IN_TEMPLATES
from lead_memory.domain.templates.filters import FILTERS
from lead_memory.domain.templates.parser import Parser
from lead_memory.domain.templates.plain import plain_template
from lead_memory.domain.templates.syntax import Template, TemplateError, parse

FIELDS = ("name", "first_name", "city")

names = st.sampled_from(["name", "last_transaction", "0", "-1", "sat_survey:how", "x" * KEY_CHARACTERS])
fields = st.sampled_from([f"lead.{field}" for field in FIELDS])
values = st.builds(
    lambda memory_type, path: ".".join([memory_type, *path]),
    st.sampled_from(IN_TEMPLATES),
    st.lists(names, min_size=2, max_size=4),
)
spaces = st.sampled_from(["", " ", "\n", "\u00a0"])
calls = st.sampled_from(["| upcase", '|default:"you"', " | truncate: 5, '…'", '| money: "BRL", "pt_BR"'])
tags = st.builds(
    lambda before, variable, after, filters: "{{" + before + variable + after + "".join(filters) + "}}",
    spaces,
    fields | values,
    spaces,
    st.lists(calls, max_size=3),
)
between = st.text(st.characters(exclude_characters="{", exclude_categories=["Cs"]))

marks = st.sampled_from(["{{", "}}", "{%", "{", "}", "|", ".", "[", "]", '"', "'", "\\", ":", ",", " "])
words = st.sampled_from(["lead", "lead.name", "fact.a.b", "5", "ção", "x" * (KEY_CHARACTERS + 1), *FILTERS])
texts = st.lists(tags | marks | words | st.text(max_size=3)).map("".join)


def outcome(parsed: Callable[[], Template]) -> object:
    try:
        return parsed()
    except TemplateError as mistake:
        return mistake.code, mistake.position, mistake.nearest, str(mistake)


@given(texts)
@example("{{{lead.name}}")
@example("{{{{lead.name}}}}")
@example('{{lead.name | default: "}}"}}')
@example('{{lead.name | default: "{{lead.city}}"}}')
@example("{{lead.name}}{% if lead.name %}")
@example("{{lead.name upcase}}")
@example("{{lead.first name}}")
@example("{{fact.cafe\u0301.b}}")
@example("{{lead}}")
@example("{{lead.nmae}}")
@example("{{lead.name.first}}")
@example("{{fact.a}}")
@example("{{facts.a.b}}")
@example("{{fact.a..b}}")
@example("{{fact.a.b.}}")
@example("{{lead.name}} \ud800")
@example("{{fact." + "x" * (KEY_CHARACTERS + 1) + ".b}}")
@example("{{lead.name" + "|upcase" * (FILTERS_OF_A_TAG + 1) + "}}")
@example("{{lead.name}}".ljust(TEMPLATE_CHARACTERS + 1))
def test_every_text_is_the_template_or_the_mistake_that_the_full_parser_finds(text: str) -> None:
    found = outcome(lambda: Parser(text, FIELDS).template())
    assert outcome(lambda: parse(text, FIELDS)) == found
    assert plain_template(text, FIELDS) in (None, found)


@given(st.lists(between | tags).map("".join))
def test_tags_of_plain_form_are_taken_the_short_way(text: str) -> None:
    assert plain_template(text, FIELDS) == Parser(text, FIELDS).template()
