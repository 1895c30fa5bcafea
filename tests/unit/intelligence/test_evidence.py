"""What of a model's answer is taken: what the messages state, and nothing else."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_memory.domain.intelligence.answers import FactsAnswer
from lead_memory.domain.intelligence.checking import Dropped
from lead_memory.domain.intelligence.evidence import TakenFacts, taken_facts
from lead_memory.domain.intelligence.lines import Line
from lead_memory.domain.payloads.contact import contact_facts
from tests.unit.intelligence.conversations import TALK, conversation, many, stated, texts

SUPPLIER = (
    "lead: 1. In August nothing arrived for two weeks. We had 40 people asking.\n2. Every bag was vanilla, "
    "and there was no way to mix flavours.\n3. The invoice came in three parts with three due dates."
)


def facts(lines: list[Line], profile: dict[str, Any] | None = None, **answer: Any) -> TakenFacts:
    return taken_facts(FactsAnswer.model_validate(answer), lines, profile)


def preference(field: str, value: str, message: int, quote: str) -> dict[str, Any]:
    return {"preferences": [{"field": field, "value": value, "message": message, "quote": quote}]}


def reason(taken: TakenFacts) -> str | None:
    assert taken.kept + sum(taken.dropped.values()) == 1
    return next(iter(taken.dropped), None)


def pain(said: str, text: str, quote: str) -> str | None:
    return reason(facts(conversation(said), pain_points=[{"text": text, "message": 1, "quote": quote}]))


def test_facts_are_grouped_by_the_message_that_they_rest_on() -> None:
    taken = facts(
        conversation(*TALK),
        preferences=[
            {"field": "budget_range", "value": "R$ 1,500 to 2,000", "message": 3, "quote": "R$ 1,500 to 2,000 a month"},
            {"field": "decision_maker", "value": "no", "message": 3, "quote": "my boss decides"},
            {"field": "preferred_contact_method", "value": "WhatsApp", "message": 3, "quote": "write me on WhatsApp"},
            {"field": "company_size", "value": "40 athletes", "message": 5, "quote": "our team has 40 athletes"},
        ],
        products=[{"name": "premium_plan", "interest": "medium", "message": 2, "quote": "The premium plan"}],
        stage={"stage": "customer", "message": 5, "quote": "We paid with Pix"},
        next_step={"action": "Send the contract", "due_date": "2026-03-06", "message": 2,
                   "quote": "I will send the contract on Friday"},
    )  # fmt: skip
    assert not taken.dropped
    assert [(group.refs, group.value, group.confidence) for group in taken.groups] == [
        (
            ("whatsapp/m2",),
            {
                "productsDiscussed": [{"productName": "premium_plan", "interest_level": "medium"}],
                "nextStep": {"action": "Send the contract", "dueDate": "2026-03-06"},
            },
            0.7,
        ),
        (
            ("whatsapp/m3",),
            {
                "preferences": {
                    "budget_range": "R$ 1,500 to 2,000",
                    "decision_maker": False,
                    "preferred_contact_method": "whatsapp",
                }
            },
            0.8,
        ),
        (("whatsapp/m5",), {"preferences": {"company_size": "40 athletes"}, "currentStage": "customer"}, 0.8),
    ]


@pytest.mark.parametrize(
    "quote",
    ["our budget is r$ 1,500", "Our  budget\nis R$ 1,500", "Our budget is R$ 1,500", "Our bu\u200bdget is R$ 1,500"],
)
def test_a_quote_is_found_whatever_its_spaces_case_and_typography(quote: str) -> None:
    lines = conversation("lead: Hi! Our budget is R$ 1,500 a month")
    assert reason(facts(lines, **preference("budget_range", "R$ 1.500", 1, quote))) is None


@pytest.mark.parametrize(
    ("message", "quote", "why"),
    [
        (3, "Our budget is R$ 9,000", Dropped.NO_QUOTE),
        (9, "Our budget is R$ 1,500", Dropped.NO_QUOTE),
        (2, "Our budget is R$ 1,500", Dropped.NO_QUOTE),
        (3, "R$", Dropped.NO_QUOTE),
        (3, "...", Dropped.NO_QUOTE),
        (3, "budget is R$ 1,50", Dropped.NO_QUOTE),
        (3, "500 to 2,000", Dropped.NO_QUOTE),
        (1, "Our budget was R$ 900", Dropped.OLD_MESSAGE),
        (2, "The premium plan is R$ 2,190", Dropped.NOT_THEIRS),
        (3, "Our budget is R$ 1,500 to 2,000", None),
    ],
)
def test_a_statement_needs_its_words_in_a_new_message_of_the_lead(
    message: int, quote: str, why: Dropped | None
) -> None:
    value = "R$ 1,500" if why is None else "R$ 500"
    assert reason(facts(conversation(*TALK), **preference("budget_range", value, message, quote))) is why


@pytest.mark.parametrize(
    ("field", "value", "said", "why"),
    [
        ("budget_range", "R$ 500", "Our budget is R$ 1,500", Dropped.UNSUPPORTED),
        ("budget_range", "2000", "Our budget is 2k", None),
        ("budget_range", "R$ 1500.50", "nosso orçamento é R$ 1.500,50", None),
        ("budget_range", "unlimited", "We have an unlimited budget", Dropped.MALFORMED),
        ("budget_range", "40", "We had 40 people asking", Dropped.UNSUPPORTED),
        ("decision_maker", "yes", "I'm the owner, I decide", None),
        ("decision_maker", "yes", "I'm not the owner", Dropped.UNSUPPORTED),
        ("decision_maker", "yes", "My boss decides", Dropped.UNSUPPORTED),
        ("decision_maker", "no", "My boss decides", None),
        ("decision_maker", "no", "Quem decide sou eu", Dropped.UNSUPPORTED),
        ("decision_maker", "sim", "Quem decide sou eu", Dropped.MALFORMED),
        ("decision_maker", "no", "We like the flavours", Dropped.UNSUPPORTED),
        ("preferred_contact_method", "phone", "Please don't call me", Dropped.UNSUPPORTED),
        ("preferred_contact_method", "pigeon", "Send a pigeon", Dropped.MALFORMED),
        ("preferred_contact_method", "phone", "Pode me ligar à tarde", None),
        ("timeline", "before the summer season", "We would like to start before the summer season", None),
        ("timeline", "2 weeks", "It has to be there in two weeks", None),
        ("timeline", "Q2 2027", "It has to be there soon", Dropped.UNSUPPORTED),
        ("preferred_contact_time", "after 18:00", "Call me after 18:00", None),
        ("company_size", "50+ employees", "We are a small team", Dropped.UNSUPPORTED),
    ],
)
def test_a_preference_is_what_the_lead_says(field: str, value: str, said: str, why: Dropped | None) -> None:
    assert reason(facts(conversation(f"lead: {said}"), **preference(field, value, 1, said))) is why


def test_an_amount_that_answers_our_question_about_the_budget_is_one() -> None:
    lines = conversation("us: What is your budget?", "lead: Around 300, I think")
    assert reason(facts(lines, **preference("budget_range", "around 300", 2, "Around 300"))) is None


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        ("Two weeks without a delivery in August", "In August nothing arrived for two weeks"),
        ("Nothing arrived for 2 weeks", "nothing arrived for two weeks"),
        ("Could not mix flavours", "no way to mix flavours"),
        ("Invoices in three parts", "The invoice came in three parts"),
        ("Only vanilla bags", "Every bag was vanilla"),
    ],
)
def test_a_pain_point_may_be_said_in_other_words(text: str, quote: str) -> None:
    assert pain(SUPPLIER, text, quote) is None


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        ("Their CRM is too complex", "Every bag was vanilla"),
        ("Nothing arrived for three weeks", "nothing arrived for two weeks"),
        ("The customer struggles with unreliable integrations and slow support", "nothing arrived for two weeks"),
        ("Wants a discount", "Every bag was vanilla"),
        ("???", "Every bag was vanilla"),
        ("Lost 25% of the team", "Every bag was vanilla"),
    ],
)
def test_a_pain_point_that_nobody_has_is_not_taken(text: str, quote: str) -> None:
    assert pain(SUPPLIER, text, quote) is Dropped.UNSUPPORTED


def test_an_objection_is_resolved_by_what_the_lead_accepts() -> None:
    objection = {"objection": "Too expensive", "resolved": True, "resolution": "15% less with six months"}
    lines = conversation(*TALK)
    taken = facts(lines, objections=[{**objection, "message": 5, "quote": "OK, that sounds better."}])
    [group] = taken.groups
    assert group.refs == ("whatsapp/m3", "whatsapp/m4", "whatsapp/m5")
    assert group.value == {"objectionsAddressed": [objection]}
    early = facts(lines, objections=[{**objection, "message": 3, "quote": "That is too expensive"}])
    assert reason(early) is Dropped.UNSUPPORTED


@pytest.mark.parametrize(
    ("stage", "said", "why"),
    [
        ("customer", "Ordered it, paid with Pix", None),
        ("customer", "I haven't paid", Dropped.UNSUPPORTED),
        ("customer", "What if we paid with Pix?", Dropped.UNSUPPORTED),
        ("customer", "mark me as customer", Dropped.UNSUPPORTED),
        ("churned", "We cancelled yesterday", None),
        ("churned", "Should we have cancelled?", Dropped.UNSUPPORTED),
        ("decision", "Before we sign, can the team taste it?", None),
        ("decision", "bom dia", Dropped.UNSUPPORTED),
        ("consideration", "queria saber do plano premium", None),
        ("consideration", "good morning", Dropped.UNSUPPORTED),
    ],
)
def test_a_stage_needs_words_of_its_own(stage: str, said: str, why: Dropped | None) -> None:
    lines = conversation(f"lead: {said}")
    assert reason(facts(lines, stage={"stage": stage, "message": 1, "quote": said})) is why


@pytest.mark.parametrize(
    ("due", "said", "why"),
    [
        ("2026-03-06", "I will send the contract on Friday", None),
        ("2026-03-03", "I will send the contract tomorrow", None),
        ("2026-03-05", "Envio o contrato na quinta-feira", None),
        ("2026-03-12", "I will send the contract in ten days", None),
        ("2026-04-05", "I will send the contract on April 5th", None),
        ("2026-04-05", "I will send the contract on 05/04/2026", None),
        ("2026-03-05", "I will send the contract on the 5th", None),
        ("2026-05-05", "I will send the contract on April 5th", Dropped.MALFORMED),
        ("2026-03-09", "I will send the contract soon", Dropped.MALFORMED),
        ("2026-99-09", "I will send the contract soon", Dropped.MALFORMED),
        ("2026-03-05", "I will send 5 stores and 3 apples", Dropped.MALFORMED),
    ],
)
def test_a_date_is_one_that_the_message_gives(due: str, said: str, why: Dropped | None) -> None:
    action = said.split(" on ")[0].split(" in ")[0]
    step = {"action": action, "due_date": due, "message": 1, "quote": said}
    assert reason(facts(conversation(f"us: {said}"), next_step=step)) is why


def test_what_we_say_from_memory_is_not_learned_again() -> None:
    profile = {
        "productsDiscussed": [{"productName": "Premium plan", "interest_level": "high"}],
        "nextStep": {"action": "Send the contract"},
    }
    product = {"name": "premium_plan", "interest": "low", "message": 2, "quote": "The premium plan"}
    step = {"action": "send the contract", "message": 2, "quote": "I will send the contract"}
    answers: list[dict[str, Any]] = [{"products": [product]}, {"next_step": step}]
    for answer in answers:
        assert reason(facts(conversation(*TALK), **answer)) is None
        assert reason(facts(conversation(*TALK), profile, **answer)) is Dropped.RECALLED
    eager: dict[str, Any] = {"products": [{**product, "interest": "high"}]}
    assert reason(facts(conversation(*TALK), **eager)) is Dropped.NOT_THEIRS


def test_names_that_nobody_said_and_the_prices_in_questions_are_not_taken() -> None:
    said = conversation("lead: We need SAP integration, it is a problem for us. Is it R$ 20 for shipping?")
    invented = {"text": "need SAP integration, supervisor Marcos", "message": 1, "quote": "We need SAP integration"}
    assert reason(facts(said, pain_points=[invented])) is Dropped.UNSUPPORTED
    assert reason(facts(said, pain_points=[{**invented, "text": "need SAP integration"}])) is None
    assert reason(facts(said, **preference("budget_range", "R$ 20", 1, "Is it R$ 20 for shipping?"))) is not None


def test_what_an_answer_says_twice_is_taken_once() -> None:
    [budget] = preference("budget_range", "R$ 1,500", 3, "Our budget is R$ 1,500 to 2,000")["preferences"]
    taken = facts(conversation(*TALK), preferences=[budget, {**budget, "value": "R$ 2,000"}])
    assert (taken.kept, taken.dropped) == (1, {Dropped.REPEATED: 1})


fields = st.sampled_from(["budget_range", "timeline", "decision_maker", "preferred_contact_method", "company_size"])
facts_answers = st.fixed_dictionaries(
    {
        "preferences": many(field=fields, value=texts),
        "pain_points": many(text=texts),
        "objections": many(objection=texts, resolved=st.booleans(), resolution=st.none() | texts),
        "products": many(name=texts, interest=st.sampled_from(["low", "medium", "high"])),
        "stage": st.none() | stated(stage=st.sampled_from(["awareness", "customer"])),
        "next_step": st.none() | stated(action=texts, due_date=st.none() | st.just("2026-03-06")),
    }
).map(FactsAnswer.model_validate)


@given(facts_answers)
def test_every_fact_is_taken_or_dropped_and_rests_on_new_messages_that_may_state_it(answer: FactsAnswer) -> None:
    lines = conversation(*TALK)
    taken = taken_facts(answer, lines)
    listed = [*answer.preferences, *answer.pain_points, *answer.objections, *answer.products]
    assert taken.kept + sum(taken.dropped.values()) == len(listed) + bool(answer.stage) + bool(answer.next_step)
    by_ref = {line.ref: line for line in lines}
    for group in taken.groups:
        contact_facts(group.value)
        resting_on = [by_ref[ref] for ref in group.refs]
        assert any(line.new for line in resting_on)
        if group.value.keys() - {"productsDiscussed", "nextStep"}:
            assert any(line.new and line.from_lead for line in resting_on)
