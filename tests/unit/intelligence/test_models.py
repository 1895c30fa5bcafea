"""Models asked over HTTP, by servers on loopback that speak as the providers' do, and scripted ones without."""

import asyncio
import logging
import socket
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from pydantic_ai import ModelMessage, ModelResponse, TextPart
from pydantic_ai.models.function import AgentInfo, FunctionModel
from pydantic_ai.models.test import TestModel as AnythingModel

from lead_memory.adapters.model_prices import Prices
from lead_memory.adapters.models import connect
from lead_memory.adapters.pydantic_ai_model import PydanticAiModel
from lead_memory.domain.intelligence.answers import EntitiesAnswer, FactsAnswer, StatedAccount, StatedPreference
from lead_memory.domain.intelligence.lines import Line
from lead_memory.domain.limits import SUMMARY_CHARACTERS
from lead_memory.services.models import NO_USAGE, Failure, Model, ModelFailed, Usage
from lead_memory.settings import ExtractorSettings
from tests.openai_server import (
    DROPPED,
    INPUT_TOKENS,
    OUTPUT_TOKENS,
    SILENT,
    OpenAiServer,
    Reply,
    Script,
    calls,
    fails,
    openai_server,
    says,
)
from tests.unit.intelligence.model_settings import extractor_settings

CANARY = "words that only the lead said"
LINES = [
    Line(3, "chat/3", datetime(2026, 11, 20, 9, 30, tzinfo=UTC), False, "What would you like to spend?", False),
    Line(4, "chat/4", datetime(2026, 11, 21, 14, 5, tzinfo=UTC), True, f"Up to 500. {CANARY}", True),
]
BUDGET = {"field": "budget_range", "value": "up to 500", "message": 4, "quote": "Up to 500."}
FACTS = {"preferences": [BUDGET]}
WRONG = {"preferences": [BUDGET | {"field": "shoe_size"}]}
ONE = Usage(INPUT_TOKENS, OUTPUT_TOKENS, cost_micros=1_250)
"""At 1 and 2.50 dollars for a million tokens."""
FREE = Prices(Decimal(0), Decimal(0))


@pytest.fixture
def server() -> Iterator[OpenAiServer]:
    with openai_server() as server:
        yield server


@pytest.fixture
def model(server: OpenAiServer) -> Model:
    return connect(compatible(server.url), None)


def compatible(url: str, *, model: str = "openai:small", seconds: int = 20) -> ExtractorSettings:
    return extractor_settings(
        model=model,
        model_base_url=url,
        input_token_price="1",
        output_token_price="2.5",
        model_seconds=seconds,
    )


def times(usage: Usage, requests: int, *, mends: int) -> Usage:
    counts = (count * requests for count in usage[:3])
    return Usage._make([*counts, mends])


async def test_a_typed_answer_comes_with_what_it_cost(server: OpenAiServer, model: Model) -> None:
    server.script(calls(FACTS))
    preference = StatedPreference.model_validate(BUDGET)
    assert await model.facts(LINES) == (FactsAnswer(preferences=[preference]), ONE)


async def test_the_records_that_messages_name_are_typed_too(server: OpenAiServer, model: Model) -> None:
    server.script(calls({"accounts": [{"message": 4, "quote": "Up to 500.", "name": "Acme"}]}))
    account = StatedAccount(message=4, quote="Up to 500.", name="Acme")
    assert (await model.entities(LINES)).output == EntitiesAnswer(accounts=[account])


async def test_each_job_is_asked_with_its_own_settings(server: OpenAiServer, model: Model) -> None:
    server.script(lambda request: calls(FACTS) if "tools" in request else says("Done."))
    await model.facts(LINES)
    await model.summary(LINES, None)
    await model.reactivation({}, None)
    asked = [(request["temperature"], request["max_tokens"]) for request in server.requests]
    assert asked == [(0.1, 1000), (0.3, 500), (0.3, 300)], "as the specification has it"


async def test_a_wrong_answer_goes_back_with_what_is_wrong_and_is_mended(server: OpenAiServer, model: Model) -> None:
    server.script(calls(WRONG), calls(FACTS))
    answer = await model.facts(LINES)
    assert answer.output.preferences[0].field == "budget_range"
    assert answer.usage == times(ONE, 2, mends=1)
    assert "company_size" in str(server.requests[1]["messages"][-1]), "the fields that there are"


@pytest.mark.parametrize("wrong", ["", " \n", None, "# Summary\nWants a lamp.", "lamp " * SUMMARY_CHARACTERS], ids=repr)
async def test_a_text_that_is_none_is_mended(server: OpenAiServer, model: Model, wrong: str | None) -> None:
    server.script(says(wrong), says("\n Wants a lamp.  "))
    assert await model.summary(LINES, None) == ("Wants a lamp.", times(ONE, 2, mends=1))


@dataclass(frozen=True)
class Case:
    says: str
    scripts: tuple[Script, ...]
    failure: Failure
    usage: Usage = NO_USAGE


