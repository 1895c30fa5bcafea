"""Whether a model is asked at all: what it is worth, and what an organization may spend in a day."""

from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from lead_memory.domain.intelligence.importance import WORTH_ASKING
from lead_memory.domain.intelligence.jobs import Job, Status

WORTH_WAITING = 50
"""The importance from which a job that there is no budget for is done on the next day; below, it is left out."""
RECONSIDERED_AFTER = timedelta(hours=1)
"""Before that, what was skipped or failed is not thought of again, whatever is said."""
EXTRACTED = (Job.FACTS, Job.ENTITIES)
"""Jobs that may be left out: a thread without a summary would have no past."""


class Budgets(Protocol):
    """Millionths of a US dollar, of an organization and a day in UTC. May raise `Unavailable`."""

    async def reserve(self, organization_id: str, now: datetime, micros: int, limit_micros: int) -> bool:
        """False where the day's limit has no room for it."""

    async def correct(self, organization_id: str, now: datetime, micros: int) -> None:
        """By how much more, or with a minus less, was spent than reserved."""


class Decision(NamedTuple):
    asks: bool
    status: Status = Status.PENDING
    why: str | None = None
    until: datetime | None = None


ASKS = Decision(asks=True)


async def decide(
    budgets: Budgets,
    job: Job,
    *,
    importance: int,
    requested: bool,
    estimated_micros: int,
    limit_micros: int,
    organization_id: str,
    now: datetime,
) -> Decision:
    """Reserves the estimate where the model is to be asked."""
    may_wait = requested or job not in EXTRACTED
    if not may_wait and importance < WORTH_ASKING:
        return Decision(asks=False, status=Status.SKIPPED, why="unimportant")
    if not estimated_micros or await budgets.reserve(organization_id, now, estimated_micros, limit_micros):
        return ASKS
    # Of a thread it is known what is left for later; of other memories nobody would think again.
    comes_back = job is not Job.CLUSTER and (may_wait or importance >= WORTH_WAITING)
    if estimated_micros > limit_micros or not comes_back:
        until = now + RECONSIDERED_AFTER
        return Decision(asks=False, status=Status.SKIPPED, why="over_budget", until=until)
    tomorrow = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return Decision(asks=False, status=Status.BATCHED, why="over_budget", until=tomorrow)
