"""The command for what models are asked about a lead."""

from typing import TYPE_CHECKING
from uuid import UUID

from lead_memory_client.terminal import MICROS, OK, Of, answer, say

if TYPE_CHECKING:
    from rich.console import RenderableType

    from lead_memory_client.answers import Intelligence, ModelJob


def intelligence(*, lead: UUID, of: Of = Of()) -> int:
    """Show what models were asked about a lead, what was decided and why, and what it cost.

    Args:
        lead: The lead's id.
    """
    found = of.connect().intelligence(lead, of.organization_id())
    nothing = "No model was asked about this lead yet: a few messages, or `lead-memory thread extract`, begin it."
    answer(of, found, lambda: intelligence_table(found) if found.jobs else nothing)
    if found.jobs:
        say(f"What came of it: lead-memory explain fact contact_profile --lead {lead}{of.options()}")
    return OK


def intelligence_table(found: "Intelligence") -> "RenderableType":
    from rich.console import Group

    from lead_memory_client.show import age, new_table, now

    jobs = new_table("age", "job", "status", "score", "statements", "tokens", "cost, $", "ms", "model")
    for job in found.jobs[::-1]:
        jobs.add_row(
            age((now() - job.at).total_seconds()),
            job.job,
            _status(job),
            str(job.importance_score),
            _statements(job),
            f"{job.input_tokens:,} + {job.output_tokens:,}",
            _dollars(job.cost_micros),
            f"{job.duration_ms:,}",
            job.model or "",
        )
    total = sum(of_job.get("cost_micros", 0) for of_job in found.totals.values())
    spent = f"{_dollars(found.spent_today_micros)} of {_dollars(found.daily_budget_micros)}"
    return Group(jobs, f"This lead, in all: ${_dollars(total)}. The organization, today: ${spent} a day.")


def _status(job: "ModelJob") -> str:
    until = f" until {job.until:%Y-%m-%d %H:%M} UTC" if job.until else ""
    return f"{job.status}: {job.why}{until}" if job.why else job.status


def _statements(job: "ModelJob") -> str:
    dropped = ", ".join(f"{count} {reason}" for reason, count in sorted(job.dropped.items()))
    return f"{job.kept}, dropped {dropped}" if dropped else str(job.kept)


def _dollars(micros: int) -> str:
    return f"{micros / MICROS:.4f}"
