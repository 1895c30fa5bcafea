"""What an agent is told: of which threads, in which cohort, and what it costs to know it."""

import asyncio
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_memory.domain.conversation import names
from lead_memory.domain.conversation.layers import BudgetTooSmall, Layer, Why
from lead_memory.domain.conversation.settings import Cohort, CohortShares, ConversationSettings
from lead_memory.domain.errors import Erased, Unavailable
from lead_memory.domain.memories import Lead, MemoryKey, MemoryType
from lead_memory.services.context import Some
from tests.events import LEAD, ORGANIZATION, START
from tests.unit.context.fakes import JOIN, FakeReader, ask, happened, message, note
from tests.unit.record.test_recorder_laws import folded

STORY = [
    note("Pays late", thread_id="t"),
    note("Knows our founder"),
    message(0, "Do you ship to Recife?"),
    message(0.01, "We do.", from_lead=False),
    happened("thread.summarized", 0.02, thread_id="t", summary="Asked of Recife.", message_count=2, written_by="model"),
    happened("memory.declared", 0.03, memory_type="fact", key="pet", value={"name": "Rex"}),
    happened("preference.expressed", 0.04, name="contact_time", value="mornings"),
    happened("order.paid", 0.05, order_id="1", total="10", currency="BRL", products=[{"name": "Whey"}]),
]
AN_HOUR_LATER = START + timedelta(hours=1)
NOTES = {"note.contact", "note.thread:t"}
THREAD = "conversation.thread:t"
BOUGHT = {"purchase.last_transaction", "purchase.summary"}
PROFILE = "fact.contact_profile"
OF_PROFILE = {PROFILE, "conversation.interactions", "conversation.entities", "fact.*", "preference.*"} | BOUGHT


def throttled(*names: MemoryKey | MemoryType) -> FakeReader:
    return FakeReader(folded(STORY), failing=dict.fromkeys(names, Unavailable("Throttled")))


def test_a_context_has_every_layer_in_its_place() -> None:
    answer = ask(STORY, AN_HOUR_LATER)
    assert answer.context.text == (
        "## Operator Notes (STRATEGIC CONTEXT)\n"
        "*These notes are provided by human operators and contain critical business context.*\n"
        "\n"
        "⚠️ **[WARNING]** Knows our founder\n"
        "⚠️ **[WARNING]** Pays late\n"
        "\n"
        "## Contact Profile\n"
        "**Purchases:**\n"
        "- Last: Whey, 10.00 BRL (2026-01-01)\n"
        "- Orders: 1\n"
        "\n"
        "**Preferences Expressed:**\n"
        "- price_sensitivity: low\n"
        "- contact_time: mornings\n"
        "\n"
        "**Key Facts:**\n"
        "- pet: name: Rex\n"
        "\n"
        "## Conversation Summary\n"
        "- Asked of Recife.\n"
        "\n"
        "## Recent Conversation\n"
        "Customer: Do you ship to Recife?\n"
        "Assistant: We do."
    )
    assert answer.context.layers[Layer.REACTIVATION].why is Why.NOT_RETURNING
    assert (answer.thread_known, answer.lead_known, answer.joined_threads) == (True, True, [])


@pytest.mark.parametrize(
    ("layer", "asked"),
    [
        (Layer.RECENT, {THREAD, "conversation.recent:t"} | NOTES),
        (Layer.SUMMARY, {THREAD} | NOTES),
        (Layer.NOTES, {THREAD} | NOTES),
        (Layer.PROFILE, {THREAD, "conversation.recent:t"} | NOTES | OF_PROFILE),
        (Layer.REACTIVATION, {THREAD, PROFILE} | NOTES),
    ],
)
def test_what_no_layer_that_is_asked_for_needs_is_not_read(layer: Layer, asked: set[str]) -> None:
    reader = FakeReader(folded(STORY))
    answer = ask(reader, AN_HOUR_LATER, layers={layer})
    assert reader.asked == asked
    assert {each for each, report in answer.context.layers.items() if report.why is not Why.NOT_ASKED_FOR} == {
        layer,
        Layer.NOTES,
    }


