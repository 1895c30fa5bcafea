"""The filters, and what is checked of their arguments before a template is used.

A filter raises an error of any kind for a value that it cannot handle.
"""

from collections.abc import Callable
from decimal import Decimal
from types import ModuleType
from typing import Any, NamedTuple
from urllib.parse import quote

from lead_memory.domain.drawn import whole_length
from lead_memory.domain.limits import RENDERING_CHARACTERS
from lead_memory.domain.templates.text import to_text
from lead_memory.domain.templates.variables import Reason

type Argument = str | int | Decimal


class Parameter(NamedTuple):
    expected: str
    """Completes "expected …"."""
    accepts: Callable[[Argument], bool]
    required: bool = False
    nearest: Callable[[str], str | None] = lambda _: None
    """The argument that may have been meant, where it is one of many."""


class Filter(NamedTuple):
    apply: Callable[..., Any]
    parameters: tuple[Parameter, ...] = ()
    covers_missing: bool = False
    """Whether it is applied to a `Reason`; other filters leave a missing value missing."""


def _default(value: Any, fallback: Argument) -> Any:
    return fallback if type(value) is Reason or value == "" or value == [] else value


def _truncate(value: Any, length: int, ellipsis: str = "...") -> str:
    text = to_text(value)
    if len(text) <= length:
        return text
    return text[: whole_length(text, max(length - len(ellipsis), 0))] + ellipsis[:length]


def _items(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError("not a list")
    return value


def _first(value: Any) -> Any:
    return next(iter(_items(value)), None)


def _last(value: Any) -> Any:
    return next(reversed(_items(value)), None)


def _join(value: Any, separator: str = ", ") -> str:
    texts = [to_text(item) for item in _items(value) if item is not None]
    if len(separator) * len(texts) > RENDERING_CHARACTERS:
        raise ValueError("more separators than a text holds")
    return separator.join(texts)


def _localized() -> ModuleType:
    from lead_memory.domain.templates import localized  # noqa: PLC0415 - Babel loads slowly; few templates use it

    return localized


def _is_text(argument: Argument) -> bool:
    return isinstance(argument, str)


_LOCALE = Parameter(
    'a locale in quotes, like "pt_BR"',
    lambda argument: _is_text(argument) and _localized().is_locale(argument),
    nearest=lambda name: _localized().nearest_locale(name),
)
_CURRENCY = Parameter(
    'a currency code in quotes, like "BRL"',
    lambda argument: _is_text(argument) and _localized().is_currency(argument),
    required=True,
    nearest=lambda code: _localized().nearest_currency(code),
)
_DATE_FORMAT = Parameter(
    'short, medium, long, full, or a pattern like "dd/MM/yyyy", in quotes',
    lambda argument: _is_text(argument) and _localized().is_date_format(argument),
    required=True,
    nearest=lambda pattern: _localized().nearest_date_format(pattern),
)
_TIME_ZONE = Parameter(
    'a time zone in quotes, like "America/Sao_Paulo"',
    lambda argument: _is_text(argument) and _localized().is_time_zone(argument),
    nearest=lambda name: _localized().nearest_time_zone(name),
)
_LENGTH = Parameter(
    "a whole number of characters above 0",
    lambda argument: isinstance(argument, int) and argument > 0,
    required=True,
)

FILTERS = {
    "default": Filter(
        _default,
        (Parameter("a text in straight quotes or a number", lambda _: True, required=True),),
        covers_missing=True,
    ),
    "upcase": Filter(lambda value: to_text(value).upper()),
    "downcase": Filter(lambda value: to_text(value).lower()),
    "capitalize": Filter(lambda value: to_text(value).capitalize()),
    "strip": Filter(lambda value: to_text(value).strip()),
    "truncate": Filter(_truncate, (_LENGTH, Parameter("an ellipsis in quotes", _is_text))),
    "date": Filter(lambda *given: _localized().date(*given), (_DATE_FORMAT, _LOCALE, _TIME_ZONE)),
    "money": Filter(lambda *given: _localized().money(*given), (_CURRENCY, _LOCALE)),
    "number": Filter(lambda *given: _localized().number(*given), (_LOCALE,)),
    "join": Filter(_join, (Parameter("a separator in quotes", _is_text),)),
    "first": Filter(_first),
    "last": Filter(_last),
    # Liquid writes a space as "+", which is wrong in a path; "%20" is right in a path and in a query.
    "url_encode": Filter(lambda value: quote(to_text(value), safe="")),
}
