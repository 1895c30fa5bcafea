"""How a thread's memories change, message by message, and when time has something to do for them."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from lead_memory.domain.conversation import evaluations
from lead_memory.domain.intelligence.jobs import Job
from lead_memory.domain.limits import RECENT_CHARACTERS, RECENT_MESSAGES, THREADS_KEPT
from lead_memory.domain.memories import Value
from lead_memory.domain.times import iso, newest, on_the_hour, time

IDLE_AFTER = timedelta(hours=24)
CLOSED_AFTER = timedelta(hours=22, minutes=50)
"""On the next full hour a silent thread is summarized: at least ten minutes, which is two sweeps, before it is idle."""
MEDIUM_TERM = timedelta(days=30)
SUMMARIZED_EVERY = 10
"""Messages."""
SUMMARIZED_AFTER = timedelta(minutes=5)
"""Once so many are there, so that a burst of messages is summarized once."""
RETURNS_AFTER = timedelta(days=7)
_MESSAGES_AT = ("last_message_at", "previous_message_at")
RETURNS_TO = 3
"""Messages that a thread has before a lead who comes back to it is reminded of it."""
SENTIMENTS_KEPT = 5


def add_message(value: Value | None, said: Value) -> Value:
    """The short-term memory: the newest messages, as many as their length allows, and what they are about."""
    known = value or {}
    messages = [*known.get("messages", ()), said["message"]] if "message" in said else known.get("messages", [])
    return {**known, **said["about"], "messages": _newest(messages)}


def _newest(messages: list[Value]) -> list[Value]:
    fewest, most = RECENT_MESSAGES
    kept = messages[-most:]
    while len(kept) > fewest and sum(len(message.get("text", "")) for message in kept) > RECENT_CHARACTERS:
        kept = kept[1:]
    return kept


def ended(_: Value | None, __: Value) -> Value:
    return {}


def message_sent(value: Value | None, said: Value) -> Value:
    """The thread; a message opens one that was resolved."""
    known: Value = dict(value or {})
    before, count = known.get("last_message_at"), known.get("message_count", 0) + 1
    for field in ("resolved_at", "resolution"):
        known.pop(field, None)
    thread: Value = {
        **known,
        **{field: said[field] for field in ("thread_id", "channel", "subject") if field in said},
        "status": "open",
        "message_count": count,
        "lead_message_count": known.get("lead_message_count", 0) + said["from_lead"],
        "first_message_at": known.get("first_message_at", said["at"]),
        "last_message_at": said["at"],
        "last_message_from": "lead" if said["from_lead"] else "us",
        **({"previous_message_at": before} if before else {}),
    }
    if unsummarized(thread) >= SUMMARIZED_EVERY and "summary_due_at" not in thread:
        thread["summary_due_at"] = iso(time(said["at"]) + SUMMARIZED_AFTER)
    return _with_return(thread, known, said)


def _with_return(thread: Value, known: Value, said: Value) -> Value:
    """When the lead came back, and when they answered what they were told then."""
    if not said["from_lead"]:
        return thread
    if returned(thread):
        thread.pop("engaged_at", None)
        thread["returned_at"] = said["at"]
    elif "returned_at" in thread and "engaged_at" not in thread and known["last_message_from"] == "us":
        thread["engaged_at"] = said["at"]
    return thread


def returned(thread: Mapping[str, Any]) -> bool:
    """Whether the last message came after a silence, to a thread that had begun before it."""
    return (
        "previous_message_at" in thread
        and thread["message_count"] > RETURNS_TO
        and time(thread["last_message_at"]) - time(thread["previous_message_at"]) > RETURNS_AFTER
    )


class Silence(NamedTuple):
    length: timedelta
    thread: Mapping[str, Any]
    """The one that fell silent last."""


def silence(threads: Sequence[Mapping[str, Any]], now: datetime) -> Silence | None:
    """How long nobody wrote, where it was long: before the last message, which is the lead's, or until now.

    Threads that are joined are one. None for one that had hardly begun.
    """
    count = sum(thread["message_count"] for thread in threads)
    if count < RETURNS_TO:
        return None
    written = [(time(thread[field]), thread) for thread in threads for field in _MESSAGES_AT if field in thread]
    *_, (before, silent), (newest, last) = sorted(written, key=lambda each: each[0])
    if now - newest > RETURNS_AFTER:
        return Silence(now - newest, last)
    back = last["last_message_from"] == "lead" and count > RETURNS_TO and newest - before > RETURNS_AFTER
    return Silence(newest - before, silent) if back else None


def unsummarized(thread: Mapping[str, Any]) -> int:
    """How many messages the summary does not cover."""
    left: int = thread["message_count"] - thread.get("summary", {}).get("message_count", 0)
    return max(0, left)


def spoken_of(value: Value | None, said: Value) -> Value:
    return _begun(value) | said


def resolved(value: Value | None, said: Value) -> Value:
    thread = _begun(value) | {field: what for field, what in said.items() if field != "at"}
    thread |= {"status": "resolved", "resolved_at": said["at"]}
    if unsummarized(thread):
        thread["summary_due_at"] = min(thread.get("summary_due_at", said["at"]), said["at"])
    return thread


def summary_requested(value: Value | None, said: Value) -> Value:
    thread = evaluations.asked_again(_begun(value), {Job.SUMMARY})
    full = said["full"] or thread.get("summarize_in_full", False)
    return thread | {"thread_id": said["thread_id"], "summarize_in_full": full, "summary_due_at": said["at"]}


def evaluated(value: Value | None, said: Value) -> Value:
    thread = _begun(value) | {"thread_id": said["thread_id"]}
    counted = thread["message_count"], thread.get("lead_message_count", 0)
    after = evaluations.evaluated(thread.get("evaluation", {}), said, counted)
    return thread | {"evaluation": after}


def summarized(value: Value | None, said: Value) -> Value:
    """A summary that comes after one that covers more is left alone; none covers more than there was when it came."""
    thread = _begun(value) | {"thread_id": said["thread_id"]}
    covered = min(said["written"]["message_count"], thread["message_count"])
    if covered < thread.get("summary", {}).get("message_count", 0):
        return thread
    thread["summary"] = said["written"] | {"message_count": covered}
    for field in ("summary_due_at", "summarize_in_full"):
        thread.pop(field, None)
    if unsummarized(thread) >= SUMMARIZED_EVERY:
        thread["summary_due_at"] = iso(time(said["written"]["at"]) + SUMMARIZED_AFTER)
    return thread


def reactivation_prepared(value: Value | None, said: Value) -> Value:
    return _begun(value) | {"thread_id": said["thread_id"], "reactivation": said["written"]}


def _begun(value: Value | None) -> Value:
    """News of a thread may come before its first message."""
    return {"status": "open", "message_count": 0} | (value or {})


def due_at(thread: Mapping[str, Any]) -> datetime | None:
    """When something is to be asked of a model for the thread."""
    return min(filter(None, due_jobs(thread).values()), default=None)


def due_jobs(thread: Mapping[str, Any]) -> dict[Job, datetime | None]:
    """When each job is due, None for never: a summary, after a day's silence a reminder too, and what was batched."""
    is_open = thread["status"] == "open" and "last_message_at" in thread
    closes_at = on_the_hour(time(thread["last_message_at"]) + CLOSED_AFTER) if is_open else None
    summary_at = time(thread["summary_due_at"]) if "summary_due_at" in thread else None
    if closes_at and unsummarized(thread):
        summary_at = min(summary_at or closes_at, closes_at)
    due = {
        Job.FACTS: evaluations.batched_until(thread, Job.FACTS),
        Job.ENTITIES: evaluations.batched_until(thread, Job.ENTITIES),
        Job.SUMMARY: summary_at,
        Job.REACTIVATION: closes_at if lacks_reactivation(thread) else None,
    }
    return {job: evaluations.resumed_at(thread, job, at) for job, at in due.items()}


