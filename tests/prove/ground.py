"""Where the promises are proved: a local stack, its table, and the processes that update it."""

import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, NamedTuple

import psutil

from lead_memory.adapters.store import EventStore
from lead_memory.adapters.table import DynamoTable
from lead_memory.domain.amendments import Cases
from lead_memory.domain.derivations import touched
from lead_memory.domain.events import Event
from lead_memory.domain.fold import refold
from lead_memory.domain.memories import Lead
from lead_memory_client.client import LeadMemory
from lead_memory_client.stage import LOCAL, Stage, find_stage
from local import deployment, state
from local.stack import LocalStack
from tests.events import ORGANIZATION
from tests.fakes import canonical_bytes
from tests.stage import open_store

PROGRESS_SECONDS = 10
POLL_SECONDS = 0.5
WORKER_STOP_SECONDS = 10


class NotProved(Exception):
    """A promise does not hold; the message says which figures differ."""


def hold(promise: bool, otherwise: str) -> None:
    if not promise:
        raise NotProved(otherwise)


class Ground(NamedTuple):
    stack: LocalStack
    stage: Stage
    memory: LeadMemory
    say: Callable[[str], None]
    """Shows how far a long proof is."""

    @classmethod
    def of(cls, stack: LocalStack, say: Callable[[str], None]) -> "Ground":
        """Its clients, and the processes that it starts, find the stack's AWS by the environment."""
        os.environ.update(deployment.environment(stack.endpoint_url, state.directory_from_environment()))
        stage = find_stage(LOCAL, profile=None, region=None)
        return cls(stack, stage, LeadMemory(stage), say)

    @asynccontextmanager
    async def store(self) -> AsyncIterator[tuple[DynamoTable, EventStore]]:
        async with open_store(self.stage.resources) as opened:
            yield opened

    @contextmanager
    def updaters(self, count: int) -> Iterator["Updaters"]:
        updaters = Updaters(self, count)
        try:
            yield updaters
        finally:
            updaters.stop()

    def wait_until_drained(self, seconds: float, what_else: Callable[[], Any] = lambda: None) -> None:
        """Until the ingest queue holds nothing, not even in flight."""
        deadline, said = time.monotonic() + seconds, time.monotonic()
        while (depth := self.memory.status().queues["ingest"]).waiting + depth.in_flight:
            hold(time.monotonic() < deadline, f"the queue still holds {depth.waiting:,} after {seconds:,.0f} s")
            if time.monotonic() - said > PROGRESS_SECONDS:
                said = time.monotonic()
                self.say(f"{depth.waiting:,} events wait, {depth.in_flight:,} in flight")
            what_else()
            time.sleep(POLL_SECONDS)


class Updaters:
    """Processes that run the deployed function's handler beside the one that the local AWS runs."""

    def __init__(self, ground: Ground, count: int) -> None:
        functions = ground.stage.client("lambda")
        found = [each["FunctionName"] for each in functions.list_functions()["Functions"]]
        [name] = [name for name in found if "Updater" in name]
        settings = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        self._environment = os.environ | settings
        self._queue_url = ground.stage.resources.ingest_queue_url
        self._local_aws = psutil.Process(ground.stack.processes["aws"].pid)
        self._processes = [self._start() for _ in range(count)]

    def processes(self) -> list[psutil.Process]:
        """These, and the processes in which the local AWS runs functions."""
        return [*(psutil.Process(each.pid) for each in self._processes), *self._local_aws.children(recursive=True)]

    def replace_dead(self) -> None:
        self._processes = [each if each.poll() is None else self._start() for each in self._processes]

    def stop(self) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.wait(WORKER_STOP_SECONDS)

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.prove.updater", self._queue_url],
            env=self._environment,
            stdout=subprocess.DEVNULL,
        )


async def check_converged(store: EventStore, lead_id: str) -> list[Event]:
    """The lead's log. Raises `NotProved` where its memories are not the fold of it."""
    lead = Lead(ORGANIZATION, lead_id)
    log = await store.log(lead)
    cases = Cases(log)
    names = {name for event in log for name in touched(event, cases.of(event))}
    found = (await store.snapshot(lead, names)).memories
    recorded = canonical_bytes({name: stored.memory for name, stored in found.items()})
    folded = canonical_bytes(refold(log, names))
    differing = {name for name in {*recorded, *folded} if recorded.get(name) != folded.get(name)}
    hold(not differing, f"{len(differing)} memories of one lead are not the fold of its {len(log)} events")
    return log


def difference(expected: Collection[str], found: Collection[str]) -> str:
    return f"{len(set(expected) - set(found)):,} are missing and {len(set(found) - set(expected)):,} were not expected"
