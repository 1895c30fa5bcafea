"""Models behind OpenAI's API, OpenRouter's, or that of any server which speaks as OpenAI's does."""

import httpx2
from openai import AsyncOpenAI, DefaultAsyncHttpxClient
from pydantic_ai.models import Model
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.models.openrouter import OpenRouterModel
from pydantic_ai.profiles.openai import OpenAIModelProfile
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider
from pydantic_ai.providers.openrouter import OpenRouterProvider

CONNECT_SECONDS = 5

OPENAI_URL = "https://api.openai.com/v1"
OPENROUTER_URL = "https://openrouter.ai/api/v1"


def openai_model(model_id: str, api_key: str, *, seconds: int) -> Model:
    client = _client(OPENAI_URL, api_key, seconds)
    return OpenAIChatModel(model_id, provider=OpenAIProvider(openai_client=client))


def openrouter_model(model_id: str, api_key: str, *, base_url: str | None, seconds: int) -> Model:
    client = _client(base_url or OPENROUTER_URL, api_key, seconds)
    return OpenRouterModel(model_id, provider=OpenRouterProvider(openai_client=client))


def compatible_model(model_id: str, api_key: str | None, *, base_url: str, seconds: int) -> Model:
    client = _client(base_url, api_key or "none", seconds)
    return OpenAIChatModel(
        model_id,
        provider=OpenAICompatibleProvider("openai-compatible", openai_client=client),
        # Every server knows the older name of the bound on an answer; some ignore the newer one.
        profile=OpenAIModelProfile(openai_chat_supports_max_completion_tokens=False),
    )


def _client(base_url: str, api_key: str, seconds: int) -> AsyncOpenAI:
    return AsyncOpenAI(
        base_url=base_url,
        api_key=api_key,
        max_retries=0,  # the queue tries again
        http_client=DefaultAsyncHttpxClient(
            timeout=httpx2.Timeout(seconds, connect=CONNECT_SECONDS),
            # The process is frozen between jobs, and whoever is at the other end forgets the connection meanwhile.
            limits=httpx2.Limits(max_keepalive_connections=0),
        ),
    )
