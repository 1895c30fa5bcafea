"""What is asked of a recall, and how a mistake is answered."""

from typing import Any

import msgspec
import pytest

from lead_memory.domain.errors import Erased, Unavailable
from lead_memory.domain.memories import Environment, Lead
from lead_memory.services.recall import MOST
from recall.messages import Request, refused
from tests.events import LEAD, ORGANIZATION

ASKED = {"organization_id": ORGANIZATION, "lead_id": LEAD, "query": "How do they want to be contacted?"}


def test_what_is_not_said_leaves_nothing_out_but_what_is_not_in_production() -> None:
    question = Request.read(ASKED).question()
    assert question.lead == Lead(ORGANIZATION, LEAD)
    assert (question.k, question.include_cold, question.filters.as_of) == (10, False, None)
    assert question.filters.environments == (Environment.PRODUCTION,)


def test_half_a_character_does_not_reach_an_embedder() -> None:
    assert Request.read(ASKED | {"query": "dog \ud83d"}).question().query == "dog ?"


@pytest.mark.parametrize(
    "change",
    [
        {"k": 0},
        {"k": MOST + 1},
        {"query": ""},
        {"query": "a" * 1_001},
        {"types": ["secret"]},
        {"environments": ["moon"]},
        {"as_of": "2026-01-01T00:00:00"},
        {"min_score": 2},
        {"lead_id": "none"},
        {"colour": "red"},
    ],
)
def test_a_mistake_is_answered_with_where_it_is(change: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError) as raised:
        Request.read(ASKED | change)
    error = refused(raised.value)["error"]
    assert error["code"] == "invalid_request"
    assert next(iter(change)) in error["message"]


def test_a_refusal_says_what_to_do() -> None:
    assert refused(Erased("the lead was erased")) == {"error": {"code": "erased", "message": "The lead was erased."}}
    unavailable = refused(Unavailable("DynamoDB did not answer: Throttled"))["error"]
    assert unavailable == {"code": "unavailable", "message": "DynamoDB did not answer: Throttled; ask again."}
