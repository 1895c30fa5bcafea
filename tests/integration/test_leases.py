"""Who asks a model about a thread, and what a day may cost, on a table.

Workers ask one after the other here: the server of these tests does not lock an item between a condition and its write,
as DynamoDB does.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import boto3
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lead_memory.adapters import keys
from lead_memory.adapters.leases import Budgets, Leases
from lead_memory.adapters.organization_items import SPENT
from lead_memory.adapters.table import DynamoTable
from lead_memory.domain.memories import Lead
from tests.events import ORGANIZATION, SOMEBODY, START

ROW = "conversation#thread:t"
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@pytest.fixture
def leases(table: DynamoTable) -> Leases:
    return Leases(table)


@pytest.fixture
def budgets(table: DynamoTable) -> Budgets:
    return Budgets(table)


async def spent(table: DynamoTable, organization_id: str, time: datetime) -> int:
    item = await table.get(keys.budget_key(organization_id, time)) or {}
    return int(item.get(SPENT, 0))


async def test_a_thread_is_held_by_one_until_the_time_is_over(leases: Leases) -> None:
    until = START + 5 * MINUTE
    assert await leases.hold(SOMEBODY, ROW, "a", START, until)
    assert not await leases.hold(SOMEBODY, ROW, "b", START, until)
    assert not await leases.hold(SOMEBODY, ROW, "b", until - timedelta(seconds=1), until + MINUTE)
    assert await leases.hold(SOMEBODY, ROW, "b", until, until + MINUTE)
    assert not await leases.hold(SOMEBODY, ROW, "a", until, until + MINUTE)


async def test_who_holds_a_thread_holds_it_for_longer_or_shorter(leases: Leases) -> None:
    assert await leases.hold(SOMEBODY, ROW, "a", START, START + MINUTE)
    assert await leases.hold(SOMEBODY, ROW, "a", START, START + 9 * MINUTE)
    assert not await leases.hold(SOMEBODY, ROW, "b", START + 5 * MINUTE, START + 9 * MINUTE)
    assert await leases.hold(SOMEBODY, ROW, "a", START + 5 * MINUTE, START + 5 * MINUTE)
    assert await leases.hold(SOMEBODY, ROW, "b", START + 5 * MINUTE, START + 9 * MINUTE)


async def test_each_thread_of_each_lead_is_held_for_itself(leases: Leases) -> None:
    other = Lead(ORGANIZATION, str(uuid4()))
    for lead, row in ((SOMEBODY, ROW), (SOMEBODY, f"{ROW}2"), (other, ROW)):
        assert await leases.hold(lead, row, f"{lead}{row}", START, START + MINUTE)


async def test_of_many_who_ask_one_holds_it(leases: Leases) -> None:
    held = [await leases.hold(SOMEBODY, ROW, str(owner), START, START + MINUTE) for owner in range(12)]
    assert sum(held) == 1


async def test_what_is_held_and_spent_says_nothing_of_the_lead_and_is_garbage_soon(
    leases: Leases, budgets: Budgets, table: DynamoTable
) -> None:
    await leases.hold(SOMEBODY, ROW, "a", START, START + MINUTE)
    await budgets.reserve(ORGANIZATION, START, 5, 10)
    items: list[dict[str, Any]] = boto3.resource("dynamodb").Table(table.name).scan()["Items"]
    assert len(items) == 2
    for item in items:
        assert START + DAY < datetime.fromtimestamp(int(item[keys.TTL]), START.tzinfo) < START + 3 * DAY
        assert not any(name in str(item) for name in (ORGANIZATION, SOMEBODY.lead_id, "thread"))


async def test_a_day_has_its_limit_and_the_next_day_begins_anew(budgets: Budgets, table: DynamoTable) -> None:
    assert await budgets.reserve(ORGANIZATION, START, 60, 100)
    assert not await budgets.reserve(ORGANIZATION, START + DAY - MINUTE, 41, 100)
    assert await budgets.reserve(ORGANIZATION, START + DAY - MINUTE, 40, 100)
    assert not await budgets.reserve(ORGANIZATION, START, 1, 100)
    assert await budgets.reserve(str(uuid4()), START, 100, 100)
    assert await budgets.reserve(ORGANIZATION, START + DAY, 100, 100)
    assert not await budgets.reserve(ORGANIZATION, START + 2 * DAY, 101, 100)
    assert [await spent(table, ORGANIZATION, START + n * DAY) for n in range(3)] == [100, 100, 0]


async def test_what_was_not_spent_is_there_again_and_what_was_spent_more_is_not(
    budgets: Budgets, table: DynamoTable
) -> None:
    await budgets.reserve(ORGANIZATION, START, 100, 100)
    await budgets.correct(ORGANIZATION, START, -30)
    assert not await budgets.reserve(ORGANIZATION, START, 31, 100)
    assert await budgets.reserve(ORGANIZATION, START, 30, 100)
    await budgets.correct(ORGANIZATION, START, 7)
    assert await spent(table, ORGANIZATION, START) == 107
    assert not await budgets.reserve(ORGANIZATION, START, 1, 100)


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=st.lists(st.integers(1, 40), min_size=1, max_size=12), limit=st.integers(0, 100))
async def test_however_many_reserve_the_limit_is_kept(
    budgets: Budgets, table: DynamoTable, asked: list[int], limit: int
) -> None:
    organization = str(uuid4())  # of its own: the examples share the table
    reserved = 0
    for micros in asked:
        is_given = await budgets.reserve(organization, START, micros, limit)
        assert is_given == (reserved + micros <= limit)
        reserved += micros * is_given
    assert await spent(table, organization, START) == reserved <= limit
