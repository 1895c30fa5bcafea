"""Whether a lead with a long history costs more than one with a short: each costs the same.

Times are the medians of a round's calls, in which the two sides take turns.
"""

import asyncio
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, AsyncExitStack, ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import Any
from uuid import uuid4

from aiodynamo.operations import Put
from psycopg.conninfo import conninfo_to_dict

from bench.baseline.mem0_memory import Write, embedded, on_postgres
from bench.ground import Ground, delayed
from bench.measure import CALLS, Figure, Goal, figure, p50s
from lead_memory.adapters import keys
from lead_memory.adapters.aws import Aws
from lead_memory.adapters.keyrings import Keyrings
from lead_memory.adapters.kms import KeyService
from lead_memory.adapters.memory_reader import MemoryReader
from lead_memory.domain.events import Event
from lead_memory.domain.memories import MemoryKey, MemoryType
from lead_memory.domain.templates.render import Escape, OnMissing
from lead_memory.domain.templates.syntax import parse
from lead_memory.services.record import Outcome, Recorder
from lead_memory.services.resolve import Question, Resolver, Status
from tests.events import START, event
from tests.stage import open_store

MANY, QUICK_MANY = 10_000, 300
SOME = 100
FEW = 10
ROUNDS, QUICK_ROUNDS = 40, 2
LEADS_AT_ONCE = 20
TEMPLATE = parse(
    "{{fact.said_1.text}}; {{fact.said_2.text}} on {{fact.said_2.channel}}; {{fact.said_3.text}} on "
    "{{fact.said_3.channel}}"
)
"""Five variables over three memories."""

ON_WIRE = "on the wire"
NEAR = "without the wire"
ON_POSTGRES = (
    "on the wire; as mem0's own server has it: pgvector with an HNSW index; no commit waits for a disk; mem0 adds a "
    "memory, ours reads one, folds, and writes it with its event"
)
EMBEDDED = (
    "without the wire; as mem0 has it unless told otherwise: Qdrant and SQLite in files, within its own process: it "
    "waits for the disk and sends no request; ours sends two to another process, which take what the engine's row says "
    "before anything is derived, so that no store beside the process is below it"
)

type Call = Callable[[], object]
type Happening = Callable[[int], tuple[str, dict[str, Any]]]
"""What a lead's events are, by their numbers: their type and `data`."""


def declared(memories: int) -> Happening:
    """The lead's memories are declared in turn, then again."""
    return lambda number: (
        "memory.declared",
        {
            "memory_type": "fact",
            "key": f"said_{number % memories}",
            "value": {"text": f"says number {number}", "channel": "whatsapp"},
        },
    )


def viewed(_: int) -> tuple[str, dict[str, Any]]:
    """One memory has a part in all events."""
    return "product.viewed", {"sku": "whey_1kg"}


class History:
    """A lead with so many events behind it, and those that come next."""

    def __init__(self, organization_id: str, happening: Happening, length: int) -> None:
        self.lead_id = str(uuid4())
        self.organization_id = organization_id
        self._happening = happening
        self._numbers = count()
        self.behind = self.next_events(length)

    def next_events(self, number: int) -> list[Event]:
        return [self._event(each) for each in islice(self._numbers, number)]

    def _event(self, number: int) -> Event:
        return event(
            *self._happening(number),
            event_id=f"event-{number}",
            at=START + timedelta(seconds=number),
            organization_id=self.organization_id,
            lead_organization_id=self.lead_id,
        )


class Histories:
    """The long ones are one lead's each; of the short ones there is a fresh one for each round, or they would grow."""

    def __init__(self, many: int, rounds: int) -> None:
        self.many, self.rounds = many, rounds
        self.organization_id = str(uuid4())
        self.many_memories = History(self.organization_id, declared(many), many)
        self.many_events = History(self.organization_id, viewed, many)
        self.some_memories = self._short(declared(SOME), SOME, rounds)
        self.few_memories = self._short(declared(FEW), FEW, rounds)
        self.few_events = self._short(viewed, FEW, rounds)

    def _short(self, happening: Happening, length: int, rounds: int) -> list[History]:
        return [History(self.organization_id, happening, length) for _ in range(rounds)]

    async def record(self, recorder: Recorder) -> None:
        at_once = asyncio.Semaphore(LEADS_AT_ONCE)

        async def record(history: History) -> None:
            async with at_once:
                _check_recorded(await recorder.record(history.behind))

        short = [*self.some_memories, *self.few_memories, *self.few_events]
        await asyncio.gather(*map(record, [self.many_memories, self.many_events, *short]))


