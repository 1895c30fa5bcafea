from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_memory.domain.conversation.extractive import summarize
from lead_memory.domain.conversation.profile import Interest, Stage
from lead_memory.domain.conversation.reactivation import MAX_WORDS, interval, reactivation

SUMMARY = {
    "text": "Lead is interested in the premium plan, main concern was Zapier limits.\n"
    "Customer: Could you send me a case study?\n"
    "Assistant: I'll email it today."
}
PROFILE = {
    "preferences": {"budget_range": "$200-400/month"},
    "painPoints": ["Current CRM too complex"],
    "objectionsAddressed": [
        {"objection": "Price too high", "resolved": True, "addressedAt": "2026-01-20T10:00:00Z"},
        {"objection": "API rate limits on the premium plan", "resolved": False, "addressedAt": "2026-01-21T10:00:00Z"},
    ],
    "productsDiscussed": [
        {"productName": "Premium plan", "interest_level": "high", "discussedAt": "2026-01-20T10:00:00Z"},
        {"productName": "SMS add-on", "interest_level": "low", "discussedAt": "2026-01-20T10:00:00Z"},
        {"productName": "Zapier add-on", "interest_level": "medium", "discussedAt": "2026-01-21T10:00:00Z"},
    ],
    "currentStage": "consideration",
    "nextStep": {"action": "Review the case study", "dueDate": "2026-02-06T17:00:00Z", "assignedTo": "customer"},
    "lastInteractionSummary": "Discussed pricing, waiting on approval",
}

texts = st.text(min_size=1).filter(str.strip) | st.lists(st.sampled_from(["a", "plan\n", "x" * 300]), min_size=1).map(
    " ".join
)
profiles = st.fixed_dictionaries(
    {},
    optional={
        "painPoints": st.lists(texts, max_size=5),
        "objectionsAddressed": st.lists(
            st.fixed_dictionaries({"objection": texts, "resolved": st.booleans()}), max_size=5
        ),
        "productsDiscussed": st.lists(
            st.fixed_dictionaries({"productName": texts, "interest_level": st.sampled_from(list(map(str, Interest)))}),
            max_size=5,
        ),
        "currentStage": st.sampled_from(list(map(str, Stage))),
        "nextStep": st.fixed_dictionaries({"action": texts}, optional={"dueDate": texts, "assignedTo": texts}),
        "lastInteractionSummary": texts,
    },
)
threads = st.fixed_dictionaries({}, optional={"topic": texts, "summary": st.fixed_dictionaries({"text": texts})})


@given(threads, st.none() | profiles)
def test_a_reminder_is_one_line_of_at_most_100_words(thread: dict[str, Any], profile: dict[str, Any] | None) -> None:
    reminder = reactivation(thread, profile)
    assert len(reminder.splitlines()) <= 1
    assert len(reminder.split()) <= MAX_WORDS
    assert reminder == reactivation(thread, profile)


@given(st.sampled_from(sorted(PROFILE)), st.lists(st.sampled_from("abc"), min_size=1, max_size=200).map(" ".join))
def test_a_reminder_fits_however_long_what_is_known_is(field: str, long: str) -> None:
    thread = {"topic": long, "summary": {"text": long}}
    profile = PROFILE | {"nextStep": {"action": long}, "objectionsAddressed": [{"objection": long, "resolved": False}]}
    del profile[field]
    assert len(reactivation(thread, profile).split()) <= MAX_WORDS


def test_it_says_stage_interests_open_concerns_and_the_next_step_with_its_date() -> None:
    assert reactivation({"summary": SUMMARY, "topic": "pricing"}, PROFILE) == (
        "They were in the consideration stage. "
        "They were interested in Premium plan, Zapier add-on. "
        "They had unresolved concerns: API rate limits on the premium plan. "
        "The next step agreed (customer, due 2026-02-06): Review the case study."
    )


def test_what_the_profile_does_not_say_the_end_of_the_summary_does() -> None:
    assert reactivation({"summary": SUMMARY}, {"currentStage": "decision", "nextStep": {"action": "Call Ana"}}) == (
        "They were in the decision stage. The next step agreed: Call Ana. "
        "Customer: Could you send me a case study? Assistant: I'll email it today."
    )


def test_without_a_profile_it_is_the_topic_and_the_end_of_the_summary() -> None:
    assert reactivation({"summary": SUMMARY, "topic": "pricing"}, None) == (
        "The conversation was about pricing. "
        "Lead is interested in the premium plan, main concern was Zapier limits. "
        "Customer: Could you send me a case study? Assistant: I'll email it today."
    )


def test_without_a_summary_it_is_the_last_interaction_and_the_pain_points() -> None:
    known = {"painPoints": ["CRM too complex"], "lastInteractionSummary": "Waiting on approval"}
    assert reactivation({}, known) == "They had unresolved concerns: CRM too complex. Waiting on approval."


def test_concerns_that_are_resolved_are_not_reminded_of() -> None:
    resolved = {"objectionsAddressed": [{"objection": "Price too high", "resolved": True}]}
    assert reactivation({}, resolved) == ""


def test_of_many_the_newest_are_said_and_of_the_products_those_of_high_interest_first() -> None:
    products = [{"productName": f"P{n}", "interest_level": "high" if n == 1 else "medium"} for n in range(5)]
    assert reactivation({}, {"productsDiscussed": products, "painPoints": ["A", "B", "C", "D"]}) == (
        "They were interested in P1, P4, P3. They had unresolved concerns: D; C; B."
    )


def test_a_long_action_keeps_its_date() -> None:
    reminder = reactivation({}, {"nextStep": {"action": "call " * 100, "dueDate": "2026-02-06"}})
    assert reminder.startswith("The next step agreed (due 2026-02-06): call call")
    assert reminder.endswith(" call…")


@pytest.mark.parametrize("profile", [None, {}, {"lastExtractedAt": "2026-02-06T17:00:00Z", "extractionCount": 1}])
def test_of_nothing_known_there_is_no_reminder(profile: dict[str, Any] | None) -> None:
    assert reactivation({"message_count": 5, "summary": {"text": summarize([])}}, profile) == ""


@pytest.mark.parametrize(("days", "said"), [(14.9, "14 days"), (1.2, "1 day"), (0.4, "0 days"), (62, "62 days")])
def test_an_interval_is_in_whole_days(days: float, said: str) -> None:
    assert interval(days) == said
