"""What is billed and what it costs: units by the names of `prices.toml`, and dollars."""

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import NamedTuple

import msgspec

INPUTS = Path(__file__).parent
SECONDS_IN_HOUR = 3600

type Usage = Mapping[str, float]
"""Units by the name of their price."""


class Price(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    service: str
    unit: str
    dollars: float
    per: int = 1
    """Units that the dollars buy."""
    source: str
    """Where it is published."""
    read: str | None = None
    """Where it was read; None for a price that is from memory."""
    as_of: date

    @property
    def each(self) -> float:
        return self.dollars / self.per


type Prices = Mapping[str, Price]


class Line(NamedTuple):
    price: Price
    units: float
    dollars: float


class _PriceList(msgspec.Struct):
    price: tuple[Price, ...]


class Assumptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`assumptions.toml` says what each is."""

    organizations: int
    events_per_second: float
    updaters: int
    resolves_per_second: float
    resolvers: int
    messages_per_second: float
    extractors: int
    model_seconds: float
    embedders: int
    recalls_per_second: float
    recallers: int
    provisioned_utilization: float
    large_payload_share: float
    large_payload_bytes: int
    platform_log_bytes: int
    logs_kept_days: int
    logs_compressed_to: float
    key_versions: int
    restores_per_month: int
    idle_pollers: int
    poll_seconds: int
    happens: dict[str, float]


def read_prices() -> Prices:
    listed = msgspec.toml.decode((INPUTS / "prices.toml").read_bytes(), type=_PriceList)
    return {price.name: price for price in listed.price}


def read_assumptions() -> Assumptions:
    return msgspec.toml.decode((INPUTS / "assumptions.toml").read_bytes(), type=Assumptions)


def provisioned(prices: Prices, utilization: float) -> Prices:
    """With the table's capacity bought by the hour, `utilization` of it used. Reserved capacity is not considered."""

    def by_the_hour(unit: str, capacity_hour: str) -> Price:
        dollars = prices[capacity_hour].each / (SECONDS_IN_HOUR * utilization)
        name = f"{prices[unit].unit.split(',')[0]}, provisioned"
        return msgspec.structs.replace(prices[unit], unit=name, dollars=dollars, per=1)

    return {
        **prices,
        "dynamodb.write_unit": by_the_hour("dynamodb.write_unit", "dynamodb.write_capacity_hour"),
        "dynamodb.read_unit": by_the_hour("dynamodb.read_unit", "dynamodb.read_capacity_hour"),
    }


def together(*usages: Usage) -> Usage:
    return {name: sum(each.get(name, 0) for each in usages) for usage in usages for name in usage}


def times(factor: float, usage: Usage) -> Usage:
    return {name: units * factor for name, units in usage.items()}


def bill(usage: Usage, prices: Prices) -> list[Line]:
    """The dearest first."""
    lines = [Line(prices[name], units, units * prices[name].each) for name, units in usage.items() if units]
    return sorted(lines, key=lambda line: -line.dollars)


def dollars(usage: Usage, prices: Prices) -> float:
    return total(bill(usage, prices))


def total(lines: Iterable[Line]) -> float:
    return sum(line.dollars for line in lines)