@pytest.mark.parametrize(
    ("cohort", "asked", "left_out"),
    [
        (Cohort.FULL, {THREAD, "conversation.recent:t"} | NOTES | OF_PROFILE, set()),
        (Cohort.NO_NOTES, {THREAD, "conversation.recent:t"} | OF_PROFILE, {Layer.NOTES}),
        (Cohort.SINGLE_SUMMARY, {THREAD}, set(Layer) - {Layer.SUMMARY}),
    ],
)
def test_a_cohort_is_forced_or_the_splits_and_what_it_is_without_is_not_read(
    cohort: Cohort, asked: set[str], left_out: set[Layer]
) -> None:
    split = ConversationSettings(cohorts=CohortShares(**{cohort: 100}))
    other = ConversationSettings(cohorts=CohortShares(full=0, no_notes=50, single_summary=50))
    for settings, forced in ((split, None), (other, cohort)):
        reader = FakeReader(folded(STORY))
        answer = ask(reader, AN_HOUR_LATER, settings=settings, cohort=forced)
        assert answer.cohort is cohort
        assert reader.asked == asked
        assert {layer for layer, told in answer.context.layers.items() if told.why is Why.COHORT} == left_out


def test_notes_that_do_not_fit_refuse_a_budget_but_not_that_of_a_cohort_without_them() -> None:
    with pytest.raises(BudgetTooSmall):
        ask(STORY, AN_HOUR_LATER, max_tokens=10)
    assert ask(STORY, AN_HOUR_LATER, max_tokens=10, cohort=Cohort.NO_NOTES).context.total_tokens <= 10


def test_nothing_is_read_on_behind_an_error() -> None:
    class Slow(FakeReader):
        ended = 0

        async def of_type(self, lead: Lead, memory_type: MemoryType, limit: int) -> Some:
            for _ in range(9):
                await asyncio.sleep(0)
            self.ended += 1
            return await super().of_type(lead, memory_type, limit)

    reader = Slow({}, erased=True)
    with pytest.raises(Erased):
        ask(reader, AN_HOUR_LATER)
    assert reader.ended == 2


def test_a_new_thread_of_a_known_lead_has_what_is_known_of_the_lead() -> None:
    answer = ask(STORY, AN_HOUR_LATER, thread_id="new")
    assert (answer.thread_known, answer.lead_known) == (False, True)
    assert "Knows our founder" in answer.context.text
    assert "Rex" in answer.context.text
    assert "Pays late" not in answer.context.text
    assert answer.freshness == (None, None, 0, None)


def test_of_an_unknown_thread_alone_nothing_is_known_though_the_lead_is() -> None:
    reader = FakeReader(folded([message(0)]))
    answer = ask(reader, AN_HOUR_LATER, thread_id="new", layers={Layer.RECENT})
    assert (answer.thread_known, answer.lead_known, answer.context.text) == (False, True, "")


@pytest.mark.parametrize(
    "lead", [Lead(ORGANIZATION, "somebody"), Lead("another", LEAD)], ids=["unknown", "another organization's"]
)
def test_of_a_lead_that_an_organization_does_not_have_nothing_is_known(lead: Lead) -> None:
    reader = FakeReader(folded(STORY))
    answer = ask(reader, AN_HOUR_LATER, lead=lead)
    assert (answer.thread_known, answer.lead_known, answer.context.text) == (False, False, "")
    assert {report.why for report in answer.context.layers.values()} == {Why.NOTHING_KNOWN, Why.NOT_RETURNING}


def test_an_erased_lead_is_said_to_be_erased() -> None:
    with pytest.raises(Erased):
        ask(FakeReader({}, erased=True), AN_HOUR_LATER)


@pytest.mark.parametrize("name", [names.CONTACT_NOTES, names.notes("t")], ids=str)
def test_there_is_no_context_without_the_notes(name: MemoryKey) -> None:
    with pytest.raises(Unavailable, match="the operators' notes"):
        ask(throttled(name), AN_HOUR_LATER)
    assert ask(throttled(name), AN_HOUR_LATER, cohort=Cohort.NO_NOTES).context.text


def test_there_is_no_joined_context_without_the_other_threads() -> None:
    with pytest.raises(Unavailable, match="the threads that they are on"):
        ask(throttled(names.INTERACTIONS), AN_HOUR_LATER, settings=JOIN)


