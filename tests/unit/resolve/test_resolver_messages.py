import asyncio
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from lead_memory.services.resolve import Resolver
from resolver.messages import MAX_ANSWER_BYTES, MAX_LEADS, Answer, BadRequest, Mistake, Request, planned
from tests.unit.resolve.fakes import ANA, BRUNO, NOW, ORGANIZATION, FakeMemories, FakeProfiles, memory

FIELDS = ("name", "city")
ASKED = {"organization_id": ORGANIZATION, "leads": [ANA]}
MEMORIES = FakeMemories(memory(ANA, "purchase", "last_transaction", {"amount": Decimal("189.90")}))
PROFILES = FakeProfiles({ANA: {"name": "Ana <3"}, BRUNO: {"name": "Bruno"}})


def answer(**event: Any) -> Answer:
    request = Request.read(ASKED | event)
    question = request.question(FIELDS)
    return request.answered(asyncio.run(Resolver(MEMORIES, PROFILES, patience_seconds=5).resolve(question, NOW)))


def mistake(event: object) -> Mistake:
    with pytest.raises(BadRequest) as refused:
        Request.read(event).question(FIELDS)
    return refused.value.mistake


def test_one_template_is_answered_with_one_text_and_money_with_all_its_digits() -> None:
    got = answer(template="R${{purchase.last_transaction.amount}}")
    assert (
        got
        == json.loads(json.dumps(got))
        == {
            "leads": [
                {
                    "lead": ANA,
                    "status": "ok",
                    "text": "R$189.90",
                    "values": {
                        "purchase.last_transaction.amount": {"value": "189.90", "memory": "purchase.last_transaction"}
                    },
                    "memories": {
                        "purchase.last_transaction": {
                            "age_seconds": 120,
                            "updated_at": "2026-02-03T14:03:11Z",
                            "confidence": 0.9,
                            "source_event_ids": ["shopify/1001"],
                            "source_event_count": 1,
                        }
                    },
                    "missing": [],
                    "reads": {"get_item": 1, "sql": 0},
                }
            ],
            "reads": {"get_item": 1, "sql": 0},
        }
    )


def test_an_answer_that_lambda_would_not_let_through_says_how_many_leads_fit() -> None:
    leads = [f"00000000-0000-4000-8000-{number:012}" for number in range(40)]
    with pytest.raises(BadRequest) as refused:
        answer(leads=leads, template="x" * 190_000)
    fit = refused.value.mistake.leads_that_fit
    assert fit
    assert refused.value.mistake.code == "answer_too_large"
    assert refused.value.mistake.message.endswith(f"and may take 5,800,000: ask for {fit} leads at a time.")
    assert len(json.dumps(answer(leads=leads[:fit], template="x" * 190_000))) <= MAX_ANSWER_BYTES
    with pytest.raises(BadRequest):
        answer(leads=leads[: fit + 1], template="x" * 190_000)


def test_an_answer_that_is_too_large_for_one_lead_asks_for_less_text() -> None:
    with pytest.raises(BadRequest) as refused:
        answer(templates={str(number): "é" * 100_000 for number in range(30)})
    assert refused.value.mistake.leads_that_fit == 0
    assert refused.value.mistake.message.endswith("ask with fewer or shorter templates.")


def test_the_answer_for_the_most_leads_of_a_call_is_small_whatever_their_memories_are_made_of() -> None:
    leads = [f"00000000-0000-4000-8000-{number:012}" for number in range(MAX_LEADS)]
    events = [f"shopify/{number:060}" for number in range(20)]
    fields = {f"field_{number}": "x" * 100 for number in range(20)}
    stored = FakeMemories(*(memory(lead, "fact", "known", fields, source_event_ids=events) for lead in leads))
    request = Request.read(ASKED | {"leads": leads, "variables": [f"fact.known.{name}" for name in fields]})
    answers = asyncio.run(Resolver(stored, None, patience_seconds=5).resolve(request.question(FIELDS), NOW))
    assert len(json.dumps(request.answered(answers))) < MAX_ANSWER_BYTES / 2


