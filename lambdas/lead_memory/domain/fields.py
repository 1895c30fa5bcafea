"""The types of fields in the envelope and in payloads: what is accepted, and in which one form it is kept."""

import re
import unicodedata
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, StringConstraints


def _identifier(value: object) -> object:
    """Ids are strings from end to end; integrations also send integers."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def not_boolean(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("a number is expected, not a boolean")
    return value


def _iso_text(value: object) -> object:
    if not isinstance(value, str) or not re.match(r"\d{4}-\d\d-\d\d", value):
        raise ValueError("a time in ISO 8601 is expected")
    return value


def _representable(time: datetime) -> datetime:
    if not EARLIEST <= time <= LATEST:
        raise ValueError(f"a time from {EARLIEST:%Y} to {LATEST:%Y} is expected")
    return time


def _unless_never(time: datetime | None) -> datetime | None:
    """Integrations write the year 9999 for "never"."""
    return None if time is None or time.year >= LATEST.year else _representable(time)


def _none_if_blank(value: object) -> object:
    return None if isinstance(value, str) and not value.strip() else value


def _normal(text: str) -> str:
    """One spelling of each name: a memory's key that looks the same is the same."""
    return unicodedata.normalize("NFC", text)


EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)
SHORT_TEXT_CHARACTERS = 1_000
"""What a memory keeps of a subject, a comment and their like; the event has the whole."""

BLANK = BeforeValidator(_none_if_blank)

type Time = Annotated[AwareDatetime, BeforeValidator(_iso_text), AfterValidator(_representable)]
type Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1), AfterValidator(_normal)]
type Ending = Annotated[Annotated[AwareDatetime, BeforeValidator(_iso_text)] | None, AfterValidator(_unless_never)]
type Short = Annotated[str, AfterValidator(lambda text: text[:SHORT_TEXT_CHARACTERS])]
type Id = Annotated[Text, BeforeValidator(_identifier)]
type Money = Annotated[
    Decimal, BeforeValidator(not_boolean), Field(allow_inf_nan=False, max_digits=24, decimal_places=9)
]
type Currency = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{3}$", to_upper=True)]
type Channel = Annotated[str, StringConstraints(strip_whitespace=True, to_lower=True, pattern=r"^[\w.-]{1,32}$")]
