"""What an agent may ask for, and how it is answered: in plain JSON, whatever it is."""

import json
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from context.messages import Request, refused
from lead_memory.domain.conversation.layers import BudgetTooSmall, Format, Layer
from lead_memory.domain.conversation.settings import Cohort
from lead_memory.domain.errors import Erased, KeysUnavailable, Unavailable
from lead_memory.domain.memories import Lead
from lead_memory.services.context import Question
from tests.events import LEAD, ORGANIZATION, START
from tests.unit.context.fakes import ask, message, note

ASKED: dict[str, Any] = {"organization_id": ORGANIZATION, "lead_id": LEAD, "thread_id": "t"}


def test_what_is_left_out_of_a_request_is_what_most_agents_want() -> None:
    assert Request.read(ASKED).question() == Question(
        Lead(ORGANIZATION, LEAD), "t", 3_500, frozenset(Layer), None, Format.TEXT
    )


def test_a_request_chooses_everything() -> None:
    chosen = {"max_tokens": 800, "layers": ["L1", "L4"], "cohort": "no_notes", "format": "messages"}
    assert Request.read(ASKED | chosen).question() == Question(
        Lead(ORGANIZATION, LEAD), "t", 800, frozenset({Layer.RECENT, Layer.PROFILE}), Cohort.NO_NOTES, Format.MESSAGES
    )


def test_ids_are_read_as_those_of_events_are() -> None:
    given = {"organization_id": ORGANIZATION.upper(), "lead_id": LEAD.upper(), "thread_id": " cafe\u0301 "}
    question = Request.read(given).question()
    assert (question.lead, question.thread_id) == (Lead(ORGANIZATION, LEAD), "café")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"organization_id": "acme"}, "$.organization_id"),
        ({"lead_id": None}, "$.lead_id"),
        ({"thread_id": ""}, "$.thread_id"),
        ({"thread_id": "x" * 1_001}, "$.thread_id"),
        ({"max_tokens": 0}, "$.max_tokens"),
        ({"max_tokens": 200_001}, "$.max_tokens"),
        ({"max_tokens": "many"}, "$.max_tokens"),
        ({"layers": []}, "$.layers"),
        ({"layers": ["L6"]}, "$.layers"),
        ({"cohort": "none"}, "$.cohort"),
        ({"format": "html"}, "$.format"),
        ({"budget": 3_500}, "budget"),
    ],
)
def test_a_mistake_names_its_field(change: dict[str, Any], named: str) -> None:
    with pytest.raises(msgspec.ValidationError) as mistake:
        Request.read(ASKED | change)
    error = refused(mistake.value)["error"]
    assert error["code"] == "invalid_request"
    assert named in error["message"]
    assert "acme" not in error["message"]


@pytest.mark.parametrize("event", [None, [], "context", {}])
def test_what_is_no_request_is_a_mistake(event: object) -> None:
    with pytest.raises(msgspec.ValidationError):
        Request.read(event)


@pytest.mark.parametrize(
    ("refusal", "error"),
    [
        (
            BudgetTooSmall(210),
            {
                "code": "budget_too_small",
                "message": "The operators' notes alone take 210 tokens: give a budget of 210 or more.",
                "smallest": 210,
            },
        ),
        (Erased("the lead was erased"), {"code": "erased", "message": "The lead was erased."}),
        (
            Unavailable("the operators' notes could not be read"),
            {"code": "unavailable", "message": "The operators' notes could not be read; ask again."},
        ),
        (
            KeysUnavailable("the key service did not answer"),
            {"code": "unavailable", "message": "The key service did not answer; ask again."},
        ),
    ],
    ids=["budget", "erased", "notes", "keys"],
)
def test_a_refusal_says_what_to_do(refusal: Any, error: dict[str, Any]) -> None:
    assert refused(refusal) == {"error": error}


STORY = [message(0, "Is it for teams?"), message(0.01, "Yes.", from_lead=False), message(0.02), note("Pays late")]


def answered(days: float, **chosen: Any) -> dict[str, Any]:
    request = Request.read(ASKED | chosen)
    answer = ask(STORY, START + timedelta(days=days), form=request.format)
    return request.answered(answer, requests=3, milliseconds=4.56)


def test_an_answer_says_what_each_layer_took_and_how_it_came_about() -> None:
    told = answered(0.03)
    assert json.loads(json.dumps(told)) == told
    layers = told["layers"]
    assert list(layers) == ["L1", "L2", "L3", "L4", "L5"]
    assert told["total_tokens"] == sum(layer["tokens"] for layer in layers.values())
    assert layers["L2"] == {"tokens": 0, "included": False, "truncated": False, "why": "nothing_known"}
    assert layers["L3"] == {"tokens": layers["L3"]["tokens"], "included": True, "truncated": False, "why": None}
    assert told["text"].endswith("## Recent Conversation\nCustomer: Is it for teams?\nAssistant: Yes.\nCustomer: Oi")
    del told["text"], told["total_tokens"], told["layers"]
    assert told == {
        "max_tokens": 3_500,
        "cohort": "full",
        "lead_known": True,
        "thread_known": True,
        "joined_threads": [],
        "freshness": {
            "last_message_at": "2026-01-01T00:28:48Z",
            "summarized_at": None,
            "messages_since_summary": 3,
            "profile_updated_at": None,
        },
        "reactivation_days": None,
        "requests": 3,
        "milliseconds": 4.6,
    }


def test_an_answer_for_a_chat_api_has_messages_instead_of_a_text() -> None:
    told = answered(0.03, format="messages")
    assert "text" not in told
    system, *said = told["messages"]
    assert system["role"] == "system"
    assert "Pays late" in system["content"]
    assert said == [
        {"role": "user", "content": "Is it for teams?"},
        {"role": "assistant", "content": "Yes."},
        {"role": "user", "content": "Oi"},
    ]


def test_an_answer_says_for_how_many_days_the_lead_was_away() -> None:
    assert answered(9.5)["reactivation_days"] == 9


def test_a_thread_of_any_characters_is_asked_for() -> None:
    assert not ask([], START, thread_id="\ud800").thread_known
