"""Operators' notes, as the client reads them and the commands change them."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_memory.adapters.event_items import tombstone
from lead_memory.adapters.keys import head_key
from lead_memory.domain.conversation import names
from lead_memory.domain.conversation.notes import in_order, live_notes, tokens
from lead_memory.domain.errors import Erased, Rejected
from lead_memory.domain.events import Event
from lead_memory.domain.limits import NOTES_TOKENS
from lead_memory_client import LeadMemory
from lead_memory_client.noting import notes_with
from lead_memory_client.terminal import time_of
from tests.events import LEAD, NOW, ORGANIZATION, START, event
from tests.unit.client.conftest import DeployedStage, Ran
from tests.unit.context.fakes import note
from tests.unit.record.test_recorder_laws import folded

pytestmark = pytest.mark.usefixtures("hurry")

type Command = Callable[..., Ran]

OF = ("--lead", LEAD, "--organization", ORGANIZATION)
OTHER_ORGANIZATION = "99999999-7a55-4d0c-9a8e-1f6a1b9f7c01"
NOTED = [
    note("Knows our founder"),
    note("Was promised a call", expires_at=START + timedelta(days=1)),
    note("Pays late", thread_id="t"),
]


@pytest.fixture
def noted(stage: DeployedStage) -> DeployedStage:
    """A contact with a note and one that is over, and a thread with a note; no updater takes in what is published."""
    stage.take_in(*NOTED)
    return stage


# The bound, before anything is published

_ids = st.sampled_from(["a", "b", "c"])
_contents = st.sampled_from(["Short.", "word " * 60, "word " * 250, "word " * 390])
_ends = st.sampled_from([None, "2026-01-01T00:02:30+00:00", "2026-06-01T00:00:00+00:00", "9999-12-31T00:00:00+00:00"])
_pinned = st.fixed_dictionaries({"category": st.just("warning"), "content": _contents}, optional={"expires_at": _ends})
_edited = st.fixed_dictionaries(
    {}, optional={"content": _contents, "priority": st.just("high"), "expires_at": _ends, "pinned": st.booleans()}
)
_said = st.tuples(st.just("note.pinned"), _ids, _pinned) | st.tuples(st.just("note.edited"), _ids, _edited)


@given(st.lists(_said, max_size=8))
def test_what_the_command_counts_is_what_the_updater_will_fold(said: list[tuple[str, str, dict[str, Any]]]) -> None:
    recorded: list[Event] = []
    for minute, (event_type, note_id, fields) in enumerate(said):
        at = START + timedelta(minutes=minute)
        new = event(event_type, {"note_id": note_id, "author": "Carla", **fields}, event_id=f"e{minute}", at=at)
        before = folded(recorded).get(names.CONTACT_NOTES)
        after = folded([*recorded, new])[names.CONTACT_NOTES]
        expected = live_notes(after.value, at)
        standing = live_notes(before.value, at) if before else []
        if tokens(expected) > NOTES_TOKENS:
            with pytest.raises(Rejected, match="are left of the 500"):
                notes_with(standing, new)
        else:
            assert in_order(notes_with(standing, new)) == in_order(expected)
            recorded.append(new)


def test_a_note_over_the_bound_is_refused_at_once_with_how_much_is_left(command: Command, noted: DeployedStage) -> None:
    ran = command("note", "add", "x1 " * 600, "--category", "warning", *OF)
    assert (ran.code, ran.out, noted.published()) == (1, "", [])
    left = NOTES_TOKENS - command("note", "list", *OF, "--json").json["tokens"]
    assert re.fullmatch(rf"The note has \d+ tokens, and {left} are left of the 500 .* remove another\.\n", ran.err)
    edited = command("note", "edit", "Knows our founder", "--content", "x1 " * 600, *OF)
    assert (edited.code, noted.published()) == (1, [])
    assert "and 500 are left of the 500" in edited.err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("add", "x" * 2_001, "--category", "warning"), "Must have 1 to 2,000 characters."),
        (("add", " ", "--category", "warning"), "Must have 1 to 2,000 characters."),
        (("edit", "Knows our founder", "--content", ""), "--content. Must have 1 to 2,000 characters."),
        (("add", "x", "--category", "warning", "--thread", ""), "--thread. Must have 1 to 1,000 characters."),
        (("add", "x", "--category", "warning", "--author", " "), "--author. Must have 1 to 1,000 characters."),
        (("add", "x", "--category", "warning", "--until", "2020-01-01"), "that time is over: give one to come, or"),
        (("edit", "Knows our founder", "--until", "2020-01-01"), "that time is over: give one to come, or"),
    ],
)
def test_what_is_no_note_is_not_published(
    command: Command, noted: DeployedStage, arguments: tuple[str, ...], complaint: str
) -> None:
    ran = command("note", *arguments, *OF)
    assert (ran.code, ran.out, noted.published()) == (2, "", [])
    assert complaint in ran.err


# What is published


def test_a_note_gets_a_short_id_and_an_author(
    command: Command, noted: DeployedStage, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("LOGNAME", "paula")
    command("note", "add", "Prefers mornings", "--category", "relationship", *OF)
    event_type, data, _ = noted.published_by("operator")
    assert re.fullmatch("[0-9a-f]{8}", data.pop("note_id"))
    assert (event_type, data) == (
        "note.pinned",
        {
            "author": "paula",
            "category": "relationship",
            "content": "Prefers mornings",
            "priority": "medium",
            "pinned": True,
        },
    )


def test_every_option_of_a_note_is_in_its_event(command: Command, noted: DeployedStage) -> None:
    options = ("--priority", "high", "--not-pinned", "--until", "2999-12-24T18:00Z", "--thread", "t", "--author", "Rui")
    command("note", "add", "Wants a gift", "--category", "opportunity", *options, *OF)
    _, data, _ = noted.published_by("operator")
    assert (data["priority"], data["pinned"], data["thread_id"], data["author"]) == ("high", False, "t", "Rui")
    assert data["expires_at"] == "2999-12-24T18:00:00+00:00"


def test_an_edit_says_what_is_changed_and_nothing_else(command: Command, noted: DeployedStage) -> None:
    command("note", "edit", "Pays late", "--thread", "t", "--pinned", "--until", "never", "--author", "Rui", *OF)
    event_type, data, _ = noted.published_by("operator")
    identity = {"note_id": "Pays late", "thread_id": "t", "author": "Rui"}
    assert (event_type, data) == (
        "note.edited",
        {**identity, "pinned": True, "expires_at": "9999-12-31T00:00:00+00:00"},
    )


def test_an_edit_of_nothing_is_not_understood(command: Command, noted: DeployedStage) -> None:
    ran = command("note", "edit", "Knows our founder", *OF)
    assert (ran.code, noted.published()) == (2, [])
    assert ran.err.startswith("Nothing was to be changed")


def test_a_note_is_removed_by_its_id(command: Command, noted: DeployedStage) -> None:
    command("note", "remove", "Knows our founder", "--author", "Rui", *OF)
    event_type, data, _ = noted.published_by("operator")
    assert (event_type, data) == ("note.removed", {"note_id": "Knows our founder", "author": "Rui"})


@pytest.mark.parametrize(
    ("arguments", "target"),
    [
        (("edit", "no-such", "--priority", "low"), "contact"),
        (("remove", "no-such"), "contact"),
        (("remove", "Was promised a call"), "contact"),
        (("remove", "Knows our founder", "--thread", "t"), "thread"),
    ],
)
def test_a_note_that_is_not_there_is_said_and_what_to_do(
    command: Command, noted: DeployedStage, arguments: tuple[str, ...], target: str
) -> None:
    ran = command("note", *arguments, *OF)
    assert (ran.code, ran.out, noted.published()) == (1, "", [])
    assert ran.err.startswith(f"There is no note {arguments[1]} on the {target}: `lead-memory note list`")


# What is read


def test_the_notes_of_a_contact_and_of_a_thread_are_the_live_ones(client: LeadMemory, noted: DeployedStage) -> None:
    assert [each.content for each in client.notes(LEAD, ORGANIZATION)] == ["Knows our founder"]
    assert [each.content for each in client.notes(LEAD, ORGANIZATION, thread_id=" t ")] == ["Pays late"]
    assert client.notes(LEAD, ORGANIZATION, thread_id="u") == []
    assert client.notes(LEAD, OTHER_ORGANIZATION) == []


def test_the_notes_of_an_erased_lead_say_so(client: LeadMemory, stage: DeployedStage) -> None:
    stage.table.put_item(Item=tombstone(head_key(LEAD), ORGANIZATION, NOW))
    with pytest.raises(Erased):
        client.notes(LEAD, ORGANIZATION)


def test_notes_are_listed_with_all_that_an_edit_needs(command: Command, noted: DeployedStage) -> None:
    shown = command("note", "list", *OF)
    assert shown.code == 0
    assert "Was promised a call" not in shown.out
    told = command("note", "list", "--thread", "t", *OF, "--json").json
    assert [each["note_id"] for each in told["notes"]] == ["Pays late"]
    assert 0 < told["tokens"] < told["tokens_most"] == NOTES_TOKENS
    assert command("note", "list", "--thread", "u", *OF).out == "There are no notes on the thread.\n"


def test_a_listed_note_has_its_content_under_what_else_there_is(
    command: Command, stage: DeployedStage, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("COLUMNS", "80")
    content = "Decides before December, together with the founder, and never on a Monday. [b]10 %[/b] at most."
    of_both = {"category": "warning", "author": "Carla"}
    until = {"priority": "high", "expires_at": "2999-12-24T18:00:00Z"}
    stage.take_in(
        event("note.pinned", {**of_both, "note_id": "e197bf3a", "content": content, **until}),
        event("note.pinned", {**of_both, "note_id": "0c6f0a11", "content": "Late", "pinned": False}, event_id="e2"),
    )
    heading, *lines, other, of_other = [line.rstrip() for line in command("note", "list", *OF).out.splitlines()]
    assert heading == "e197bf3a  warning  high priority  pinned  until 2999-12-24 18:00 UTC  by Carla"
    assert [line[:4] for line in lines] == ["    ", "    "]
    assert " ".join(map(str.strip, lines)) == content
    assert (other, of_other) == ("0c6f0a11  warning  medium priority  by Carla", "    Late")


def test_a_time_without_a_zone_is_in_utc() -> None:
    assert time_of("2026-02-03T14:05") == datetime(2026, 2, 3, 14, 5, tzinfo=UTC)
