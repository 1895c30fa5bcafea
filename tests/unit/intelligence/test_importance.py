"""The score that says whether a conversation is worth a model's time."""

import json
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_memory.domain.intelligence.importance import WORTH_ASKING, importance
from lead_memory.domain.intelligence.lines import Line
from tests.unit.intelligence.conversations import conversation

DEMO = json.loads((Path(__file__).parents[3] / "events" / "conversations" / "premium_plan.json").read_text())
TEXTS = [text for each in DEMO if (text := each["Detail"]["data"].get("text"))]
SMALL_TALK = ["ok", "thanks 👍", "bom dia", "Combinado! Boa semana 🙏", "Que rápido, muito obrigada!", "São 40.", "😂"]
said = st.tuples(
    st.sampled_from(["lead", "us", "old lead", "old us"]), st.sampled_from([*TEXTS, *SMALL_TALK]) | st.text()
).map(": ".join)
conversations = st.lists(said, max_size=8)


def score(lines: list[Line], *, requested: bool = False, due: bool = False) -> int:
    return importance(lines, requested, due)


@given(conversations, said, st.booleans(), st.booleans())
def test_a_further_message_never_lowers_it(before: list[str], more: str, requested: bool, due: bool) -> None:
    first, then = (importance(conversation(*texts), requested, due) for texts in (before, [*before, more]))
    assert 0 <= first <= then <= 100


@given(conversations, st.randoms())
def test_it_depends_on_what_is_said_and_not_on_the_order(texts: list[str], random: Random) -> None:
    shuffled = texts.copy()
    random.shuffle(shuffled)
    assert score(conversation(*texts)) == score(conversation(*shuffled))


@given(conversations)
def test_what_is_asked_for_has_the_most(texts: list[str]) -> None:
    assert score(conversation(*texts), requested=True) == 100


@given(st.lists(st.sampled_from(SMALL_TALK), max_size=50))
def test_small_talk_is_never_worth_asking(texts: list[str]) -> None:
    assert score(conversation(*(f"lead: {text}" for text in texts)), due=True) < WORTH_ASKING


@pytest.mark.parametrize("number", ["01", "05", "07", "11", "13"])
def test_a_substantive_message_of_the_demo_is_worth_asking(number: str) -> None:
    [text] = [
        each["Detail"]["data"]["text"]
        for each in DEMO
        if each["Source"] == "whatsapp" and each["Detail"]["metadata"]["event_id"] == f"helena-{number}"
    ]
    assert score(conversation(f"lead: {text}")) >= WORTH_ASKING


def test_what_was_looked_at_before_and_what_we_say_count_for_nothing() -> None:
    assert score(conversation("old lead: Our budget is R$ 500", "us: The premium plan is R$ 500 a month")) == 0


def test_an_id_that_we_give_is_worth_asking() -> None:
    assert score(conversation("us: I found the Acme Corp account with ID 001234")) >= WORTH_ASKING


def test_the_points_are_those_of_the_formula() -> None:
    # A topic and 5 for the budget, an amount, a message.
    assert score(conversation("lead: Our budget is R$ 500")) == 20 + 5 + 10 + 1