FAILURES = [
    Case("no server error", (fails(500, CANARY),), Failure.AWAY),
    Case("no such service", (fails(503, CANARY),), Failure.AWAY),
    Case("closed without a word", (DROPPED,), Failure.AWAY),
    Case("no JSON", (Reply(f"<html>{CANARY}".encode()),), Failure.AWAY),
    Case("gone while it mends", (calls(WRONG), DROPPED), Failure.AWAY, times(ONE, 1, mends=1)),
    Case("too many requests", (fails(429, CANARY, "rate_limit_exceeded"),), Failure.THROTTLED),
    Case("no money left", (fails(429, CANARY, "insufficient_quota"),), Failure.REFUSED),
    Case("wrong key", (fails(401, CANARY),), Failure.REFUSED),
    Case("no right", (fails(403, CANARY),), Failure.REFUSED),
    Case("no such model", (fails(404, CANARY),), Failure.REFUSED),
    Case("malformed request", (fails(400, CANARY),), Failure.REFUSED),
    Case("refusal", (says(None, refusal=CANARY),), Failure.REFUSED, ONE),
    Case("content filter", (says(CANARY, finish_reason="content_filter"),), Failure.REFUSED, ONE),
    Case("never as asked", (calls(WRONG | {CANARY: 1}),), Failure.INVALID, times(ONE, 3, mends=2)),
    Case("never JSON", (calls("{" + CANARY),), Failure.INVALID, times(ONE, 3, mends=2)),
    Case("never empty", (says(""),), Failure.INVALID, times(ONE, 3, mends=2)),
    Case("cut off", (calls(FACTS, finish_reason="length"),), Failure.INVALID, ONE),
    Case("cut off again and again", (calls('{"x', finish_reason="length"),), Failure.INVALID, times(ONE, 3, mends=2)),
    Case("nobody's completion", (Reply({"choices": [{"message": CANARY}]}),), Failure.INVALID),
]


@pytest.mark.parametrize("case", FAILURES, ids=lambda case: case.says)
async def test_a_failure_says_which_and_what_it_cost_and_nothing_else(
    server: OpenAiServer,
    model: Model,
    case: Case,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    recwarn: pytest.WarningsRecorder,
) -> None:
    server.script(*case.scripts)
    with caplog.at_level(logging.DEBUG), pytest.raises(ModelFailed) as failed:
        await model.facts(LINES)
    assert (failed.value.failure, failed.value.usage) == (case.failure, case.usage)
    assert len(server.requests) == 1 + case.usage.invalid_answers
    assert failed.value.__cause__ is None
    assert failed.value.__context__ is None

    logged = [vars(record) for record in caplog.records]
    assert [record["failure"] for record in logged if record["name"].startswith("lead_memory")] == [case.failure]
    warned = [str(warning.message) for warning in recwarn]
    told = str([str(failed.value), repr(failed.value), logged, warned, capfd.readouterr()])
    assert CANARY not in told
    assert "budget" not in told


async def test_a_text_that_was_cut_off_is_no_summary(server: OpenAiServer, model: Model) -> None:
    server.script(says("Wants a", finish_reason="length"))
    with pytest.raises(ModelFailed) as failed:
        await model.summary(LINES, None)
    assert (failed.value.failure, failed.value.usage) == (Failure.INVALID, ONE)


async def test_a_model_that_is_not_there_is_away() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/v1"
    with pytest.raises(ModelFailed) as failed:
        await connect(compatible(url), None).facts(LINES)
    assert failed.value.failure == Failure.AWAY


async def test_the_time_for_an_answer_is_for_all_that_is_asked(server: OpenAiServer) -> None:
    server.script(calls(WRONG), SILENT)
    with pytest.raises(ModelFailed) as failed:
        await connect(compatible(server.url, seconds=1), None).facts(LINES)
    assert failed.value.failure == Failure.SLOW
    assert failed.value.usage == times(ONE, 1, mends=1)


def test_a_process_that_is_frozen_between_answers_keeps_no_connection(server: OpenAiServer, model: Model) -> None:
    server.script(says("Wants a lamp."))
    with asyncio.Runner() as runner:
        for connections in (1, 2, 3):
            assert runner.run(model.summary(LINES, None)).output == "Wants a lamp."
            assert server.connections == connections


async def test_several_jobs_are_asked_at_once(server: OpenAiServer, model: Model) -> None:
    server.script(lambda request: calls(FACTS) if "tools" in request else says("Wants a lamp."))
    facts, summary = await asyncio.gather(model.facts(LINES), model.summary(LINES, None))
    assert (facts.usage, summary.usage) == (ONE, ONE)


