"""The arithmetic of what the product costs; what is measured is measured by the command."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.asked import Asked, asked
from bench.capacity import item_bytes
from bench.cost import stored, usage, workload
from bench.cost.costs import costs, levers
from bench.cost.experiment import Arrival, Measured, Rebuild, Resolve
from bench.cost.indexing import AMONG, Indexing, Recalls
from bench.cost.looking import LAST, Look
from bench.cost.measured import Work
from bench.cost.page import page
from bench.cost.priced import bill, dollars, provisioned, read_assumptions, read_prices, times, together
from bench.function import PROCESSOR_MIB
from bench.measure import Spent
from infra.stages import PROD
from lead_memory.adapters.pydantic_ai_model import told
from lead_memory.domain.conversation.tokens import estimate
from lead_memory.domain.events import parse
from lead_memory.domain.intelligence.jobs import Job
from local.state import PROJECT
from tests.events import NOW, all_samples

PRICES = read_prices()
ASSUMED = read_assumptions()
CAPACITY = ("dynamodb.write_unit", "dynamodb.read_unit")

amounts = st.floats(0, 1e6)
usages = st.dictionaries(st.sampled_from(sorted(PRICES)), amounts, max_size=6)
works = st.builds(
    Work,
    architecture=st.sampled_from(sorted(usage.GB_SECONDS)),
    memory_mib=st.integers(128, 4 * PROCESSOR_MIB),
    spent=st.floats(0, 1).flatmap(lambda wall: st.builds(Spent, cpu=st.floats(0, wall), wall=st.just(wall))),
    requests=st.just({"BatchGetItem": 1.0, "Query": 1.0, "TransactWriteItems": 90.0}),
    read_units=st.floats(0.5, 500),
    write_units=st.floats(1, 1000),
    log_bytes=amounts,
    metrics=st.frozensets(st.sampled_from(["updater.recorded", "resolver.leads"])),
)
rows = st.builds(stored.Stored, *[st.integers(1, 10**7)] * 4)
measurements = st.builds(
    Measured,
    arrivals=st.tuples(*(st.builds(Arrival, st.just(str(events)), st.just(events), works) for events in (100, 100, 1))),
    resolves=st.tuples(
        *(st.builds(Resolve, st.just(str(n)), st.just(n), st.booleans(), works) for n in (5, 500, 1)),
    ),
    rebuilds=st.tuples(*(st.builds(Rebuild, st.just(name), works) for name in ("nothing", "everything"))),
    looks=st.tuples(*(st.builds(Look, st.just(name), works) for name in LAST)),
    asked=st.builds(
        lambda messages, counts: Asked(messages, messages, counts[0], counts[1], counts[2], 0),
        st.integers(1_000, 2_000),
        st.tuples(*[st.fixed_dictionaries(dict.fromkeys(Job, st.integers(1, 1_000))).map(Counter)] * 3),
    ),
    indexing=st.builds(Indexing, works, st.just(100), st.floats(1, 100), rows),
    recalls=st.tuples(*(st.builds(Recalls, st.just(f"among {n}"), works, works) for n in AMONG)),
    cleanup=works,
    leads=st.integers(1, 1000),
    event_bytes=st.floats(100, 1e6),
    rows=rows,
    event_rows=rows,
    memory_rows=rows,
    registry_bytes=st.floats(100, 1e3),
    resources=st.just(Counter({"AWS::Lambda::Function": 5, "AWS::KMS::Key": 1})),
    functions_mib=st.integers(1024, 8192),
)


def event(batch: Work, events: int) -> Mapping[str, float]:
    return usage.event(batch, events=events, event_bytes=2_000, archive_days=30, assumed=ASSUMED)


@given(usages, usages, st.floats(0, 100))
def test_what_is_used_twice_costs_twice_and_two_uses_cost_their_sum(
    one: dict[str, float], other: dict[str, float], factor: float
) -> None:
    assert dollars(times(factor, one), PRICES) == pytest.approx(factor * dollars(one, PRICES))
    assert dollars(together(one, other), PRICES) == pytest.approx(dollars(one, PRICES) + dollars(other, PRICES))


@given(usages)
def test_a_bill_names_the_dearest_first_and_leaves_nothing_out(used: dict[str, float]) -> None:
    lines = bill(used, PRICES)
    assert [line.dollars for line in lines] == sorted((line.dollars for line in lines), reverse=True)
    assert {line.price.name: line.units for line in lines} == {name: units for name, units in used.items() if units}


@given(st.sampled_from(CAPACITY), st.floats(0.01, 1), st.floats(1, 1e9))
def test_provisioned_capacity_costs_as_much_more_as_less_of_it_is_used(
    unit: str, utilization: float, units: float
) -> None:
    full, partly = (dollars({unit: units}, provisioned(PRICES, share)) for share in (1, utilization))
    assert full < dollars({unit: units}, PRICES)
    assert partly == pytest.approx(full / utilization)


@given(usages)
def test_provisioning_changes_the_price_of_capacity_alone(used: dict[str, float]) -> None:
    others = {name: units for name, units in used.items() if name not in CAPACITY}
    assert dollars(others, provisioned(PRICES, 0.5)) == dollars(others, PRICES)


def test_a_capacity_unit_makes_3_600_units_in_its_hour() -> None:
    full = provisioned(PRICES, 1)
    for unit, hour in zip(CAPACITY, ("dynamodb.write_capacity_hour", "dynamodb.read_capacity_hour"), strict=True):
        assert dollars({unit: 3_600}, full) == pytest.approx(PRICES[hour].dollars)


@given(works, st.integers(1, 1_000))
def test_the_events_of_a_batch_share_its_call_and_its_capacity(batch: Work, events: int) -> None:
    of_one = event(batch, events)
    opened = usage.opened_keys(ASSUMED, ASSUMED.events_per_second, ASSUMED.updaters)
    assert of_one["lambda.request"] * events == pytest.approx(1)
    assert of_one["dynamodb.write_unit"] * events == pytest.approx(batch.write_units)
    assert (of_one["dynamodb.read_unit"] - opened["dynamodb.read_unit"]) * events == pytest.approx(batch.read_units)


@given(works, st.integers(1, 100))
def test_the_queue_takes_three_requests_for_an_event_alone_and_fewer_in_batches(batch: Work, tens: int) -> None:
    alone, some, more = (event(batch, events)["sqs.request"] for events in (1, 10 * tens, 10 * tens + 10))
    assert some == pytest.approx(more)
    assert alone - some == pytest.approx(2 - 0.2)
    assert some > 1


@given(works, st.integers(1, 10))
def test_the_messages_of_a_batch_share_its_call_and_the_bus_takes_nothing(batch: Work, messages: int) -> None:
    of_one = usage.message(batch, messages=messages, assumed=ASSUMED)
    assert of_one["lambda.request"] * messages == pytest.approx(1)
    assert of_one["dynamodb.write_unit"] * messages == pytest.approx(batch.write_units)
    assert of_one["sqs.request"] * messages == pytest.approx(messages + 2)
    assert not [name for name in of_one if name.startswith("eventbridge")]


@given(works, st.integers(1, 100), st.floats(0, 1))
def test_only_events_that_are_queued_take_requests_and_a_batch_is_shared_by_all(
    batch: Work, events: int, share: float
) -> None:
    of_one = usage.indexed(batch, events=events, queued=share * events, assumed=ASSUMED)
    assert of_one["lambda.request"] * events == pytest.approx(1)
    assert of_one["dynamodb.write_unit"] * events == pytest.approx(batch.write_units)
    assert share <= of_one["sqs.request"] <= share * 1.2 + 2 / events + 1e-9


@given(works, works, st.integers(1, 1_000))
def test_a_recall_pays_its_call_and_its_part_of_a_batch_of_uses(call: Work, counting: Work, recalls: int) -> None:
    of_one = usage.recall(call, counting, recalls=recalls, assumed=ASSUMED)
    assert of_one["lambda.request"] == pytest.approx(1 + 1 / recalls)
    assert of_one["dynamodb.write_unit"] == pytest.approx(call.write_units + counting.write_units / recalls)


@given(works)
def test_a_function_pays_for_the_processor_that_it_runs_on(work: Work) -> None:
    used = usage.invocation(work, ASSUMED)
    [paid] = usage.GB_SECONDS.values() & used.keys()
    assert paid == {"arm64": "lambda.gb_second", "x86_64": "lambda.x86_gb_second"}[work.architecture]


@given(measurements)
def test_what_models_take_is_by_the_token_and_by_the_time_that_is_waited_for_them(measured: Measured) -> None:
    model, asked = costs(measured, PROD, ASSUMED).model, measured.asked
    calls = asked.calls.total() * 1_000_000 / asked.messages
    assert model["model.input_token"] == pytest.approx(asked.input_tokens.total() * 1_000_000 / asked.messages)
    assert model["model.output_token"] == pytest.approx(asked.output_tokens.total() * 1_000_000 / asked.messages)
    gb = measured.looks[0].batch.memory_mib / 1_024
    assert model["lambda.gb_second"] == pytest.approx(calls * ASSUMED.model_seconds * gb)


def test_the_sample_conversations_ask_for_every_job_on_a_thread_and_no_more_than_there_is_to_ask() -> None:
    counted = asked()
    assert set(counted.calls) == {Job.FACTS, Job.ENTITIES, Job.SUMMARY, Job.REACTIVATION}
    assert max(counted.calls.values()) <= counted.messages
    assert counted == asked()
    for job, calls in counted.calls.items():
        assert counted.input_tokens[job] > calls * estimate(told(job))


@given(st.integers(1, 100_000), st.floats(0.1, 1e5), st.integers(1, 100))
def test_no_more_keys_are_opened_than_events_come_or_than_processes_keep(
    organizations: int, per_second: float, processes: int
) -> None:
    def opened(organizations: int) -> float:
        assumed = msgspec.structs.replace(ASSUMED, organizations=organizations)
        return usage.opened_keys(assumed, per_second, processes)["kms.request"]

    kept = organizations * processes / (per_second * usage.KEY_SECONDS)
    assert opened(organizations) <= min(1, kept) + 1e-6
    assert opened(organizations) <= opened(organizations * 2) + 1e-6


@given(works)
def test_a_call_is_billed_for_no_less_than_it_took_and_for_that_with_a_whole_processor(work: Work) -> None:
    if work.memory_mib >= PROCESSOR_MIB:
        assert work.billed_seconds == pytest.approx(work.spent.wall)
    else:
        assert work.billed_seconds >= work.spent.wall


@given(measurements)
def test_everything_that_is_used_has_a_price(measured: Measured) -> None:
    for part in costs(measured, PROD, ASSUMED).headlines:
        assert dollars(part.usage, PRICES) > 0
        assert min(part.usage.values()) >= 0


@settings(max_examples=20)
@given(measurements)
def test_the_page_says_what_each_thing_costs_and_what_each_lever_gives(measured: Measured) -> None:
    text = page(measured, PROD, ASSUMED, PRICES)
    for part in costs(measured, PROD, ASSUMED).headlines:
        assert text.count(f"\n| {part.name} | ") == 1
    for lever in levers(measured, PROD, ASSUMED, PRICES):
        assert f"\n| {lever.name} | {lever.of} |" in text
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert all(line.endswith("|") for line in tables)


def test_the_page_in_the_documents_has_the_prices_of_the_inputs() -> None:
    text = (PROJECT / "docs" / "cost.md").read_text()
    for price in PRICES.values():
        [row] = [line for line in text.splitlines() if line.startswith(f"| {price.service} | {price.unit} |")]
        assert f"| {price.as_of} | [page]({price.source}) |" in row
        assert ("not confirmed" in row) == (price.read is None)


keys = st.fixed_dictionaries(
    {"pk": st.uuids().map(lambda lead: {"S": str(lead)}), "sk": st.text("ab#", min_size=1).map(lambda sk: {"S": sk})}
)
in_index = st.fixed_dictionaries({"gsi1pk": st.just({"S": "due#1"}), "gsi1sk": st.just({"S": "2026"})})
contents = st.fixed_dictionaries({"content": st.binary(max_size=5_000).map(lambda content: {"B": content})})
items = st.lists(st.builds(lambda *parts: {k: v for part in parts for k, v in part.items()}, keys, contents) | keys)
entries = st.lists(st.builds(lambda key, place: key | place, keys, in_index))


@given(items, entries)
def test_what_is_stored_is_the_sum_of_its_items_and_only_what_has_a_place_in_the_index_is_in_it(
    outside: list[dict[str, Any]], inside: list[dict[str, Any]]
) -> None:
    both = stored.of([*outside, *inside])
    assert both == tuple(map(sum, zip(stored.of(outside), stored.of(inside), strict=True)))
    assert both.index_bytes == sum(100 + item_bytes(item) for item in inside)
    assert both.table_bytes == sum(100 + item_bytes(item) for item in [*outside, *inside])


def test_every_event_type_that_has_a_sample_can_happen_to_a_lead() -> None:
    assert ASSUMED.happens.keys() == {sample.event_type for sample in all_samples()}


def test_every_lead_has_events_of_its_own_that_the_updater_takes() -> None:
    lives = workload.lives("test", 20, ASSUMED.happens)
    events = [[parse(workload.message_body(entry), NOW) for entry in life] for life in lives]
    assert len({event.ref for life in events for event in life}) == sum(map(len, lives))
    assert all(
        {event.lead_organization_id for event in life} == {workload.lead_of(lives[n])} for n, life in enumerate(events)
    )
    assert all(life == sorted(life, key=lambda event: event.occurred_at) for life in events)


def test_the_same_happens_to_a_lead_each_time() -> None:
    ours, again, others = (workload.lives(group, 5, ASSUMED.happens) for group in ("ours", "ours", "others"))
    assert ours == again
    assert [[entry["DetailType"] for entry in life] for life in others] == [
        [entry["DetailType"] for entry in life] for life in ours
    ]
    assert {workload.lead_of(life) for life in ours}.isdisjoint(map(workload.lead_of, others))


@given(st.lists(st.lists(st.integers(), max_size=7)), st.integers(1, 5))
def test_all_events_arrive_each_leads_in_their_order(lives: list[list[int]], at_once: int) -> None:
    numbered = [[{"lead": lead, "number": number} for number, _ in enumerate(life)] for lead, life in enumerate(lives)]
    arrived = list(workload.arrivals(numbered, at_once=at_once))
    assert [[entry for entry in arrived if entry["lead"] == lead] for lead, _ in enumerate(lives)] == numbered
    runs = [entry["lead"] for entry in arrived]
    assert len(arrived) == sum(map(len, lives))
    if at_once == 1 and lives and min(map(len, lives)):
        assert runs[: len(lives)] == list(range(len(lives)))