class Product:
    """Its recorder and its resolver, with one loop for all calls, as its functions have one."""

    def __init__(self, ground: Ground, exits: ExitStack) -> None:
        self._runner = exits.enter_context(asyncio.Runner())
        store_exits = AsyncExitStack()
        resources = ground.stage.resources
        self._table, store = self._runner.run(store_exits.enter_async_context(open_store(resources)))
        exits.callback(lambda: self._runner.run(store_exits.aclose()))
        aws = Aws(os.environ)
        exits.callback(lambda: self._runner.run(aws.close()))
        reader = MemoryReader(self._table, Keyrings(self._table, KeyService(resources.content_key, aws)))
        self._recorder = Recorder(store)
        self._resolver = Resolver(reader, None, patience_seconds=20)

    def seed(self, histories: Histories) -> None:
        self._runner.run(histories.record(self._recorder))

    def recording(self, histories: Sequence[History], rounds: int) -> Call:
        """One event at a time, those of the histories one after the other."""
        each = CALLS * rounds // len(histories)
        upcoming = iter([event for history in histories for event in history.next_events(each)])
        return lambda: _check_recorded(self._runner.run(self._recorder.record([next(upcoming)])))

    def resolving(self, history: History) -> Call:
        lead = (history.lead_id,)
        question = Question(history.organization_id, lead, {"it": TEMPLATE}, (), OnMissing.FAIL, Escape.NONE)

        def resolve() -> None:
            [answer] = self._runner.run(self._resolver.resolve(question, datetime.now(UTC)))
            if answer.status is not Status.OK:
                raise RuntimeError(f"the lead's template was not resolved: {answer.status}")

        return resolve

    def reading_and_writing(self, history: History) -> Call:
        """A memory's row, put as it was read: nothing of ours but the client."""
        key = keys.memory_key(history.lead_id, MemoryKey(MemoryType.FACT, "said_1"))

        async def get_and_put() -> None:
            item = await self._table.get(key)
            if item is None:
                raise RuntimeError("the lead's memory is not there")
            await self._table.transact([Put(self._table.name, item)])

        return lambda: self._runner.run(get_and_put())


def measure(ground: Ground) -> Iterable[Figure]:
    histories = Histories(ground.rounds(MANY, QUICK_MANY), 1 + ground.rounds(ROUNDS, QUICK_ROUNDS))
    with ExitStack() as exits:
        directory = Path(exits.enter_context(tempfile.TemporaryDirectory()))
        near = Product(ground, exits)
        ground.say(f"recording a lead of {histories.many:,} memories, and a memory of {histories.many:,} events")
        near.seed(histories)
        postgres = ground.stack.postgres_url
        with ground.wire(), delayed(f"{conninfo_to_dict(postgres)['host']}/.s.PGSQL.5432") as port:
            far = Product(ground, exits)
            yield from _beside_itself(far, histories)
            server = partial(on_postgres, directory, postgres, port)
            yield from _beside_mem0(far, histories, "on PostgreSQL", server, note=ON_POSTGRES, goal=Goal(1.0))
        if not ground.quick:
            yield from _beside_mem0(near, histories, "within its process", partial(embedded, directory), note=EMBEDDED)
            yield _engine(near, histories)


def _beside_itself(product: Product, histories: Histories) -> Iterator[Figure]:
    many, rounds = histories.many, histories.rounds
    for name, long, short in (
        (f"record at {many:,} memories of a lead / at {FEW}", histories.many_memories, histories.few_memories),
        (f"record at {many:,} events in one memory / at {FEW}", histories.many_events, histories.few_events),
        (f"write p50 at {many:,} memories / at {SOME}", histories.many_memories, histories.some_memories),
    ):
        taken = p50s(product.recording([long], rounds), product.recording(short, rounds), rounds)
        yield figure(name, "ms", taken, Goal(1.1), note=ON_WIRE)
    taken = p50s(
        product.resolving(histories.many_memories), product.resolving(histories.few_memories[0]), histories.rounds
    )
    yield figure(f"resolve at {many:,} memories of a lead / at {FEW}", "ms", taken, Goal(1.05), note=ON_WIRE)


def _beside_mem0(
    product: Product,
    histories: Histories,
    where: str,
    opened: Callable[[int], AbstractContextManager[Write]],
    *,
    note: str,
    goal: Goal | None = None,
) -> Iterator[Figure]:
    with opened(histories.many) as at_many, opened(SOME) as at_some:
        many, some = _adding(at_many), _adding(at_some)
        name = f"mem0 {where}: its own write p50 at {histories.many:,} memories / at {SOME}"
        yield figure(name, "ms", p50s(many, some, histories.rounds), note=note)
        ours = product.recording([histories.many_memories], histories.rounds)
        name = f"write p50 at {histories.many:,} memories / of mem0 {where}"
        yield figure(name, "ms", p50s(ours, many, histories.rounds), goal, note=note)


def _adding(write: Write) -> Call:
    numbers = count()
    return lambda: write(f"adds number {next(numbers)}")


def _engine(product: Product, histories: Histories) -> Figure:
    """What the local AWS itself adds to the figures of growth."""
    long, short = histories.many_memories, histories.few_memories[0]
    taken = p50s(product.reading_and_writing(long), product.reading_and_writing(short), histories.rounds)
    name = f"the local engine itself: a read and a write at {histories.many:,} memories / at {FEW}"
    return figure(name, "ms", taken, note=NEAR)


def _check_recorded(results: Sequence[object]) -> None:
    if set(results) != {Outcome.RECORDED}:
        raise RuntimeError(f"not all events were recorded: {results}")
