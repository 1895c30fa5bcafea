"""What becomes of a job when the model, the queue, the bus or the budget does not go along."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_memory.domain.conversation import names
from lead_memory.domain.errors import Unavailable
from lead_memory.domain.intelligence.jobs import Job
from lead_memory.domain.memories import MemoryKey, MemoryType
from lead_memory.services.bus import Entry
from lead_memory.services.extraction import RETRIES, WAITS
from lead_memory.services.models import Failure
from tests.events import START
from tests.unit.intelligence.fakes import (
    LONG,
    PAUSES,
    ScriptedModel,
    World,
    asked_for,
    request_for,
    request_of,
    wait_and_count_pauses,
    world,
)
from tests.unit.intelligence.said import ASKS, DAY, HOUR, MINUTE, WORTH, in_turn, lead, of_thread, us

PROFILE = names.CONTACT_PROFILE


# The model


@pytest.mark.parametrize("failure", list(Failure))
@pytest.mark.parametrize("times", range(1, RETRIES + 1))
async def test_a_job_that_fails_is_tried_again_after_growing_pauses_and_the_others_land(
    failure: Failure, times: int
) -> None:
    of, model = world(cost=3)
    model.fails[Job.FACTS] = [failure] * times
    await of.said(*asked_for())
    assert of.value(MemoryKey(MemoryType.FACT, "account:acme"))["name"] == "Acme"
    assert (of.value(PROFILE), of.outcomes(Job.FACTS)) == ({}, [])
    assert await wait_and_count_pauses(of) == PAUSES[:times]
    assert of.value(PROFILE)["painPoints"] == ["The account Acme", WORTH]
    assert (model.jobs(), of.given_up) == ({Job.FACTS: times + 1, Job.ENTITIES: 1}, [])
    [outcome] = of.outcomes(Job.FACTS)
    assert (outcome["status"], outcome["cost_micros"]) == ("processed", 3)
    # What somebody asked for is so until the end.
    assert [said["triggers"][-1] for said in of.log("intelligence.evaluated")] == ["thread.extraction_requested"] * 2
    assert of.spent.total() == 3 * (times + 2)


@pytest.mark.parametrize("failure", list(Failure))
async def test_a_job_that_always_fails_is_given_up_with_its_reason_and_what_was_known_stays(failure: Failure) -> None:
    of, model = world(cost=3)
    await of.said(lead(WORTH), us(ASKS))
    of.now += LONG
    known = of.value(PROFILE)
    model.fails[Job.FACTS] = [failure] * (RETRIES + 1)
    await of.said(lead(f"{WORTH} Or not?", of.now), us(ASKS, of.now))
    assert await wait_and_count_pauses(of) == PAUSES
    [(request, reason)] = of.given_up
    assert (reason, request.jobs, request.attempt) == (str(failure), frozenset({Job.FACTS}), 0)
    assert of.value(PROFILE) == known
    assert model.jobs()[Job.FACTS] == 1 + 1 + RETRIES
    outcome = of.outcomes(Job.FACTS)[-1]
    assert (outcome["status"], outcome["why"]) == ("failed", failure)
    assert of.value(names.thread("t"))["evaluation"]["intelligence_status"] == "failed"
    # A person may give it back: then it is done.
    of.now += LONG
    assert await of.extract(request) == set()
    assert of.value(PROFILE)["painPoints"] == [WORTH, f"{WORTH} Or not?"]


async def test_a_summary_that_was_given_up_is_left_until_something_is_said_or_a_person_gives_it_back() -> None:
    of, model = world()
    model.fails[Job.SUMMARY] = [Failure.AWAY] * (RETRIES + 1)
    await of.said(*in_turn(10))
    await of.sweep(START + HOUR)
    await of.wait()
    [(request, _)] = of.given_up
    for hours in range(20):
        await of.sweep(START + hours * HOUR)
    assert model.jobs()[Job.SUMMARY] == 1 + RETRIES
    assert of.log("thread.summarized") == []
    await of.extract(request)
    assert [said["message_count"] for said in of.log("thread.summarized")] == [10]


async def test_a_reminder_that_fails_leaves_the_summary_and_comes_later() -> None:
    of, model = world()
    model.fails[Job.REACTIVATION] = [Failure.SLOW]
    await of.said(*in_turn(4))
    await of.sweep(START + DAY)
    assert (len(of.log("thread.summarized")), of.log("thread.reactivation_prepared")) == (1, [])
    await of.wait()
    [reminder] = of.log("thread.reactivation_prepared")
    assert reminder["text"] == of.log("thread.summarized")[0]["summary"]
    assert model.jobs()[Job.SUMMARY] == 1


async def test_what_is_asked_for_while_a_job_waits_to_be_tried_again_is_not_lost() -> None:
    of, model = world()
    model.fails[Job.FACTS] = [Failure.THROTTLED] * RETRIES
    await of.said(lead(WORTH), us(ASKS))
    of.now += MINUTE
    await of.said(lead("The account Acme", of.now))
    assert model.jobs() == {Job.FACTS: 1}
    await of.wait()
    assert model.jobs() == {Job.FACTS: RETRIES + 1, Job.ENTITIES: 1}
    assert of.value(MemoryKey(MemoryType.FACT, "account:acme"))["name"] == "Acme"


async def test_a_job_that_breaks_by_a_mistake_of_ours_is_given_up_as_any_other_and_no_other_with_it() -> None:
    class Broken(ScriptedModel):
        async def entities(self, lines: Sequence[Any]) -> Any:
            raise ZeroDivisionError

    of = World(Broken())
    first, second = lead("The account Acme", thread_id="a"), lead(WORTH, thread_id="b")
    assert await of.said(first, second, us(ASKS, thread_id="b")) == set()
    assert of.value(PROFILE)["painPoints"] == [WORTH]
    await of.wait()
    assert [reason for _, reason in of.given_up] == ["broken"]


# The log and the queue


@pytest.mark.parametrize("after", range(1, WAITS + 1))
async def test_an_event_that_is_not_recorded_yet_is_waited_for(after: int) -> None:
    of, model = world()
    await of.record(lead("The account Acme"))
    late = of_thread("thread.extraction_requested", START)
    assert await of.extract(request_of(late)) == set()
    for _ in range(after - 1):
        [sent] = of.sent
        await of.wait(sent.at - of.now)
    await of.record(late)
    await of.wait()
    assert model.jobs() == {Job.FACTS: 1, Job.ENTITIES: 1}


async def test_an_event_that_never_comes_is_waited_for_so_often_and_no_more() -> None:
    of, model = world()
    assert await of.extract(request_of(lead(WORTH))) == set()
    pauses = await wait_and_count_pauses(of)
    assert (len(pauses), pauses) == (WAITS, sorted(pauses))
    assert (model.asked, of.given_up) == ([], [])


async def test_what_the_queue_does_not_take_is_given_back() -> None:
    class Full(World):
        async def send(self, requests: Sequence[Any], delay_seconds: int = 0) -> int:
            return 0

    model = ScriptedModel()
    of = Full(model)
    assert await of.extract(request_of(lead(WORTH))) == {0}
    model.fails[Job.FACTS] = [Failure.AWAY]
    assert await of.said(lead(WORTH), us(ASKS)) == {0, 1}


# The bus


@pytest.mark.parametrize("takes", [0, 1])
async def test_what_the_bus_does_not_take_is_given_back_and_done_later(takes: int) -> None:
    of, model = world()
    of.takes = takes
    said = asked_for()
    assert await of.said(*said) == {0, 1, 2}
    of.takes = 10
    of.now += LONG
    assert await of.extract(*map(request_of, said)) == set()
    assert of.value(PROFILE)["painPoints"] == ["The account Acme", WORTH]
    assert [status["status"] for status in of.outcomes(Job.FACTS)] == ["processed"]
    assert model.jobs() == {Job.FACTS: 2, Job.ENTITIES: 2}


async def test_a_bus_that_takes_all_the_second_time_costs_nothing_more() -> None:
    class Hesitating(World):
        async def publish(self, entries: Sequence[Entry]) -> int:
            self.takes += 3
            return await super().publish(entries)

    model = ScriptedModel()
    of = Hesitating(model)
    of.takes = -2
    assert await of.said(*asked_for()) == set()
    assert (model.jobs(), len(of.reported)) == ({Job.FACTS: 1, Job.ENTITIES: 1}, 2)
    assert len(of.log("crm.entity_extracted")) == 1


async def test_a_bus_that_is_away_gives_the_requests_back() -> None:
    class Away(World):
        async def publish(self, entries: Sequence[Entry]) -> int:
            raise Unavailable("the bus did not answer")

    of = Away(ScriptedModel())
    assert await of.said(*asked_for()) == {0, 1, 2}


# Several workers


async def test_a_second_worker_stays_out_and_then_finds_nothing_left_to_do() -> None:
    of, model = world()
    of.records = False
    said = asked_for()
    await of.said(*said)
    assert await of.extract(*map(request_of, said)) == set()
    assert model.jobs() == {Job.FACTS: 1, Job.ENTITIES: 1}
    assert len(of.sent) == len(said)
    await of.record(*of.published)
    await of.wait()
    assert model.jobs() == {Job.FACTS: 1, Job.ENTITIES: 1}


async def test_what_the_cleanup_sends_of_a_thread_that_is_held_is_left_to_the_next_sweep() -> None:
    of, model = world()
    await of.said(*in_turn(10))
    of.now = START + HOUR
    of.held[in_turn(1)[0].lead, request_for("t").row or ""] = ("somebody", START + 2 * HOUR)
    assert await of.sweep() == set()
    assert (model.jobs()[Job.SUMMARY], of.sent) == (0, [])
    await of.sweep(START + 2 * HOUR)
    assert model.jobs()[Job.SUMMARY] == 1


async def test_while_a_job_waits_to_be_tried_again_no_sweep_asks_for_it() -> None:
    of, model = world()
    model.fails[Job.SUMMARY] = [Failure.AWAY] * RETRIES
    await of.said(*in_turn(10))
    await of.sweep(START + HOUR)
    for pause in PAUSES:
        [sent] = of.sent
        await of.sweep(sent.at - timedelta(seconds=1))
        assert of.sent == [sent]
        assert sent.delay_seconds == pause
        await of.wait(timedelta(seconds=1))
    assert (model.jobs()[Job.SUMMARY], len(of.log("thread.summarized"))) == (1 + RETRIES, 1)


@given(st.lists(st.sampled_from(Failure), max_size=9), st.lists(st.sampled_from(Failure), max_size=9))
async def test_whatever_fails_everything_ends_processed_or_given_up_and_never_both(
    facts: list[Failure], entities: list[Failure]
) -> None:
    of, model = world()
    model.fails[Job.FACTS], model.fails[Job.ENTITIES] = facts, entities
    fails = {Job.FACTS: len(facts), Job.ENTITIES: len(entities)}
    await of.said(*asked_for())
    await of.wait()
    assert of.sent == []
    given_up = [job for request, _ in of.given_up for job in request.jobs]
    for job, failed in fails.items():
        statuses = [each["status"] for each in of.outcomes(job)]
        assert statuses == (["processed"] if failed <= RETRIES else ["failed"])
        assert given_up.count(job) == (failed > RETRIES)
    assert all(msgspec.structs.asdict(request)["held_by"] is None for request, _ in of.given_up)
