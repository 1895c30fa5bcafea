"""How many of the newest messages a context has, and how much of each."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_memory.domain.conversation.cutting import CUT
from lead_memory.domain.conversation.messages import Message
from lead_memory.domain.conversation.recent import Recent, Written, newest
from lead_memory.domain.conversation.tokens import estimate
from tests.events import START
from tests.unit.conversation.states import texts

SENTENCE = "We need it for a team of twelve. "
AROUND = 1


def message(
    text: str, place: int = 0, whole_characters: int | None = None, attachments: tuple[str, ...] = ()
) -> Message:
    return Message(
        at=START + timedelta(minutes=place),
        from_lead=True,
        channel="sms",
        text=text,
        whole_characters=whole_characters,
        attachments=attachments,
    )


def written(message: Message) -> Written:
    return "Ana:", f" {message.said}"


def recent(texts: list[str], budget_tokens: int = 2_000) -> Recent:
    return newest([message(text, place) for place, text in enumerate(texts)], budget_tokens, written, AROUND)


def tokens(found: Recent) -> int:
    return sum(estimate(said.text) + AROUND for said in found.said)


@pytest.mark.parametrize(("tokens_of_each", "many"), [(50, 15), (130, 15), (140, 14), (190, 10), (390, 5), (700, 5)])
def test_it_has_as_many_as_have_2000_tokens_from_5_to_15(tokens_of_each: int, many: int) -> None:
    text = ("ta " * tokens_of_each).strip()
    while estimate(f"Ana: {text}") + AROUND > tokens_of_each:
        text = text[:-3]
    found = recent([text] * 20, budget_tokens=10_000)
    assert len(found.said) == many
    assert not found.truncated


def test_where_the_budget_has_no_room_for_all_each_gets_what_a_fifth_for_each_older_one_leaves() -> None:
    found = recent([SENTENCE * 40] * 5 + ["Short.", SENTENCE * 40, "Last."], 200)
    assert [said.text.endswith(CUT) for said in found.said][-3:] == [False, True, False]
    assert all(said.text.endswith(CUT) for said in found.said[:-3])
    assert 150 < found.tokens <= 200
    assert found.truncated


def test_the_only_message_has_all_the_room() -> None:
    found = recent([SENTENCE * 40], 200)
    assert 180 < found.tokens <= 200


def test_a_long_message_ends_with_a_sentence_and_says_that_it_goes_on() -> None:
    [said] = recent([SENTENCE * 40], 50).said
    assert said.text == f"Ana: {SENTENCE * 4}".rstrip() + CUT


def test_what_was_kept_of_a_message_says_that_there_was_more_and_what_came_with_it() -> None:
    kept = message("The beginning", whole_characters=9_000, attachments=("photo.jpg",))
    found = newest([kept], 2_000, written, AROUND)
    assert [said.text for said in found.said] == [f"Ana: The beginning{CUT}\n[attachment: photo.jpg]"]
    assert found.truncated


@pytest.mark.parametrize("text", ["x" * 9_000, "价" * 9_000])
def test_a_message_without_a_pause_is_more_than_who_said_it(text: str) -> None:
    [said] = recent([text]).said
    assert len(said.text) > 200


@pytest.mark.parametrize("budget_tokens", [-50, 0, 5])
def test_without_room_there_are_none(budget_tokens: int) -> None:
    assert recent([SENTENCE], budget_tokens) == Recent([], 0, truncated=True)
    assert recent([], budget_tokens) == Recent([], 0, truncated=False)


@given(st.lists(texts, max_size=20), st.integers(-10, 3_000))
def test_its_tokens_are_those_of_what_is_written_and_within_the_budget(texts: list[str], budget_tokens: int) -> None:
    found = recent(texts, budget_tokens)
    assert found.tokens == tokens(found) <= max(0, budget_tokens)


@given(st.lists(texts, max_size=20), st.integers(-10, 3_000))
def test_what_is_not_truncated_is_whole(texts: list[str], budget_tokens: int) -> None:
    found = recent(texts, budget_tokens)
    newest_texts = [f"Ana: {text}" for text in texts[len(texts) - len(found.said) :]]
    assert found.truncated or [said.text for said in found.said] == newest_texts
    assert found.truncated or len(found.said) >= min(5, len(texts))
