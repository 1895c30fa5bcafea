"""What it costs to do a million of each thing, and what would make it less."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from bench.cost import usage
from bench.cost.experiment import Measured
from bench.cost.indexing import CALLS
from bench.cost.measured import Work
from bench.cost.priced import Assumptions, Prices, Usage, dollars, provisioned, times, together
from bench.cost.stored import Stored
from infra.stages import Stage
from lead_memory.domain.intelligence.jobs import Job
from lead_memory.services.gate import EXTRACTED

MILLION = 1_000_000
REBUILT_LEADS = 10 * MILLION
EVENTS = "a million events"
INDEXING = "their memories, embedded for recalls"
RECALLS = "a million recalls"
VARIABLES = "a million resolved variables"
MESSAGES = "a million messages that the extractor looks at"
LEADS = "a million leads, stored for a month"
MONTH = "a month in which nothing happens"


class Part(NamedTuple):
    name: str
    usage: Usage


class Costs(NamedTuple):
    """The first of several is the usual one."""

    events: Sequence[Part]
    """Of a million."""
    indexing: Part
    """Of a million events, what comes on top."""
    recalls: Sequence[Part]
    """Of a million."""
    variables: Sequence[Part]
    """Of a million."""
    messages: Sequence[Part]
    """Of a million, as they come in a conversation and by what is asked of them, without models."""
    models: Sequence[Part]
    """Of a million messages, by job."""
    leads: Part
    """A million, for a month."""
    rebuilds: Sequence[Part]
    """Of `REBUILT_LEADS`."""
    month: Part

    @property
    def model(self) -> Usage:
        """Of a million messages, all jobs."""
        return together(*(each.usage for each in self.models))

    @property
    def headlines(self) -> list[Part]:
        return [
            Part(EVENTS, self.events[0].usage),
            Part(INDEXING, self.indexing.usage),
            Part(RECALLS, self.recalls[0].usage),
            Part(VARIABLES, self.variables[0].usage),
            Part(MESSAGES, self.messages[0].usage),
            Part("a model for these messages", self.model),
            Part(LEADS, self.leads.usage),
            *(Part(f"a rebuild of 10 million leads, {each.name}", each.usage) for each in self.rebuilds),
            Part(MONTH, self.month.usage),
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
        indexing=_indexing(measured, assumed),
        recalls=_recalls(measured, assumed),
        variables=_variables(measured, assumed),
        messages=_messages(measured, assumed),
        models=_models(measured, assumed),
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


def _indexing(measured: Measured, assumed: Assumptions) -> Part:
    batch, events, queued, _ = measured.indexing
    of_one = usage.indexed(batch, events=events, queued=queued, assumed=assumed)
    return Part(f"{events} events in a batch", times(MILLION, of_one))


def _recalls(measured: Measured, assumed: Assumptions) -> list[Part]:
    return [
        Part(each.name, times(MILLION, usage.recall(each.call, each.counting, recalls=CALLS, assumed=assumed)))
        for each in measured.recalls
    ]


def _variables(measured: Measured, assumed: Assumptions) -> list[Part]:
    return [
        Part(
            each.name,
            times(MILLION / each.variables, usage.call(each.call, reads_profile=each.reads_profile, assumed=assumed)),
        )
        for each in measured.resolves
    ]


def _messages(measured: Measured, assumed: Assumptions) -> list[Part]:
    parts = [
        Part(each.name, times(MILLION, usage.message(each.batch, messages=usage.QUEUE_BATCH, assumed=assumed)))
        for each in measured.looks
    ]
    nothing, extracted, summarized = (part.usage for part in parts)
    asked = measured.asked
    extracting = max(map(asked.share, EXTRACTED))
    # What is due for a thread comes as a request of its own.
    mixed = together(
        times(1 - extracting, nothing), times(extracting, extracted), times(asked.share(Job.SUMMARY), summarized)
    )
    return [Part("as they come", mixed), *parts]


def _models(measured: Measured, assumed: Assumptions) -> list[Part]:
    asked, memory_mib = measured.asked, measured.looks[0].batch.memory_mib

    def of_one(job: Job) -> Usage:
        calls = asked.calls[job]
        return usage.model_call(
            input_tokens=asked.input_tokens[job] / calls,
            output_tokens=asked.output_tokens[job] / calls,
            memory_mib=memory_mib,
            assumed=assumed,
        )

    return [Part(job, times(MILLION * asked.share(job), of_one(job))) for job in Job if asked.calls[job]]


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
        *(each.batch for each in measured.looks),
        measured.indexing.batch,
        *(each.call for each in measured.recalls),
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

    on_bought = dollars(found.events[0].usage, bought)
    of_fewer = dollars(_events(measured, stage, fewer)[0].usage, prices)
    without_log = without(found.variables[0], "logs.gb", "logs.gb_month")
    kept, without_backup = dollars(found.leads.usage, prices), without(found.leads, "dynamodb.backup_gb_month")
    whole = dollars(found.month.usage, prices)
    one_snapshot = dollars({**found.month.usage, "lambda.snapshot_gb_second": snapshots}, prices)
    compared = [
        Lever("provisioned capacity", "it has to follow the traffic", EVENTS, apart, on_bought),
        Lever("a lead's events come together", "publishers send them so", EVENTS, apart, together),
        Lever("full batches, not one by one", "the queue waits longer", EVENTS, alone, apart),
        Lever("a tenth of the organizations", "they are as large as ten", EVENTS, apart, of_fewer),
        Lever("many leads in a call", "dispatch asks for them together", VARIABLES, single, many),
        Lever("no line in the log for a call", "what one call did is not seen", VARIABLES, single, without_log),
        Lever("no point-in-time recovery", "what is lost is lost", LEADS, kept, without_backup),
        Lever("a snapshot of the resolver alone", "other functions start slower", MONTH, whole, one_snapshot),
    ]
    return sorted(compared, key=lambda lever: lever.after / lever.before)
