from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_memory.domain.templates.render import Escape, OnMissing, Rendering, render
from lead_memory.domain.templates.syntax import parse
from lead_memory.domain.templates.variables import Reason

reasons = st.sampled_from(Reason)
plain = st.text().filter(lambda text: "{{" not in text and "{%" not in text and not text.endswith("{"))


def rendering(
    text: str,
    *values: Any,
    on_missing: OnMissing = OnMissing.FAIL,
    escape: Escape = Escape.NONE,
) -> Rendering:
    """Renders with the values given to the template's distinct variables, in order."""
    template = parse(text)
    names = dict.fromkeys(variable.name for variable in template.variables)
    return render(template, dict(zip(names, values, strict=True)), on_missing=on_missing, escape=escape)


def test_the_specifications_template_renders_to_the_specifications_message() -> None:
    text = (
        "Hi {{lead.name}}, I noticed you purchased {{purchase.last_transaction.product_name}} "
        "for R${{purchase.last_transaction.amount}}. "
        "You found us through {{form.sat_survey_2026:how_did_you_find_us.answer}}, right?"
    )
    message = rendering(text, "Ana Souza", "Whey Protein 1kg", Decimal("189.90"), "Instagram").text
    assert message == (
        "Hi Ana Souza, I noticed you purchased Whey Protein 1kg for R$189.90. You found us through Instagram, right?"
    )


@given(plain)
def test_a_text_without_tags_renders_to_itself(text: str) -> None:
    assert rendering(text).text == text


@given(plain, st.text(), plain)
def test_a_value_is_inserted_as_it_is_whatever_braces_it_holds(before: str, value: str, after: str) -> None:
    assert rendering(before + "{{lead.name}}" + after, value).text == before + value + after


def test_a_value_that_looks_like_a_tag_is_never_expanded() -> None:
    assert rendering("{{lead.name}} {{lead.city}}", "{{lead.city}}", "Recife").text == "{{lead.city}} Recife"


@given(st.text())
def test_escaped_values_hold_no_markup_and_say_the_same(value: str) -> None:
    text = rendering("<b>{{lead.name}}</b>", value, escape=Escape.HTML).text
    assert text is not None
    inside = text.removeprefix("<b>").removesuffix("</b>")
    assert not set(inside) & set("<>\"'")
    assert unescape(inside) == unescape(value.replace("&", "&amp;"))


def test_escaping_comes_after_the_filters_and_leaves_kept_tags_alone() -> None:
    kept = rendering(
        '{{lead.name | upcase}} {{lead.city | default: ""}} {{lead.x | join: "<"}}',
        "a&b",
        "<",
        Reason.NULL,
        on_missing=OnMissing.KEEP,
        escape=Escape.HTML,
    )
    assert kept.text == 'A&amp;B &lt; {{lead.x | join: "<"}}'


@given(reasons)
def test_a_missing_variable_fails_blanks_or_keeps_its_tag_as_asked(reason: Reason) -> None:
    text = "Hi {{ lead.name | upcase }}!"
    missing = {"lead.name": reason}
    assert rendering(text, reason, on_missing=OnMissing.FAIL) == Rendering(None, missing, {})
    assert rendering(text, reason, on_missing=OnMissing.BLANK) == Rendering("Hi !", missing, {})
    assert rendering(text, reason, on_missing=OnMissing.KEEP) == Rendering(text, missing, {})


@given(reasons, st.sampled_from(OnMissing))
def test_a_default_stands_in_for_a_missing_value_whatever_the_reason(reason: Reason, on_missing: OnMissing) -> None:
    text = 'Hi {{lead.name | upcase | default: "you" | capitalize}}!'
    assert rendering(text, reason, on_missing=on_missing) == Rendering("Hi You!", {}, {"lead.name": reason})


def test_a_default_stands_in_for_a_filter_that_failed() -> None:
    text = '{{lead.born | date: "short" | default: "some day"}}'
    assert rendering(text, "abc") == Rendering("some day", {}, {"lead.born": Reason.FILTER_FAILED})


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        (Decimal("189.90"), "189.90"),
        (Decimal("1E+3"), "1000"),
        (Decimal("1E-7"), "0.0000001"),
        (12345678901234567890, "12345678901234567890"),
        (True, "true"),
        (False, "false"),
        (0, "0"),
        ("", ""),
    ],
)
def test_a_scalar_prints_as_it_was_written(value: Any, printed: str) -> None:
    assert rendering("{{fact.x.y}}", value).text == printed


@pytest.mark.parametrize("text", ["1e900000000", "-1e31", "1e-900000000", "0e900000000"])
def test_a_number_beyond_measure_is_no_text_rather_than_a_text_without_end(text: str) -> None:
    number = Decimal(text)
    assert rendering("{{fact.x.y}}", number).missing == {"fact.x.y": Reason.NOT_TEXT}
    assert rendering("{{fact.x.y | url_encode}}", number).missing == {"fact.x.y": Reason.FILTER_FAILED}


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=6))
def test_a_decimal_prints_every_digit_and_no_exponent(value: Decimal) -> None:
    text = rendering("{{fact.x.y}}", value).text
    assert text is not None
    assert "E" not in text
    assert Decimal(text) == value


@pytest.mark.parametrize("value", [["a"], {"a": 1}, []])
def test_a_list_or_an_object_is_no_text(value: Any) -> None:
    assert rendering("{{fact.x.y}}", value).missing == {"fact.x.y": Reason.NOT_TEXT}


def test_a_path_goes_through_objects_and_lists() -> None:
    record = {
        "products": [{"name": "Whey"}, {"name": "Bar"}],
        "total": None,
        "0": "zero",
        "na\u00efve": "composed",
        "cafe\u0301": "decomposed",
    }
    found = {
        "products.0.name": "Whey",
        'products["1"].name': "Bar",
        "0": "zero",
        "total": Reason.NULL,
        "products.2.name": Reason.PATH_NOT_FOUND,
        "products.-1.name": Reason.PATH_NOT_FOUND,
        "products.name": Reason.PATH_NOT_FOUND,
        f"products.{'9' * 1000}": Reason.PATH_NOT_FOUND,
        "total.brl": Reason.PATH_NOT_FOUND,
        "Total": Reason.PATH_NOT_FOUND,
        "nai\u0308ve": "composed",
        "caf\u00e9": "decomposed",
    }
    for path, expected in found.items():
        [variable] = parse("{{purchase.last." + path + "}}").variables
        assert variable.find(record) is expected or variable.find(record) == expected, path