async def test_nobody_but_the_server_is_asked(server: OpenAiServer, model: Model) -> None:
    asked: set[object] = set()
    listening = True

    def note(event: str, told: tuple[object, ...]) -> None:
        if listening and event == "socket.connect":
            asked.add(told[1])

    sys.addaudithook(note)  # for as long as the process is there
    server.script(calls(WRONG), calls(FACTS))
    await model.facts(LINES)
    listening = False
    assert asked == {("127.0.0.1", server.server_port)}


async def test_halves_of_characters_are_sent_and_come_back_whole(server: OpenAiServer, model: Model) -> None:
    server.script(says("A lamp \ud83d"))
    lines = [LINES[0]._replace(text="half \ud83d of one")]
    assert (await model.summary(lines, "before \udca9")).output == "A lamp ?"
    assert "half ? of one" in server.requests[0]["messages"][-1]["content"]


async def test_openrouter_is_asked_with_the_key(server: OpenAiServer) -> None:
    server.script(calls(FACTS))
    settings = compatible(server.url, model="openrouter:anthropic/claude-sonnet-4")
    answer = await connect(settings, " key-1\n").facts(LINES)
    assert (len(answer.output.preferences), answer.usage) == (1, ONE)
    assert server.headers[0]["Authorization"] == "Bearer key-1"


class TestBedrock:
    """Converse, over HTTP, through AWS's own SDK."""

    @pytest.fixture
    def model(self, server: OpenAiServer, monkeypatch: pytest.MonkeyPatch) -> Model:
        for name, value in {
            "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": server.url.removesuffix("/v1"),
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": "us-east-1",
        }.items():
            monkeypatch.setenv(name, value)
        return connect(extractor_settings(model="bedrock:amazon.nova-lite-v1:0", model_seconds=2), None)

    async def test_a_typed_answer_comes_with_what_it_cost(self, server: OpenAiServer, model: Model) -> None:
        server.script(self.converses(FACTS))
        answer = await model.facts(LINES)
        assert answer.output == FactsAnswer(preferences=[StatedPreference.model_validate(BUDGET)])
        assert answer.usage == Usage(INPUT_TOKENS, OUTPUT_TOKENS, cost_micros=84)  # 0.06 and 0.24 dollars
        assert server.requests[0]["inferenceConfig"] == {"maxTokens": 1000, "temperature": 0.1}

    @pytest.mark.parametrize(
        ("script", "failure"),
        [
            (Reply({"__type": "ThrottlingException", "message": CANARY}, 429), Failure.THROTTLED),
            (Reply({"__type": "AccessDeniedException", "message": CANARY}, 403), Failure.REFUSED),
            (Reply({"__type": "InternalServerException", "message": CANARY}, 500), Failure.AWAY),
            (DROPPED, Failure.AWAY),
            (SILENT, Failure.SLOW),
        ],
        ids=["throttled", "no right", "error", "dropped", "silent"],
    )
    async def test_a_failure_says_which_after_one_request(
        self, server: OpenAiServer, model: Model, script: Script, failure: Failure, caplog: pytest.LogCaptureFixture
    ) -> None:
        server.script(script)
        with caplog.at_level(logging.DEBUG), pytest.raises(ModelFailed) as failed:
            await model.facts(LINES)
        assert (failed.value.failure, failed.value.__context__) == (failure, None)
        assert len(server.requests) == 1
        assert CANARY not in str([vars(record) for record in caplog.records])

    @staticmethod
    def converses(answer: Mapping[str, Any]) -> Reply:
        tool = {"toolUse": {"toolUseId": "1", "name": "final_result", "input": answer}}
        tokens = {"inputTokens": INPUT_TOKENS, "outputTokens": OUTPUT_TOKENS, "totalTokens": 0}
        return Reply(
            {
                "output": {"message": {"role": "assistant", "content": [tool]}},
                "stopReason": "tool_use",
                "usage": tokens,
                "metrics": {"latencyMs": 1},
            }
        )


class TestWithoutAServer:
    async def test_any_answer_of_the_right_form_is_taken(self) -> None:
        model = PydanticAiModel(AnythingModel(), name="test", prices=FREE, seconds=5)
        assert isinstance((await model.facts(LINES)).output, FactsAnswer)

    async def test_each_text_is_asked_of_what_it_is_about(self) -> None:
        asked: list[str] = []

        def answer(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
            asked.append(str(messages[-1].parts[-1].content))  # type: ignore[union-attr]
            return ModelResponse([TextPart(f"{info.instructions}"[:40])])

        model = PydanticAiModel(FunctionModel(answer), name="scripted", prices=FREE, seconds=5)
        await model.reactivation({"summary": {"text": "Wants a lamp."}}, {"currentStage": "decision"})
        await model.cluster(["one note", "another"])
        await model.summary(LINES, "The earlier summary.")
        assert "Wants a lamp." in asked[0]
        assert "decision" in asked[0]
        assert asked[1].splitlines() == ["<memories>", '"one note"', '"another"', "</memories>"]
        assert asked[2].index("The earlier summary.") < asked[2].index("Up to 500.")
