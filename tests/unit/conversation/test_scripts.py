"""The scripted conversation: what it has to show, how it is moved in time, and what the demo may not show of it."""

import json
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_memory.domain.conversation.notes import Category
from lead_memory.domain.conversation.settings import Cohort
from lead_memory.domain.conversation.threads import RETURNS_AFTER
from lead_memory.domain.events import parse
from lead_memory.domain.payloads.conversation import ConversationMessage, NoteEdited, NotePinned, ThreadResolved
from lead_memory_client.answers import AgentContext, Freshness
from lead_memory_client.demo_conversation import ACCOUNT, ALERT, PROFILE, SCRIPT, THREAD, check
from lead_memory_client.demo_events import DemoFailed, moved, occurred_at
from lead_memory_client.entries import read_entries
from tests.events import LEAD, NOW, body

EVENTS = [parse(body(entry), NOW) for entry in json.loads(SCRIPT.read_text())]
MESSAGES = [event.data for event in EVENTS if isinstance(event.data, ConversationMessage)]
SPANS = [later.occurred_at - earlier.occurred_at for earlier, later in pairwise(EVENTS)]


def test_it_is_of_one_lead_in_times_order_and_no_event_is_there_twice() -> None:
    assert len({event.lead for event in EVENTS}) == 1
    assert len({event.ref for event in EVENTS}) == len(EVENTS)
    assert min(SPANS) > timedelta(0)


def test_the_lead_is_silent_for_two_weeks_once_and_returns_with_a_message() -> None:
    *before, silence = SPANS
    assert max(before) < RETURNS_AFTER
    assert timedelta(days=14) <= silence < timedelta(days=15)
    assert timedelta(days=21) <= sum(before, timedelta(0)) < timedelta(days=22)
    assert EVENTS[-1].event_type == "conversation.message_received"
    assert {MESSAGES[0].thread_id, MESSAGES[-1].thread_id} == {THREAD}


def test_it_has_two_channels_and_messages_of_every_kind() -> None:
    assert 25 <= len(MESSAGES) <= 40
    assert {message.channel for message in MESSAGES} == {"whatsapp", "email"}
    assert any(message.attachments and not message.text for message in MESSAGES)
    assert any(len(message.text) > 500 for message in MESSAGES)
    assert any("\N{PERSON WITH FOLDED HANDS}" in message.text for message in MESSAGES)


def test_it_has_a_source_for_every_layer() -> None:
    noted = [event.data for event in EVENTS if isinstance(event.data, NotePinned)]
    assert {note.category for note in noted} == set(Category)
    assert {note.thread_id for note in noted} == {None, THREAD}
    [resolved] = [event.data for event in EVENTS if isinstance(event.data, ThreadResolved)]
    assert resolved.thread_id != THREAD
    assert None not in (resolved.topic, resolved.resolution, resolved.sentiment)
    # The contact's profile is for the extractor to read in the messages.
    types = {event.event_type for event in EVENTS}
    assert "memory.inferred" not in types
    assert types >= {"order.paid", "preference.expressed"}


@given(st.timedeltas(-timedelta(days=2000), timedelta(days=2000)))
def test_every_time_in_it_moves_and_nothing_else(by: timedelta) -> None:
    script = read_entries([SCRIPT])
    there = moved(script, by, LEAD)
    assert {entry.name.lead.lead_id for entry in there} == {LEAD}
    assert [occurred_at(entry) - by for entry in there] == [occurred_at(entry) for entry in script]
    [ends] = [entry.detail["data"]["expires_at"] for entry in there if "expires_at" in entry.detail["data"]]
    assert by == timedelta(0) or ends not in SCRIPT.read_text()
    assert moved(there, -by, script[0].name.lead.lead_id) == script


NOTES = {event.data.note_id: event.data for event in EVENTS if isinstance(event.data, NotePinned | NoteEdited)}
LIVE = [note.content for note in NOTES.values() if note.content and not note.expires_at]
READ = [PROFILE, ACCOUNT]
"""What the extractor reads in the messages."""
[OVER] = [note.content for note in NOTES.values() if note.content and note.expires_at]


def check_text(text: str, *, returns: bool = True, max_tokens: int = 3500) -> None:
    freshness = Freshness(last_message_at=None, summarized_at=None, messages_since_summary=0, profile_updated_at=None)
    told = AgentContext(
        text=text,
        layers={},
        total_tokens=0,
        max_tokens=max_tokens,
        cohort=Cohort.FULL,
        lead_known=True,
        thread_known=True,
        joined_threads=(),
        freshness=freshness,
        reactivation_days=None,
        requests=0,
        milliseconds=0.0,
    )
    check(read_entries([SCRIPT]), told, returns=returns)


def test_the_demo_shows_a_context_with_every_note_and_with_the_alert_of_who_returns() -> None:
    check_text("\n".join([ALERT, *LIVE, *READ]))
    check_text("\n".join([*LIVE, *READ]), returns=False)


@pytest.mark.parametrize("lost", LIVE)
def test_the_demo_fails_where_a_note_is_not_in_the_context(lost: str) -> None:
    with pytest.raises(DemoFailed, match="every note"):
        check_text("\n".join([ALERT, *(note for note in LIVE if note != lost)]))


@pytest.mark.parametrize(
    ("text", "returns", "max_tokens"),
    [
        ([ALERT, OVER, *LIVE, *READ], True, 3500),
        ([*LIVE, *READ], True, 3500),
        ([*LIVE, *READ, ALERT], True, 3500),
        ([ALERT, *LIVE, *READ], False, 3500),
        ([ALERT, *LIVE, *READ], True, 20),
        ([ALERT, *LIVE, PROFILE], True, 3500),
        ([ALERT, *LIVE, ACCOUNT], True, 3500),
    ],
    ids=[
        "a note that is over",
        "no alert",
        "the alert last",
        "an alert without a silence",
        "over the budget",
        "no account",
        "no profile",
    ],
)
def test_the_demo_fails_for_a_context_that_breaks_a_promise(text: list[str], returns: bool, max_tokens: int) -> None:
    with pytest.raises(DemoFailed):
        check_text("\n".join(text), returns=returns, max_tokens=max_tokens)
