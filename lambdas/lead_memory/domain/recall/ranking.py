"""Which of a lead's memories answer a question, by a sum of what speaks for each.

score = similarity + keywords + importance + freshness + decay + confidence, where each part is from 0 to its weight:

- similarity: the cosine of the question's vector and the memory's, rescaled so that what is unrelated to the embedder
  is 0 and what is the same is 1;
- keywords: BM25 over the lead's entries, as a share of the most that the question's words could give;
- importance: what the caller says;
- freshness, decay, confidence: as `domain.scores` has them.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from math import inf

import msgspec
import numpy as np
import numpy.typing as npt

from lead_memory.domain import scores
from lead_memory.domain.memories import Environment, MemoryKey, MemoryType
from lead_memory.domain.recall.entry import Entry, Indexed, Vector
from lead_memory.domain.recall.vectors import cosines, matrix
from lead_memory.domain.recall.weights import DEFAULT, Weights

type Numbers = npt.NDArray[np.float64]

K1, B = 1.2, 0.75
"""Of BM25: how soon a word that is repeated says no more, and how much a long text is held against it. Lucene's."""
_DAY_SECONDS = 86_400


class Query(msgspec.Struct, frozen=True, kw_only=True):
    terms: bytes
    """As an entry's."""
    vector: Vector | None = None
    """None where no embedder answers: nothing is similar then."""
    embedding_version: str | None = None
    """Vectors of another are not compared."""
    similarity_range: tuple[float, float] = (0.0, 1.0)
    """The cosines, by this embedder, of texts that have nothing in common, and of those that say the same."""


