"""Writers that interleave, fail and die at any point of the recorder leave a lead's memories the fold of its events.

A writer is the recorder's own coroutine, stopped at every touch of the store. The machine chooses who goes on next and
what happens to them, so a failure is found again and shrunk.
"""

from collections import Counter
from collections.abc import Collection, Coroutine, Generator, Sequence
from datetime import timedelta
from enum import Enum, auto
from random import Random
from types import coroutine
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from lead_memory.domain.amendments import Cases
from lead_memory.domain.derivations import derive
from lead_memory.domain.errors import Rejected, Unavailable
from lead_memory.domain.events import Event
from lead_memory.domain.fold import fold
from lead_memory.domain.memories import Lead, Memory, MemoryKey
from lead_memory.services.record import Outcome, Recorder, Result
from lead_memory.services.store import Commit, Known, Snapshot
from tests.events import START, event, happenings
from tests.fakes import MemoryStore, canonical_bytes

MOST_EVENTS = 24
MOST_WRITERS = 4
MOST_TURNS = 100_000
BATCH = 5
"""Events at most that a writer takes from the queue at once."""


class Fate(Enum):
    """What happens to a writer where it stands: before a request, in the middle of a read, or after a commit."""

    GOES_ON = auto()
    NO_ANSWER = auto()
    """Throttled, or the answer is lost."""
    DIES = auto()


# Most goes well, or nothing would ever be written.
fates = st.sampled_from([Fate.GOES_ON] * 8 + [Fate.NO_ANSWER, Fate.DIES])


@coroutine
def turn() -> Generator[None]:
    yield


