"""How a value is printed where no filter says otherwise."""

from decimal import Decimal
from typing import Any

LARGEST_EXPONENT = 30
"""A number beyond it is no amount or count of anything: written out, `1e900000000` has 900 million digits."""


def to_text(value: Any) -> str:
    """Decimals keep their digits and never have an exponent. Raises `ValueError` for what does not print."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case Decimal() if can_be_written_out(value):
            return format(value, "f")
    raise ValueError("a list, an object or a number beyond measure is not text")


def can_be_written_out(number: Decimal) -> bool:
    return number.is_finite() and abs(number.adjusted()) <= LARGEST_EXPONENT