def lacks_reactivation(thread: Mapping[str, Any]) -> bool:
    """Whether the reminder was not prepared for the thread as it stands."""
    count: int = thread["message_count"]
    return count >= RETURNS_TO and thread.get("reactivation", {}).get("message_count") != count


def interacted(value: Value | None, said: Value) -> Value:
    """Medium-term: how the lead and we deal with each other, across threads."""
    known = value or {}
    memory = {
        **known,
        "interaction_count": known.get("interaction_count", 0) + 1,
        "last_interaction_at": said["at"],
    }
    for field, counted in (("channel", "channels"), ("intent", "intents"), ("topic", "topics")):
        if field in said:
            memory[counted] = _counted(known.get(counted, {}), said[field], said["at"])
    if "sentiment" in said:
        trend = [*known.get("sentiments", ()), {"sentiment": said["sentiment"], "at": said["at"]}]
        memory["sentiments"] = trend[-SENTIMENTS_KEPT:]
    if "from_lead" in said:
        memory["open_threads"] = _newest_of(
            known.get("open_threads", {}) | {said["thread_id"]: {"last_at": said["at"]}}
        )
    return memory


def settled(value: Value | None, said: Value) -> Value:
    """A thread that is resolved twice, and nobody wrote in between, has one resolution: the later."""
    memory = interacted(value, said)
    open_threads = dict(memory.get("open_threads", {}))
    was_open = open_threads.pop(said["thread_id"], None)
    before = memory.get("resolutions", [])
    if not was_open:
        repeated = next((other for other in reversed(before) if other["thread_id"] == said["thread_id"]), None)
        before = [other for other in before if other is not repeated]
    resolution = {field: what for field, what in said.items() if field != "at"} | {"resolved_at": said["at"]}
    return memory | {"open_threads": open_threads, "resolutions": [*before, resolution][-THREADS_KEPT:]}


def _counted(counts: Mapping[str, Any], name: str, at: str) -> dict[str, Any]:
    count = counts.get(name, {}).get("count", 0) + 1
    return _newest_of({**counts, name: {"count": count, "last_at": at}})


def _newest_of(entries: Mapping[str, Any]) -> dict[str, Any]:
    return newest(entries, THREADS_KEPT, lambda entry: entry["last_at"])
