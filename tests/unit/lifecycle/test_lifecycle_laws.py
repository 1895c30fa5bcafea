"""Whatever is said of memories, when and in whichever order it comes: how they are kept goes by its rules."""

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_memory.adapters.memory_items import memory_item, memory_of
from lead_memory.adapters.sealing import Keyring
from lead_memory.domain import canonical
from lead_memory.domain.events import Event
from lead_memory.domain.fold import Step, history
from lead_memory.domain.memories import Annotations, Memory, MemoryKey, MemoryType
from lead_memory.domain.recall.text import recallable
from lead_memory.domain.retention import GRACE, Retention, RetentionStatus
from lead_memory.services.rebuild import Rebuilder
from lead_memory.services.record import Outcome, Recorder
from lead_memory_client.history import known_at
from lead_memory_client.table import Recorded
from tests.events import MOVES, ORGANIZATION, SOMEBODY, START, event
from tests.fakes import canonical_bytes, no_pause
from tests.unit.lifecycle.lives import lives, secret
from tests.unit.rebuild.fakes import RebuildStore
from tests.unit.record.test_recorder_laws import folded

A = MemoryKey(MemoryType.FACT, "a")
NAMES = {
    *(MemoryKey(MemoryType.FACT, key) for key in "ab"),
    *(MemoryKey(MemoryType.INTEREST, f"product:{key}") for key in "ab"),
}
ACTIVE, ARCHIVED, DELETED, PENDING, PURGED = RetentionStatus
LEGAL = {
    *((ACTIVE, ARCHIVED), (ACTIVE, DELETED), (ACTIVE, PENDING)),
    *((ARCHIVED, DELETED), (ARCHIVED, PENDING), (ARCHIVED, ACTIVE)),
    *((DELETED, PENDING), (DELETED, ACTIVE)),
    *((PENDING, PURGED), (PENDING, ACTIVE)),
}
TIMES = ("archived_at", "soft_deleted_at", "hard_delete_queued_at", "purged_at", "restored_at")
KEYRING = Keyring(ORGANIZATION, [b"k" * 32])
SAYS_SOMETHING = ("memory.declared", "memory.inferred", "product.viewed")

# A seed, not `st.randoms`: a run draws more numbers than Hypothesis keeps for one example.
_randoms = st.integers(0, 2**32 - 1).map(Random)


def changed(events: list[Event]) -> Iterator[tuple[Step, Memory, Memory]]:
    """Of each step that found a memory and left one, both."""
    for step in history(events, NAMES):
        if step.before is not None:
            assert step.after is not None
            yield step, step.before, step.after


def at(day: int) -> datetime:
    return START + timedelta(days=day)


@given(lives())
def test_a_status_goes_only_where_it_may_and_a_purge_comes_after_its_grace(events: list[Event]) -> None:
    for step, before, after in changed(events):
        here, there = before.retention.status, after.retention.status
        if here is there:
            continue
        if here is PURGED:
            assert (there, step.event.event_type in SAYS_SOMETHING) == (ACTIVE, True)
            continue
        assert (here, there) in LEGAL
        if there is PURGED:
            assert before.retention.hard_delete_queued_at is not None
            assert step.event.occurred_at >= before.retention.hard_delete_queued_at + GRACE


@given(lives())
def test_a_time_that_is_set_is_never_cleared_and_never_set_back(events: list[Event]) -> None:
    for _, before, after in changed(events):
        for name in TIMES:
            was, now = getattr(before.retention, name), getattr(after.retention, name)
            assert was is None or (now is not None and now >= was)


@given(lives())
def test_while_it_is_archived_or_deleted_a_memory_stays_as_it_is_and_counts_what_it_refuses(
    events: list[Event],
) -> None:
    for step, before, after in changed(events):
        if not (before.retention.read_only and after.retention.read_only):
            continue
        assert after.value == before.value or step.event.event_type == "memory.expired"
        if step.event.event_type in SAYS_SOMETHING:
            assert after.retention.refused_count == before.retention.refused_count + 1
            assert after.retention.refused_ref == step.event.ref
        if step.event.event_type != "memory.expired":
            without = (msgspec.structs.replace(each.annotations, project_id=None) for each in (before, after))
            assert len(set(map(canonical.encode, without))) == 1
            assert after.annotations.project_id in (None, before.annotations.project_id)


@given(lives())
def test_of_a_purged_memory_the_name_and_the_times_are_left_and_nothing_that_was_said(events: list[Event]) -> None:
    said = [secret(each.event_id) for each in events]
    for _, _, after in changed(events):
        if after.retention.status is PURGED:
            assert (after.value, after.annotations, after.expires_at) == ({}, Annotations(), None)
            item = memory_item(after, 1, KEYRING)
            row = canonical.encode(memory_of(item, KEYRING)).decode() + str(item)
            assert not any(word in row for word in said)


