import asyncio
from typing import Any

import pytest

from lead_memory.services.resolve import Resolver
from lead_memory_client import LeadMemory, RequestRefused
from resolver import messages
from resolver.messages import Answer, BadRequest, Request, refused
from tests.unit.client.conftest import lambda_of
from tests.unit.resolve.fakes import NOW, ORGANIZATION, FakeMemories

LEADS = [f"00000000-0000-4000-8000-{number:012}" for number in range(10)]


@pytest.fixture
def calls(client: LeadMemory, environment: pytest.MonkeyPatch) -> Any:
    """How many leads each call was about, of a resolver whose answers cannot be longer than 2,000 bytes."""
    environment.setattr(messages, "MAX_ANSWER_BYTES", 2000)
    asked: list[int] = []
    service = Resolver(FakeMemories(), None, patience_seconds=5)

    def handler(event: object) -> Answer:
        request = Request.read(event)
        asked.append(len(request.leads))
        try:
            return request.answered(asyncio.run(service.resolve(request.question(None), NOW)))
        except BadRequest as refusal:
            return refused(refusal.mistake)

    with lambda_of(handler) as endpoint:
        environment.setenv("AWS_ENDPOINT_URL_LAMBDA", endpoint)
        yield asked


def test_answers_that_one_call_cannot_bring_come_by_halves_and_in_order(client: LeadMemory, calls: list[int]) -> None:
    answers = client.resolve(LEADS, organization_id=ORGANIZATION, template="Hi" * 150)
    assert [answer.lead for answer in answers] == LEADS
    assert {answer.text for answer in answers} == {"Hi" * 150}
    assert calls == [10, 5, 2, 3, 5, 2, 3]


def test_one_lead_that_no_call_can_answer_is_refused(client: LeadMemory, calls: list[int]) -> None:
    with pytest.raises(RequestRefused, match="ask with fewer or shorter templates"):
        client.resolve(LEADS, organization_id=ORGANIZATION, template="Hi" * 1500)
