"""What models were asked about a lead: the newest jobs, and what all of them come to."""

from lead_memory.domain.limits import JOBS_KEPT
from lead_memory.domain.memories import Value

_SUMMED = ("cost_micros", "input_tokens", "output_tokens", "kept", "duration_ms")


def entered(value: Value | None, said: Value) -> Value:
    known = value or {}
    about = {
        field: said[field]
        for field in ("attempt_id", "thread_id", "at", "importance_score", "triggers")
        if field in said
    }
    totals: Value = known.get("totals", {})
    for outcome in said["jobs"]:
        totals = totals | {outcome["job"]: _added(totals.get(outcome["job"], {}), outcome)}
    jobs = [*known.get("jobs", ()), *(about | outcome for outcome in said["jobs"])]
    return {"jobs": jobs[-JOBS_KEPT:], "totals": totals}


def _added(total: Value, outcome: Value) -> Value:
    counts = {outcome["status"]: 1, "dropped": sum(outcome["dropped"].values())}
    counts |= {field: outcome[field] for field in _SUMMED}
    return total | {field: total.get(field, 0) + count for field, count in counts.items()}