@pytest.mark.parametrize(
    ("failing", "without"),
    [
        (names.recent("t"), {Layer.RECENT}),
        (names.thread("t"), {Layer.SUMMARY, Layer.REACTIVATION}),
        (names.CONTACT_PROFILE, {Layer.PROFILE}),
        (names.ENTITIES, {Layer.PROFILE}),
        (MemoryType.FACT, {Layer.PROFILE}),
        (MemoryType.PREFERENCE, {Layer.PROFILE}),
    ],
    ids=["messages", "thread", "profile", "entities", "facts", "preferences"],
)
def test_what_cannot_be_read_is_said_and_the_rest_is_answered(
    failing: MemoryKey | MemoryType, without: set[Layer]
) -> None:
    answer = ask(throttled(failing), AN_HOUR_LATER)
    unavailable = {layer for layer, report in answer.context.layers.items() if report.why is Why.UNAVAILABLE}
    assert unavailable == without
    assert answer.thread_known
    assert answer.lead_known
    included = {layer for layer, report in answer.context.layers.items() if report.included}
    assert included == set(Layer) - without - {Layer.REACTIVATION}


@pytest.mark.parametrize(("hours", "is_there"), [(23.99, True), (24, False)])
def test_what_was_said_is_recent_for_a_day(hours: float, is_there: bool) -> None:
    answer = ask([message(0, "Anyone?")], START + timedelta(hours=hours))
    assert ("Anyone?" in answer.context.text) is is_there
    assert answer.thread_known


def test_what_was_said_ends_with_the_thread() -> None:
    resolved = happened("conversation.thread_resolved", 0.01, thread_id="t", topic="Sizes", resolution="Has one")
    text = ask([message(0, "Anyone?"), resolved], AN_HOUR_LATER).context.text
    assert "Anyone?" not in text
    assert "**Resolved Before:**\n- Sizes; Has one (2026-01-01)" in text


_seconds = st.integers(-3, 3)


@given(_seconds, _seconds, _seconds)
def test_nothing_that_is_over_is_told(noted: int, thread_noted: int, known: int) -> None:
    now = START + timedelta(hours=1)
    ends = {name: now + timedelta(seconds=left) for name, left in (("A", noted), ("B", thread_noted), ("C", known))}
    declared = {
        "memory_type": "fact",
        "key": "on_holiday",
        "value": {"says": "C."},
        "expires_at": ends["C"].isoformat(),
    }
    story = [
        message(0),
        note("A.", expires_at=ends["A"]),
        note("B.", thread_id="t", expires_at=ends["B"]),
        happened("memory.declared", 0, **declared),
    ]
    text = ask(story, now).context.text
    assert {name for name in ends if f"{name}." in text} == {name for name, end in ends.items() if end > now}


def test_it_is_told_how_fresh_each_part_is() -> None:
    profile = happened(
        "memory.inferred",
        2,
        memory_type="fact",
        key="contact_profile",
        value={"currentStage": "decision"},
        confidence=0.5,
    )
    story = [*STORY, profile, message(1, "And to Natal?")]
    freshness = ask(story, START + timedelta(days=1)).freshness
    assert freshness == (
        START + timedelta(days=1),
        START + timedelta(days=0.02),
        1,
        START + timedelta(days=2),
    )


def test_a_lead_is_engaged_with_the_answer_to_what_they_were_told_on_their_return() -> None:
    story = [message(0), message(0.1, from_lead=False), message(0.2)]
    returned = [*story, message(9)]
    told = [*returned, message(9.1, "Welcome back", from_lead=False)]
    answered = [*told, message(9.2, "Thanks")]
    goes_on = [*answered, message(9.3, "And then?")]
    now = START + timedelta(days=9.4)
    assert [ask(each, now).engaged for each in (story, returned, told, answered, goes_on)] == [
        False,
        False,
        False,
        True,
        False,
    ]


def test_a_thread_is_found_whatever_an_integration_names_it() -> None:
    thread_id = "chat#" + "x" * 400
    story = [message(0, "Oi", thread_id=thread_id), note("Pays late", thread_id=thread_id)]
    answer = ask(story, AN_HOUR_LATER, thread_id=thread_id)
    assert answer.thread_known
    assert "Pays late" in answer.context.text


def test_a_thread_that_was_only_resolved_or_asked_to_be_summarized_is_not_known() -> None:
    mistyped = [
        happened("conversation.thread_resolved", 0, thread_id="nope"),
        happened("thread.summarized", 0.01, thread_id="nope", summary="Nothing.", message_count=0, written_by="model"),
    ]
    answer = ask([message(0), *mistyped], AN_HOUR_LATER, thread_id="nope")
    assert (answer.thread_known, answer.lead_known, answer.context.text) == (False, True, "")
