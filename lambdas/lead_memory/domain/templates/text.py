"""How a value is printed where no filter says otherwise."""

from decimal import Decimal
from typing import Any

from lead_memory.domain.limits import PRINTED_EXPONENT


def to_text(value: Any) -> str:
    """Decimals keep their digits and never have an exponent. Raises `ValueError` for what does not print."""
    if isinstance(value, str):
        return value
    if isinstance(value, Decimal):
        if can_be_written_out(value):
            return format(value, "f")
    elif isinstance(value, bool):
        return "true" if value else "false"
    elif isinstance(value, int):
        return str(value)
    raise ValueError("a list, an object or a number beyond measure is not text")


def can_be_written_out(number: Decimal) -> bool:
    return number.is_finite() and abs(number.adjusted()) <= PRINTED_EXPONENT
