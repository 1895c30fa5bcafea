"""One job, from the gate to what is said of it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from lead_memory.domain.errors import LeadMemoryError, Unavailable
from lead_memory.domain.intelligence.jobs import Job, Status
from lead_memory.domain.memories import Lead
from lead_memory.domain.times import iso
from lead_memory.services.bus import Entry, entry
from lead_memory.services.gate import RECONSIDERED_AFTER, Budgets, decide
from lead_memory.services.models import NO_USAGE, Model, ModelFailed, Usage

SOURCE = "extractor"
BROKEN = "broken"
"""Why a job failed: by a mistake of ours."""
_logger = logging.getLogger(__name__)
EVALUATED = "intelligence.evaluated"


class Said(NamedTuple):
    """An event, and the refs of those that it rests on."""

    event_type: str
    data: Mapping[str, Any]
    rests_on: Sequence[str]


class Done(NamedTuple):
    """What was made of a model's answer. Statements are counted."""

    said: Sequence[Said]
    usage: Usage
    kept: int
    dropped: Mapping[str, int] = {}
    duplicates: int = 0
    relations_broken: int = 0


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    job: Job
    status: Status
    """`pending` where it is to be tried again."""
    estimated_micros: int
    why: str | None = None
    until: datetime | None = None
    done: Done = Done((), NO_USAGE, 0)
    duration_ms: int = 0


class Worth(NamedTuple):
    """What the gate looks at."""

    importance: int
    requested: bool
    tokens: int
    """Of the text that the model would be given."""
    limit_micros: int
    """What the organization may spend in a day."""


async def attempt(
    model: Model,
    budgets: Budgets,
    lead: Lead,
    job: Job,
    ask: Callable[[], Awaitable[Done]],
    worth: Worth,
    *,
    now: datetime,
    is_last: bool,
) -> Outcome:
    """Asks the gate, then the model. `is_last` says that a failure is one for good. May raise `Unavailable`."""
    estimated = model.estimated_cost_micros(job, worth.tokens)
    decision = await decide(
        budgets,
        job,
        importance=worth.importance,
        requested=worth.requested,
        estimated_micros=estimated,
        limit_micros=worth.limit_micros,
        organization_id=lead.organization_id,
        now=now,
    )
    if not decision.asks:
        return Outcome(
            job=job, status=decision.status, estimated_micros=estimated, why=decision.why, until=decision.until
        )

    def failed_as(why: str, usage: Usage) -> Outcome:
        status, until = Status.FAILED if is_last else Status.PENDING, now + RECONSIDERED_AFTER
        done = Done((), usage, 0)
        return Outcome(job=job, status=status, estimated_micros=estimated, why=why, until=until, done=done)

    loop = asyncio.get_running_loop()
    started_at = loop.time()
    try:
        done = await ask()
    except ModelFailed as failed:
        outcome = failed_as(failed.failure, failed.usage)
    except LeadMemoryError:
        raise
    except Exception as error:
        # What it cost stays reserved. It ends in the dead letters, rather than being paid for again and again.
        _logger.error("a job broke: %s", type(error).__name__)
        outcome = failed_as(BROKEN, Usage(cost_micros=estimated))
    else:
        outcome = Outcome(job=job, status=Status.PROCESSED, estimated_micros=estimated, done=done)
    if spent_more := outcome.done.usage.cost_micros - estimated:
        with suppress(Unavailable):  # an answer that is paid for is not thrown away
            await budgets.correct(lead.organization_id, now, spent_more)
    return msgspec.structs.replace(outcome, duration_ms=round((loop.time() - started_at) * 1_000))


def entries(
    model: Model, lead: Lead, outcomes: Sequence[Outcome], attempt_id: str, after: datetime, about: Mapping[str, Any]
) -> list[Entry]:
    """The events of an attempt, in their order, each a microsecond after the one before; the last one says of all what
    became of them, with what `about` says.
    """
    said = [
        (_with_origin(each, outcome, model, attempt_id), each) for outcome in outcomes for each in outcome.done.said
    ]
    settled = [_settled(outcome, model) for outcome in outcomes if outcome.status is not Status.PENDING]
    events = [(each.event_type, data) for data, each in said]
    if settled:
        events.append((EVALUATED, {**about, "attempt_id": attempt_id, "jobs": settled}))
    return [
        entry(SOURCE, event_type, lead, f"{attempt_id}-{n}", after + n * timedelta(microseconds=1), data)
        for n, (event_type, data) in enumerate(events, start=1)
    ]


def _with_origin(said: Said, outcome: Outcome, model: Model, attempt_id: str) -> Mapping[str, Any]:
    usage = outcome.done.usage
    origin = {
        "attempt_id": attempt_id,
        "model": model.name,
        "prompt_version": model.prompt_version(outcome.job),
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cost_micros": usage.cost_micros,
        "rests_on": list(said.rests_on),
    }
    return {**said.data, "extraction": origin}


def _settled(outcome: Outcome, model: Model) -> Mapping[str, Any]:
    done = outcome.done
    told: dict[str, Any] = {
        "job": outcome.job,
        "status": outcome.status,
        "why": outcome.why,
        "until": iso(outcome.until) if outcome.until else None,
        "estimated_cost_micros": outcome.estimated_micros,
    }
    if outcome.status in (Status.PROCESSED, Status.FAILED):
        told |= {"model": model.name, "prompt_version": model.prompt_version(outcome.job), **done.usage._asdict()}
        told |= {"kept": done.kept, "dropped": dict(done.dropped), "duration_ms": outcome.duration_ms}
    return {field: value for field, value in told.items() if value is not None}