class Filters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is empty leaves nothing out."""

    tags: tuple[str, ...] = ()
    """One of them."""
    types: tuple[MemoryType, ...] = ()
    event_types: tuple[str, ...] = ()
    environments: tuple[Environment, ...] = (Environment.PRODUCTION,)
    project_id: str | None = None
    min_score: float = 0.0
    as_of: datetime | None = None
    """Only what was as it is now at that time, and scored as of it."""

    def take(self, entry: Entry) -> bool:
        return (
            (not self.environments or entry.environment in self.environments)
            and (not self.types or entry.name.memory_type in self.types)
            and (not self.tags or not set(self.tags).isdisjoint(entry.tags))
            and (not self.event_types or entry.event_type in self.event_types)
            and (self.project_id is None or entry.project_id == self.project_id)
        )


NO_FILTERS = Filters()


class Parts(msgspec.Struct, frozen=True):
    """Of a score, each times its weight."""

    similarity: float
    keywords: float
    importance: float
    freshness: float
    decay: float
    confidence: float


class Ranked(msgspec.Struct, frozen=True):
    indexed: Indexed
    score: float
    parts: Parts
    summarized_in: MemoryKey | None
    """The newest summary of it."""


def rank(
    indexed: Sequence[Indexed],
    query: Query,
    *,
    now: datetime,
    k: int,
    weights: Weights = DEFAULT,
    filters: Filters = NO_FILTERS,
) -> list[Ranked]:
    """The best `k`, best first: nothing expired, nothing that more contradicts than supports, and nothing twice."""
    at = filters.as_of or now
    today, latest = now.timestamp(), filters.as_of.timestamp() if filters.as_of else inf
    live = [each for each in indexed if _live(each.entry, today, latest)]
    if not live:
        return []
    parts = _parts(live, query, at) * np.array(msgspec.structs.astuple(weights))
    totals = parts.sum(axis=1).tolist()
    updated_at = {each.entry.name: each.entry.updated_at for each in live}
    taken = [
        number
        for number, total in enumerate(totals)
        if total >= filters.min_score
        and filters.take(live[number].entry)
        and not _outdated(live[number].entry, updated_at)
    ]
    taken.sort(key=lambda number: (-totals[number], -live[number].entry.quality, live[number].entry.name))
    summaries = _summaries(live)
    ranked = []
    for number in _once(taken, live):
        name = live[number].entry.name
        ranked.append(Ranked(live[number], totals[number], Parts(*parts[number].tolist()), summaries.get(name)))
        if len(ranked) == k:
            break
    return ranked


def _live(entry: Entry, now: float, latest: float) -> bool:
    return (
        (entry.expires_at is None or entry.expires_at > now)
        and entry.updated_at <= latest
        and not scores.contradicted(entry.source, entry.evidence_count, entry.contradiction_count)
    )


def _outdated(entry: Entry, updated_at: Mapping[MemoryKey, float]) -> bool:
    """A summary of something that changed since: it tells what is no more so, and what it sums up tells what is."""
    return any(updated_at.get(source, 0) > entry.updated_at for source in entry.summary_of)


def _parts(live: Sequence[Indexed], query: Query, at: datetime) -> Numbers:
    """Of each entry, in the order of `Weights`, from 0 to 1."""
    entries = [each.entry for each in live]
    return np.column_stack(
        (
            _similarities(live, query),
            _keywords(entries, query.terms),
            [entry.importance for entry in entries],
            *_by_age(live, at.timestamp()),
            [
                scores.confidence_score(entry.source, entry.confidence, entry.evidence_count, entry.contradiction_count)
                for entry in entries
            ],
        )
    )


def _similarities(live: Sequence[Indexed], query: Query) -> Numbers:
    similarities = np.zeros(len(live))
    compared = [
        (number, each.entry.vector)
        for number, each in enumerate(live)
        if query.vector and each.entry.vector and each.embedding_version == query.embedding_version
    ]
    if query.vector is None or not compared:
        return similarities
    numbers, vectors = zip(*compared, strict=True)
    scales = np.array([each.scale for each in vectors], "f4")
    lowest, highest = query.similarity_range
    similarities[list(numbers)] = (cosines(matrix(vectors), scales, query.vector) - lowest) / (highest - lowest)
    return similarities.clip(0, 1)


def _keywords(entries: Sequence[Entry], asked: bytes) -> Numbers:
    """BM25 as Lucene has it, as a share of the sum of the weights (idf) of all that is asked for.

    Robertson and Zaragoza, The Probabilistic Relevance Framework: BM25 and Beyond, 2009; Kamphuis et al., Which BM25 Do
    You Mean?, 2020, for Lucene's form, whose weights are never negative.
    """
    words = np.unique(np.frombuffer(asked, "<u4"))
    lengths = np.array([len(entry.terms) // 4 for entry in entries])
    if not words.size or not lengths.any():
        return np.zeros(len(entries))
    said = np.frombuffer(b"".join([entry.terms for entry in entries]), "<u4")
    whose = np.repeat(np.arange(len(entries)), lengths)
    counts = np.column_stack([np.bincount(whose[said == word], minlength=len(entries)) for word in words])
    having = (counts > 0).sum(axis=0)
    weights = np.log1p((len(entries) - having + 0.5) / (having + 0.5))
    length_norms = K1 * (1 - B + B * lengths / lengths.mean())
    found: Numbers = (weights * counts / (counts + length_norms[:, None])).sum(axis=1) / weights.sum()
    return found


def _by_age(live: Sequence[Indexed], at: float) -> tuple[Numbers, Numbers]:
    """Freshness and decay."""
    updated_at = np.array([each.entry.updated_at for each in live])
    used_at = np.array([each.use.last_accessed_at.timestamp() if each.use.last_accessed_at else 0 for each in live])
    half_lives = np.array(
        [scores.freshness_half_life_days(each.entry.name.memory_type, each.entry.content_type) for each in live]
    )
    in_use_at = np.maximum(updated_at, np.where(used_at <= at, used_at, 0))
    return _halved(at - updated_at, half_lives), _halved(at - in_use_at, scores.DECAY_HALF_LIFE_DAYS)


def _halved(seconds: Numbers, half_life_days: Numbers | float) -> Numbers:
    return np.exp2(-seconds.clip(0) / _DAY_SECONDS / half_life_days)


def _summaries(live: Sequence[Indexed]) -> dict[MemoryKey, MemoryKey]:
    """Of each memory that is summed up, its summary; the newest one."""
    summaries = sorted((each.entry for each in live if each.entry.is_summary), key=lambda each: each.updated_at)
    return {source: summary.name for summary in summaries for source in summary.summary_of}


def _once(numbers: Sequence[int], live: Sequence[Indexed]) -> Iterator[int]:
    """Of a summary and what it sums up, and of the fragments of one memory, those that rank higher."""
    told: set[MemoryKey] = set()
    parents: set[MemoryKey] = set()
    for number in numbers:
        entry = live[number].entry
        if entry.name in told or not told.isdisjoint(entry.summary_of) or entry.parent in parents:
            continue
        yield number
        told.update((entry.name, *entry.summary_of))
        if entry.parent:
            parents.add(entry.parent)
