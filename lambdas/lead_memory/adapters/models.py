"""Connects the model that a stage names. What it takes to ask one is loaded only where one is asked."""

# ruff: noqa: PLC0415 - each provider's libraries take about a second to load, and most stages need none or one

from typing import TYPE_CHECKING

from lead_memory.services.models import Model
from lead_memory.services.offline_model import OfflineModel
from lead_memory.settings import ExtractorSettings

if TYPE_CHECKING:
    import pydantic_ai.models

PROVIDERS = ("bedrock", "openrouter", "openai")


def connect(settings: ExtractorSettings, api_key: str | None) -> Model:
    """`api_key` is the secret that `model_secret_arn` names; Bedrock needs none.

    Raises `ValueError`, which says what to set.
    """
    if settings.model == OfflineModel.name:
        return OfflineModel()
    provider, _, model_id = settings.model.partition(":")
    if provider not in PROVIDERS or not model_id:
        known = ", ".join(f"{provider}:<model id>" for provider in PROVIDERS)
        raise ValueError(f"{settings.model!r} is no model: set LEAD_MEMORY_MODEL to one of offline, {known}")
    key = (api_key or "").strip() or None
    keyless = provider == "bedrock" or (provider == "openai" and settings.model_base_url)
    if key is None and not keyless:
        raise ValueError(
            f"{settings.model} needs an API key: set LEAD_MEMORY_MODEL_SECRET_ARN to the secret that is it"
        )

    from lead_memory.adapters.model_prices import prices_of
    from lead_memory.adapters.pydantic_ai_model import PydanticAiModel

    prices = prices_of(settings)
    asked = _asked(provider, model_id, key or "", settings)
    return PydanticAiModel(asked, name=settings.model, prices=prices, seconds=settings.model_seconds)


def _asked(provider: str, model_id: str, key: str, settings: ExtractorSettings) -> "pydantic_ai.models.Model":
    seconds = settings.model_seconds
    if provider == "bedrock":
        from lead_memory.adapters.bedrock_models import bedrock_model

        return bedrock_model(model_id, seconds=seconds)

    from lead_memory.adapters.openai_models import compatible_model, openai_model, openrouter_model

    if provider == "openrouter":
        return openrouter_model(model_id, key, base_url=settings.model_base_url, seconds=seconds)
    if settings.model_base_url is None:
        return openai_model(model_id, key, seconds=seconds)
    return compatible_model(model_id, key, base_url=settings.model_base_url, seconds=seconds)
