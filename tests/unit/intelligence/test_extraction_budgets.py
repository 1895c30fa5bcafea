"""What models may cost in a day, and summaries of memories."""

from hypothesis import given
from hypothesis import strategies as st

from lead_memory.domain.conversation import names
from lead_memory.domain.events import Event
from lead_memory.domain.intelligence import cluster
from lead_memory.domain.intelligence.jobs import Job
from lead_memory.domain.memories import MemoryKey, MemoryType
from lead_memory.services.extraction import RETRIES
from lead_memory.services.models import Failure
from tests.events import START, event
from tests.unit.intelligence.fakes import (
    LONG,
    PAUSES,
    ScriptedModel,
    World,
    asked_for,
    request_of,
    wait_and_count_pauses,
    world,
)
from tests.unit.intelligence.said import ASKS, DAY, HOUR, MINUTE, WORTH, in_turn, lead, of_thread, us

PROFILE = names.CONTACT_PROFILE
NAMED = [MemoryKey(MemoryType.FACT, key) for key in ("family", "job", "pet")]


# The budget


async def test_an_estimate_is_reserved_and_then_corrected() -> None:
    of, _ = world(estimate=40, cost=25)
    await of.said(*asked_for())
    assert of.spent.total() == 2 * 25
    assert [each["estimated_cost_micros"] for each in of.outcomes(Job.FACTS)] == [40]
    assert of.value(names.thread("t"))["evaluation"]["estimated_cost_micros"] == 80


async def test_over_budget_jobs_are_left_for_the_next_day_and_say_so_and_the_sweep_does_them() -> None:
    of, model = world(estimate=30, cost=30)
    of.spent[f"{in_turn(1)[0].organization_id} {START.date()}"] = 90
    await of.said(*in_turn(10), *asked_for())
    await of.sweep(START + HOUR)
    for job in (Job.FACTS, Job.ENTITIES, Job.SUMMARY):
        said = of.outcomes(job)[-1]
        assert (said["status"], said["why"], said["until"]) == ("batched", "over_budget", "2026-01-02T00:00:00Z")
    assert model.asked == []
    before = len(of.published)
    await of.sweep(START + 20 * HOUR)
    assert len(of.published) == before
    await of.sweep(START + DAY)
    assert model.jobs() == dict.fromkeys((Job.FACTS, Job.ENTITIES, Job.SUMMARY), 1)
    assert of.log("thread.summarized")
    assert of.value(PROFILE)["painPoints"]


async def test_what_was_asked_for_and_left_for_the_next_day_is_done_then_however_unimportant() -> None:
    of, model = world(estimate=60, cost=60)
    await of.said(lead("Alright"), lead("Fine"), of_thread("thread.extraction_requested", START))
    assert model.jobs() == {Job.FACTS: 1}
    await of.sweep(START + DAY)
    assert model.jobs() == {Job.FACTS: 1, Job.ENTITIES: 1}


async def test_what_is_not_worth_waiting_for_is_skipped_over_budget_and_so_is_what_never_fits() -> None:
    of, _ = world(estimate=30)
    of.spent[f"{in_turn(1)[0].organization_id} {START.date()}"] = 90
    await of.said(lead("The price is fine"), us(ASKS))
    assert [(each["status"], each["why"]) for each in of.outcomes(Job.FACTS)] == [("skipped", "over_budget")]
    dear, _ = world(estimate=101)
    await dear.said(*in_turn(10), of_thread("thread.extraction_requested", START + MINUTE))
    await dear.sweep(START + HOUR)
    for job in (Job.FACTS, Job.ENTITIES, Job.SUMMARY):
        assert [(each["status"], each["why"]) for each in dear.outcomes(job)] == [("skipped", "over_budget")]
    before = len(dear.published)
    for days in range(5):
        await dear.sweep(START + HOUR + days * DAY)
    assert [each.event_type for each in dear.published[before:]] == ["intelligence.evaluated"]


async def test_small_talk_is_skipped_as_unimportant() -> None:
    of, model = world()
    await of.said(lead("Oi!"), us(ASKS))
    assert [(each["status"], each["why"]) for each in of.outcomes(Job.FACTS)] == [("skipped", "unimportant")]
    assert model.asked == []


@given(st.integers(0, 100), st.integers(1, 60), st.integers(0, 60), st.integers(1, 12))
async def test_the_day_never_costs_more_than_its_limit_and_what_answers_cost_more_than_was_thought(
    limit: int, estimate: int, cost: int, count: int
) -> None:
    model = ScriptedModel(estimate=estimate, cost=cost)
    of = World(model, limit_micros=limit)
    for number in range(count):
        thread_id = f"t{number}"
        await of.said(lead(WORTH, thread_id=thread_id), us(ASKS, thread_id=thread_id))
    assert of.spent.total() == cost * len(model.asked)
    assert of.spent.total() <= limit + max(0, cost - estimate)


# Memories that are summed up


async def summing_up(of: World) -> Event:
    for name in NAMED:
        said = {**name._asdict(), "value": {"it": f"is {name.key}"}}
        await of.record(event("memory.declared", said, event_id=name.key))
    return event("memories.summary_requested", {"memories": [name._asdict() for name in NAMED]}, event_id="ask")


async def test_a_summary_of_memories_is_tried_again_and_given_up_as_any_job() -> None:
    of, model = world()
    model.fails[Job.CLUSTER] = [Failure.AWAY] * (RETRIES + 1)
    asked = await summing_up(of)
    await of.said(asked)
    assert await wait_and_count_pauses(of) == PAUSES
    [(request, reason)] = of.given_up
    assert (request.ref, reason) == (asked.ref, "away")
    of.now += LONG
    await of.extract(request)
    assert of.value(cluster.name(NAMED))["is_summary"]


async def test_a_summary_of_memories_over_budget_is_skipped_for_nobody_would_think_of_it_again() -> None:
    of, model = world(estimate=60)
    of.spent[f"{in_turn(1)[0].organization_id} {START.date()}"] = 90
    await of.said(await summing_up(of))
    assert model.asked == []
    assert [(each["status"], each["why"]) for each in of.outcomes(Job.CLUSTER)] == [("skipped", "over_budget")]


async def test_a_summary_of_memories_that_the_bus_did_not_take_is_made_later() -> None:
    of, _ = world()
    asked = await summing_up(of)
    of.takes = 0
    assert await of.said(asked) == {0}
    of.takes = 10
    assert await of.extract(request_of(asked)) == set()
    await of.wait()
    assert of.value(cluster.name(NAMED))["is_summary"]