def test_named_templates_are_answered_by_name() -> None:
    [lead] = answer(templates={"subject": "{{lead.name}}!", "body": "Hi"}, escape="html")["leads"]
    assert lead["texts"] == {"subject": "Ana &lt;3!", "body": "Hi"}
    assert "text" not in lead


def test_variables_are_answered_with_values_and_no_text() -> None:
    [lead] = answer(variables=["lead.name"])["leads"]
    assert lead["values"]["lead.name"]["value"] == "Ana <3"
    assert not {"text", "texts"} & set(lead)


def test_a_lead_without_a_value_has_no_text_and_a_reason() -> None:
    [lead] = answer(leads=[BRUNO], template="{{fact.pet.name}}")["leads"]
    assert (lead["status"], lead["text"]) == ("missing", None)
    assert lead["missing"] == [{"variable": "fact.pet.name", "reason": "never_seen", "defaulted": False}]


def test_the_calls_reads_are_the_leads_reads_with_the_statement_counted_once() -> None:
    got = answer(leads=[ANA, BRUNO], template="{{lead.name}}{{fact.pet.name}}{{fact.pet.kind}}")
    # For each the memory and, as it was not there, whether the lead was erased.
    assert got["reads"] == {"get_item": 4, "sql": 1}


def test_a_lead_given_twice_in_any_spelling_is_answered_once() -> None:
    assert [lead["lead"] for lead in answer(leads=[ANA, ANA.upper()], template="Hi")["leads"]] == [ANA]


def test_a_plan_needs_neither_leads_nor_organization() -> None:
    request = Request.read({"plan": True, "template": "{{lead.name}} {{fact.pet.name}} {{fact.pet.kind}}"})
    assert planned(request.question(FIELDS), has_profiles=True) == {
        "plan": {
            "variables": ["lead.name", "fact.pet.name", "fact.pet.kind"],
            "memories": [{"memory_type": "fact", "key": "pet"}],
            "profile_fields": ["name"],
            "reads": {"get_item": 1, "sql": 1},
        }
    }


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ({"template": "Hi"}, "Give `organization_id`"),
        (ASKED, "Give exactly one of"),
        (ASKED | {"template": "Hi", "variables": ["lead.name"]}, "Give exactly one of"),
        (ASKED | {"template": "Hi", "leads": []}, "one lead or more"),
        (ASKED | {"template": "Hi", "leads": [ANA, "ana"]}, "$.leads[1]"),
        (ASKED | {"template": "Hi", "leads": [ANA] * (MAX_LEADS + 1)}, f"length <= {MAX_LEADS}"),
        (ASKED | {"template": "Hi", "on_mising": "keep"}, "on_mising"),
        (ASKED | {"template": "Hi", "on_missing": "ignore"}, "$.on_missing"),
        (ASKED | {"template": 1}, "$.template"),
        (["Hi"], "Expected `object`"),
    ],
)
def test_a_request_that_is_not_one_says_what_is_wrong(event: object, words: str) -> None:
    refusal = mistake(event)
    assert refusal.code == "invalid_request"
    assert words in refusal.message


@pytest.mark.parametrize(
    ("asked", "where", "position"),
    [
        ({"template": "Hi {{lead.nam}}"}, "template", 10),
        ({"templates": {"subject": "Hi", "body": "{{lead.nam}}"}}, "templates.body", 7),
        ({"variables": ["lead.city", "lead.nam"]}, "variables.1", 5),
    ],
)
def test_a_mistake_in_a_template_says_in_which_and_where(asked: Mapping[str, Any], where: str, position: int) -> None:
    refusal = mistake({**ASKED, **asked})
    assert (refusal.code, refusal.nearest) == ("unknown_field", "name")
    assert (refusal.where, refusal.position, refusal.line) == (where, position, 1)


@pytest.mark.parametrize("variable", ["lead.name | upcase", " lead.name", "{{lead.name}}", "lead.name "])
def test_a_variable_in_a_list_is_a_variable_and_nothing_else(variable: str) -> None:
    assert mistake({**ASKED, "variables": [variable]}).where == "variables.0"
