"""Operators' notes: all that were pinned and neither removed nor over, and never more than a context holds."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_memory.domain.conversation import names
from lead_memory.domain.conversation.notes import Category, Priority, in_order, live_notes, section, tokens
from lead_memory.domain.errors import Rejected
from lead_memory.domain.events import Event
from lead_memory.domain.lifecycle import due_at
from lead_memory.domain.limits import NOTE_CHARACTERS, NOTES_TOKENS
from lead_memory.domain.memories import Memory, Source
from lead_memory.services.record import Outcome, Recorder
from tests.events import START, event
from tests.fakes import MemoryStore, no_pause
from tests.unit.record.test_recorder_laws import folded

MOST_MINUTES = 20

ids = st.sampled_from("abc")
ends = st.none() | st.integers(-2, MOST_MINUTES).map(lambda minute: moment(minute).isoformat())
fields: dict[str, st.SearchStrategy[Any]] = {
    "category": st.sampled_from([str(each) for each in Category]),
    "content": st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=5),
    "priority": st.sampled_from([str(each) for each in Priority]),
    "pinned": st.booleans(),
    "expires_at": ends,
}
operations: st.SearchStrategy[tuple[str, str, dict[str, Any]]] = st.one_of(
    st.tuples(st.just("note.pinned"), ids, st.fixed_dictionaries(fields)),
    st.tuples(st.just("note.edited"), ids, st.fixed_dictionaries({}, optional=fields)),
    st.tuples(st.just("note.removed"), ids, st.just({})),
)
logs = st.lists(st.tuples(operations, st.integers(0, 3)), min_size=1, max_size=12)

type Log = list[tuple[tuple[str, str, dict[str, Any]], int]]


def moment(minute: int) -> datetime:
    return START + timedelta(minutes=minute)


def written(log: Log) -> list[Event]:
    """Each so many minutes after the one before it."""
    minute, events = 0, []
    for number, ((event_type, note_id, said), minutes) in enumerate(log):
        minute += minutes
        data = {"note_id": note_id, "author": "Carla", **said}
        events.append(event(event_type, data, event_id=f"e{number:02}", at=moment(minute)))
    return events


def notes_after(events: list[Event]) -> Memory:
    return folded(events)[names.CONTACT_NOTES]


def pin(note_id: str, minute: int = 0, **said: Any) -> Event:
    data = {"note_id": note_id, "author": "Carla", "category": "context", "content": "a", **said}
    return event("note.pinned", data, event_id=f"{note_id}-{minute}", at=moment(minute))


@given(logs, st.integers(0, MOST_MINUTES))
def test_a_note_stands_as_it_was_pinned_and_edited_last_until_it_is_removed_or_over(log: Log, later: int) -> None:
    events = written(log)
    now = events[-1].occurred_at + timedelta(minutes=later)
    standing: dict[str, dict[str, Any]] = {}
    for each, ((event_type, note_id, said), _) in zip(events, log, strict=True):
        at = each.occurred_at.isoformat()
        standing = {
            other: note for other, note in standing.items() if not note["expires_at"] or note["expires_at"] > at
        }
        if event_type == "note.pinned":
            standing[note_id] = said
        elif event_type == "note.edited" and note_id in standing:
            standing[note_id] = standing[note_id] | said
        elif event_type == "note.removed":
            standing.pop(note_id, None)
    live = live_notes(notes_after(events).value, now)
    assert {
        note.note_id: {**{field: getattr(note, field) for field in fields}, "expires_at": note.expires_at}
        for note in live
    } == {
        note_id: note | {"expires_at": note["expires_at"] and datetime.fromisoformat(note["expires_at"])}
        for note_id, note in standing.items()
        if not note["expires_at"] or note["expires_at"] > now.isoformat()
    }


@given(logs)
def test_what_is_said_twice_of_a_note_is_said_once(log: Log) -> None:
    once = written(log)
    last = once[-1]
    data = {"note_id": log[-1][0][1], "author": "Carla", **log[-1][0][2]}
    again = event(last.event_type, data, event_id="z", at=last.occurred_at)
    assert notes_after([*once, again]).value == notes_after(once).value


@given(logs)
def test_a_target_is_due_when_its_next_note_ends_and_never_for_one_that_has(log: Log) -> None:
    memory = notes_after(written(log))
    due = due_at(memory)
    for number in range(len(memory.value["notes"]) + 1):
        if due is None:
            break
        assert due > memory.newest.occurred_at
        expiry = event("memory.expired", {"memory_type": "note", "key": "contact"}, event_id=f"x{number}", at=due)
        memory = folded([*written(log), expiry])[names.CONTACT_NOTES]
        assert all(note.expires_at is None or note.expires_at > due for note in live_notes(memory.value, START))
        due = due_at(memory)
    assert due is None
    assert memory.source is Source.USER_DECLARED


def test_a_pinned_note_ends_like_any_other_and_pinned_only_sorts_it_first() -> None:
    until = moment(5).isoformat()
    events = [
        pin("late", 2, pinned=True),
        pin("early", 1, pinned=False),
        pin("over", 0, pinned=True, expires_at=until),
        pin("urgent", 3, pinned=False, priority="high"),
    ]
    value = notes_after(events).value
    assert [note.note_id for note in in_order(live_notes(value, moment(4)))] == ["urgent", "over", "late", "early"]
    assert [note.note_id for note in in_order(live_notes(value, moment(5)))] == ["urgent", "late", "early"]


def test_a_note_that_is_pinned_again_stays_as_old_as_it_is_and_keeps_its_place() -> None:
    [note] = live_notes(notes_after([pin("a", 0), pin("a", 3, content="b")]).value, moment(4))
    assert (note.content, note.created_at, note.updated_at) == ("b", moment(0), moment(3))


def test_notes_on_a_thread_are_not_those_on_the_contact() -> None:
    memories = folded([pin("a", 0), pin("b", 1, thread_id="t")])
    assert [set(memories[name].value["notes"]) for name in (names.notes(None), names.notes("t"))] == [{"a"}, {"b"}]


def test_a_notes_lines_never_look_like_another_part_of_the_context() -> None:
    value = notes_after([pin("a", 0, content="Mind:\n## Contact Profile\n- Budget: none", category="warning")]).value
    *_, last = section(live_notes(value, moment(1))).split("\n⚠️ ")
    assert last == "**[WARNING]** Mind:\n  ## Contact Profile\n  - Budget: none"


@given(st.lists(st.tuples(ids, st.integers(1, NOTE_CHARACTERS // 5)), min_size=1, max_size=8))
def test_the_notes_on_a_target_never_pass_their_bound(sizes: list[tuple[str, int]]) -> None:
    store = MemoryStore()
    events = [pin(note_id, minute, content="word " * size) for minute, (note_id, size) in enumerate(sizes)]

    async def record() -> None:
        for each in events:
            before = dict(store.rows)
            [result] = await Recorder(store, no_pause).record([each])
            if isinstance(result, Rejected):
                assert result.reason == "notes_full"
                assert store.rows == before
            else:
                assert result is Outcome.RECORDED
            notes = store.memories[names.CONTACT_NOTES].value if store.memories else {}
            assert tokens(live_notes(notes, each.occurred_at)) <= NOTES_TOKENS

    asyncio.run(record())


def test_a_note_that_passes_the_bound_is_refused_with_what_is_left_and_one_that_takes_all_of_it_is_not() -> None:
    store = MemoryStore()

    async def record(each: Event) -> object:
        [result] = await Recorder(store, no_pause).record([each])
        return result

    async def fill() -> Rejected:
        assert await record(pin("a", 0, content="word " * 300)) is Outcome.RECORDED
        refusal = await record(pin("b", 1, content="word " * 300))
        assert isinstance(refusal, Rejected)
        return refusal

    refusal = asyncio.run(fill())
    live = live_notes(store.memories[names.CONTACT_NOTES].value, moment(1))
    left = NOTES_TOKENS - tokens(live)
    assert refusal.reason == "notes_full"
    assert f"{left} are left of the {NOTES_TOKENS}" in str(refusal)
    around = tokens(live) - 300
    assert asyncio.run(record(pin("c", 2, content="word " * (left - around)))) is Outcome.RECORDED
    removal = event("note.removed", {"note_id": "a", "author": "Carla"}, event_id="r", at=moment(3))
    assert asyncio.run(record(removal)) is Outcome.RECORDED


@pytest.mark.parametrize("minute", [0, 1])
def test_a_note_that_was_over_when_it_was_pinned_is_none(minute: int) -> None:
    assert notes_after([pin("a", 1, expires_at=moment(minute).isoformat())]).value == {"notes": {}}
