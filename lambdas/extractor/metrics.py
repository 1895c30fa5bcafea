"""One line for each job, without content: what became of it, how long it took and what it cost."""

from lead_memory.adapters.metrics import emit_metrics
from lead_memory.domain.intelligence.jobs import Status
from lead_memory.services.attempts import Outcome

_COUNTED = {
    Status.PROCESSED: "jobs_processed",
    Status.BATCHED: "jobs_batched",
    Status.SKIPPED: "jobs_skipped",
    Status.FAILED: "jobs_failed",
    Status.PENDING: "jobs_retried",
}


def report(stage: str, outcome: Outcome, attempt_id: str) -> None:
    done = outcome.done
    measured = {_COUNTED[outcome.status]: 1, "gate_over_budget": outcome.why == "over_budget"}
    if outcome.status in (Status.PROCESSED, Status.FAILED, Status.PENDING):
        measured |= {
            "job_ms": outcome.duration_ms,
            **done.usage._asdict(),
            "statements_kept": done.kept,
            "statements_dropped": sum(done.dropped.values()),
            "duplicates": done.duplicates,
            "relations_broken": done.relations_broken,
            "summary_characters": sum(len(said.data.get("summary", "")) for said in done.said),
            "entities_updated": sum(said.event_type.startswith("crm.") for said in done.said),
        }
    about = {"operation": "extraction", "attempt_id": attempt_id, "job": outcome.job, "status": outcome.status}
    if outcome.why:
        about["why"] = outcome.why
    emit_metrics(stage, "extractor", None, about, **measured)