@given(lives())
def test_what_is_hidden_is_in_no_reading(events: list[Event]) -> None:
    now = at(70)
    found = known_at(now, [Recorded(each, START) for each in events])
    kept = folded(events)
    assert {each.name for each in found} == {name for name, each in kept.items() if not each.hidden(now)}
    for each in kept.values():
        if each.retention.status in (DELETED, PENDING, PURGED):
            assert each.hidden(now)
            assert not recallable(each, now)


@given(lives(), _randoms)
def test_any_order_of_arrival_gives_the_same_and_a_rebuild_changes_nothing(events: list[Event], random: Random) -> None:
    arriving = [*events, *random.choices(events, k=3)]
    random.shuffle(arriving)
    store = RebuildStore()

    async def arrive() -> None:
        while arriving:
            batch = [arriving.pop() for _ in range(min(len(arriving), random.randint(1, 4)))]
            assert set(await Recorder(store, no_pause).record(batch)) <= {Outcome.RECORDED, Outcome.DUPLICATE}
        assert (await Rebuilder(store, no_pause).rebuild(SOMEBODY)).differences == []

    asyncio.run(arrive())
    assert canonical_bytes(store.memories) == canonical_bytes(folded(events))


# Examples of what the laws leave open


def life(*said: tuple[str, dict[str, Any]]) -> Memory:
    """A week between two of them."""
    events = [
        event(event_type, {"memory_type": "fact", "key": "a"} | data, event_id=f"e{number}", at=at(7 * number))
        for number, (event_type, data) in enumerate(said)
    ]
    return folded(events)[A]


DECLARED: tuple[str, dict[str, Any]] = ("memory.declared", {"value": {"says": "x"}, "project_id": "p", "tags": ["t"]})


def test_a_memory_goes_all_the_way_and_begins_anew_with_what_is_said_after_it() -> None:
    way: list[tuple[str, dict[str, Any]]] = [(event_type, {}) for event_type in MOVES[:3]]
    purged = life(DECLARED, *way, ("memory.purged", {}))
    times = Retention(
        archived_at=at(7), soft_deleted_at=at(14), hard_delete_queued_at=at(21), purged_at=at(28), status=PURGED
    )
    assert purged.retention == times
    anew = life(DECLARED, *way, ("memory.purged", {}), ("memory.declared", {"value": {"says": "y"}}))
    assert (anew.value, anew.annotations, anew.created_at) == ({"says": "y"}, Annotations(), at(35))
    assert anew.retention == msgspec.structs.replace(times, status=ACTIVE)


@pytest.mark.parametrize("moved", MOVES[:3])
@pytest.mark.parametrize("announced", [(), (("memory.expired", {}),)])
def test_what_is_said_after_its_own_time_begins_anew_however_it_was_kept(
    moved: str, announced: tuple[tuple[str, dict[str, Any]], ...]
) -> None:
    ending = ("memory.declared", {"value": {"says": "x"}, "expires_at": at(10).isoformat()})
    anew = life(ending, (moved, {}), *announced, ("memory.declared", {"value": {"says": "y"}}))
    assert (anew.value, anew.retention.status, anew.retention.refused_count) == ({"says": "y"}, ACTIVE, 0)


@pytest.mark.parametrize(
    "beside",
    [
        ("memory.annotated", {"tags": ["t"]}),
        ("memory.annotated", {"project_id": None}),
        ("memory.tiered", {"storage_tier": "cold"}),
        ("memory.restored", {}),
        ("memory.expired", {}),
    ],
)
def test_nothing_can_be_said_beside_what_was_purged(beside: tuple[str, dict[str, Any]]) -> None:
    way: list[tuple[str, dict[str, Any]]] = [(event_type, {}) for event_type in MOVES[1:4]]
    purged, after = life(DECLARED, *way), life(DECLARED, *way, beside)
    unlike = {"newest": after.newest, "retention": purged.retention}
    assert msgspec.structs.replace(after, **unlike) == msgspec.structs.replace(purged, **unlike)
    assert after.retention.status is PURGED


@pytest.mark.parametrize("moved", ["memory.archived", "memory.soft_deleted", "memory.hard_delete_queued"])
def test_a_project_that_goes_is_taken_out_of_what_takes_no_other_change(moved: str) -> None:
    after = life(DECLARED, (moved, {}), ("memory.annotated", {"project_id": None}))
    assert (after.annotations.project_id, after.annotations.tags) == (None, ("t",))
    assert after.retention.refused_count == 0
    for said in ({"project_id": "q"}, {"project_id": None, "tags": None}):
        refused = life(DECLARED, (moved, {}), ("memory.annotated", said))
        assert (refused.annotations.project_id, refused.retention.refused_count) == ("p", 1)


def test_what_was_changed_since_a_policy_looked_is_not_moved_by_it() -> None:
    moved = ("memory.archived", {"since": at(0).isoformat()})
    assert life(DECLARED, moved).retention.status is ARCHIVED
    assert life(DECLARED, DECLARED, moved).retention == Retention()
