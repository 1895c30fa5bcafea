"""What is written of a thread that is due, over a log in memory; writing it ends that."""

import asyncio
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_memory.adapters import keys
from lead_memory.domain.conversation import names
from lead_memory.domain.conversation.messages import Message
from lead_memory.domain.errors import Unavailable
from lead_memory.domain.events import Event, parse
from lead_memory.domain.fold import refold
from lead_memory.domain.lifecycle import due_at
from lead_memory.domain.memories import Lead, Memory, MemoryKey
from lead_memory.domain.payloads.conversation import ConversationMessage
from lead_memory.services import summarize
from lead_memory.services.summarize import NOTHING_SAID, Standing, Summarizer
from lead_memory.services.sweep import DueMemory, Entry
from tests.events import NOW, START, body, event

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
LATER = NOW - 5 * DAY
SUMMARIZED, PREPARED = "thread.summarized", "thread.reactivation_prepared"
ROUNDS = 3


class Log:
    """`lead_memory.services.summarize.Threads`, of a lead's events."""

    def __init__(self, events: Sequence[Event]) -> None:
        self.events = list(events)

    def memory(self, name: MemoryKey) -> Memory | None:
        return refold(self.events, {name}).get(name)

    def due(self, now: datetime) -> list[DueMemory]:
        threads = {names.thread(of_thread) for of_thread in "abct"}
        due = {name: (memory, due_at(memory)) for name, memory in refold(self.events, threads).items()}
        return [
            DueMemory(memory.lead, name, at, row=keys.memory_sk(name), newest=memory.newest.ref)
            for name, (memory, at) in due.items()
            if at is not None and at <= now
        ]

    async def standing(self, lead: Lead, thread: MemoryKey) -> Standing:
        return Standing(self.memory(thread), self.memory(names.CONTACT_PROFILE))

    async def messages(self, lead: Lead, thread: MemoryKey, newest: int) -> list[Message]:
        found = [
            _message(each, each.data)
            for each in sorted(self.events, key=lambda event: event.position)
            if isinstance(each.data, ConversationMessage) and names.thread(each.data.thread_id) == thread
        ]
        return found[-newest:]

    async def written(self, now: datetime) -> list[Entry]:
        return [entry for due in self.due(now) for entry in await _summarizer(self, now).entries(due)]

    async def sweep(self, now: datetime, only: str = "") -> list[Event]:
        """What was written is recorded."""
        events = [delivered(entry, now) for entry in await self.written(now)]
        self.events += events
        return [each for each in events if each.event_type.startswith(only)]


def _summarizer(log: Log, now: datetime) -> Summarizer:
    return Summarizer(log, now, lambda: True)


def _message(sent: Event, said: ConversationMessage) -> Message:
    from_lead = sent.event_type == "conversation.message_received"
    return Message(at=sent.occurred_at, from_lead=from_lead, channel=said.channel, text=said.text)


def delivered(entry: Entry, now: datetime) -> Event:
    bus_entry = {"Source": entry.source, "DetailType": entry.detail_type, "Detail": json.loads(entry.detail)}
    return parse(body(bus_entry), now)


def said(count: int, *, first: int = 0) -> list[Event]:
    """A message a minute, of the lead and of ours in turn."""
    return [
        event(
            ("conversation.message_received", "conversation.reply_sent")[number % 2],
            {"thread_id": "t", "channel": "whatsapp", "text": f"I need {number} plans."},
            event_id=f"m{number}",
            at=START + number * MINUTE,
        )
        for number in range(first, first + count)
    ]


def of_thread(event_type: str, at: datetime, **data: Any) -> Event:
    return event(event_type, {"thread_id": "t", **data}, event_id=f"{event_type} {at}", at=at)


def types(events: Sequence[Event]) -> list[str]:
    return [each.event_type for each in events]


def data_of(written: Event) -> dict[str, Any]:
    return json.loads(written.data_json)  # type: ignore[no-any-return]


REQUESTED_AT = START + HOUR


