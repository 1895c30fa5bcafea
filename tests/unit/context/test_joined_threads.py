"""Where the open threads of a lead are one conversation, and where each stands alone."""

import re
from datetime import timedelta
from itertools import count

import pytest

from lead_memory.domain.conversation import names
from lead_memory.domain.conversation.layers import Format, Layer
from lead_memory.domain.conversation.notes import live_notes, tokens
from lead_memory.domain.limits import NOTES_TOKENS
from tests.events import START
from tests.unit.context.fakes import JOIN, ask, happened, message, note
from tests.unit.record.test_recorder_laws import folded

AN_HOUR_LATER = START + timedelta(hours=1)
ON_TWO_CHANNELS = [
    message(0, "Which sizes are there?"),
    note("Asks by mail too", thread_id="t"),
    happened("thread.summarized", 0.001, thread_id="t", summary="Of sizes.", message_count=1, written_by="model"),
    message(0.01, "And colours?", thread_id="mail", channel="email"),
    note("Answer in an hour", thread_id="mail"),
    happened("thread.summarized", 0.011, thread_id="mail", summary="Of colours.", message_count=1, written_by="model"),
    message(0.02, "L, please", from_lead=True),
]


@pytest.mark.parametrize("thread_id", ["t", "mail"])
def test_joined_threads_are_one_conversation(thread_id: str) -> None:
    answer = ask(ON_TWO_CHANNELS, AN_HOUR_LATER, settings=JOIN, thread_id=thread_id)
    assert answer.joined_threads == [{"t": "mail", "mail": "t"}[thread_id]]
    text = answer.context.text
    assert text.endswith("Customer: Which sizes are there?\nCustomer: And colours?\nCustomer: L, please")
    assert all(each in text for each in ("Asks by mail too", "Answer in an hour", "Of sizes.", "Of colours."))


def test_a_linked_thread_stands_alone() -> None:
    answer = ask(ON_TWO_CHANNELS, AN_HOUR_LATER, thread_id="mail")
    assert answer.joined_threads == []
    assert answer.context.text.endswith(
        "## Conversation Summary\n- Of colours.\n\n## Recent Conversation\nCustomer: And colours?"
    )
    assert "Asks by mail too" not in answer.context.text


def test_a_resolved_thread_is_joined_no_more_and_of_many_open_ones_the_newest_are() -> None:
    many = [message(0.001 * number, thread_id=f"t{number}") for number in range(9)]
    resolved = happened("conversation.thread_resolved", 0.01, thread_id="t8")
    answer = ask([*many, resolved], AN_HOUR_LATER, settings=JOIN, thread_id="t0")
    assert answer.joined_threads == ["t7", "t6", "t5"]


@pytest.mark.parametrize(("days", "joined"), [(29, ["mail"]), (31, [])])
def test_a_thread_that_nobody_wrote_in_for_30_days_is_joined_no_more(days: int, joined: list[str]) -> None:
    story = [message(0, thread_id="mail"), message(days / 2), message(days)]
    answer = ask(story, START + timedelta(days=days, seconds=1), settings=JOIN)
    assert answer.joined_threads == joined


def test_the_notes_of_joined_threads_fit_into_a_budget_that_nobody_chose() -> None:
    fitting = next(n for n in count(1) if _note_tokens("é" * (n + 1)) > NOTES_TOKENS)
    many = [message(0.001 * number, thread_id=f"t{number}") for number in range(9)]
    noted = [note("é" * fitting, thread_id=each) for each in (None, *(f"t{number}" for number in range(9)))]
    for form in Format:
        layers = ask([*many, *noted], AN_HOUR_LATER, settings=JOIN, thread_id="t0", form=form).context.layers
        assert layers[Layer.NOTES].included


def _note_tokens(content: str) -> int:
    return tokens(live_notes(folded([note(content)])[names.CONTACT_NOTES].value, START))


def test_equal_notes_of_several_targets_always_come_in_one_order() -> None:
    threads = ["t0", "t1", "t2", "t3"]
    noted = [
        happened(
            "note.pinned", 0, note_id="n", category="context", content=f"of {each}", author="Carla", thread_id=each
        )
        for each in threads
    ]
    story = [*(message(0.001, thread_id=each) for each in threads), *noted]
    for asked in threads:
        text = ask(story, AN_HOUR_LATER, settings=JOIN, thread_id=asked).context.text
        assert re.findall(r"of (t\d)", text) == threads
