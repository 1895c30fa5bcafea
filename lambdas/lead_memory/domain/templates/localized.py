"""The filters that need Babel, which is loaded with this module and not before."""

import datetime as dt
import zoneinfo
from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime
from babel.localedata import locale_identifiers
from babel.numbers import format_currency, format_decimal, list_currencies

_DEFAULT_LOCALE = "en"
_NAMED_FORMATS = ("short", "medium", "long", "full")
_LARGEST_EXPONENT = 30
_SAMPLE = dt.datetime(2026, 2, 3, 14, 5, 11, tzinfo=dt.UTC)


def date(value: Any, pattern: str, locale: str = _DEFAULT_LOCALE, time_zone: str = "UTC") -> str:
    """An ISO 8601 time in the time zone, or an ISO 8601 date, which is the same day everywhere."""
    if not isinstance(value, str):
        raise ValueError("not a date")
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
    try:
        _locale(name)
    except (UnknownLocaleError, ValueError):
        return False
    return True


def locales() -> list[str]:
    return locale_identifiers()


def is_currency(code: str) -> bool:
    return code in list_currencies()


def currencies() -> Iterable[str]:
    return list_currencies()


def is_date_format(pattern: str) -> bool:
    """Patterns are CLDR's. A percent sign means that somebody wrote strftime's, which would print nonsense."""
    if "%" in pattern:
        return False
    try:
        return bool(_format_date(_SAMPLE, pattern, _locale(_DEFAULT_LOCALE)))
    except (ValueError, KeyError, AttributeError):
        return False


def is_time_zone(name: str) -> bool:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def time_zones() -> Iterable[str]:
    return zoneinfo.available_timezones()


@lru_cache(maxsize=64)
def _locale(name: str) -> Locale:
    return Locale.parse(name.replace("-", "_"))


def _format_date(moment: dt.datetime, pattern: str, locale: Locale) -> str:
    if pattern in _NAMED_FORMATS:
        return format_date(moment.date(), pattern, locale=locale)
    return format_datetime(moment, pattern, locale=locale, tzinfo=moment.tzinfo)


def _decimal(value: Any) -> Decimal:
    """Numbers, and text that is one: profiles and forms hold numbers as text."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        raise ValueError("not a number")
    decimal = Decimal(value)
    if not decimal.is_finite() or abs(decimal.adjusted()) > _LARGEST_EXPONENT:
        raise ValueError("not a number that can be written out")
    return decimal
