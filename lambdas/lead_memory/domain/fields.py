"""The types of fields in the envelope and in payloads: what is accepted, and in which one form it is kept."""

import re
import unicodedata
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from lead_memory.domain import canonical
from lead_memory.domain.limits import (
    EARLIEST,
    LATEST,
    MONEY_DECIMALS,
    MONEY_WHOLE_DIGITS,
    NAME_CHARACTERS,
    NUMBER_CHARACTERS,
    QUANTITY,
    QUANTITY_DECIMALS,
    SHORT_TEXT_CHARACTERS,
    TIME_CHARACTERS,
    VALUE_DEPTH,
)

TOO_LARGE, TOO_DEEP = "too_large", "too_deep"
"""Types of validation errors, and reasons of rejections."""


def at_most(count: int) -> BeforeValidator:
    """Counts before it looks at any: each that is wrong would be an error to keep."""

    def check(value: object) -> object:
        if isinstance(value, list | tuple | dict) and len(value) > count:
            raise PydanticCustomError(TOO_LARGE, f"at most {count:,} are taken")
        return value

    return BeforeValidator(check)


def _shallow(value: Any) -> Any:
    if canonical.depth(canonical.encode(value)) > VALUE_DEPTH:
        raise PydanticCustomError(TOO_DEEP, f"at most {VALUE_DEPTH} lists and objects may lie within each other")
    return value


def _identifier(value: object) -> object:
    """Ids are strings from end to end; integrations also send integers."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _number(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("a number is expected, not a boolean")
    if isinstance(value, str) and len(value) > NUMBER_CHARACTERS:
        raise PydanticCustomError(TOO_LARGE, f"a number has at most {NUMBER_CHARACTERS} characters")
    return value


def _written_out(number: Decimal) -> Decimal:
    """Zero has an exponent too, which no check of digits sees."""
    exponent = number.as_tuple().exponent
    if number.is_zero() and isinstance(exponent, int) and abs(exponent) > NUMBER_CHARACTERS:
        raise PydanticCustomError(TOO_LARGE, f"a number has at most {NUMBER_CHARACTERS} digits")
    return number


def _iso_text(value: object) -> object:
    if not isinstance(value, str) or not re.match(r"\d{4}-\d\d-\d\d", value):
        raise ValueError("a time in ISO 8601 is expected")
    if len(value) > TIME_CHARACTERS:
        raise PydanticCustomError(TOO_LARGE, f"a time has at most {TIME_CHARACTERS} characters")
    return value


def _representable(time: datetime) -> datetime:
    if not EARLIEST <= time <= LATEST:
        raise ValueError(f"a time from {EARLIEST:%Y} to {LATEST:%Y} is expected")
    return time.astimezone(UTC)


def _unless_never(time: datetime | None) -> datetime | None:
    """Integrations write the year 9999 for "never"."""
    return None if time is None or time.year >= LATEST.year else _representable(time)


def _none_if_blank(value: object) -> object:
    return None if isinstance(value, str) and not value.strip() else value


def normal(text: str) -> str:
    """One spelling of each name: a memory's key that looks the same is the same."""
    return unicodedata.normalize("NFC", text)


BLANK = BeforeValidator(_none_if_blank)
SHALLOW = BeforeValidator(_shallow)

# Times in UTC: a memory is read back with the bytes that it was folded with, whatever zone its event wrote.
type Time = Annotated[AwareDatetime, BeforeValidator(_iso_text), AfterValidator(_representable)]
type Text = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=NAME_CHARACTERS), AfterValidator(normal)
]
type Ending = Annotated[Annotated[AwareDatetime, BeforeValidator(_iso_text)] | None, AfterValidator(_unless_never)]
type Short = Annotated[str, AfterValidator(lambda text: text[:SHORT_TEXT_CHARACTERS])]
type Id = Annotated[Text, BeforeValidator(_identifier)]
type Money = Annotated[
    Decimal,
    BeforeValidator(_number),
    Field(allow_inf_nan=False, max_digits=MONEY_WHOLE_DIGITS + MONEY_DECIMALS, decimal_places=MONEY_DECIMALS),
    AfterValidator(_written_out),
]
type Quantity = Annotated[
    Decimal,
    BeforeValidator(_number),
    Field(ge=0, le=QUANTITY, decimal_places=QUANTITY_DECIMALS),
    AfterValidator(_written_out),
]
type Shallow = Annotated[Any, SHALLOW]
"""Any JSON, down to a depth."""
type Currency = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{3}$", to_upper=True)]
type Channel = Annotated[str, StringConstraints(strip_whitespace=True, to_lower=True, pattern=r"^[\w.-]{1,32}$")]
