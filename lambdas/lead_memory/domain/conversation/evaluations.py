"""What models were asked about a thread: how far each job is, and when one is looked at again."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from lead_memory.domain.intelligence.jobs import Job, Status
from lead_memory.domain.memories import Value
from lead_memory.domain.times import time

_COUNTS = ("message_count", "lead_message_count")


def evaluated(before: Value, said: Value, counted: tuple[int, int]) -> Value:
    """A thread's `evaluation`, after one more. `counted` are its messages, and the lead's among them: no job was
    thought of with more.
    """
    jobs: Value = dict(before.get("jobs", {}))
    for outcome in said["jobs"]:
        known = jobs.get(outcome["job"], {})
        counts = {field: min(said[field], most) for field, most in zip(_COUNTS, counted, strict=True)}
        job = {"status": outcome["status"], "at": said["at"], **counts}
        if outcome["status"] == Status.PROCESSED:
            job["covers"] = counts["message_count"]
            until = said.get("newest_message_at")
        else:
            job |= {field: known[field] for field in ("covers",) if field in known}
            until = known.get("covers_until")
        if until:
            job["covers_until"] = until
        if "until" in outcome:
            job["until"] = outcome["until"]
        jobs[outcome["job"]] = job
    return {
        "importance_score": said["importance_score"],
        "intelligence_status": _of_all(outcome["status"] for outcome in said["jobs"]),
        "estimated_cost_micros": sum(outcome["estimated_cost_micros"] for outcome in said["jobs"]),
        "last_evaluated_at": said["at"],
        "reevaluation_count": before["reevaluation_count"] + 1 if before else 0,
        "jobs": jobs,
    }


def _of_all(statuses: Any) -> Status:
    """What needs somebody's attention most."""
    found = set(statuses)
    ranked = (Status.FAILED, Status.BATCHED, Status.PROCESSED, Status.SKIPPED)
    return next((status for status in ranked if status in found), Status.PENDING)


def asked_again(thread: Mapping[str, Any], asked: Collection[Job]) -> Value:
    """The thread; whatever became of the jobs before, they are done when somebody asks for them."""
    evaluation = thread.get("evaluation")
    if evaluation is None:
        return dict(thread)
    others = {job: known for job, known in evaluation["jobs"].items() if job not in asked}
    return {**thread, "evaluation": evaluation | {"jobs": others}}


def unseen(thread: Mapping[str, Any], job: Job) -> int:
    """How many of the thread's messages the job did not cover yet."""
    left: int = thread.get("message_count", 0) - _of(thread, job).get("covers", 0)
    return max(0, left)


def covered_until(thread: Mapping[str, Any], job: Job) -> datetime | None:
    """When the newest message was sent that the job covers."""
    until = _of(thread, job).get("covers_until")
    return time(until) if until else None


def lead_messages_since(thread: Mapping[str, Any], job: Job) -> int:
    """How many messages the lead wrote since somebody thought of the job."""
    since: int = thread.get("lead_message_count", 0) - _of(thread, job).get("lead_message_count", 0)
    return max(0, since)


def resumed_at(thread: Mapping[str, Any], job: Job, due_at: datetime | None) -> datetime | None:
    """When a job that is due is done, by how it went before: what was batched comes back by itself, and what failed or
    was skipped with the next message. None for never, as things are.
    """
    known = _of(thread, job)
    comes_back = known.get("status", Status.PROCESSED) in (Status.PROCESSED, Status.BATCHED)
    if due_at is None or not (comes_back or _news(thread, known)):
        return None
    return max(due_at, time(known["until"])) if "until" in known else due_at


def batched_until(thread: Mapping[str, Any], job: Job) -> datetime | None:
    """When a job that only messages make due is due again; None where it was not batched, or nothing is left to do."""
    known = _of(thread, job)
    is_batched = known.get("status") == Status.BATCHED and "until" in known
    return time(known["until"]) if is_batched and unseen(thread, job) else None


def _news(thread: Mapping[str, Any], known: Mapping[str, Any]) -> bool:
    has_more: bool = thread.get("message_count", 0) > known["message_count"]
    return has_more


def _of(thread: Mapping[str, Any], job: Job) -> Mapping[str, Any]:
    known: Mapping[str, Any] = thread.get("evaluation", {}).get("jobs", {}).get(job, {})
    return known
