"""Keeps the index that recalls read right: an entry for every memory that can be recalled, and none for any other."""

import asyncio
import hashlib
import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import NamedTuple, Protocol

import msgspec

from lead_memory.domain.errors import Erased, Unavailable
from lead_memory.domain.memories import Lead, Memory, MemoryKey, StorageTier
from lead_memory.domain.recall.entry import Entry, Indexed, Vector
from lead_memory.domain.recall.groups import close_groups
from lead_memory.domain.recall.making import entry_of
from lead_memory.domain.recall.text import recall_text, recallable
from lead_memory.domain.recall.vectors import quantized
from lead_memory.services import bus
from lead_memory.services.embedding import Embedder
from lead_memory.services.index_queue import Queue, Request
from lead_memory.services.sweep import through

SOURCE = "embedder"
PAGE = 200
"""Memories of a lead that are looked at with one request; what is left is asked for with another."""
PAUSES_GROW = 4
WAITS = 5
"""How often a request is put off because its event is not recorded yet."""
DELAY_SECONDS = 900
"""The longest that SQS takes."""

_logger = logging.getLogger(__name__)


class Touched(NamedTuple):
    rows: Collection[str]
    settled: bool
    """Whether all that the event says about memories has been written."""


class Page(NamedTuple):
    rows: Collection[str]
    next: str | None
    """The place after which the next page begins; None after the last."""


class Standing(NamedTuple):
    """What there is of a memory, by the row that it is stored in."""

    row: str
    memory: Memory | None
    """None where there is none, or it does not open."""
    version: int | None
    """Of the row; None where there is none."""
    indexed: Indexed | None = None
    in_index: bool = False
    object_key: str | None = None
    """Of what is too cold for the table."""


class Made(NamedTuple):
    """What is to stand in the index for a memory."""

    entry: Entry
    storage_tier: StorageTier
    vector_id: str
    embedding_version: str | None


class Index(Protocol):
    """Strongly consistent, and of the organization's own leads. Every method may raise `Unavailable` and `Erased`."""

    async def touched(self, lead: Lead, ref: str) -> Touched | None:
        """None for an event that is not recorded yet."""

    async def page(self, lead: Lead, after: str | None, limit: int) -> Page:
        """Rows of the lead's memories that may be recalled, and of its entries, from the one after a place."""

    async def standing(self, lead: Lead, rows: Collection[str]) -> list[Standing]: ...

    async def fingerprints(self, lead: Lead, contents: Sequence[str]) -> list[str]:
        """Which tell nothing of the contents."""

    async def write(self, lead: Lead, standing: Standing, made: Made | None) -> bool:
        """None takes the entry away. False where the memory is another by now."""

    async def entries(self, lead: Lead) -> Sequence[Indexed]:
        """Of memories that are not cold."""


class Outcome(NamedTuple):
    failed: set[int]
    """Positions of the requests that are to be given back, and tried again."""
    counts: Counter[str]


class _Draft(NamedTuple):
    standing: Standing
    memory: Memory
    text: str
    vector_id: str

    @property
    def vector(self) -> Vector | None:
        """The one that there is of the same text."""
        indexed = self.standing.indexed
        return indexed.entry.vector if indexed and indexed.vector_id == self.vector_id else None


class _Later(NamedTuple):
    """What is left of a request."""

    request: Request
    delay_seconds: int


class _Work(NamedTuple):
    gone: Sequence[Standing]
    drafts: Sequence[_Draft]
    later: Sequence[_Later]


