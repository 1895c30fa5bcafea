"""How far models are with a thread, whatever was asked of them and whatever became of it."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_memory.domain.conversation import names
from lead_memory.domain.conversation.evaluations import lead_messages_since, unseen
from lead_memory.domain.conversation.threads import SUMMARIZED_EVERY, due_jobs
from lead_memory.domain.events import Event
from lead_memory.domain.intelligence.jobs import Job
from lead_memory.domain.lifecycle import due_at
from lead_memory.domain.times import iso
from tests.events import START, evaluations, event, streams
from tests.unit.conversation.test_threads import (
    OTHERS,
    evaluated,
    happened,
    message,
    messages,
    minutes,
    outcome,
    thread,
    written,
)
from tests.unit.record.test_recorder_laws import folded

EXTRACTED = [Job.FACTS, Job.ENTITIES]
IN_TIME = [Job.SUMMARY, Job.REACTIVATION]
"""Jobs that time makes due."""

_untils = st.integers(0, 100).map(lambda hours: START + timedelta(hours=hours))


def due_of(job: str, *events: Event) -> datetime | None:
    return due_jobs(thread(*events).value)[Job(job)]


def silent(count: int = 4) -> list[Event]:
    """A thread of which a summary and a reminder are due, at an hour that `due_of` says."""
    return messages(count)


def so_far(events: list[Event], at: datetime, *outcomes: dict[str, Any]) -> list[Event]:
    return [*events, evaluated(at, thread(*events).value, *outcomes)]


@given(streams())
def test_no_job_has_seen_more_than_was_said_and_none_less_than_nothing(events: list[Event]) -> None:
    for thread_id in OTHERS:
        memory = folded(events).get(names.thread(thread_id))
        if memory is None:
            continue
        value = memory.value
        for job in Job:
            covers = value.get("evaluation", {}).get("jobs", {}).get(job, {}).get("covers", 0)
            assert 0 <= covers <= value["message_count"]
            assert unseen(value, job) == value["message_count"] - covers
            assert 0 <= lead_messages_since(value, job) <= value.get("lead_message_count", 0)


@given(st.lists(st.tuples(evaluations, st.booleans()), min_size=1, max_size=6))
def test_every_evaluation_is_counted_and_the_last_one_says_how_it_stands(
    said: list[tuple[dict[str, Any], bool]],
) -> None:
    at, events, expected = START, messages(1), 0
    for data, is_more_said in said:
        at += timedelta(minutes=1)
        events += [message(at)] if is_more_said else []
        events.append(happened(at + timedelta(seconds=1), "intelligence.evaluated", **data | {"thread_id": "t"}))
        expected += 1
    evaluation = thread(*events).value["evaluation"]
    last, _ = said[-1]
    assert evaluation["reevaluation_count"] == expected - 1
    assert evaluation["last_evaluated_at"] == iso(events[-1].occurred_at)
    assert evaluation["importance_score"] == last["importance_score"]
    assert evaluation["estimated_cost_micros"] == sum(job.get("estimated_cost_micros", 0) for job in last["jobs"])
    statuses = {job["status"] for job in last["jobs"]}
    assert evaluation["intelligence_status"] == next(
        status for status in ("failed", "batched", "processed", "skipped") if status in statuses
    )


@given(st.sampled_from(EXTRACTED), _untils)
def test_what_messages_made_due_comes_back_by_itself_once_it_was_batched_and_not_before(
    job: Job, until: datetime
) -> None:
    assert due_of(job, *silent()) is None
    events = so_far(silent(), minutes(9), outcome(job, "batched", until))
    assert due_of(job, *events) == until
    assert due_of(job, *so_far(events, minutes(10), outcome(job, "processed"))) is None


@pytest.mark.parametrize("job", EXTRACTED)
@given(gone=st.integers(0, 3))
def test_what_was_batched_does_not_come_back_where_nothing_is_left_to_look_at(job: Job, gone: int) -> None:
    later = messages(3, since=minutes(10))
    looked_at = so_far(silent(), minutes(8), outcome(job, "processed"))
    events = so_far([*looked_at, *later], minutes(20), outcome(job, "batched", minutes(90)))
    # Some of what came later is not there any more, such as after an erasure.
    left = [each for each in events if each not in later[:gone]]
    assert due_of(job, *left) == (minutes(90) if gone < len(later) else None)


@pytest.mark.parametrize("job", IN_TIME)
@given(until=_untils)
def test_what_was_batched_of_a_silent_thread_is_done_at_its_time(job: Job, until: datetime) -> None:
    due = due_of(job, *silent())
    assert due is not None
    events = so_far(silent(), due, outcome(job, "batched", until))
    assert due_of(job, *events) == max(due, until)
    done = written("thread.summarized" if job is Job.SUMMARY else "thread.reactivation_prepared", due, 4)
    assert due_of(job, *events, done) is None


@pytest.mark.parametrize("status", ["skipped", "failed"])
@pytest.mark.parametrize("job", IN_TIME)
@given(until=st.none() | _untils)
def test_what_failed_or_was_skipped_waits_for_a_message_and_for_its_time(
    job: Job, status: str, until: datetime | None
) -> None:
    due = due_of(job, *silent())
    assert due is not None
    events = so_far(silent(), due, outcome(job, status, until))
    assert due_of(job, *events) is None
    further = [*events, message(due + timedelta(minutes=1))]
    again = due_of(job, *silent(), message(due + timedelta(minutes=1)))
    assert again is not None
    assert due_of(job, *further) == (max(again, until) if until else again)


@given(st.sampled_from(["processed", "batched", "skipped", "failed"]), _untils)
def test_a_summary_that_somebody_asks_for_is_due_whatever_became_of_it_before(status: str, until: datetime) -> None:
    events = so_far(silent(), minutes(8), outcome("summary", status, until), outcome("facts", "batched", until))
    asked = [*events, happened(minutes(9), "thread.summary_requested")]
    assert due_of("summary", *asked) == minutes(9)
    assert due_of("facts", *asked) == until


def test_a_summary_that_was_processed_and_did_not_come_is_still_due() -> None:
    """What a model said is refused where what it rests on was erased meanwhile; then it is asked again."""
    events = messages(SUMMARIZED_EVERY)
    due = due_at(thread(*events))
    assert due is not None
    assert due_at(thread(*so_far(events, due, outcome("summary", "processed")))) == due


@given(st.integers(0, 6), st.integers(0, 6))
def test_the_messages_of_the_lead_are_counted_since_a_job_was_thought_of(before: int, after: int) -> None:
    replies = [message(minutes(20), from_lead=False)]
    events = [*messages(before), *replies]
    looked_at = so_far(events, minutes(21), outcome("entities", "skipped"))
    later = [*looked_at, *messages(after, since=minutes(30))]
    assert lead_messages_since(thread(*events).value, Job.ENTITIES) == before
    assert lead_messages_since(thread(*later).value, Job.ENTITIES) == after
    assert unseen(thread(*later).value, Job.ENTITIES) == before + 1 + after


def test_an_evaluation_of_other_memories_leaves_the_threads_alone() -> None:
    cluster = event(
        "intelligence.evaluated",
        {"attempt_id": "a", "importance_score": 100, "jobs": [outcome("cluster", "processed")]},
        event_id="c",
        at=minutes(9),
    )
    said = silent()
    with_cluster, without = folded([*said, cluster]), folded(said)
    assert with_cluster[names.thread("t")] == without[names.thread("t")]
    assert with_cluster[names.INTELLIGENCE].value["totals"]["cluster"]["processed"] == 1


@given(st.lists(evaluations, min_size=1, max_size=12))
def test_the_ledger_has_the_newest_jobs_and_the_totals_of_all(said: list[dict[str, Any]]) -> None:
    events = [
        event("intelligence.evaluated", data, event_id=f"e{number:02}", at=minutes(number))
        for number, data in enumerate(said)
    ]
    ledger = folded(events)[names.INTELLIGENCE].value
    jobs = [(data["attempt_id"], job["job"], job["status"]) for data in said for job in data["jobs"]]
    assert [(each["attempt_id"], each["job"], each["status"]) for each in ledger["jobs"]] == jobs[-20:]
    counted = {(job, status) for _, job, status in jobs}
    for job, status in counted:
        assert ledger["totals"][job][status] == sum(each[1:] == (job, status) for each in jobs)
