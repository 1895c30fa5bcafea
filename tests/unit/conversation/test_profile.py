"""What is known of a contact: merged from what persons declared and models inferred."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from lead_memory.domain.conversation import names
from lead_memory.domain.conversation.profile import Interest, Stage
from lead_memory.domain.events import Event
from lead_memory.domain.limits import FACTS
from tests.events import START, event
from tests.unit.record.test_recorder_laws import folded

LATEST = ("currentStage", "nextStep", "lastInteractionSummary")
STAGES, INTERESTS = [str(stage) for stage in Stage], [str(interest) for interest in Interest]

few = st.sampled_from(["Price", "price", "Onboarding"])
many = few | st.integers(0, 30).map("no. {}".format)


def listed(entry: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(entry, max_size=FACTS)


facts = st.fixed_dictionaries(
    {},
    optional={
        "preferences": st.fixed_dictionaries(
            {}, optional={"budget_range": few, "timeline": few, "decision_maker": st.booleans()}
        ),
        "painPoints": listed(many),
        "objectionsAddressed": listed(
            st.fixed_dictionaries({"objection": many, "resolved": st.booleans()}, optional={"resolution": few})
        ),
        "productsDiscussed": listed(
            many | st.fixed_dictionaries({"productName": many, "interest_level": st.sampled_from(INTERESTS)})
        ),
        "currentStage": st.sampled_from(STAGES),
        "nextStep": st.fixed_dictionaries({"action": few}, optional={"assignedTo": few}),
        "lastInteractionSummary": few,
    },
).filter(bool)
said_in_turn = st.lists(st.tuples(st.booleans(), facts), min_size=1, max_size=6)

type Said = list[tuple[bool, dict[str, Any]]]


class Step(NamedTuple):
    by_person: bool
    before: dict[str, Any]
    after: dict[str, Any]


def told(by_person: bool, value: dict[str, Any], minute: int, event_id: str = "") -> Event:
    data = {"memory_type": "fact", "key": "contact_profile", "value": value}
    at = START + timedelta(minutes=minute)
    if by_person:
        return event("memory.declared", data, event_id=event_id or f"e{minute:02}", at=at)
    return event("memory.inferred", {**data, "confidence": 0.8}, event_id=event_id or f"e{minute:02}", at=at)


def profile(*events: Event) -> dict[str, Any]:
    return folded(list(events))[names.CONTACT_PROFILE].value


def steps(said: Said) -> Iterator[Step]:
    events = [told(by_person, value, minute) for minute, (by_person, value) in enumerate(said)]
    values = [{}, *(profile(*events[: count + 1]) for count in range(len(events)))]
    for (by_person, _), before, after in zip(said, values, values[1:], strict=False):
        yield Step(by_person, before, after)


def by_name(value: dict[str, Any], field: str, named: str) -> dict[str, dict[str, Any]]:
    return {entry[named].casefold(): entry for entry in value.get(field, ())}


@given(said_in_turn)
def test_what_is_said_again_changes_nothing_but_the_counter(said: Said) -> None:
    events = [told(by_person, value, minute) for minute, (by_person, value) in enumerate(said)]
    again = told(*said[-1], minute=len(said) - 1, event_id="z")
    once, twice = profile(*events), profile(*events, again)
    assert twice == once | {"extractionCount": len(said) + 1}


@given(said_in_turn)
def test_an_objection_becomes_resolved_and_never_unresolved_again(said: Said) -> None:
    for step in steps(said):
        before, after = (by_name(value, "objectionsAddressed", "objection") for value in (step.before, step.after))
        assert all(after[name]["resolved"] for name in before.keys() & after.keys() if before[name]["resolved"])


@given(said_in_turn)
def test_the_interest_in_a_product_never_falls(said: Said) -> None:
    for step in steps(said):
        before, after = (by_name(value, "productsDiscussed", "productName") for value in (step.before, step.after))
        for name in before.keys() & after.keys():
            levels = [INTERESTS.index(each[name]["interest_level"]) for each in (before, after)]
            assert levels == sorted(levels)


@given(said_in_turn)
def test_no_model_takes_the_stage_back(said: Said) -> None:
    for step in steps(said):
        if not step.by_person and "currentStage" in step.before:
            stages = [STAGES.index(value["currentStage"]) for value in (step.before, step.after)]
            assert stages == sorted(stages)


@given(said_in_turn)
def test_what_a_person_declared_is_changed_by_no_model(said: Said) -> None:
    declared: set[str] = set()
    for (_, value), step in zip(said, steps(said), strict=True):
        single = {field: step.before[field] for field in LATEST if field in step.before}
        before, after = step.before.get("preferences", {}) | single, step.after.get("preferences", {}) | step.after
        if step.by_person:
            declared |= value.get("preferences", {}).keys() | {field for field in LATEST if field in value}
        else:
            assert {field: after[field] for field in declared} == {field: before[field] for field in declared}
        assert set(step.after.get("declared", ())) == declared


@given(said_in_turn)
def test_lists_have_a_bound_and_no_name_twice_and_what_was_said_last_is_in_them(said: Said) -> None:
    for (_, value), step in zip(said, steps(said), strict=True):
        named = {
            "painPoints": [text.casefold() for text in step.after.get("painPoints", ())],
            "objectionsAddressed": [each["objection"].casefold() for each in step.after.get("objectionsAddressed", ())],
            "productsDiscussed": [each["productName"].casefold() for each in step.after.get("productsDiscussed", ())],
        }
        for field, texts in named.items():
            assert len(texts) <= FACTS
            assert len(set(texts)) == len(texts)
            assert {_name(each).casefold() for each in value.get(field, ())} <= set(texts)


def _name(entry: Any) -> str:
    name: str = entry if isinstance(entry, str) else entry.get("objection") or entry.get("productName")
    return name


def test_the_specifications_rules_on_one_contact() -> None:
    value = profile(
        told(
            False,
            {
                "preferences": {"budget_range": "$500", "timeline": "Q1"},
                "painPoints": ["Slow replies"],
                "objectionsAddressed": [{"objection": "Price", "resolved": False}],
                "productsDiscussed": [{"productName": "Premium", "interest_level": "high"}, "Basic"],
                "currentStage": "decision",
                "nextStep": {"action": "Demo", "dueDate": "2026-01-05T14:00:00-03:00"},
            },
            0,
        ),
        told(True, {"preferences": {"budget_range": "$900"}}, 1),
        told(
            False,
            {
                "preferences": {"budget_range": "$100", "timeline": "Q2"},
                "painPoints": ["slow replies", "Lost orders"],
                "objectionsAddressed": [{"objection": "price", "resolved": True, "resolution": "Yearly plan"}],
                "productsDiscussed": [{"productName": "premium", "interest_level": "low"}],
                "currentStage": "awareness",
                "nextStep": {"action": "Send the contract"},
            },
            2,
        ),
    )
    assert value == {
        "preferences": {"budget_range": "$900", "timeline": "Q2"},
        "painPoints": ["Slow replies", "Lost orders"],
        "objectionsAddressed": [
            {
                "objection": "price",
                "resolved": True,
                "resolution": "Yearly plan",
                "addressedAt": "2026-01-01T00:02:00Z",
            }
        ],
        "productsDiscussed": [
            {"productName": "Basic", "interest_level": "medium", "discussedAt": "2026-01-01T00:00:00Z"},
            {"productName": "premium", "interest_level": "high", "discussedAt": "2026-01-01T00:02:00Z"},
        ],
        "currentStage": "decision",
        "nextStep": {"action": "Send the contract"},
        "declared": ["budget_range"],
        "lastExtractedAt": "2026-01-01T00:02:00Z",
        "extractionCount": 3,
    }


def test_a_person_may_set_the_stage_back_and_no_model_moves_it_from_there() -> None:
    inferred = told(False, {"currentStage": "customer"}, 0)
    set_back = told(True, {"currentStage": "consideration"}, 1)
    assert profile(inferred, set_back)["currentStage"] == "consideration"
    assert profile(inferred, set_back, told(False, {"currentStage": "churned"}, 2))["currentStage"] == "consideration"
