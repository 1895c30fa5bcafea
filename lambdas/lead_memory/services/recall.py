"""Which memories of a lead answer a question: ranked by what the index knows of them, and read before they are told."""

import asyncio
import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import batched
from typing import NamedTuple, Protocol

from lead_memory.domain import scores
from lead_memory.domain.errors import Unavailable
from lead_memory.domain.memories import Lead, Memory, MemoryKey, StorageTier
from lead_memory.domain.memory_settings import MemorySettings
from lead_memory.domain.recall.entry import Entry, Indexed, Use
from lead_memory.domain.recall.making import entry_of
from lead_memory.domain.recall.ranking import Filters, Query, Ranked, rank
from lead_memory.domain.recall.terms import terms
from lead_memory.domain.recall.text import recall_text, recallable
from lead_memory.domain.recall.vectors import quantized
from lead_memory.domain.recall.weights import Weights
from lead_memory.services.embedding import Embedder
from lead_memory.services.resolve import Read

MOST = 40
"""Memories of an answer: with the parents of each they are read with one request."""
SUMMARIES_AT_ONCE = 4
"""Whose sources are read with one request."""
SPARE = 5
"""That are read beside those that are asked for, because some may be gone."""

_logger = logging.getLogger(__name__)


class Entries(NamedTuple):
    indexed: Sequence[Indexed]
    cold: int
    """That were not read."""


class Reader(Protocol):
    """Every method raises `Unavailable` and `Erased`."""

    async def entries(self, lead: Lead, *, include_cold: bool) -> Entries: ...

    async def of_lead(self, lead: Lead, wanted: Collection[MemoryKey]) -> Mapping[MemoryKey, Read] | None:
        """Strongly consistent, with one request. None for a lead of whom the organization never recorded anything."""


class Settings(Protocol):
    async def memories(self, organization_id: str) -> MemorySettings: ...


class UseCounter(Protocol):
    async def used(self, lead: Lead, memories: Mapping[MemoryKey, StorageTier], at: datetime) -> None:
        """Raises `Unavailable`."""


class Question(NamedTuple):
    lead: Lead
    query: str
    k: int
    """At most `MOST`."""
    filters: Filters
    include_cold: bool = False


class Recalled(NamedTuple):
    memory: Memory
    text: str
    ranked: Ranked
    scores: Mapping[str, float]


class Answer(NamedTuple):
    recalled: Sequence[Recalled]
    lead_known: bool
    similar: bool
    """False where the embedder did not answer: ranked by all else."""
    entries: int
    """That were looked at."""
    waiting: int
    """Of them, those without a vector to compare yet."""
    cold: int
    """That were not looked at."""
    changed_since: int
    """Left out, because they were changed after the time that was asked for."""
    newest_at: datetime | None
    """Of the last change that the index knows."""
    counted: bool
    """Whether the uses are to be counted; a queue that is away loses them."""


