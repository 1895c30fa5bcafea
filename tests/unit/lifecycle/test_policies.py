"""When an organization's policies move memories, and that the sweep does what they say, however often it says it."""

from datetime import datetime, timedelta
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_memory.adapters import keys
from lead_memory.domain.events import Event, parse
from lead_memory.domain.lifecycle import due_step, standing, steps
from lead_memory.domain.memories import MemoryKey, MemoryType, StorageTier
from lead_memory.domain.memory_settings import MemorySettings
from lead_memory.domain.retention import GRACE, NO_POLICY, Dates, Policy, Retention, RetentionStatus, dates
from lead_memory.services.record import Outcome, Recorder
from lead_memory.services.sweep import FIRED_TO, DueMemory, decision
from tests.events import SOMEBODY, START, event
from tests.fakes import MemoryStore, canonical_bytes, no_pause
from tests.unit.lifecycle.lives import lives

ACTIVE, ARCHIVED, DELETED, PENDING, PURGED = RetentionStatus
DAY = timedelta(days=1)
LONG_AFTER = START + 400 * DAY


def _in_order(days: list[int | None]) -> bool:
    first, second = days
    return first is None or second is None or first < second


_two = st.lists(st.none() | st.integers(1, 60), min_size=2, max_size=2).filter(_in_order)
policies = st.tuples(_two, st.none() | st.integers(1, 60), _two).map(
    lambda drawn: Policy(
        archive_after_days=drawn[0][0],
        delete_after_days=drawn[0][1],
        purge_after_days=drawn[1],
        warm_after_days=drawn[2][0],
        cold_after_days=drawn[2][1],
    )
)
FACT = MemoryKey(MemoryType.FACT, "a")


def declared(event_id: str = "e1", at: datetime = START) -> Event:
    said = {"memory_type": "fact", "key": "a", "value": {"says": event_id}}
    return event("memory.declared", said, event_id=event_id, at=at)


def due(store: MemoryStore, policy: Policy, now: datetime) -> list[DueMemory]:
    """As the index of due dates gives it."""
    found = []
    for name, memory in store.memories.items():
        step = due_step(standing(memory), policy, now) if memory.value else None
        if step:
            newest = memory.newest.ref
            found.append(DueMemory(SOMEBODY, name, step, row=keys.memory_sk(name), newest=newest))
    return found


def announced(found: list[DueMemory], now: datetime) -> list[Event]:
    """What the bus delivers of what the sweep announces."""
    entries = [decision(each, now) for each in found]
    return [
        parse(f'{{"source":"{each.source}","detail-type":"{each.detail_type}","detail":{each.detail}}}', now)
        for each in entries
    ]


async def swept(store: MemoryStore, policy: Policy, now: datetime) -> int:
    """What is due is announced twice, in two runs; how many memories it was."""
    found = due(store, policy, now)
    first, again = announced(found, now), announced(found, now + timedelta(seconds=1))
    for each in first:
        assert await Recorder(store, no_pause).record([each]) == [Outcome.RECORDED]
    before = canonical_bytes(store.memories)
    for each in again:
        assert await Recorder(store, no_pause).record([each]) == [Outcome.DUPLICATE]
    assert canonical_bytes(store.memories) == before
    return len(found)


@given(lives(), policies)
async def test_the_sweep_comes_to_an_end_and_announced_twice_it_changes_nothing(
    events: list[Event], policy: Policy
) -> None:
    store, now = MemoryStore(), LONG_AFTER
    await Recorder(store, no_pause).record(events)
    for _ in range(12):
        if not await swept(store, policy, now):
            break
        now += GRACE + FIRED_TO
    else:
        raise AssertionError("the same was due again and again")
    for memory in store.memories.values():
        assert not any(step.due_at <= now for step in steps(standing(memory), policy) if memory.value)
        if policy.delete_after_days and memory.value:
            assert memory.retention.deleted
        assert memory.retention.refused_count == 0 or memory.retention.refused_ref in {each.ref for each in events}


