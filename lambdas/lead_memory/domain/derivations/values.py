"""Reading and combining the values of memories."""

from collections.abc import Mapping
from typing import Any


def present(**fields: Any) -> dict[str, Any]:
    """The fields that are not None."""
    return {field: value for field, value in fields.items() if value is not None}


def number(value: Mapping[str, Any] | None, field: str) -> Any:
    """A counter's or an amount's value so far, 0 at first."""
    return (value or {}).get(field, 0)


def mapping(value: Mapping[str, Any] | None, field: str) -> dict[str, Any]:
    return dict((value or {}).get(field, {}))


def added(amounts: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Sums by name, such as amounts by currency."""
    return {name: number(amounts, name) + number(more, name) for name in sorted({*amounts, *more})}