@pytest.mark.parametrize(
    ("events", "now", "written"),
    [
        pytest.param(said(9), START + HOUR, [], id="nine messages"),
        pytest.param(said(10), START + 10 * MINUTE, [], id="ten messages, within the burst"),
        pytest.param(said(10), START + HOUR, [SUMMARIZED], id="ten messages"),
        pytest.param(said(2), START + 23 * HOUR - MINUTE, [], id="not silent for long"),
        pytest.param(said(2), START + 23 * HOUR, [SUMMARIZED], id="silent, and hardly begun"),
        pytest.param(said(3), START + 2 * DAY, [SUMMARIZED, PREPARED], id="silent"),
        pytest.param(
            [*said(3), of_thread("thread.summary_requested", REQUESTED_AT)], REQUESTED_AT, [SUMMARIZED], id="requested"
        ),
        pytest.param(
            [*said(3), of_thread("conversation.thread_resolved", REQUESTED_AT)],
            REQUESTED_AT + 3 * DAY,
            [SUMMARIZED],
            id="resolved",
        ),
        pytest.param(
            [
                *said(3),
                of_thread(
                    "thread.summarized", START + 9 * MINUTE, summary="All of it.", message_count=3, written_by="m"
                ),
                of_thread("conversation.thread_resolved", REQUESTED_AT),
            ],
            LATER,
            [],
            id="resolved, and summarized before",
        ),
        pytest.param([of_thread("thread.summary_requested", START)], START, [SUMMARIZED], id="nothing was said"),
    ],
)
async def test_a_summary_is_written_for_each_reason_once_and_a_reminder_after_a_silence(
    events: list[Event], now: datetime, written: list[str]
) -> None:
    log = Log(events)
    assert types(await log.sweep(now)) == written
    assert await log.sweep(now) == []


async def test_a_summary_goes_on_from_the_one_before_and_a_full_one_does_not() -> None:
    told = of_thread(
        "thread.summarized", START + 3 * MINUTE, summary="Wants a refund.", message_count=3, written_by="a model"
    )
    log = Log([*said(3), told, *said(10, first=4)])
    [next_one] = await log.sweep(START + HOUR)
    assert data_of(next_one)["message_count"] == 13
    assert data_of(next_one)["summary"].startswith("Wants a refund.\nCustomer: I need 4 plans.")
    log.events.append(of_thread("thread.summary_requested", REQUESTED_AT, full=True))
    [full] = await log.sweep(REQUESTED_AT)
    assert data_of(full)["full"]
    assert "refund" not in data_of(full)["summary"]
    assert data_of(full)["summary"].startswith("Customer: I need 0 plans.")


async def test_of_a_thread_without_messages_it_is_said_that_nothing_was_said() -> None:
    [written] = await Log([of_thread("thread.summary_requested", START)]).sweep(START)
    assert (data_of(written)["summary"], data_of(written)["message_count"]) == (NOTHING_SAID, 0)


async def test_a_reminder_knows_the_profile_and_comes_after_it() -> None:
    profile = {"memory_type": "fact", "key": "contact_profile", "value": {"currentStage": "decision"}}
    learned = event("memory.inferred", {**profile, "confidence": 0.9}, event_id="p", at=START + 3 * DAY)
    [_, reminder] = await Log([*said(3), learned]).sweep(START + 4 * DAY)
    assert "decision stage" in data_of(reminder)["text"]
    assert reminder.position > learned.position


async def test_what_comes_while_a_summary_is_written_is_of_the_next() -> None:
    class Arriving(Log):
        async def messages(self, lead: Lead, thread: MemoryKey, newest: int) -> list[Message]:
            found = await super().messages(lead, thread, newest)
            return [*found, Message(at=START + DAY, from_lead=True, channel="sms", text="I need a canary.")]

    [written] = await Arriving(said(10)).sweep(START + HOUR)
    assert "canary" not in data_of(written)["summary"]


@pytest.mark.parametrize("newer", [0, 3])
async def test_what_comes_late_is_in_the_next_summary(newer: int) -> None:
    log = Log(said(20))
    await log.sweep(START + HOUR)
    at = START + 12 * MINUTE + MINUTE / 2
    late = {"thread_id": "t", "channel": "whatsapp", "text": "I need a canary."}
    log.events.append(event("conversation.message_received", late, event_id="late", at=at))
    log.events += said(newer, first=100)
    [written] = await log.sweep(START + 2 * DAY, only=SUMMARIZED)
    assert "Customer: I need a canary." in data_of(written)["summary"].splitlines()
    assert data_of(written)["message_count"] == 21 + newer


async def test_what_a_summary_covers_is_not_read_for_the_next_one() -> None:
    told = of_thread("thread.summarized", START + 9 * MINUTE, summary="Of plans.", message_count=10, written_by="m")
    log = Log([*said(10), told, *said(10, first=10)])
    [written] = await log.sweep(START + HOUR)
    assert data_of(written)["summary"].startswith("Of plans.\nCustomer: I need 10 plans.")


async def test_a_thread_for_which_there_is_no_time_stays_due() -> None:
    other = event("thread.summary_requested", {"thread_id": "a"}, event_id="other", at=START)
    log, times = Log([*said(10), other]), iter([True, False])
    summarizer = Summarizer(log, START + HOUR, lambda: next(times))
    first, second = [await summarizer.entries(due) for due in log.due(START + HOUR)]
    assert (len(first), second, summarizer.finished) == (1, [], False)


