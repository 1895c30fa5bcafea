"""L5: what an agent is reminded of first when a lead returns, and when it is not."""

from datetime import timedelta

import pytest

from lead_memory.domain.conversation.layers import Layer, Why
from lead_memory.domain.conversation.settings import ConversationSettings, CrossChannel
from lead_memory.domain.events import Event
from lead_memory.services.context import Answer
from tests.events import START
from tests.unit.context.fakes import ask, happened, message

JOIN = ConversationSettings(cross_channel=CrossChannel.JOIN)
SECOND = 1 / timedelta(days=1).total_seconds()
ALERT = "---\n⚠️ **REACTIVATION ALERT**\nCONTEXT: This lead went quiet for"
THREE = [message(0, "Is it for teams?"), message(0.01, "Yes.", from_lead=False), message(0.02, "I will ask my boss.")]
PREPARED = happened(
    "thread.reactivation_prepared",
    1.02,
    thread_id="t",
    text="They wait for a boss.",
    message_count=3,
    written_by="model",
)
WEEK = 7.02


def profile(days: float) -> Event:
    known = {"currentStage": "decision"}
    return happened("memory.inferred", days, memory_type="fact", key="contact_profile", value=known, confidence=0.9)


def returning(story: list[Event], days: float, settings: ConversationSettings | None = None) -> Answer:
    return ask(story, START + timedelta(days=days), settings=settings)


def alert(answer: Answer) -> str | None:
    """What is between its lines; it comes first."""
    included = answer.context.layers[Layer.REACTIVATION].included
    assert included == answer.context.text.startswith(ALERT)
    assert included == (answer.context.silence is not None)
    return answer.context.text.removeprefix(ALERT).partition("\n---")[0].strip() if included else None


@pytest.mark.parametrize(("silence", "is_long"), [(7.0, False), (7 + SECOND, True)])
@pytest.mark.parametrize("written", [True, False], ids=["when they write", "before they write"])
def test_a_silence_of_more_than_seven_days_is_said_first(silence: float, is_long: bool, written: bool) -> None:
    back_at = 0.02 + silence
    story = [*THREE, message(back_at, "Hi again")] if written else THREE
    assert alert(returning(story, back_at)) == ("7 days." if is_long else None)


@pytest.mark.parametrize("before", [1, 2, 3])
def test_only_a_thread_of_three_messages_is_one_to_return_to(before: int) -> None:
    story = [*THREE[3 - before :], message(WEEK + 1, "Hi again")]
    assert (alert(returning(story, WEEK + 1)) is not None) is (before == 3)
    assert (alert(returning(story[:-1], WEEK + 1)) is not None) is (before == 3)


@pytest.mark.parametrize("from_lead", [True, False])
def test_it_ends_with_the_next_message(from_lead: bool) -> None:
    story = [*THREE, message(WEEK + 1, "Hi again"), message(WEEK + 1.01, "…", from_lead=from_lead)]
    answer = returning(story, WEEK + 1.01)
    assert alert(answer) is None
    assert answer.context.layers[Layer.REACTIVATION].why is Why.NOT_RETURNING


def test_a_lead_whom_we_wrote_after_the_silence_has_not_returned() -> None:
    assert alert(returning([*THREE, message(WEEK + 1, "Still there?", from_lead=False)], WEEK + 1)) is None


def test_what_was_prepared_when_the_lead_fell_silent_is_told_on_their_return() -> None:
    told = "8 days. They wait for a boss."
    assert alert(returning([*THREE, PREPARED], WEEK + 1)) == told
    assert alert(returning([*THREE, PREPARED, message(WEEK + 1)], WEEK + 1)) == told


def summarized(days: float) -> Event:
    said = {"summary": "Asked about teams.", "message_count": 3, "written_by": "model"}
    return happened("thread.summarized", days, thread_id="t", **said)


@pytest.mark.parametrize(
    ("news", "told"),
    [
        (profile(2), "They were in the decision stage."),
        (summarized(2), "Asked about teams."),
    ],
    ids=["profile", "summary"],
)
def test_what_was_prepared_before_other_news_is_made_anew(news: Event, told: str) -> None:
    assert alert(returning([*THREE, PREPARED, news], WEEK + 1)) == f"8 days. {told}"


@pytest.mark.parametrize("news", [profile(1), summarized(1.02)], ids=["profile", "summary"])
def test_what_was_prepared_of_the_newest_is_fresh(news: Event) -> None:
    assert alert(returning([*THREE, news, PREPARED], WEEK + 1)) == "8 days. They wait for a boss."


def test_what_was_prepared_before_a_silence_is_stale_in_the_next() -> None:
    goes_on = [message(2, "Boss said yes."), message(2.01, "Great.", from_lead=False)]
    assert alert(returning([*THREE, PREPARED, *goes_on], 10)) == "7 days."


ELSEWHERE = message(WEEK + 1, "Hi, by mail now", thread_id="mail", channel="email")


def test_a_lead_who_returns_on_another_channel_returns_to_the_threads_that_are_joined() -> None:
    now = START + timedelta(days=WEEK + 1)
    story = [*THREE, PREPARED, ELSEWHERE]
    assert alert(ask(story, now, settings=JOIN, thread_id="mail")) == "8 days. They wait for a boss."
    assert alert(ask(story, now, thread_id="mail")) is None


def test_who_spoke_on_another_channel_meanwhile_was_not_away_where_threads_are_joined() -> None:
    story = [*THREE, message(WEEK, thread_id="mail", channel="email"), message(WEEK + 1, "Hi again")]
    assert alert(returning(story, WEEK + 1, JOIN)) is None
    assert alert(returning(story, WEEK + 1)) == "8 days."
