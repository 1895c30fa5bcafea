from decimal import Decimal
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_memory.domain.templates.filters import FILTERS, Filter
from lead_memory.domain.templates.render import Escape, OnMissing, Rendering, render
from lead_memory.domain.templates.syntax import parse
from lead_memory.domain.templates.variables import Reason

NO_BREAK_SPACE = "\u00a0"
SAO_PAULO_MIDNIGHT = "2026-02-04T02:30:00Z"

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=3), children, max_size=3),
    max_leaves=5,
)
arguments = {"default": ': "x"', "truncate": ": 5", "date": ': "short"', "money": ': "BRL", "pt_BR"'}


def rendering(filters: str, value: Any) -> Rendering:
    template = parse("{{fact.x.y | " + filters + "}}")
    return render(template, {"fact.x.y": value}, on_missing=OnMissing.FAIL, escape=Escape.NONE)


@pytest.mark.parametrize(
    ("filters", "value", "text"),
    [
        ('default: "you"', "", "you"),
        ('default: "you"', "Ana", "Ana"),
        ("default: 0", Reason.NULL, "0"),
        ("default: 1.50", Reason.NULL, "1.50"),
        ('default: "no"', False, "false"),
        ("upcase", "são", "SÃO"),
        ("downcase", "SÃO", "são"),
        ("capitalize", "ANA souza", "Ana souza"),
        ("strip", " \n Ana\u00a0", "Ana"),
        ("truncate: 9", "Whey Protein 1kg", "Whey P..."),
        ("truncate: 16", "Whey Protein 1kg", "Whey Protein 1kg"),
        ('truncate: 5, "…"', "Whey Protein", "Whey…"),
        ('truncate: 4, ""', "Whey Protein", "Whey"),
        ("truncate: 2", "Whey", ".."),
        ("join", ["a", 1, None, Decimal("2.50")], "a, 1, 2.50"),
        ('join: " e "', ["café", "chá"], "café e chá"),
        ('join | default: "nothing"', [], "nothing"),
        ("first", ["a", "b"], "a"),
        ("last | upcase", ["a", "b"], "B"),
        ("url_encode", "Ana & João/50%", "Ana%20%26%20Jo%C3%A3o%2F50%25"),
        ('money: "BRL", "pt_BR"', Decimal("189.90"), f"R${NO_BREAK_SPACE}189,90"),
        ('money: "BRL", "pt-BR"', "189.9", f"R${NO_BREAK_SPACE}189,90"),
        ('money: "JPY"', Decimal("1500.4"), "¥1,500"),
        ('money: "USD"', Decimal("-1234.5"), "-$1,234.50"),
        ('number: "pt_BR"', Decimal("1234567.891234"), "1.234.567,891234"),
        ("number", 1234, "1,234"),
        ('date: "dd/MM/yyyy", "pt_BR"', SAO_PAULO_MIDNIGHT, "04/02/2026"),
        ('date: "dd/MM/yyyy HH:mm", "pt_BR", "America/Sao_Paulo"', SAO_PAULO_MIDNIGHT, "03/02/2026 23:30"),
        ('date: "short", "pt_BR", "America/Sao_Paulo"', SAO_PAULO_MIDNIGHT, "03/02/2026"),
        ('date: "long", "pt_BR"', "2026-02-03", "3 de fevereiro de 2026"),
        ('date: "medium"', "2026-02-03", "Feb 3, 2026"),
        ('date: "dd/MM", "pt_BR", "America/Sao_Paulo"', "2026-02-03", "03/02"),
        ('date: "HH:mm"', "2026-02-03T14:05:11-03:00", "17:05"),
    ],
)
def test_a_filter_prints(filters: str, value: Any, text: str) -> None:
    assert rendering(filters, value).text == text


@pytest.mark.parametrize(
    ("filters", "value", "reason"),
    [
        ('date: "short"', "abc", Reason.FILTER_FAILED),
        ('date: "short"', 20260203, Reason.FILTER_FAILED),
        ('date: "short", "en", "Asia/Tokyo"', "9999-12-31T23:59:59Z", Reason.FILTER_FAILED),
        ('money: "BRL"', "R$ 10", Reason.FILTER_FAILED),
        ('money: "BRL"', True, Reason.FILTER_FAILED),
        ("number", Decimal("1E+400"), Reason.FILTER_FAILED),
        ("number", "NaN", Reason.FILTER_FAILED),
        ("upcase", ["a"], Reason.FILTER_FAILED),
        ("join", "abc", Reason.FILTER_FAILED),
        ("join", [{"a": 1}], Reason.FILTER_FAILED),
        ("first", "abc", Reason.FILTER_FAILED),
        ("first", [], Reason.NULL),
        ("last", [None], Reason.NULL),
        ("first", [{"name": "Whey"}], Reason.NOT_TEXT),
        ("url_encode", "\ud800", Reason.FILTER_FAILED),
    ],
)
def test_a_value_that_a_filter_cannot_handle_is_missing_with_a_reason(filters: str, value: Any, reason: Reason) -> None:
    assert rendering(filters, value).missing == {"fact.x.y": reason}


@pytest.mark.parametrize("name", FILTERS)
def test_no_filter_raises_for_any_value(name: str) -> None:
    @given(json_values)
    def renders_or_has_a_reason(value: Any) -> None:
        result = rendering(name + arguments.get(name, ""), Reason.NULL if value is None else value)
        assert (result.text is None) == bool(result.missing)

    renders_or_has_a_reason()


def test_an_error_of_any_kind_in_a_filter_is_that_values_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: Any) -> Any:
        raise KeyError("value")

    monkeypatch.setitem(FILTERS, "fails", Filter(fails))
    assert rendering("fails", "a").missing == {"fact.x.y": Reason.FILTER_FAILED}
    assert rendering('fails | default: "x"', "a").text == "x"


@given(st.text(), st.integers(1, 12))
def test_a_truncated_text_is_never_longer_than_asked_and_keeps_its_beginning(text: str, length: int) -> None:
    cut = rendering(f'truncate: {length}, "…"', text).text
    assert cut is not None
    assert len(cut) <= length
    assert cut == text or text.startswith(cut.removesuffix("…"))


@pytest.mark.parametrize("whole", ["e\u0301", "👩\u200d🚀", "👍🏽", "🇧🇷", "❤\ufe0f"])
def test_truncating_never_cuts_through_what_is_drawn_as_one_character(whole: str) -> None:
    cuts = {rendering(f'truncate: {length}, ""', "ab" + whole + "cd").text for length in range(1, 20)}
    whole_cuts = ["a", "ab", "ab" + whole, "ab" + whole + "c", "ab" + whole + "cd"]
    assert cuts == set(whole_cuts)


@given(st.text())
def test_a_url_encoded_text_decodes_to_itself(text: str) -> None:
    assert unquote(rendering("url_encode", text).text or "") == text
