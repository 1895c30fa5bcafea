"""The filters that need Babel, which is loaded with this module and not before."""

import datetime as dt
import zoneinfo
from collections.abc import Collection
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.localedata import locale_identifiers
from babel.numbers import format_currency, format_decimal, list_currencies

from lead_memory.domain.limits import NUMBER_CHARACTERS, TIME_CHARACTERS
from lead_memory.domain.templates import date_patterns
from lead_memory.domain.templates.nearest import nearest
from lead_memory.domain.templates.text import can_be_written_out

_DEFAULT_LOCALE = "en"
_NAMED_FORMATS = ("short", "medium", "long", "full")


def date(value: Any, pattern: str, locale: str = _DEFAULT_LOCALE, time_zone: str = "UTC") -> str:
    """An ISO 8601 time in the time zone, or an ISO 8601 date, which is the same day everywhere."""
    if not isinstance(value, str):
        raise ValueError("not a date")
    if len(value) > TIME_CHARACTERS:
        raise ValueError("longer than any date")
    moment = dt.datetime.fromisoformat(value)
    zone = zoneinfo.ZoneInfo(time_zone)
    if len(value) > len("2026-02-03"):
        moment = moment.replace(tzinfo=moment.tzinfo or dt.UTC).astimezone(zone)
    return _format_date(moment.replace(tzinfo=zone), pattern, _locale(locale))


def money(value: Any, currency: str, locale: str = _DEFAULT_LOCALE) -> str:
    return format_currency(_decimal(value), currency, locale=_locale(locale))


def number(value: Any, locale: str = _DEFAULT_LOCALE) -> str:
    return str(format_decimal(_decimal(value), locale=_locale(locale), decimal_quantization=False))


def is_locale(name: str) -> bool:
    """Babel's parser would also take `root` and `pt_BR.UTF-8`, with which its formats fail."""
    return _underscored(name) in _locales()


def nearest_locale(name: str) -> str | None:
    """Of the same language."""
    language = _underscored(name).lower().partition("_")[0]
    return nearest(
        _underscored(name), (known for known in _locales() if known.partition("_")[0] == language), likeness=0.6
    )


def is_currency(code: str) -> bool:
    return code in list_currencies()


def nearest_currency(code: str) -> str | None:
    """Three letters are like many others, so it has to be very near."""
    return nearest(code, list_currencies(), likeness=0.85)


def is_date_format(pattern: str) -> bool:
    return pattern in _NAMED_FORMATS or date_patterns.is_pattern(pattern)


def nearest_date_format(pattern: str) -> str | None:
    return nearest(pattern, _NAMED_FORMATS, likeness=0.7) or date_patterns.nearest_pattern(pattern)


def is_time_zone(name: str) -> bool:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def nearest_time_zone(name: str) -> str | None:
    return nearest(name, zoneinfo.available_timezones(), likeness=0.7)


@lru_cache(maxsize=64)
def _locale(name: str) -> Locale:
    return Locale.parse(_underscored(name))


@cache
def _locales() -> Collection[str]:
    return frozenset(locale_identifiers())


def _underscored(name: str) -> str:
    return name.replace("-", "_")


def _format_date(moment: dt.datetime, pattern: str, locale: Locale) -> str:
    if pattern in _NAMED_FORMATS:
        return format_date(moment.date(), pattern, locale=locale)
    return format_datetime(moment, pattern, locale=locale, tzinfo=moment.tzinfo)


def _decimal(value: Any) -> Decimal:
    """Numbers, and text that is one: profiles and forms hold numbers as text."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        raise ValueError("not a number")
    if isinstance(value, str) and len(value) > NUMBER_CHARACTERS:
        raise ValueError("longer than any number")
    decimal = Decimal(value)
    if not can_be_written_out(decimal):
        raise ValueError("not a number that can be written out")
    return decimal