class SteppedStore(MemoryStore):
    """Stops before and after every write and before every read; reads of several rows are torn in two."""

    async def snapshot(self, lead: Lead, names: Collection[MemoryKey]) -> Snapshot:
        await turn()
        ordered = sorted(names)
        half = len(ordered) // 2
        first = await super().snapshot(lead, ordered[:half])
        await turn()
        second = await super().snapshot(lead, ordered[half:])
        return Snapshot(first.organization_id, {**first.memories, **second.memories})

    async def log(self, lead: Lead) -> list[Event]:
        await turn()
        first = sorted(await super().log(lead), key=lambda event: event.ref)[: len(self.events) // 2]
        last = first[-1].ref if first else ""
        await turn()
        return first + [event for event in await super().log(lead) if event.ref > last]

    async def known(self, lead: Lead, refs: Collection[str]) -> dict[str, Known]:
        await turn()
        return await super().known(lead, refs)

    async def commit(self, commit: Commit) -> None:
        await turn()
        await super().commit(commit)
        await turn()


async def wait_a_turn(_: int) -> None:
    await turn()


class Writer:
    """An updater: takes a batch from the queue; what failed is given back, and what it held when it died comes back."""

    def __init__(self, store: SteppedStore, queue: list[Event]) -> None:
        self._store = store
        self._queue = queue
        self._batch: list[Event] = []
        self._work: Coroutine[Any, Any, list[Result]] | None = None
        self.results: list[tuple[Event, Result]] = []

    @property
    def idle(self) -> bool:
        return self._work is None

    def step(self, fate: Fate, size: int) -> None:
        if self._work is None:
            self._batch, self._queue[:] = self._queue[:size], self._queue[size:]
            if self._batch:
                self._work = Recorder(self._store, wait_a_turn).record(self._batch)
                self._work.send(None)
        elif fate is Fate.DIES:
            self._work.close()
            self._end(self._batch)
        else:
            try:
                self._work.throw(Unavailable("injected")) if fate is Fate.NO_ANSWER else self._work.send(None)
            except StopIteration as ended:
                answered = list(zip(self._batch, ended.value, strict=True))
                self.results += answered
                self._end([event for event, result in answered if not isinstance(result, Outcome | Rejected)])

    def _end(self, given_back: Sequence[Event]) -> None:
        self._work = None
        self._queue += given_back


class RecorderMachine(RuleBasedStateMachine):
    streams = 0
    transactions = 0
    """How many this process has tried, and made on the way; `make prove` prints them."""

    @initialize(writers=st.integers(2, MOST_WRITERS), seed=st.integers(0, 2**32 - 1))
    def begin(self, writers: int, seed: int) -> None:
        self.store = SteppedStore()
        self.queue: list[Event] = []
        self.published: dict[str, list[Event]] = {}
        self.writers = [Writer(self.store, self.queue) for _ in range(writers)]
        self.random = Random(seed)
        self.commits_checked = 0

    @precondition(lambda self: len(self.published) < MOST_EVENTS)
    @rule(happened=st.lists(st.tuples(happenings, st.integers(0, 6)), min_size=1, max_size=6))
    def publish(self, happened: list[tuple[tuple[str, dict[str, Any]], int]]) -> None:
        for (event_type, data), minute in happened:
            self._publish(event_type, data, minute)

    @precondition(lambda self: "test/large" not in self.published)
    @rule(skus=st.sampled_from([10, 60]), minute=st.integers(0, 6))
    def publish_an_order_that_may_need_several_transactions(self, skus: int, minute: int) -> None:
        products = [{"sku": f"sku-{number}", "price": "1.00"} for number in range(skus)]
        data = {"order_id": "a", "total": "60.00", "currency": "BRL", "products": products}
        self._publish("order.paid", data, minute, "large")

    @precondition(lambda self: self.published)
    @rule(chosen=st.integers(0, MOST_EVENTS), place=st.integers(0, MOST_EVENTS))
    def deliver_again(self, chosen: int, place: int) -> None:
        versions = list(self.published.values())[chosen % len(self.published)]
        self.queue.insert(place, versions[chosen % len(versions)])

    @precondition(lambda self: self.published)
    @rule(chosen=st.integers(0, MOST_EVENTS))
    def publish_other_content_under_the_same_id(self, chosen: int) -> None:
        versions = list(self.published.values())[chosen % len(self.published)]
        other = event(
            "product.viewed",
            {"sku": f"other-{len(versions)}"},
            event_id=versions[0].event_id,
            source=versions[0].source,
        )
        versions.append(other)
        self.queue.append(other)

    @rule(steps=st.lists(st.tuples(st.integers(0, MOST_WRITERS - 1), fates, st.integers(1, BATCH)), max_size=30))
    def writers_go_on(self, steps: list[tuple[int, Fate, int]]) -> None:
        for writer, fate, size in steps:
            self._step(self.writers[writer % len(self.writers)], fate, size)

    @rule()
    def the_queue_runs_empty(self) -> None:
        for _ in range(MOST_TURNS):
            busy = [writer for writer in self.writers if self.queue or not writer.idle]
            if not busy:
                break
            self._step(self.random.choice(busy), Fate.GOES_ON, BATCH)
        self._check_nothing_lost_and_nothing_twice()

    @invariant()
    def memories_are_the_fold_of_the_log_at_every_moment(self) -> None:
        """What is written in parts is not whole before the last of them."""
        if len(self.store.commits) > self.commits_checked and all(settled for _, settled in self.store.events.values()):
            self.commits_checked = len(self.store.commits)
            self._check_memories()

    def teardown(self) -> None:
        self.the_queue_runs_empty()
        type(self).streams += 1
        type(self).transactions += len(self.store.commits)

    def _publish(self, event_type: str, data: dict[str, Any], minute: int, event_id: str | None = None) -> None:
        event_id = event_id or f"e{len(self.published)}"
        at = START + timedelta(minutes=minute)
        published = event(event_type, data, event_id=event_id, at=at)
        self.published[published.ref] = [published]
        self.queue.append(published)

    def _step(self, writer: Writer, fate: Fate, size: int) -> None:
        writer.step(fate, size)
        self.memories_are_the_fold_of_the_log_at_every_moment()

    def _check_nothing_lost_and_nothing_twice(self) -> None:
        store = self.store
        assert set(store.events) == set(self.published)
        assert all(settled for _, settled in store.events.values())
        assert all(recorded in self.published[ref] for ref, (recorded, _) in store.events.items())
        committed = Counter(event.ref for commit in store.commits for event in commit.events)
        assert set(committed.values()) <= {1}
        for told, result in (answer for writer in self.writers for answer in writer.results):
            recorded = store.events[told.ref][0]
            same = bool(set(told.content_hashes) & set(recorded.content_hashes))
            assert isinstance(result, Unavailable) or isinstance(result, Outcome) == same
        self._check_memories()

    def _check_memories(self) -> None:
        log = [event for event, _ in self.store.events.values()]
        cases = Cases(log)
        assert canonical_bytes(self.store.memories) == canonical_bytes(folded(log, cases))
        assert {ref: set(names) for ref, names in self.store.touches.items()} == {
            event.ref: {change.name for change in derive(event, cases.of(event))} for event in log
        }


def folded(log: Sequence[Event], cases: Cases) -> dict[MemoryKey, Memory]:
    """The oracle: sort, derive, fold."""
    memories: dict[MemoryKey, Memory | None] = {}
    for recorded in sorted(log, key=lambda event: event.position):
        for change in derive(recorded, cases.of(recorded)):
            memories[change.name] = fold(memories.get(change.name), change, recorded)
    return {name: memory for name, memory in memories.items() if memory}


TestRecorder = RecorderMachine.TestCase
TestRecorder.settings = settings(max_examples=60, stateful_step_count=12)