async def test_a_policy_takes_a_memory_all_the_way_in_its_days() -> None:
    policy = Policy(archive_after_days=10, delete_after_days=30, purge_after_days=20)
    store = MemoryStore()
    await Recorder(store, no_pause).record([declared()])
    moved: dict[int, RetentionStatus] = {}
    for day in range(70):
        await swept(store, policy, START + day * DAY)
        status = store.memories[FACT].retention.status
        if status not in (ACTIVE, *moved.values()):
            moved[day] = status
    assert moved == {10: ARCHIVED, 30: DELETED, 50: PENDING, 57: PURGED}
    assert store.memories[FACT].value == {}


async def test_what_was_said_again_before_its_announcement_is_recorded_is_not_moved() -> None:
    policy, store, now = Policy(archive_after_days=10), MemoryStore(), START + 11 * DAY
    await Recorder(store, no_pause).record([declared()])
    announcement = announced(due(store, policy, now), now)
    await Recorder(store, no_pause).record([declared("e2", now - timedelta(hours=1))])
    assert await Recorder(store, no_pause).record(announcement) == [Outcome.RECORDED]
    assert store.memories[FACT].retention == Retention()


@given(policies, st.sampled_from(RetentionStatus), st.integers(0, 100))
def test_dates_come_in_order_and_only_of_what_is_yet_to_come(policy: Policy, status: RetentionStatus, day: int) -> None:
    at = START + day * DAY
    retention = Retention(status=status, soft_deleted_at=at, hard_delete_queued_at=at)
    coming = list(dates(retention, START, policy).coming())
    assert all(list(RetentionStatus).index(to) > list(RetentionStatus).index(status) for to, _ in coming)
    assert all(first <= second for (_, first), (_, second) in pairwise(coming))
    by_status = dict(coming)
    if PURGED in by_status:
        assert by_status[PURGED] == by_status.get(PENDING, at) + GRACE


def test_without_a_policy_a_memory_is_kept_for_ever_and_what_was_queued_is_purged_after_its_grace() -> None:
    assert dates(Retention(), START, NO_POLICY) == Dates()
    deleted = Retention(status=DELETED, soft_deleted_at=START)
    assert dates(deleted, START, NO_POLICY) == Dates()
    queued = Retention(status=PENDING, hard_delete_queued_at=START)
    assert dates(queued, START, NO_POLICY) == Dates(purge_at=START + GRACE)


def test_a_policy_counts_from_the_restoration_where_that_came_later() -> None:
    restored = Retention(restored_at=START + 5 * DAY)
    assert dates(restored, START, Policy(archive_after_days=10)) == Dates(archive_at=START + 15 * DAY)
    assert dates(restored, START + 7 * DAY, Policy(archive_after_days=10)) == Dates(archive_at=START + 17 * DAY)


@pytest.mark.parametrize(
    "days",
    [
        {"archive_after_days": 3, "delete_after_days": 3},
        {"warm_after_days": 9, "cold_after_days": 2},
    ],
)
def test_days_that_are_not_in_order_are_no_policy(days: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="comes before"):
        Policy(**days)
    with pytest.raises(msgspec.ValidationError, match="comes before"):
        msgspec.convert({"policies": {"fact": days}}, MemorySettings)


async def test_a_memory_cools_by_age_and_what_changes_is_warm_again_in_an_instant() -> None:
    policy, store = Policy(warm_after_days=10, cold_after_days=30), MemoryStore()
    await Recorder(store, no_pause).record([declared()])
    tiers = []
    for day in (9, 10, 29, 30):
        await swept(store, policy, START + day * DAY)
        tiers.append(store.memories[FACT].storage_tier)
    assert tiers == [StorageTier.HOT, StorageTier.WARM, StorageTier.WARM, StorageTier.COLD]
    await Recorder(store, no_pause).record([declared("e2", START + 31 * DAY)])
    assert store.memories[FACT].storage_tier is StorageTier.HOT
