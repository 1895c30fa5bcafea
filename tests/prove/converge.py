"""Memories equal the fold, whatever interleaves and fails: on the recorder in process, and on the real table."""

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from random import Random
from uuid import uuid4

import msgspec
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test

from lead_memory.adapters.store import EventStore
from lead_memory.domain.events import Event
from lead_memory.services.record import Outcome, Recorder
from tests.events import streams
from tests.prove.ground import PROGRESS_SECONDS, Ground, check_converged, difference, hold
from tests.unit.record.test_recorder_machine import RecorderMachine

STREAMS = 3_000
PROCESSES = 2
STEPS = 20
TABLE_STREAMS = 400
REPEATED = 3
BATCH = 5
STREAM_SECONDS = 60


def prove_converges(ground: Ground) -> str:
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as processes:
        running = [processes.submit(_try_streams, STREAMS // PROCESSES) for _ in range(PROCESSES)]
        tried = [each.result() for each in running]
    streams, commits = (sum(figures) for figures in zip(*tried, strict=True))
    hold(streams >= STREAMS, f"only {streams:,} streams were tried")
    return (
        f"converge: {streams:,} streams with 2 to 4 interleaved writers that are refused, lose answers and die: "
        f"memories equal the fold after each of {commits:,} transactions, every event is recorded once"
    )


def _try_streams(count: int) -> tuple[int, int]:
    run_state_machine_as_test(
        RecorderMachine,
        settings=settings(
            max_examples=count,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            # What failed is printed as it was found; `make test` with the long profile shrinks it.
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
    return RecorderMachine.streams, RecorderMachine.transactions


def prove_converges_on_the_table(ground: Ground) -> str:
    tried = _Tried()

    @settings(max_examples=TABLE_STREAMS, deadline=None, database=None, phases=[Phase.generate])
    @given(stream=streams(), writers=st.integers(2, 4), seed=st.integers(0, 2**32 - 1))
    def race(stream: list[Event], writers: int, seed: int) -> None:
        asyncio.run(_race(ground, stream, writers, Random(seed)))
        tried.streams += 1
        tried.events += len(stream)
        if time.monotonic() - tried.said > PROGRESS_SECONDS:
            tried.said = time.monotonic()
            ground.say(f"{tried.streams:,} streams on the table")

    race()
    return (
        f"converge on the table: {tried.streams:,} streams of {tried.events:,} events by 2 to 4 writers at once, each "
        f"with {REPEATED} repeated and in any order: memories equal the fold, every event is recorded once"
    )


class _Tried:
    streams = 0
    events = 0
    said = 0.0


async def _race(ground: Ground, stream: Sequence[Event], writers: int, chance: Random) -> None:
    lead = str(uuid4())
    events = [msgspec.structs.replace(event, lead_organization_id=lead) for event in stream]
    queues: list[list[Event]] = [[] for _ in range(writers)]
    for event in [*events, *chance.choices(events, k=REPEATED)]:
        chance.choice(queues).append(event)
    async with ground.store() as (_, store), asyncio.timeout(STREAM_SECONDS):
        for queue in queues:
            chance.shuffle(queue)
        await asyncio.gather(*(_write(store, queue) for queue in queues))
        recorded = {event.ref for event in await check_converged(store, lead)}
        published = {event.ref for event in events}
        hold(recorded == published, f"of {len(published)} events {difference(published, recorded)}")


async def _write(store: EventStore, queue: list[Event]) -> None:
    """As the queue does: what is given back comes again."""
    while queue:
        batch, queue = queue[:BATCH], queue[BATCH:]
        results = await Recorder(store).record(batch)
        queue += [event for event, result in zip(batch, results, strict=True) if not isinstance(result, Outcome)]
