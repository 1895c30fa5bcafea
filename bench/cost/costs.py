"""What it costs to do a million of each thing, and what would make it less."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from bench.cost import usage
from bench.cost.experiment import Measured
from bench.cost.measured import Work
from bench.cost.priced import Assumptions, Prices, Usage, dollars, provisioned, times
from bench.cost.stored import Stored
from infra.stages import Stage

MILLION = 1_000_000
REBUILT_LEADS = 10 * MILLION


class Part(NamedTuple):
    name: str
    usage: Usage


class Costs(NamedTuple):
    """The first of several is the usual one."""

    events: Sequence[Part]
    """Of a million."""
    variables: Sequence[Part]
    """Of a million."""
    leads: Part
    """A million, for a month."""
    rebuilds: Sequence[Part]
    """Of `REBUILT_LEADS`."""
    month: Part

    @property
    def headlines(self) -> list[Part]:
        return [
            Part("a million events", self.events[0].usage),
            Part("a million resolved variables", self.variables[0].usage),
            Part("a million leads, stored for a month", self.leads.usage),
            *(Part(f"a rebuild of 10 million leads, {each.name}", each.usage) for each in self.rebuilds),
            Part("a month in which nothing happens", self.month.usage),
        ]


class Lever(NamedTuple):
    name: str
    takes: str
    """What is given for it."""
    of: str
    before: float
    after: float


def costs(measured: Measured, stage: Stage, assumed: Assumptions) -> Costs:
    return Costs(
        events=_events(measured, stage, assumed),
        variables=_variables(measured, assumed),
        leads=Part("a million leads", stored(measured, measured.rows, assumed)),
        rebuilds=_rebuilds(measured, stage, assumed),
        month=Part("a month", _month(measured, stage, assumed)),
    )


def stored(measured: Measured, rows: Stored, assumed: Assumptions) -> Usage:
    """For a month, these rows of a million leads."""
    of_a_lead = usage.stored_month(
        table_bytes=rows.table_bytes / measured.leads,
        index_bytes=rows.index_bytes / measured.leads,
        events=measured.event_rows.items / measured.leads,
        assumed=assumed,
    )
    return times(MILLION, of_a_lead)


def _events(measured: Measured, stage: Stage, assumed: Assumptions) -> list[Part]:
    def of_one(batch: Work, events: int) -> Usage:
        return usage.event(
            batch,
            events=events,
            event_bytes=measured.event_bytes,
            archive_days=stage.archive_days or 0,
            assumed=assumed,
        )

    return [Part(each.name, times(MILLION, of_one(each.batch, each.events))) for each in measured.arrivals]


def _variables(measured: Measured, assumed: Assumptions) -> list[Part]:
    return [
        Part(
            each.name,
            times(MILLION / each.variables, usage.call(each.call, reads_profile=each.reads_profile, assumed=assumed)),
        )
        for each in measured.resolves
    ]


def _rebuilds(measured: Measured, stage: Stage, assumed: Assumptions) -> list[Part]:
    def of_all(batch: Work) -> Usage:
        return usage.rebuilt(
            batch,
            entry_bytes=measured.registry_bytes,
            rebuilders=stage.rebuilders,
            leads=REBUILT_LEADS,
            assumed=assumed,
        )

    return [Part(each.name, of_all(each.batch)) for each in measured.rebuilds]


def _month(measured: Measured, stage: Stage, assumed: Assumptions) -> Usage:
    works = [
        *(each.batch for each in measured.arrivals),
        *(each.call for each in measured.resolves),
        *(each.batch for each in measured.rebuilds),
        measured.cleanup,
    ]
    return usage.month(
        measured.resources,
        functions_gb=measured.functions_mib / usage.MIB_IN_GB,
        metrics=len({metric for work in works for metric in work.metrics}),
        cleanup=measured.cleanup,
        cleanup_every_minutes=stage.cleanup_every_minutes,
        assumed=assumed,
    )


def levers(measured: Measured, stage: Stage, assumed: Assumptions, prices: Prices) -> list[Lever]:
    """The one that lowers its cost the most first."""
    found = costs(measured, stage, assumed)
    apart, together, alone = (dollars(each.usage, prices) for each in found.events)
    single, many, _ = (dollars(each.usage, prices) for each in found.variables)
    fewer = msgspec.structs.replace(assumed, organizations=max(1, assumed.organizations // 10))
    bought = provisioned(prices, assumed.provisioned_utilization)
    resolver_share = measured.resolves[0].call.memory_mib / measured.functions_mib
    snapshots = found.month.usage["lambda.snapshot_gb_second"] * resolver_share

    def without(part: Part, *names: str) -> float:
        return dollars({name: units for name, units in part.usage.items() if name not in names}, prices)

    events, variables, leads, month = (part.name for part in found.headlines if "rebuild" not in part.name)
    on_bought = dollars(found.events[0].usage, bought)
    of_fewer = dollars(_events(measured, stage, fewer)[0].usage, prices)
    without_log = without(found.variables[0], "logs.gb", "logs.gb_month")
    kept, without_backup = dollars(found.leads.usage, prices), without(found.leads, "dynamodb.backup_gb_month")
    whole = dollars(found.month.usage, prices)
    one_snapshot = dollars({**found.month.usage, "lambda.snapshot_gb_second": snapshots}, prices)
    compared = [
        Lever("provisioned capacity", "it has to follow the traffic", events, apart, on_bought),
        Lever("a lead's events come together", "publishers send them so", events, apart, together),
        Lever("full batches, not one by one", "the queue waits longer", events, alone, apart),
        Lever("a tenth of the organizations", "they are as large as ten", events, apart, of_fewer),
        Lever("many leads in a call", "dispatch asks for them together", variables, single, many),
        Lever("no line in the log for a call", "what one call did is not seen", variables, single, without_log),
        Lever("no point-in-time recovery", "what is lost is lost", leads, kept, without_backup),
        Lever("a snapshot of the resolver alone", "other functions start slower", month, whole, one_snapshot),
    ]
    return sorted(compared, key=lambda lever: lever.after / lever.before)
