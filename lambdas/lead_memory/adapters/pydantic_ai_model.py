"""Asks a model through pydantic-ai, which checks typed answers and has wrong ones mended."""

import asyncio
import json
import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic_ai import Agent, ModelMessage, ModelRetry, ModelSettings, TextOutput, capture_run_messages
from pydantic_ai import exceptions as raised
from pydantic_ai.capabilities import RaiseContentFilterError
from pydantic_ai.messages import RetryFeedbackPart, ToolReturnPart
from pydantic_ai.models import Model
from pydantic_ai.usage import RunUsage

from lead_memory.adapters.model_prices import Prices
from lead_memory.adapters.model_prompts import PROMPTS, conversation, encodable, memories, silence
from lead_memory.domain.conversation.tokens import estimate
from lead_memory.domain.intelligence.answers import EntitiesAnswer, FactsAnswer
from lead_memory.domain.intelligence.jobs import Job
from lead_memory.domain.intelligence.lines import Line
from lead_memory.domain.limits import SUMMARY_CHARACTERS
from lead_memory.services.models import Answer, Failure, ModelFailed, Usage

MENDS = 2

_TYPED: dict[Job, type[FactsAnswer | EntitiesAnswer]] = {Job.FACTS: FactsAnswer, Job.ENTITIES: EntitiesAnswer}
"""The other jobs are answered with text."""

_HEADING = re.compile(r"^#{1,6} ", re.MULTILINE)

_FAILURES = (
    ((TimeoutError, raised.ModelTimeoutError), Failure.SLOW),
    ((raised.ModelRateLimitError,), Failure.THROTTLED),
    # A filter, or a person has to act: another key, a right, a model that is there, money.
    ((raised.ContentFilterError, raised.ModelRequestRejectedError, raised.ModelQuotaExceededError), Failure.REFUSED),
    ((raised.UnexpectedModelBehavior,), Failure.INVALID),
)
"""The first that fits; all else is taken for a model that is away."""

_logger = logging.getLogger(__name__)


class PydanticAiModel:
    def __init__(self, model: Model, *, name: str, prices: Prices, seconds: float) -> None:
        """`seconds` are for a whole answer, mended or not."""
        self.name = name
        self._prices = prices
        self._seconds = seconds
        self._agents = {job: _agent(model, job) for job in Job}
        self._own_tokens = {job: estimate(told(job)) for job in Job}

    def prompt_version(self, job: Job) -> str:
        return PROMPTS[job].version

    def estimated_cost_micros(self, job: Job, input_tokens: int) -> int:
        return self._prices.cost_micros(self._own_tokens[job] + input_tokens, PROMPTS[job].max_tokens)

    async def facts(self, lines: Sequence[Line]) -> Answer[FactsAnswer]:
        return await self._ask(Job.FACTS, conversation(lines))

    async def entities(self, lines: Sequence[Line]) -> Answer[EntitiesAnswer]:
        return await self._ask(Job.ENTITIES, conversation(lines))

    async def summary(self, lines: Sequence[Line], before: str | None) -> Answer[str]:
        return await self._ask(Job.SUMMARY, conversation(lines, before))

    async def reactivation(self, thread: Mapping[str, Any], profile: Mapping[str, Any] | None) -> Answer[str]:
        return await self._ask(Job.REACTIVATION, silence(thread, profile))

    async def cluster(self, texts: Sequence[str]) -> Answer[str]:
        return await self._ask(Job.CLUSTER, memories(texts))

    async def _ask(self, job: Job, asked: str) -> Answer[Any]:
        used = RunUsage()
        with capture_run_messages() as messages:
            try:
                async with asyncio.timeout(self._seconds):
                    result = await self._agents[job].run(asked, usage=used)
                if result.response.finish_reason == "length":
                    raise raised.OutputTokenLimitExceeded("it was cut off")
                return Answer(result.output, self._usage(job, asked, used, messages))
            except Exception as error:
                failed = ModelFailed(_failure(job, error), self._usage(job, asked, used, messages))
        # Not in the handler: what was caught quotes what was asked and answered, and would go along as the context.
        raise failed

    def _usage(self, job: Job, asked: str, used: RunUsage, messages: Sequence[ModelMessage]) -> Usage:
        cost_micros = self._prices.cost_micros(used.input_tokens, used.output_tokens)
        # Some servers do not say what an answer took.
        cost_micros += used.unmeasured_requests * self.estimated_cost_micros(job, estimate(asked))
        return Usage(used.input_tokens, used.output_tokens, cost_micros, sum(map(_asks_to_mend, messages)))


def _asks_to_mend(message: ModelMessage) -> bool:
    return any(
        isinstance(part, RetryFeedbackPart) or (isinstance(part, ToolReturnPart) and part.outcome == "retried")
        for part in message.parts
    )


def _agent(model: Model, job: Job) -> Agent[object, Any]:
    prompt = PROMPTS[job]
    return Agent(
        model,
        name=job.value,
        output_type=_TYPED.get(job) or TextOutput(_plain),
        instructions=prompt.instructions,
        # A model that thinks before it answers would use up the tokens of the answer.
        model_settings=ModelSettings(temperature=prompt.temperature, max_tokens=prompt.max_tokens, thinking=False),
        retries=MENDS,
        capabilities=[RaiseContentFilterError()],
    )


def told(job: Job) -> str:
    """All that a model is told, except what it is asked about."""
    typed = _TYPED.get(job)
    return PROMPTS[job].instructions + (json.dumps(typed.model_json_schema()) if typed else "")


def _plain(text: str) -> str:
    """Raises `ModelRetry`, which tells the model what to mend."""
    said = encodable(text).strip()
    if not said:
        raise ModelRetry("The answer is empty; write the text that is asked for.")
    if _HEADING.search(said):
        raise ModelRetry("Write plain sentences, without headings.")
    if len(said) > SUMMARY_CHARACTERS:
        raise ModelRetry("The text is far too long; keep to the number of words that is asked for.")
    return said


def _failure(job: Job, error: Exception) -> Failure:
    failure = next((failure for errors, failure in _FAILURES if isinstance(error, errors)), Failure.AWAY)
    _logger.warning("model failed", extra={"job": job, "failure": failure, "error": type(error).__name__})
    return failure