async def test_a_thread_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent(Log):
        async def messages(self, lead: Lead, thread: MemoryKey, newest: int) -> list[Message]:
            await asyncio.Event().wait()
            raise AssertionError

    monkeypatch.setattr(summarize, "THREAD_SECONDS", 0.01)
    log = Silent(said(10))
    assert await log.sweep(START + HOUR) == []
    assert [due.name for due in log.due(START + HOUR)] == [names.thread("t")]


async def test_what_changed_since_it_was_found_due_is_left_alone() -> None:
    log = Log(said(10))
    [due] = log.due(START + HOUR)
    log.events.append(
        of_thread("thread.summarized", START + HOUR, summary="By a model.", message_count=10, written_by="m")
    )
    assert await _summarizer(log, START + HOUR).entries(due) == []
    log.events.clear()
    assert await _summarizer(log, START + HOUR).entries(due) == []


async def test_a_thread_that_cannot_be_read_keeps_no_other_waiting_and_stays_due(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Failing(Log):
        async def messages(self, lead: Lead, thread: MemoryKey, newest: int) -> list[Message]:
            if thread == names.thread("t"):
                raise Unavailable("canary")
            return await super().messages(lead, thread, newest)

    other = event("thread.summary_requested", {"thread_id": "a"}, event_id="other", at=START)
    log = Failing([*said(10), other])
    assert [data_of(each)["thread_id"] for each in await log.sweep(START + HOUR)] == ["a"]
    assert [due.name for due in log.due(START + HOUR)] == [names.thread("t")]
    assert "Unavailable" in caplog.text
    assert "canary" not in caplog.text


_threads = {"thread_id": st.sampled_from(["a", "b"])}
_texts = st.sampled_from(["", "Oi!", "I want the premium plan.", "Customer: no", "👩‍👩‍👧 R$ 10"])
_written = _threads | {"written_by": st.just("a model"), "message_count": st.integers(0, 12)}
_happenings = st.one_of(
    st.tuples(
        st.sampled_from(["conversation.message_received", "conversation.reply_sent"]),
        st.fixed_dictionaries(_threads | {"channel": st.sampled_from(["sms", "email"]), "text": _texts}),
    ),
    st.tuples(st.just("conversation.thread_resolved"), st.fixed_dictionaries(_threads)),
    st.tuples(
        st.just("conversation.intent_classified"),
        st.fixed_dictionaries(_threads | {"intent": st.just("buy"), "topic": st.none() | st.just("plans")}),
    ),
    st.tuples(st.just("thread.summary_requested"), st.fixed_dictionaries(_threads | {"full": st.booleans()})),
    st.tuples(st.just(SUMMARIZED), st.fixed_dictionaries(_written | {"summary": _texts.filter(bool)})),
    st.tuples(st.just(PREPARED), st.fixed_dictionaries(_written | {"text": _texts.filter(bool)})),
)
_hours = st.integers(-72, 23)
"""From now: a clock may be most of a day ahead of ours."""


@st.composite
def conversations(draw: st.DrawFn) -> list[Event]:
    drawn = draw(st.lists(st.tuples(_happenings, _hours), min_size=1, max_size=30))
    return [
        event(event_type, data, event_id=f"e{number}", at=NOW + hours * HOUR)
        for number, ((event_type, data), hours) in enumerate(drawn)
    ]


@given(conversations())
async def test_of_one_state_the_same_is_written_byte_for_byte(events: list[Event]) -> None:
    assert await Log(events).written(NOW) == await Log(events[::-1]).written(NOW)


@given(conversations(), st.sampled_from([timedelta(), DAY, 3 * DAY]))
async def test_once_what_was_written_is_recorded_the_thread_is_not_due(events: list[Event], later: timedelta) -> None:
    log, now = Log(events), NOW + later
    due = {each.name for each in log.due(now)}
    written = await log.sweep(now)
    assert {names.thread(data_of(each)["thread_id"]) for each in written} == due
    assert all(types(written).count(each) <= len(due) for each in (SUMMARIZED, PREPARED))
    for _ in range(ROUNDS):
        await log.sweep(now)
    assert log.due(now) == []


@given(conversations(), conversations())
async def test_what_comes_after_a_summary_was_written_has_a_summary_of_its_own(
    events: list[Event], meanwhile: list[Event]
) -> None:
    """It may sort before the summary: then the thread has the newest event that it had."""
    log = Log(events)
    first = await log.sweep(NOW)
    log.events += [event for event in _renamed(meanwhile) if event.ref not in {each.ref for each in log.events}]
    for _ in range(ROUNDS):
        await log.sweep(NOW)
    refs = [each.ref for each in log.events]
    assert len(refs) == len(set(refs))
    assert all(each in log.events for each in first)
    assert log.due(NOW) == []


def _renamed(events: Sequence[Event]) -> list[Event]:
    return [
        event(each.event_type, data_of(each), event_id=f"later-{each.event_id}", at=each.occurred_at) for each in events
    ]
