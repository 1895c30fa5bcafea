"""What the clock and operators did to a memory goes with the memory, when the event that made it is erased."""

from datetime import timedelta

import pytest

from lead_memory.domain import canonical
from lead_memory.domain.errors import Erased
from lead_memory.domain.events import Event
from lead_memory.domain.lifecycle import next_step, standing
from lead_memory.domain.memories import MemoryKey, MemoryType
from lead_memory.domain.retention import Policy
from lead_memory.services.record import Outcome, Recorder
from lead_memory.services.sweep import DueMemory, decision
from tests.events import LEAD, MOVES, SOMEBODY, START, event
from tests.fakes import canonical_bytes, no_pause
from tests.unit.erase.fakes import ErasableStore, eraser, row
from tests.unit.lifecycle.test_policies import announced
from tests.unit.record.test_recorder_laws import folded

SECRET = "zqxdivorce"
NAME = MemoryKey(MemoryType.FACT, SECRET)
FACT = {"memory_type": "fact", "key": SECRET}
SAID = event("memory.declared", FACT | {"value": {"says": "x"}}, event_id="said")
AGAIN = event("memory.declared", FACT | {"value": {"says": "y"}}, event_id="again", at=START + timedelta(days=1))
WAY = [
    event("memory.annotated", FACT | {"tags": ["t"]}, event_id="tags", at=START + timedelta(days=2)),
    *(event(each, FACT, event_id=each, at=START + timedelta(days=7 * n)) for n, each in enumerate(MOVES[:4], start=1)),
]


async def recorded(*events: Event) -> ErasableStore:
    store = ErasableStore()
    assert set(await Recorder(store, no_pause).record(events)) == {Outcome.RECORDED}
    return store


async def erase(store: ErasableStore, ref: str) -> None:
    await eraser(store).event(SOMEBODY, ref, asked_by="somebody", dry_run=False)


def everywhere(store: ErasableStore) -> str:
    return str([store.rows, store.events, store.touches])


@pytest.mark.parametrize("steps", range(len(WAY) + 1))
async def test_with_the_only_event_that_made_a_memory_all_that_became_of_it_goes_and_its_name(steps: int) -> None:
    store = await recorded(SAID, *WAY[:steps])
    assert SECRET in everywhere(store)
    await erase(store, SAID.ref)
    assert (store.rows, store.events) == ({}, {})
    told = await Recorder(store, no_pause).record([SAID, *WAY[:steps]])
    assert set(map(type, told)) == {Erased}
    assert SECRET not in everywhere(store)


async def test_what_another_event_supports_keeps_what_became_of_it() -> None:
    store = await recorded(SAID, AGAIN, *WAY[:2])
    await erase(store, AGAIN.ref)
    assert canonical_bytes(store.memories) == canonical_bytes(folded([SAID, *WAY[:2]]))


async def test_what_the_clock_decided_of_an_erased_memory_and_is_on_its_way_does_not_come() -> None:
    policy, now = Policy(archive_after_days=10), START + timedelta(days=11)
    store = await recorded(SAID)
    memory = store.memories[NAME]
    step = next_step(standing(memory), policy)
    assert step is not None
    due = DueMemory(SOMEBODY, NAME, step, row=await row(SOMEBODY, NAME), newest=memory.newest.ref)
    assert SECRET in decision(due, now).detail
    await erase(store, SAID.ref)
    [told] = await Recorder(store, no_pause).record(announced([due], now))
    assert isinstance(told, Erased)
    assert SECRET not in everywhere(store)


async def test_an_erased_transition_never_was() -> None:
    store = await recorded(SAID, *WAY)
    assert store.memories[NAME].value == {}
    await erase(store, WAY[-1].ref)
    assert canonical.encode(store.memories[NAME]) == canonical.encode(folded([SAID, *WAY[:-1]])[NAME])
    assert store.memories[NAME].value == {"says": "x"}
    assert store.memories[NAME].lead_organization_id == LEAD