class Indexer:
    def __init__(
        self,
        index: Index,
        embedder: Embedder,
        bus: bus.Bus,
        queue: Queue,
        *,
        recording_seconds: int,
        clock: Callable[[], datetime],
    ) -> None:
        """`recording_seconds`: within which an event that was published is recorded."""
        self._index = index
        self._embedder = embedder
        self._bus = bus
        self._queue = queue
        self._recording_seconds = recording_seconds
        self._clock = clock

    async def index(self, requests: Sequence[Request]) -> Outcome:
        counts, failed = Counter[str](), set[int]()
        of_leads: dict[Lead, list[int]] = {}
        for position, request in enumerate(requests):
            of_leads.setdefault(request.lead, []).append(position)

        def succeeded[T](leads: Iterable[Lead], results: Iterable[T | BaseException]) -> dict[Lead, T]:
            done = {}
            for lead, result in zip(leads, results, strict=True):
                if not isinstance(result, BaseException):
                    done[lead] = result
                elif not isinstance(result, Erased):
                    # The kind alone: a message may quote.
                    _logger.error("a lead's memories were not indexed: %s", type(result).__name__)
                    failed.update(of_leads[lead])
            return done

        looked = (self._looked_at(lead, [requests[each] for each in at], counts) for lead, at in of_leads.items())
        works = succeeded(of_leads, await asyncio.gather(*looked, return_exceptions=True))
        try:
            vectors = await self._embedded(chain.from_iterable(work.drafts for work in works.values()))
        except Unavailable:
            # Until they are embedded, they are found by their words.
            vectors = {}
            failed.update(*(of_leads[lead] for lead, work in works.items() if any(map(_lacks_vector, work.drafts))))
        counts["embedded"] = len(vectors)
        written = (self._written(lead, work, vectors, counts) for lead, work in works.items())
        succeeded(works, await asyncio.gather(*written, return_exceptions=True))
        # Not before: what is given back would ask for it with each delivery, and what it asked for would do the same.
        through_with = {lead: work.later for lead, work in works.items() if failed.isdisjoint(of_leads[lead])}
        sent = (self._send(later) for later in through_with.values())
        succeeded(through_with, await asyncio.gather(*sent, return_exceptions=True))
        return Outcome(failed, counts)

    async def _looked_at(self, lead: Lead, requests: Sequence[Request], counts: Counter[str]) -> _Work:
        looked = await through(self._rows(request, counts) for request in requests)
        rows = set(chain.from_iterable(rows for rows, _ in looked))
        now = self._clock()
        gone, stale = [], []
        for standing in await self._index.standing(lead, rows) if rows else ():
            if standing.memory is None or not recallable(standing.memory, now):
                gone.append(standing)
            elif not self._is_right(standing):
                stale.append((standing, standing.memory, recall_text(standing.memory)))
        contents = [f"{self._embedder.version}\n{lead.lead_id}\n{each.row}\n{text}" for each, _, text in stale]
        # Where there is nothing, the organization may have no keys, and it is not for an index to make them.
        ids = await self._index.fingerprints(lead, contents) if contents else ()
        drafts = [_Draft(*each, vector_id) for each, vector_id in zip(stale, ids, strict=True)]
        later = [each for _, each in looked if each]
        return _Work([standing for standing in gone if standing.in_index], drafts, later)

    def _is_right(self, standing: Standing) -> bool:
        indexed = standing.indexed
        return (
            indexed is not None
            and indexed.memory_version == standing.version
            and indexed.embedding_version == self._embedder.version
        )

    async def _rows(self, request: Request, counts: Counter[str]) -> tuple[Collection[str], _Later | None]:
        if request.ref is None:
            page = await self._index.page(request.lead, request.after, PAGE)
            rest = msgspec.structs.replace(request, after=page.next)
            return page.rows, _Later(rest, 0) if page.next is not None else None
        touched = await self._index.touched(request.lead, request.ref)
        is_whole = touched is not None and touched.settled
        return touched.rows if touched else (), None if is_whole else self._put_off(request, counts)

    def _put_off(self, request: Request, counts: Counter[str]) -> _Later | None:
        """Each time for longer. What was put off too often is left: its event was rejected, or a later one does it."""
        counts["put_off" if request.waits < WAITS else "left"] += 1
        if request.waits >= WAITS:
            return None
        again = msgspec.structs.replace(request, waits=request.waits + 1)
        return _Later(again, min(self._recording_seconds * PAUSES_GROW**request.waits, DELAY_SECONDS))

    async def _send(self, later: Iterable[_Later]) -> None:
        for request, delay_seconds in later:
            if not await self._queue.send([request], delay_seconds):
                raise Unavailable("the vectors' queue did not take a request")

    async def _embedded(self, drafts: Iterable[_Draft]) -> Mapping[str, Vector]:
        """By text."""
        texts = list(dict.fromkeys(draft.text for draft in drafts if _lacks_vector(draft)))
        rows = await self._embedder.passages(texts) if texts else ()
        return dict(zip(texts, map(quantized, rows), strict=True))

    async def _written(self, lead: Lead, work: _Work, vectors: Mapping[str, Vector], counts: Counter[str]) -> None:
        async def write(draft: _Draft) -> MemoryKey | None:
            vector = draft.vector or vectors.get(draft.text)
            version = self._embedder.version if vector else None
            made = Made(entry_of(draft.memory, vector), draft.memory.storage_tier, draft.vector_id, version)
            is_written = await self._index.write(lead, draft.standing, made)
            counts["written" if is_written else "outrun"] += 1
            return draft.memory.name if is_written and vector and not draft.vector else None

        async def take_away(standing: Standing) -> None:
            counts["removed"] += await self._index.write(lead, standing, None)

        await through(map(take_away, work.gone))
        new = set(filter(None, await through(map(write, work.drafts))))
        if new:
            await self._ask_for_summaries(lead, new, counts)

    async def _ask_for_summaries(self, lead: Lead, new: Collection[MemoryKey], counts: Counter[str]) -> None:
        """Of what is close to what is new."""
        entries = await self._index.entries(lead)
        comparable = [each for each in entries if each.embedding_version == self._embedder.version]
        now = self._clock().timestamp()
        groups = close_groups(comparable, now=now, around=new, close=self._embedder.close)
        updated_at = {each.entry.name: each.entry.updated_at for each in comparable}
        asked = [_summary_requested(lead, names, max(updated_at[name] for name in names)) for names in groups]
        counts["clusters"] += len(asked)
        if asked and await self._bus.publish(asked) < len(asked):
            raise Unavailable("the bus did not take all requests for summaries")


def _lacks_vector(draft: _Draft) -> bool:
    return draft.vector is None


def _summary_requested(lead: Lead, names: Sequence[MemoryKey], updated_at: float) -> bus.Entry:
    """The same for the same memories as they are, so that it is recorded once however often it is asked for."""
    at = datetime.fromtimestamp(updated_at, UTC)
    asked = "\n".join([*sorted(map(str, names)), at.isoformat()])
    data = {"memories": [name._asdict() for name in sorted(names)], "asked_by": SOURCE}
    return bus.entry(SOURCE, "memories.summary_requested", lead, hashlib.sha256(asked.encode()).hexdigest(), at, data)
