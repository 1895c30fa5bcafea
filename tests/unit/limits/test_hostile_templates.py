"""A template of any text, for a lead with any values, ends soon: with a text, a reason or an error."""

from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_memory.domain.limits import (
    FILTERS_OF_A_TAG,
    MISTAKE_CHARACTERS,
    RENDERING_CHARACTERS,
    SEGMENT_CHARACTERS,
    TEMPLATE_CHARACTERS,
    VARIABLES,
)
from lead_memory.domain.templates.filters import FILTERS
from lead_memory.domain.templates.render import Escape, OnMissing, Rendering, render
from lead_memory.domain.templates.syntax import TemplateError, parse
from lead_memory.domain.templates.variables import Reason, plan
from resolver.messages import BadRequest, Request
from tests.unit.limits.any_json import json_values, texts
from tests.unit.limits.life import in_time

N = TEMPLATE_CHARACTERS
FIELDS = ("name", "first_name")
TAG = "{{fact.a.b}}"
LONG = 380_000
"""Characters of the longest value."""


def rendered(template: str, value: Any) -> Rendering:
    parsed = parse(template, FIELDS)
    values = {variable.name: value for variable in parsed.variables}
    return render(parsed, values, on_missing=OnMissing.BLANK, escape=Escape.HTML)


MISTAKES = {
    "braces": "{" * N,
    "a name of accents": "{{fact." + "a\u0315\u0300" * (N // 4),
    "a quoted name of accents": '{{fact["' + "\u0315\u0300" * (N // 3) + '"].x}}',
    "a name of any length": "{{fact." + "x" * (SEGMENT_CHARACTERS + 1) + ".x}}",
    "a key that turns what follows": "{{fact['a\u202eb'].x}}",
    "a number sign in a key": "{{fact['lead#head'].x}}",
    "too many filters": "{{fact.a.b" + "|upcase" * (FILTERS_OF_A_TAG + 1) + "}}",
    "an unknown filter": "{{fact.a.b|" + "x" * (N // 2),
    "an unknown namespace": "{{" + "x" * (N // 2),
    "a space that never ends": "{{fact.a.b" + " " * (N // 2),
    "words that never end": "{{fact.a " + "x " * (N // 3),
    "escapes that never end": '{{fact["' + '\\"' * (N // 3),
    "a locale of any length": '{{fact.a.b|date:"short","' + "en" * (N // 3) + '"}}',
    "a time zone of any length": '{{fact.a.b|date:"short","en","' + "America/" * (N // 9) + '"}}',
    "a time zone elsewhere": '{{fact.a.b|date:"short","en","../../../etc/passwd"}}',
    "a date of quotes": '{{fact.a.b|date:"' + "'" * (N // 2) + '"}}',
    "a date almost right": '{{fact.a.b|date:"' + "YYYY '" * (N // 8) + '"}}',
    "too long": "x" * (N + 1),
}


@pytest.mark.parametrize("template", MISTAKES.values(), ids=MISTAKES)
def test_it_is_a_mistake_that_is_told_soon_and_briefly(template: str) -> None:
    with in_time(), pytest.raises(TemplateError) as mistake:
        parse(template, FIELDS)
    assert len(str(mistake.value)) < 3 * MISTAKE_CHARACTERS


RENDERED: dict[str, tuple[str, Any]] = {
    "a value over and over": (TAG * (N // len(TAG)), "x" * LONG),
    "a value that grows": ("{{fact.a.b" + "|url_encode" * FILTERS_OF_A_TAG + "}}", "\U0001f600" * (LONG // 4)),
    "a value that is cut over and over": ("{{fact.a.b|truncate:99999}}" * 7_000, "\u200d" * LONG),
    "a value that never has a place to be cut": ("{{fact.a.b|truncate:99999}}", "\u0301" * LONG),
    "flags": ("{{fact.a.b|truncate:99999}}" * 7_000, "\U0001f1e6" * (LONG // 4)),
    "separators": ('{{fact.a.b|join:"' + "x" * (N // 2) + '"}}', ["x"] * (LONG // 4)),
    "items": ("{{fact.a.b|join}}" * 9_000, ["x" * 100] * (LONG // 104)),
    "digits": ("{{fact.a.b|number}}" * 9_000, "9" * LONG),
    "digits of a whole number": (TAG, 10**4_299),
    "digits of a fraction": (TAG, Decimal("1e999999999")),
    "an amount": ('{{fact.a.b|money:"BRL"}}' * 8_000, "1e-999999999"),
    "a date of digits": ('{{fact.a.b|date:"short"}}' * 8_000, "2026-01-01T00:00:00." + "1" * (LONG - 20)),
    "a date of patterns": ('{{fact.a.b|date:"' + "d " * (N // 3) + '"}}', "2026-01-01"),
    "the last moment": ('{{fact.a.b|date:"short","en","Pacific/Kiritimati"}}', "9999-12-31T23:59:59Z"),
    "names within names": ("{{fact.a" + ".a" * (N // 3) + "}}", "x"),
    "quoted names within names": ("{{fact" + '["\U0001f600"]' * (N // 6) + "}}", "x"),
    "many variables": ("".join(f"{{{{fact.a.b{number}}}}}" for number in range(N // 20)), "x"),
    "a tag in a value": (TAG, "{{fact.a.b}}" * 30_000),
    "markup": (TAG, "<" * LONG),
}


@pytest.mark.parametrize(("template", "value"), RENDERED.values(), ids=RENDERED)
def test_it_is_rendered_soon_within_its_bound(template: str, value: Any) -> None:
    with in_time():
        rendering = rendered(template, value)
    assert rendering.text is not None
    assert len(rendering.text) <= len("&quot;") * RENDERING_CHARACTERS + TEMPLATE_CHARACTERS


def test_what_does_not_fit_into_a_text_is_missing_as_too_long() -> None:
    fit = RENDERING_CHARACTERS // LONG
    assert rendered(TAG * fit, "x" * LONG).missing == {}
    assert rendered(TAG * (fit + 1), "x" * LONG).missing == {"fact.a.b": Reason.TOO_LONG}


def test_a_long_value_may_be_cut_to_a_short_text() -> None:
    assert rendered("{{fact.a.b|truncate:5}}", "x" * LONG).text == "xx..."


def test_a_request_for_more_variables_than_the_bound_is_a_mistake() -> None:
    names = [f"fact.a.b{number}" for number in range(VARIABLES + 1)]
    assert Request.read({"plan": True, "variables": names[1:]}).question(None).plan().variables
    with pytest.raises(BadRequest) as refused:
        Request.read({"plan": True, "variables": names}).question(None)
    assert (refused.value.mistake.code, f"{VARIABLES:,}" in refused.value.mistake.message) == ("invalid_request", True)


_marks = list("|:,.[]\"'\\ \n0")
_words = ["{{", "}}", "{%", "fact", "lead.name", "purchase.a.b", '"BRL"', '"pt_BR"', '"short"', "5", *FILTERS]
_templates = st.lists(st.sampled_from(_marks + _words) | texts, max_size=25).map("".join)
_with_arguments = ['default: "x"', "truncate: 3", 'date: "short"', 'date: "d MMM y", "pt_BR", "Asia/Tokyo"']
_calls = st.sampled_from(
    [
        *(name for name, found in FILTERS.items() if not any(each.required for each in found.parameters)),
        *_with_arguments,
        'money: "JPY"',
        'join: "-"',
    ]
)
_tags = st.lists(_calls, max_size=5).map(lambda calls: "{{" + " | ".join(["fact.a.b", *calls]) + "}}")


@given(_templates)
def test_any_text_is_a_template_or_a_mistake(text: str) -> None:
    with in_time(), suppress(TemplateError):
        template = parse(text, FIELDS)
        assert set(plan(template.variables).variables) == set(template.variables)


@given(_templates | _tags, json_values | st.sampled_from(Reason), st.sampled_from(OnMissing), st.sampled_from(Escape))
def test_any_value_is_rendered_or_missing(text: str, value: Any, on_missing: OnMissing, escape: Escape) -> None:
    try:
        template = parse(text, FIELDS)
    except TemplateError:
        return
    values = {variable.name: value for variable in template.variables}
    with in_time():
        rendering = render(template, values, on_missing=on_missing, escape=escape)
    assert (rendering.text is None) == bool(on_missing is OnMissing.FAIL and rendering.missing)
    assert set(rendering.missing) <= set(values)