class Recall:
    def __init__(self, reader: Reader, embedder: Embedder, settings: Settings, uses: UseCounter) -> None:
        self._reader = reader
        self._embedder = embedder
        self._settings = settings
        self._uses = uses

    async def recall(self, question: Question, now: datetime) -> Answer:
        """Raises `Unavailable` and `Erased`."""
        lead, as_of = question.lead, question.filters.as_of
        settings = await self._settings.memories(lead.organization_id)
        read = self._reader.entries(lead, include_cold=question.include_cold)
        entries, query = await asyncio.gather(read, self._asked(question.query))
        recalled, lead_known = await self._best(question, entries.indexed, query, settings.weights, now)
        return Answer(
            recalled=recalled,
            lead_known=lead_known,
            similar=query.vector is not None,
            entries=len(entries.indexed),
            waiting=sum(not _comparable(each, self._embedder.version) for each in entries.indexed),
            cold=entries.cold,
            changed_since=sum(each.entry.updated_at > as_of.timestamp() for each in entries.indexed) if as_of else 0,
            newest_at=_newest_at(entries.indexed),
            counted=await self._count(lead, recalled, now),
        )

    async def _asked(self, query: str) -> Query:
        try:
            vector = quantized(await self._embedder.query(query))
        except Unavailable as error:
            _logger.warning("ranked without similarity: %s", error)
            vector = None
        return Query(
            terms=terms(query),
            vector=vector,
            embedding_version=self._embedder.version,
            similarity_range=self._embedder.similarity_range,
        )

    async def _best(
        self, question: Question, indexed: Sequence[Indexed], query: Query, weights: Weights, now: datetime
    ) -> tuple[list[Recalled], bool]:
        """And whether the lead is known. Reads on until there are as many as are asked for, or no more."""
        recalled: list[Recalled] = []
        looked_at = 0
        while True:
            most = looked_at + question.k + SPARE
            ranked = rank(indexed, query, now=now, k=most, weights=weights, filters=question.filters)
            found = await self._reader.of_lead(question.lead, _needed(ranked[looked_at:]))
            if stale := await self._stale(question.lead, ranked[looked_at:], now):
                # Of what they sum up, the rest is to be told instead.
                indexed = [each for each in indexed if each.entry.name not in stale]
                recalled, looked_at = [], 0
                continue
            recalled += _answering(ranked[looked_at:], found or {}, question, now)
            if found is None or len(recalled) >= question.k or len(ranked) < most:
                return recalled[: question.k], found is not None
            looked_at = most

    async def _stale(self, lead: Lead, ranked: Sequence[Ranked], now: datetime) -> set[MemoryKey]:
        """The summaries of something that is hidden by now, or gone: they would still tell it."""
        summaries = [each.indexed.entry for each in ranked if each.indexed.entry.summary_of]
        stale = set[MemoryKey]()
        for some in batched(summaries, SUMMARIES_AT_ONCE, strict=False):
            sources = {source for summary in some for source in summary.summary_of}
            found = await self._reader.of_lead(lead, sources) or {}
            live = {name for name, read in found.items() if isinstance(read, Memory) and not read.hidden(now)}
            stale |= {summary.name for summary in some if not live.issuperset(summary.summary_of)}
        return stale

    async def _count(self, lead: Lead, recalled: Sequence[Recalled], now: datetime) -> bool:
        tiers = {each.memory.name: each.memory.storage_tier for each in recalled}
        try:
            if tiers:
                await self._uses.used(lead, tiers, now)
        except Unavailable as error:
            _logger.warning("uses were not counted: %s", error)
            return False
        return True


def _comparable(indexed: Indexed, embedding_version: str) -> bool:
    return indexed.entry.vector is not None and indexed.embedding_version == embedding_version


def _newest_at(indexed: Sequence[Indexed]) -> datetime | None:
    return datetime.fromtimestamp(max(each.entry.updated_at for each in indexed), UTC) if indexed else None


def _needed(ranked: Sequence[Ranked]) -> set[MemoryKey]:
    entries = [each.indexed.entry for each in ranked]
    return {entry.name for entry in entries} | {entry.parent for entry in entries if entry.parent}


def _answering(
    ranked: Sequence[Ranked], found: Mapping[MemoryKey, Read], question: Question, now: datetime
) -> Iterator[Recalled]:
    """What was read of them still answers: it may have changed since it was indexed."""
    as_of = question.filters.as_of
    for each in ranked:
        entry = each.indexed.entry
        memory, parent = found.get(entry.name), found.get(entry.parent) if entry.parent else None
        if not isinstance(memory, Memory) or isinstance(parent, Exception) or (parent and parent.hidden(now)):
            continue
        is_here = question.include_cold or memory.storage_tier is not StorageTier.COLD
        as_it_is = entry_of(memory, None)
        if (
            is_here
            and recallable(memory, now)
            and (as_of is None or memory.updated_at <= as_of)
            and question.filters.take(as_it_is)
            and as_it_is.parent == entry.parent
            and not scores.contradicted(memory.source, memory.evidence_count, memory.contradiction_count)
        ):
            yield Recalled(memory, recall_text(memory), each, _scores(memory, as_it_is, each.indexed.use, as_of or now))


def _scores(memory: Memory, entry: Entry, use: Use, at: datetime) -> dict[str, float]:
    evidence = memory.evidence_count, memory.contradiction_count
    content_type = memory.annotations.content_type
    return {
        "quality": entry.quality,
        "confidence_score": scores.confidence_score(memory.source, memory.confidence, *evidence),
        "consistency": scores.consistency(*evidence),
        "freshness": scores.freshness(memory.memory_type, content_type, memory.updated_at, at),
        "decay": scores.decay(memory.updated_at, use.last_accessed_at, at),
    }
