"""What tokens cost."""

import math
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

import genai_prices

from lead_memory.settings import ExtractorSettings

_SAMPLE = 1_000
"""Tokens. Some models cost more for requests that are longer than any of ours."""
_MILLION = 1_000_000


class Prices(NamedTuple):
    """Dollars for a million tokens, which is also millionths of a dollar for one."""

    input: Decimal
    output: Decimal

    def cost_micros(self, input_tokens: int, output_tokens: int) -> int:
        """Rather too much than too little: a provider may charge less for what it read before."""
        return math.ceil(input_tokens * self.input + output_tokens * self.output)


def prices_of(settings: ExtractorSettings) -> Prices:
    """As the settings say, else as they are known. Raises `ValueError`, which says what to set."""
    given = (settings.input_token_price, settings.output_token_price)
    if given == (None, None):
        return _known(settings)
    try:
        prices = Prices(*(Decimal(price or "") for price in given))
    except InvalidOperation:
        prices = Prices(Decimal("NaN"), Decimal("NaN"))
    if not all(price.is_finite() and price >= 0 for price in prices):
        raise ValueError(
            "the prices of the model's tokens cannot be read: set LEAD_MEMORY_INPUT_TOKEN_PRICE and "
            "LEAD_MEMORY_OUTPUT_TOKEN_PRICE, both in US dollars for a million tokens"
        )
    return prices


def _known(settings: ExtractorSettings) -> Prices:
    provider, _, model_id = settings.model.partition(":")
    usage = genai_prices.Usage(input_tokens=_SAMPLE, output_tokens=_SAMPLE)
    try:
        if settings.model_base_url is None:
            price = genai_prices.calc_price(usage, model_id, provider_id=provider)
        else:
            price = genai_prices.calc_price(usage, model_id, provider_api_url=settings.model_base_url)
    except LookupError:
        raise ValueError(
            f"what {settings.model} costs is not known: set LEAD_MEMORY_INPUT_TOKEN_PRICE and "
            "LEAD_MEMORY_OUTPUT_TOKEN_PRICE, in US dollars for a million tokens (0 for a server of your own)"
        ) from None
    return Prices(price.input_price * _MILLION / _SAMPLE, price.output_price * _MILLION / _SAMPLE)
