"""A thread's memories, whatever its messages are and whatever else happens in it."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_memory.domain.conversation import names
from lead_memory.domain.conversation.messages import Message, messages_of
from lead_memory.domain.conversation.threads import (
    IDLE_AFTER,
    RETURNS_AFTER,
    RETURNS_TO,
    SUMMARIZED_AFTER,
    SUMMARIZED_EVERY,
    due_jobs,
    unsummarized,
)
from lead_memory.domain.events import Event
from lead_memory.domain.intelligence.jobs import Job
from lead_memory.domain.lifecycle import due_at
from lead_memory.domain.limits import MESSAGE_CHARACTERS, RECENT_CHARACTERS, RECENT_MESSAGES, THREADS_KEPT
from lead_memory.domain.memories import Memory, check_key
from lead_memory.domain.payloads.conversation import ConversationMessage
from lead_memory.domain.times import iso
from tests.events import START, evaluations, event, streams
from tests.unit.record.test_recorder_laws import folded

THREAD = "t"
OTHERS = ("a", "b", "c")
"""The threads of drawn streams."""

_number = iter(range(1_000_000))
CLOSED_AT = START + timedelta(hours=23)
"""For what was said in the first hour."""


def happened(at: datetime, event_type: str, **data: Any) -> Event:
    return event(event_type, {"thread_id": THREAD, **data}, event_id=f"e{next(_number):06}", at=at)


def message(at: datetime, *, from_lead: bool = True, **data: Any) -> Event:
    event_type = "conversation.message_received" if from_lead else "conversation.reply_sent"
    return happened(at, event_type, **{"channel": "sms", "text": "Oi!", **data})


def messages(count: int, *, since: datetime = START) -> list[Event]:
    """One a minute."""
    return [message(since + timedelta(minutes=minute)) for minute in range(count)]


def thread(*events: Event) -> Memory:
    return folded(list(events))[names.thread(THREAD)]


def recent(*events: Event) -> dict[str, Any]:
    return folded(list(events))[names.recent(THREAD)].value


def interactions(*events: Event) -> dict[str, Any]:
    return folded(list(events))[names.INTERACTIONS].value


def minutes(count: float) -> datetime:
    return START + timedelta(minutes=count)


# What is short-term


@given(st.lists(st.integers(0, 3 * MESSAGE_CHARACTERS), min_size=1, max_size=40))
def test_the_newest_messages_are_kept_as_many_as_their_length_allows(lengths: list[int]) -> None:
    texts = [("word " * length)[:length] for length in lengths]
    kept = messages_of(recent(*(message(minutes(minute), text=text) for minute, text in enumerate(texts))))
    fewest, most = RECENT_MESSAGES
    assert min(fewest, len(texts)) <= len(kept) <= most
    assert [each.at for each in kept] == [minutes(n) for n in range(len(texts) - len(kept), len(texts))]
    assert len(kept) <= fewest or sum(len(each.text) for each in kept) <= RECENT_CHARACTERS
    for each, text in zip(kept, texts[-len(kept) :], strict=True):
        assert len(each.text) <= MESSAGE_CHARACTERS
        assert text.startswith(each.text)
        assert each.whole_characters == (len(text) if len(each.text) < len(text) else None)


def test_short_messages_are_fifteen_and_long_ones_five() -> None:
    short = [message(minutes(n)) for n in range(40)]
    long = [message(minutes(n), text="word " * 1_000) for n in range(40)]
    assert (len(messages_of(recent(*short))), len(messages_of(recent(*long)))) == (15, 5)


def test_of_a_message_of_200_kb_the_beginning_is_kept_and_the_log_has_the_whole() -> None:
    text = "A sentence that says something. " * 6_500
    sent = message(START, text=text)
    [kept] = messages_of(recent(sent))
    assert (len(kept.text) <= MESSAGE_CHARACTERS, kept.text[-1], kept.whole_characters) == (True, ".", len(text))
    assert text.encode() in sent.data_json


def test_a_message_without_text_counts_and_stands_with_what_was_attached() -> None:
    events = [message(START, text="", attachments=["IMG_2207.jpg"]), message(minutes(1), text="")]
    assert [each.said for each in messages_of(recent(*events))] == ["[attachment: IMG_2207.jpg]", "[no text]"]
    assert thread(*events).value["message_count"] == 2


def test_channels_whose_clocks_differ_are_put_in_the_order_of_their_times() -> None:
    events = [message(minutes(2), channel="email"), message(minutes(1), channel="sms"), message(minutes(3))]
    assert [(each.at, each.channel) for each in messages_of(recent(*events))] == [
        (minutes(1), "sms"), (minutes(2), "email"), (minutes(3), "sms"),
    ]  # fmt: skip


def test_a_resolved_thread_has_no_short_term_memory_and_a_message_begins_another() -> None:
    resolved = [*messages(3), happened(minutes(3), "conversation.thread_resolved")]
    assert recent(*resolved) == {}
    assert messages_of(recent(*resolved, message(minutes(4)))) == [
        Message(at=minutes(4), from_lead=True, channel="sms", text="Oi!")
    ]


def test_a_day_of_silence_ends_the_short_term_memory() -> None:
    spoken = [*messages(2), happened(minutes(5), "conversation.intent_classified", intent="stock", topic="creatina")]
    memory = folded(spoken)[names.recent(THREAD)]
    assert (memory.value["intent"], memory.value["topic"]) == ("stock", "creatina")
    assert memory.expires_at == minutes(5) + IDLE_AFTER
    later = recent(*spoken, message(minutes(5) + IDLE_AFTER))
    assert (len(later["messages"]), "topic" in later) == (1, False)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=1_000).filter(str.strip))
def test_every_thread_id_names_memories_and_another_id_names_others(thread_id: str) -> None:
    kept = ConversationMessage(thread_id=thread_id, channel="sms").thread_id
    for name in (names.thread, names.recent, names.notes):
        check_key(name(kept).key)
        assert name(kept) not in {name(f"{kept}x"), name(f"~{kept}"), name(names.thread(kept).key)}
        assert name(name(kept).key.partition(":")[2]) == name(kept) or "~" in name(kept).key


# The thread itself


@given(streams())
def test_a_thread_counts_its_messages_and_is_open_unless_it_was_resolved_since_the_last(events: list[Event]) -> None:
    memories = folded(events)
    in_turn = sorted(events, key=lambda each: each.position)
    for thread_id in OTHERS:
        of_thread = [each for each in in_turn if getattr(each.data, "thread_id", None) == thread_id]
        sent = [
            each
            for each in of_thread
            if each.event_type in ("conversation.message_received", "conversation.reply_sent")
        ]
        if not sent:
            continue
        value = memories[names.thread(thread_id)].value
        assert value["message_count"] == len(sent)
        assert value["lead_message_count"] == sum(each.event_type.endswith("received") for each in sent)
        assert (value["first_message_at"], value["last_message_at"]) == (
            iso(sent[0].occurred_at),
            iso(sent[-1].occurred_at),
        )
        assert value.get("previous_message_at") == (iso(sent[-2].occurred_at) if sent[1:] else None)
        assert value["last_message_from"] == ("lead" if sent[-1].event_type.endswith("received") else "us")
        since = [each.event_type for each in of_thread[of_thread.index(sent[-1]) :]]
        assert value["status"] == ("resolved" if "conversation.thread_resolved" in since else "open")
        assert 0 <= value.get("summary", {}).get("message_count", 0) <= len(sent)


@given(st.lists(st.tuples(st.integers(0, 10), st.booleans()), min_size=1, max_size=12))
def test_a_lead_returns_after_a_silence_to_a_thread_that_had_begun_and_engages_by_an_answer(
    said: list[tuple[int, bool]],
) -> None:
    at, answered = START, False
    returned_at = engaged_at = None
    events = []
    for count, (days, from_lead) in enumerate(said):
        before, at = at, at + timedelta(days=days, minutes=1)
        if from_lead and count >= RETURNS_TO and at - before > RETURNS_AFTER:
            returned_at, engaged_at = at, None
        elif from_lead and returned_at and not engaged_at and answered:
            engaged_at = at
        answered = not from_lead
        events.append(message(at, from_lead=from_lead))
    value = thread(*events).value
    assert value.get("returned_at") == (returned_at and iso(returned_at))
    assert value.get("engaged_at") == (engaged_at and iso(engaged_at))


def test_a_message_after_a_thread_was_resolved_opens_it_again() -> None:
    resolved = happened(minutes(3), "conversation.thread_resolved", topic="creatina", resolution="will be told")
    assert thread(*messages(3), resolved).value["status"] == "resolved"
    value = thread(*messages(3), resolved, message(minutes(9))).value
    assert (value["status"], value["message_count"], value["topic"]) == ("open", 4, "creatina")
    assert not {"resolution", "resolved_at"} & value.keys()


# What is due for it


def test_a_summary_is_due_five_minutes_after_the_tenth_message_whatever_comes_then() -> None:
    assert due_at(thread(*messages(SUMMARIZED_EVERY - 1))) == CLOSED_AT
    tenth = minutes(SUMMARIZED_EVERY - 1)
    for count in (SUMMARIZED_EVERY, SUMMARIZED_EVERY + 3):
        assert due_at(thread(*messages(count))) == tenth + SUMMARIZED_AFTER


@pytest.mark.parametrize("event_type", ["thread.summary_requested", "conversation.thread_resolved"])
def test_a_summary_is_due_at_once_where_it_is_asked_for_and_where_the_thread_is_resolved(event_type: str) -> None:
    assert due_at(thread(*messages(4), happened(minutes(7), event_type))) == minutes(7)


def test_a_thread_that_was_summarized_is_due_for_its_reminder_after_a_day_of_silence() -> None:
    events = [*messages(3), written("thread.summarized", minutes(5), 3)]
    assert due_at(thread(*events)) == CLOSED_AT
    idle = minutes(2) + IDLE_AFTER
    assert due_at(thread(*events, written("thread.reactivation_prepared", idle, 3))) is None
    assert due_at(thread(*messages(2), written("thread.summarized", minutes(5), 2))) is None


def written(event_type: str, at: datetime, count: int) -> Event:
    text = {"summary" if event_type == "thread.summarized" else "text": "All is said."}
    return happened(at, event_type, message_count=count, written_by="offline", **text)


def outcome(job: str, status: str, until: datetime | None = None) -> dict[str, Any]:
    return {"job": job, "status": status} | ({"until": iso(until)} if until else {})


def evaluated(at: datetime, value: Mapping[str, Any], *outcomes: dict[str, Any]) -> Event:
    """Of a thread as it stands."""
    counts = {"message_count": value["message_count"], "lead_message_count": value.get("lead_message_count", 0)}
    return happened(
        at, "intelligence.evaluated", attempt_id=f"a{at}", importance_score=50, jobs=list(outcomes), **counts
    )


_claims = st.sampled_from([0, 2, 3, 10, 1_000])
_happenings: st.SearchStrategy[tuple[str, dict[str, Any]]] = st.one_of(
    st.sampled_from(["conversation.message_received", "conversation.reply_sent"]).map(
        lambda event_type: (event_type, {"channel": "sms", "text": "Oi!"})
    ),
    st.booleans().map(lambda full: ("thread.summary_requested", {"full": full})),
    st.just(("conversation.thread_resolved", {})),
    _claims.map(lambda n: ("thread.summarized", {"summary": "s", "message_count": n, "written_by": "a model"})),
    _claims.map(lambda n: ("thread.reactivation_prepared", {"text": "t", "message_count": n, "written_by": "a model"})),
    evaluations.map(lambda said: ("intelligence.evaluated", said | {"thread_id": THREAD})),
)


@given(st.lists(st.tuples(_happenings, st.sampled_from([0, 1, 30, 1_500, 15_000])), min_size=1, max_size=20))
def test_nothing_is_due_any_more_once_what_was_due_is_written(
    said: list[tuple[tuple[str, dict[str, Any]], int]],
) -> None:
    at, events = START, []
    for (event_type, data), later in said:
        at += timedelta(minutes=later)
        events.append(happened(at, event_type, **data))
    # A job may be due later than the one before, such as the reminder, and what was batched.
    for _ in range(len(Job)):
        memory = thread(*events)
        if (due := due_at(memory)) is None:
            break
        events += _written_when_due(memory, max(due, memory.newest.occurred_at + timedelta(microseconds=1)))
    memory = thread(*events)
    assert due_at(memory) is None
    left = unsummarized(memory.value) and memory.value["status"] == "open"
    assert not left or memory.value["evaluation"]["jobs"]["summary"]["status"] in ("skipped", "failed")


def _written_when_due(memory: Memory, now: datetime) -> Iterator[Event]:
    value, count = memory.value, memory.value["message_count"]
    due = [job for job, at in due_jobs(value).items() if at and at <= now]
    if Job.SUMMARY in due:
        yield written("thread.summarized", now, count)
    if Job.REACTIVATION in due:
        yield written("thread.reactivation_prepared", now, count)
    yield evaluated(now, value, *(outcome(job, "processed") for job in due))


def test_a_summary_that_comes_late_never_replaces_one_that_covers_more() -> None:
    first, second = written("thread.summarized", minutes(20), 10), written("thread.summarized", minutes(21), 4)
    value = thread(*messages(12), first, second).value
    assert (value["summary"]["message_count"], value["summary"]["at"]) == (10, iso(minutes(20)))
    assert unsummarized(value) == 2


# Across threads


def test_a_thread_that_is_resolved_twice_has_one_resolution_and_one_more_after_a_message() -> None:
    resolve = [happened(minutes(n), "conversation.thread_resolved", resolution=f"r{n}") for n in (1, 5, 6)]
    other = happened(minutes(5.5), "conversation.thread_resolved", thread_id="u", resolution="of u")
    events = [message(START), resolve[0], message(minutes(4)), resolve[1], other, resolve[2]]
    assert [each["resolution"] for each in interactions(*events)["resolutions"]] == ["r1", "of u", "r6"]


@given(streams())
def test_the_open_threads_are_those_with_a_message_since_they_were_resolved(events: list[Event]) -> None:
    is_open: dict[str, str] = {}
    for each in sorted(events, key=lambda each: each.position):
        thread_id = getattr(each.data, "thread_id", None)
        if each.event_type in ("conversation.message_received", "conversation.reply_sent"):
            is_open[str(thread_id)] = iso(each.occurred_at)
        elif each.event_type == "conversation.thread_resolved":
            is_open.pop(str(thread_id), None)
    memory = folded(events).get(names.INTERACTIONS)
    found = memory.value.get("open_threads", {}) if memory else {}
    assert {thread_id: entry["last_at"] for thread_id, entry in found.items()} == is_open


def test_of_many_threads_and_topics_the_newest_are_known() -> None:
    count = THREADS_KEPT + 3
    # Names whose order is not that of their times.
    threads = [f"t{(n * 7) % count:02}" for n in range(count)]
    events = [
        each
        for n, thread_id in enumerate(threads)
        for each in (
            message(minutes(n), thread_id=thread_id),
            happened(minutes(n), "conversation.intent_classified", thread_id=thread_id, intent="i", topic=thread_id),
        )
    ]
    value = interactions(*events)
    newest = set(threads[-THREADS_KEPT:])
    assert (set(value["open_threads"]), set(value["topics"])) == (newest, newest)
    assert value["intents"]["i"]["count"] == count


@given(st.integers(0, 24 * 60))
def test_a_thread_that_fell_silent_is_closed_two_sweeps_before_its_short_term_memory_ends(minute: int) -> None:
    said = message(minutes(minute))
    closed_at = due_at(thread(said))
    assert closed_at is not None
    assert closed_at + timedelta(minutes=10) <= said.occurred_at + IDLE_AFTER
