"""Where a text that is too long ends."""

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_memory.domain.conversation.cutting import CUT, cut, first_characters
from lead_memory.domain.conversation.tokens import estimate
from lead_memory.domain.drawn import whole_length

_DRAWN_AS_ONE = [
    "e\u0301",
    "👩\u200d👩\u200d👧\u200d👦",
    "👍🏽",
    "🇧🇷",
    "❤\ufe0f",
    "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "한",
    "ß",
]
_words = st.sampled_from(
    [*_DRAWN_AS_ONE, "Olá", "preço", "3.14", "shop.com", "مرحبا", "שלום", "你好", "e-mail", "x" * 50]
)
_ends = st.sampled_from([" ", "  ", "\n", "\n\n", ". ", "! ", "?\n", '." ', "。", "؟ ", "। ", "… ", "", "\r\n"])
texts = st.lists(st.builds(str.__add__, _words, _ends), max_size=30).map("".join)
any_texts = texts | st.text()
budgets = st.integers(0, 60)
marks = st.sampled_from([CUT, " [...]", "\n(more)"])


@given(any_texts, budgets, marks)
def test_the_result_is_within_the_budget_and_is_the_beginning_and_the_mark(text: str, budget: int, mark: str) -> None:
    result = cut(text, budget, mark)
    if estimate(text) <= budget:
        assert result == text
    elif result is not None:
        assert estimate(result) <= budget
        assert result.endswith(mark)
        assert text.startswith(result.removesuffix(mark))
        assert result.removesuffix(mark).strip()


@given(any_texts, budgets)
def test_cutting_again_changes_nothing(text: str, budget: int) -> None:
    once = cut(text, budget)
    assert once is None or cut(once, budget) == once


@given(any_texts, budgets, st.integers(0, 20))
def test_a_larger_budget_never_gives_less(text: str, budget: int, more: int) -> None:
    small, large = (cut(text, each) for each in (budget, budget + more))
    assert small is None or large is not None
    assert large in (None, text) or len(large) >= len(small or "")


@given(texts, st.integers(0, 60))
def test_no_word_is_cut_where_a_whole_one_fits(text: str, characters: int) -> None:
    beginning = first_characters(text, characters)
    first_word = text[: len(text) - len(text.lstrip())] + "".join(text.split()[:1])
    if len(beginning) < len(text) and len(first_word) <= characters:
        after = text[len(beginning)]
        assert after.isspace() or unicodedata.category(beginning[-1]) in ("Po", "Pf")


@given(any_texts, st.integers(0, 60))
def test_the_first_characters_are_no_more_than_asked(text: str, characters: int) -> None:
    beginning = first_characters(text, characters)
    assert text.startswith(beginning)
    assert len(beginning) <= characters
    assert len(text) > characters or beginning == text
    assert first_characters(beginning, characters) == beginning


@given(st.lists(st.sampled_from(_DRAWN_AS_ONE), min_size=1), st.integers(0, 60))
def test_nothing_that_is_drawn_as_one_character_is_cut_in_two(drawn: list[str], characters: int) -> None:
    beginnings = {"".join(drawn[:count]) for count in range(len(drawn) + 1)}
    assert first_characters("".join(drawn), characters) in beginnings
    result = cut("".join(drawn), characters)
    assert result is None or result.removesuffix(CUT) in beginnings - {""}


@given(st.lists(st.sampled_from(_DRAWN_AS_ONE), min_size=1))
def test_the_most_whole_characters_are_kept(drawn: list[str]) -> None:
    text = "".join(drawn)
    ends = [len("".join(drawn[:count])) for count in range(len(drawn) + 1)]
    for whole, following in pairwise(ends):
        assert {whole_length(text, length) for length in range(whole, following)} == {whole}
    assert whole_length(text, len(text) + 5) == len(text)


@pytest.mark.parametrize(
    ("text", "characters", "kept"),
    [
        ("I need ten. Can you send them today?", 30, "I need ten."),
        ("I need ten! (Really.) Can you send", 30, "I need ten! (Really.)"),
        ("It costs 3.14 at shop.com today and", 25, "It costs 3.14 at shop.com"),
        ("It costs 3.14 at shop.com today and", 24, "It costs 3.14 at"),
        ("Dear Ana\n\nthank you for the order", 30, "Dear Ana"),
        ("Dear Ana\r\n \r\nthank you for the order", 30, "Dear Ana"),
        ("Recebi o boleto errado", 21, "Recebi o boleto"),
        ("Recebi o boleto", 15, "Recebi o boleto"),
        ("\n\n  Recebi o boleto errado", 12, "\n\n  Recebi o"),
        ("价格是多少？我想买两个。谢谢", 10, "价格是多少？"),  # noqa: RUF001
        ("他说：「好。」然后走了很远", 9, "他说：「好。」"),  # noqa: RUF001
        ("我想了解你们的价格", 4, "我想了解"),
        ("كم السعر؟ أريد اثنين من فضلك", 20, "كم السعر؟"),
        ("कीमत क्या है। मुझे दो चाहिए", 20, "कीमत क्या है।"),
        ("Wait… what is the price", 20, "Wait…"),
        ("x" * 200, 5, "xxxxx"),
        ("👩\u200d👩\u200d👧 family", 4, ""),
    ],
)
def test_a_text_ends_where_a_reader_pauses(text: str, characters: int, kept: str) -> None:
    assert first_characters(text, characters) == kept


def test_a_text_that_was_cut_says_so() -> None:
    assert cut("Olá, tudo bem? Gostaria de saber o preço e o prazo de entrega.", 20) == "Olá, tudo bem? … [cut]"


@pytest.mark.parametrize("budget", [-1, 0, 1, estimate(CUT)])
def test_nothing_is_left_where_only_the_mark_would_fit(budget: int) -> None:
    assert cut("Olá, tudo bem? Gostaria de saber o preço.", budget) is None


@pytest.mark.parametrize(
    "unit",
    ["hello ", "x", ".", ".)", " ", "\n", "a\n ", "e\u0301", "\u0301", "\u200d", "🇧🇷", "👍🏽", "好", "。", "\ud83d"],
)
def test_of_a_megabyte_only_the_beginning_is_looked_at(unit: str) -> None:
    """It is cut as its beginning alone is, whatever comes after."""
    text = unit * (1_000_000 // len(unit))
    assert cut(text, 60) == cut(text[:2_000], 60)
    assert first_characters(text, 500) == first_characters(text[:600], 500)
