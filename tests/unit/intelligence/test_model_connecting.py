"""Which model a stage has, what it costs, and what it takes to load."""

import os
import subprocess
import sys
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_ai.models.test import TestModel as AnythingModel

from lead_memory.adapters.model_prices import Prices, prices_of
from lead_memory.adapters.model_prompts import PROMPTS
from lead_memory.adapters.models import connect
from lead_memory.adapters.pydantic_ai_model import PydanticAiModel, told
from lead_memory.domain.conversation.tokens import estimate
from lead_memory.domain.intelligence.jobs import Job
from tests.unit.intelligence.model_settings import extractor_settings

OWN = "http://127.0.0.1:9/v1"
TOKENS = st.integers(0, 1_000_000)


@pytest.mark.parametrize(
    ("settings", "key", "mistake"),
    [
        ({"model": "online"}, None, "LEAD_MEMORY_MODEL "),
        ({"model": "gpt-4o-mini"}, "key", "LEAD_MEMORY_MODEL "),
        ({"model": "azure:gpt-4o-mini"}, "key", "LEAD_MEMORY_MODEL "),
        ({"model": "openai:"}, "key", "LEAD_MEMORY_MODEL "),
        ({"model": "openai:gpt-4o-mini"}, None, "LEAD_MEMORY_MODEL_SECRET_ARN"),
        ({"model": "openrouter:openai/gpt-4o-mini"}, " \n", "LEAD_MEMORY_MODEL_SECRET_ARN"),
        ({"model": "openai:small", "model_base_url": OWN}, None, "LEAD_MEMORY_INPUT_TOKEN_PRICE"),
        ({"model": "bedrock:nobody.knows-it"}, None, "LEAD_MEMORY_OUTPUT_TOKEN_PRICE"),
        ({"model": "openai:gpt-4o-mini", "input_token_price": "1"}, "key", "LEAD_MEMORY_OUTPUT_TOKEN_PRICE"),
        ({"model": "openai:x", "input_token_price": "1", "output_token_price": "$2"}, "key", "cannot be read"),
        ({"model": "openai:x", "input_token_price": "-1", "output_token_price": "2"}, "key", "cannot be read"),
        ({"model": "openai:x", "input_token_price": "1", "output_token_price": "nan"}, "key", "cannot be read"),
    ],
)
def test_what_is_missing_is_said_at_the_start(settings: dict[str, str], key: str | None, mistake: str) -> None:
    with pytest.raises(ValueError, match=mistake):
        connect(extractor_settings(**settings), key)


@pytest.mark.parametrize(
    "settings",
    [
        {"model": "offline"},
        {"model": "openai:gpt-4o-mini"},
        {"model": "openrouter:openai/gpt-4o-mini"},
        {"model": "openai:small", "model_base_url": OWN, "input_token_price": "0", "output_token_price": "0"},
    ],
)
def test_a_model_is_called_what_the_stage_calls_it(settings: dict[str, str]) -> None:
    assert connect(extractor_settings(**settings), "key").name == settings["model"]


@pytest.mark.parametrize(
    ("settings", "prices"),
    [
        ({"model": "openai:gpt-4o-mini"}, ("0.15", "0.6")),
        ({"model": "openrouter:openai/gpt-4o-mini"}, ("0.15", "0.6")),
        ({"model": "bedrock:anthropic.claude-3-haiku-20240307-v1:0"}, ("0.25", "1.25")),
        ({"model": "openai:gpt-4o-mini", "input_token_price": "7", "output_token_price": "0.5"}, ("7", "0.5")),
    ],
)
def test_prices_are_those_that_are_known_unless_they_are_given(
    settings: dict[str, str], prices: tuple[str, str]
) -> None:
    assert prices_of(extractor_settings(**settings)) == tuple(map(Decimal, prices))


@given(TOKENS, TOKENS)
def test_what_tokens_cost_is_rounded_up(input_tokens: int, output_tokens: int) -> None:
    exact = input_tokens * Decimal("0.15") + output_tokens * Decimal("0.6")
    assert 0 <= Prices(Decimal("0.15"), Decimal("0.6")).cost_micros(input_tokens, output_tokens) - exact < 1


MODEL = PydanticAiModel(AnythingModel(), name="test", prices=Prices(Decimal(1), Decimal(10)), seconds=1)


@given(st.sampled_from(Job), TOKENS)
def test_an_estimate_is_for_the_messages_the_instructions_and_the_longest_answer(job: Job, input_tokens: int) -> None:
    asked = input_tokens + estimate(told(job))
    assert MODEL.estimated_cost_micros(job, input_tokens) == asked + 10 * PROMPTS[job].max_tokens


LOADED = """
import os, sys
from lead_memory.adapters.models import connect
from lead_memory.settings import ExtractorSettings
connect(ExtractorSettings.from_environment(os.environ), "key")
print(*sorted({"pydantic_ai", "openai", "boto3"} & sys.modules.keys()))
"""


@pytest.mark.parametrize(
    ("model", "loaded"),
    [
        ("offline", []),
        ("bedrock:amazon.nova-lite-v1:0", ["boto3", "pydantic_ai"]),
        ("openai:gpt-4o-mini", ["openai", "pydantic_ai"]),
    ],
)
def test_only_the_libraries_of_the_model_that_is_asked_are_loaded(model: str, loaded: list[str]) -> None:
    environment = extractor_settings(model=model).as_environment()
    environment |= {"PYTHONPATH": "lambdas", "AWS_DEFAULT_REGION": "us-east-1"}
    started = subprocess.run(
        [sys.executable, "-c", LOADED], env=os.environ | environment, capture_output=True, text=True, check=True
    )
    assert started.stdout.split() == loaded
