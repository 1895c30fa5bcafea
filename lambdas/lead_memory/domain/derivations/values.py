"""Reading and combining the values of memories.

A memory's value may have been declared by a person in another shape, so counters are read with care.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any


def iso(time: datetime) -> str:
    """ISO 8601 with `Z`, to the second where there is no fraction."""
    return time.isoformat().replace("+00:00", "Z")


def present(**fields: Any) -> dict[str, Any]:
    """The fields that are not None."""
    return {field: value for field, value in fields.items() if value is not None}


def number(value: Mapping[str, Any] | None, field: str) -> Any:
    """A counter's or an amount's value so far, 0 at first."""
    found = (value or {}).get(field, 0)
    return found if isinstance(found, int | Decimal) and not isinstance(found, bool) else 0


def mapping(value: Mapping[str, Any] | None, field: str) -> dict[str, Any]:
    found = (value or {}).get(field)
    return dict(found) if isinstance(found, dict) else {}


def added(amounts: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Sums by name, such as amounts by currency."""
    return {name: number(amounts, name) + number(more, name) for name in sorted({*amounts, *more})}
