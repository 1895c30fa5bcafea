"""Erasures that interleave with writers, each stopped at every touch of the store, refused, or dead where it stands."""

from collections.abc import Coroutine
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from lead_memory.domain.errors import Erased, Unavailable
from lead_memory.domain.events import Event
from lead_memory.domain.memories import Lead, MemoryKey
from lead_memory.services.forget import forget
from lead_memory.services.record import Outcome
from lead_memory.services.store import Snapshot
from tests.events import MADE_BY_MODELS, SOMEBODY
from tests.unit.erase.fakes import row
from tests.unit.record.test_recorder_machine import (
    BATCH,
    MOST_EVENTS,
    MOST_TURNS,
    MOST_WRITERS,
    Fate,
    RecorderMachine,
    SteppedStore,
    Writer,
    fates,
    wait_a_turn,
)

MOST_ERASED = 4
ERASERS = 2
MAY_QUOTE = (*MADE_BY_MODELS, "crm.entity_split")
LARGE = "test/large"


class SteppedErasableStore(SteppedStore):
    async def all_memories(self, lead: Lead) -> Snapshot:
        return await self.snapshot(lead, list(self.rows))

    async def linked_log(self, lead: Lead) -> list[tuple[Event, frozenset[MemoryKey]]]:
        """Of an event that was erased after it was read, the links are gone."""
        return [(event, frozenset(self.touches.get(event.ref, ()))) for event in await self.log(lead)]


class EraserAtWork:
    """Erases what is asked for, one after the other; what broke off is asked for again."""

    def __init__(self, store: SteppedErasableStore, asked: list[str]) -> None:
        self._store = store
        self._asked = asked
        self._ref = ""
        self._work: Coroutine[Any, Any, Any] | None = None

    @property
    def idle(self) -> bool:
        return self._work is None

    def step(self, fate: Fate) -> None:
        if self._work is None:
            if self._asked:
                self._ref = self._asked.pop(0)
                self._work = forget(self._store, row, SOMEBODY, self._ref, wait_a_turn)
                self._work.send(None)
        elif fate is Fate.DIES:
            self._work.close()
            self._break_off()
        else:
            try:
                self._work.throw(Unavailable("injected")) if fate is Fate.NO_ANSWER else self._work.send(None)
            except StopIteration:
                self._work = None
            except Unavailable:
                self._break_off()

    def _break_off(self) -> None:
        self._work = None
        self._asked.append(self._ref)


class EraserMachine(RecorderMachine):
    streams = 0
    transactions = 0

    @initialize(writers=st.integers(1, MOST_WRITERS), seed=st.integers(0, 2**32 - 1))
    def begin(self, writers: int, seed: int) -> None:
        super().begin(writers, seed)
        self.store = SteppedErasableStore()
        self.writers = [Writer(self.store, self.queue) for _ in range(writers)]
        self.to_erase: set[str] = set()
        self.asked: list[str] = []
        self.erasers = [EraserAtWork(self.store, self.asked) for _ in range(ERASERS)]

    @precondition(lambda self: self.published and len(self.to_erase) < MOST_ERASED)
    @rule(chosen=st.integers(0, MOST_EVENTS))
    def ask_to_erase(self, chosen: int) -> None:
        """What was published, whether or not it was recorded, and whether or not it was erased before."""
        ref = list(self.published)[chosen % len(self.published)]
        self.to_erase.add(ref)
        self.asked.append(ref)

    @rule(steps=st.lists(st.tuples(st.integers(0, ERASERS - 1), fates), max_size=30))
    def erasers_go_on(self, steps: list[tuple[int, Fate]]) -> None:
        for number, fate in steps:
            self._erase(number, fate)

    @rule()
    def the_queue_runs_empty(self) -> None:
        for _ in range(MOST_TURNS):
            writers = [writer for writer in self.writers if self.queue or not writer.idle]
            erasers = [number for number, each in enumerate(self.erasers) if self.asked or not each.idle]
            if not writers and not erasers:
                break
            if self.random.randrange(len(writers) + len(erasers)) < len(writers):
                self._step(self.random.choice(writers), Fate.GOES_ON, BATCH)
            else:
                self._erase(self.random.choice(erasers), Fate.GOES_ON)
        self._check_nothing_lost_and_nothing_twice()

    def _erase(self, number: int, fate: Fate) -> None:
        self.erasers[number].step(fate)
        self.memories_are_the_fold_of_the_log_at_every_moment()

    def _check_memories(self) -> None:
        # What is taken out in parts is not whole before the last of them.
        in_parts = LARGE in self.published and (self.asked or not all(each.idle for each in self.erasers))
        if not in_parts:
            super()._check_memories()

    def _check_nothing_lost_and_nothing_twice(self) -> None:
        store = self.store
        assert set(store.events) | store.erased >= set(self.published)
        assert not store.erased & set(store.events)
        assert self.to_erase <= store.erased
        # Beside them, only what time said, and might have said, of memories that nothing else supports, and what may
        # quote them.
        others = store.erased - self.to_erase
        assert all(ref.startswith("cleanup/") or self.published[ref][0].event_type in MAY_QUOTE for ref in others)
        assert all(settled for _, settled in store.events.values())
        for told, result in (answer for writer in self.writers for answer in writer.results):
            if told.ref in store.events:
                same = bool(set(told.content_hashes) & set(store.events[told.ref][0].content_hashes))
                assert isinstance(result, Unavailable) or isinstance(result, Outcome) == same
            if isinstance(result, Erased):
                assert told.ref in store.erased
        self._check_memories()


TestEraser = EraserMachine.TestCase
TestEraser.settings = settings(max_examples=60, stateful_step_count=14)
