"""How many tokens a text is, and what a budget holds of it. How near it comes to a tokenizer: `bench/tokens.py`."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lead_memory.domain.conversation.tokens import estimate, fits, fitting_length

_SNIPPETS = [
    *("Olá", "não", "ções", "HELLO", "iPhone", "oou", "ea", "kkkkkk", "R$ 1.234,56", "https://a.br/b?c=d", "**", "…"),
    *(" ", "   ", "\t", "\n", "\r\n", "\0", "\u00a0", "\ud83d", "👩\u200d👧", "🇧🇷", "e\u0301"),
    *("привет", "שלום", "你好", "नमस्ते", "สวัสดี", "Straße"),
]
texts = st.lists(st.sampled_from(_SNIPPETS) | st.text(max_size=4)).map("".join)


def test_nothing_is_no_token() -> None:
    assert estimate("") == 0


@given(texts, texts)
def test_the_lines_of_a_text_may_be_counted_one_by_one(before: str, after: str) -> None:
    assert estimate(before + "\n" + after) == estimate(before) + 1 + estimate(after)


@given(texts, texts)
@example("a ", "b")
@example("\ud83d", "\ude00")
def test_what_is_appended_never_lowers_the_estimate(text: str, appended: str) -> None:
    assert estimate(text + appended) >= estimate(text)


@given(texts)
def test_a_text_has_at_most_as_many_tokens_as_bytes_and_some_unless_it_is_empty(text: str) -> None:
    assert bool(text) <= estimate(text) <= len(text.encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        # As the tokenizer of anthropic 0.38.0 splits them.
        ("Hi! I got the invoice but the amount looks wrong. Can you check?", 16),
        ("Qual o prazo de entrega para o CEP 50030-230? Preciso até sexta-feira.", 27),
        ("PEDIDO CANCELADO: https://loja.exemplo.com.br/pedidos/123?utm_source=x", 29),
        ("aGVsbG8gd29ybGQgdGhpcyBpcyBiYXNlNjQ=", 21),
        ("kkkkkkkkkk", 5),
        ("👩\u200d👩\u200d👧 😀 ❤\ufe0f", 17),
        ("你好。我想了解价格。", 9),
    ],
)
def test_what_people_write_is_estimated_at_a_tokenizers_count_or_above(text: str, tokens: int) -> None:
    assert tokens <= estimate(text) <= 2.5 * tokens


@given(texts, st.integers(0, 40))
def test_the_longest_beginning_that_fits_is_the_one_before_the_first_that_does_not(text: str, budget: int) -> None:
    length = fitting_length(text, budget)
    assert estimate(text[:length]) <= budget
    assert length == len(text) or estimate(text[: length + 1]) > budget


@given(texts, st.integers(0, 40))
def test_a_text_fits_where_its_estimate_does(text: str, budget: int) -> None:
    assert fits(text, budget) == (estimate(text) <= budget)


@pytest.mark.parametrize("character", ["a", " ", "\n", "...", "1", "😀", "a ", "e\u0301", "A"])
def test_no_budget_has_a_text_of_a_megabyte_read(character: str) -> None:
    text = character * 1_000_000
    assert not fits(text, 10)
    assert fitting_length(text, 10) == fitting_length(text[:200], 10) < 200
