"""Record events: derive, fold, one transaction. The only way to write."""

import asyncio
import logging
import random
import traceback
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple, Protocol

import msgspec

from lead_memory.domain.amendments import case_of, is_amendment
from lead_memory.domain.derivations import derive, touched
from lead_memory.domain.errors import AlreadyRecorded, Conflict, LeadMemoryError, Rejected, Unavailable
from lead_memory.domain.events import Event
from lead_memory.domain.fold import Cases, fold, refold
from lead_memory.domain.memories import Memory, MemoryKey

TRANSACTION_ITEMS = 100
TRANSACTION_BYTES = 3_500_000
"""DynamoDB takes 4 MB; the rest is for the memories and for the attributes' names."""

ATTEMPTS = 12
FIRST_PAUSE_SECONDS = 0.02
LONGEST_PAUSE_SECONDS = 1.0

logger = logging.getLogger(__name__)


class Outcome(StrEnum):
    RECORDED = "recorded"
    DUPLICATE = "duplicate"


type Result = Outcome | LeadMemoryError
"""An error is `Rejected` when trying again is of no use; after any other the event is to be given back."""


class Stored(NamedTuple):
    memory: Memory
    version: int
    """Of the row; a writer that read an older one has lost."""


class Snapshot(NamedTuple):
    organization_id: str | None
    """The lead's; None while the lead is not known."""
    memories: Mapping[MemoryKey, Stored]


class Known(NamedTuple):
    content_hashes: tuple[str, ...]
    settled: bool
    """Whether all that the event says about memories has been written."""


class Write(NamedTuple):
    name: MemoryKey
    memory: Memory | None
    """None deletes."""
    version: int | None
    """The row's version that was read; None when there was no row."""


class Commit(msgspec.Struct, frozen=True, kw_only=True):
    """One transaction: all of it happens or nothing."""

    lead_id: str
    new_lead_of: str | None = None
    """The organization, when the lead's head is to be written too."""
    events: Sequence[Event] = ()
    touches: Mapping[str, Collection[MemoryKey]] = {}
    """By ref, the memories that an event has a part in: of these events, and of earlier ones where that changes."""
    settled: bool = True
    settles: Event | None = None
    """An event recorded earlier that is settled with this."""
    writes: Sequence[Write] = ()


class Store(Protocol):
    """Reads are strongly consistent. Every method may raise `Unavailable`."""

    async def snapshot(self, lead_id: str, names: Collection[MemoryKey]) -> Snapshot: ...

    async def log(self, lead_id: str) -> list[Event]: ...

    async def known(self, lead_id: str, refs: Collection[str]) -> dict[str, Known]: ...

    async def commit(self, commit: Commit) -> None:
        """Raises `AlreadyRecorded`, `Conflict`, or `Rejected` when an event does not fit into an item."""


class _DoesNotFit(Exception):  # noqa: N818
    """The batch needs more than one transaction."""


async def pause_with_jitter(attempt: int) -> None:
    await asyncio.sleep(random.uniform(0, min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**attempt)))  # noqa: S311


class Recorder:
    def __init__(self, store: Store, pause: Callable[[int], Awaitable[None]] = pause_with_jitter) -> None:
        self._store = store
        self._pause = pause

    async def record(self, events: Sequence[Event]) -> list[Result]:
        """Record events of one lead, in as few transactions as the limits allow; a result for each, in their order."""
        results: dict[str, Result] = {}
        first = {event.ref: event for event in reversed(events)}
        for batch in _batches(sorted(first.values(), key=lambda event: event.position), results):
            await self._record_or_split(batch, results)
        return [
            results[event.ref] if event is first[event.ref] else _repeated(event, first[event.ref], results[event.ref])
            for event in events
        ]

    async def _record_or_split(self, batch: Sequence[Event], results: dict[str, Result]) -> None:
        """A batch that fails as a whole is recorded one by one, so that a poisonous event fails alone."""
        try:
            await self._record_batch(batch, results)
        except Unavailable as error:
            results.update((event.ref, error) for event in batch if event.ref not in results)
        except Exception as error:
            left = [event for event in batch if event.ref not in results]
            if len(left) > 1:
                for event in left:
                    await self._record_or_split([event], results)
            else:
                results.update((event.ref, _failure(error)) for event in left)

    async def _record_batch(self, batch: Sequence[Event], results: dict[str, Result]) -> None:
        for attempt in range(ATTEMPTS):
            left = [event for event in batch if event.ref not in results]
            if not left:
                return
            try:
                await self._attempt(left)
            except AlreadyRecorded as recorded:
                await self._settle_known(left, recorded.refs, results)
            except Conflict:
                await self._pause(attempt)
            else:
                results.update((event.ref, Outcome.RECORDED) for event in left)
                return
        raise Unavailable("other writers kept winning this lead's memories")

    async def _settle_known(self, events: Sequence[Event], refs: Collection[str], results: dict[str, Result]) -> None:
        lead_id = events[0].lead_organization_id
        known = await self._store.known(lead_id, refs)
        for event in events:
            if event.ref not in known:
                continue
            if not known[event.ref].settled:
                await self._write_in_parts(event)
            results[event.ref] = _seen_before(event, known[event.ref].content_hashes)

    async def _attempt(self, events: Sequence[Event]) -> None:
        lead_id, organization_id = events[0].lead_organization_id, events[0].organization_id
        snapshot, memories, touches = await self._next_memories(lead_id, events)
        if snapshot.organization_id not in (None, organization_id):
            raise Rejected("wrong_organization", "the lead belongs to another organization")
        commit = Commit(
            lead_id=lead_id,
            new_lead_of=organization_id if snapshot.organization_id is None else None,
            events=events,
            touches=touches,
            writes=_writes(snapshot, memories),
        )
        if len(commit.writes) + len(touches) < TRANSACTION_ITEMS:
            await self._store.commit(commit)
        elif len(events) > 1:
            raise _DoesNotFit
        else:
            await self._store.commit(msgspec.structs.replace(commit, writes=(), settled=False))
            await self._write_in_parts(events[0])

    async def _next_memories(
        self, lead_id: str, events: Sequence[Event]
    ) -> tuple[Snapshot, dict[MemoryKey, Memory | None], dict[str, set[MemoryKey]]]:
        """The memories after the events, and what each event touches.

        What late events touch is folded again from the log; the rest from where it stands.

        Versions are read before the log: an event that is committed in between makes the commit conflict.
        """
        names = {name for event in events for name in touched(event)}
        while True:
            snapshot = await self._store.snapshot(lead_id, names)
            late = _late(events, snapshot)
            if not late:
                return snapshot, _folded(events, snapshot), _touches(events, before=Cases(()), after=Cases(events))
            if known := await self._store.known(lead_id, [event.ref for event in late]):
                raise AlreadyRecorded(known)
            recorded = await self._store.log(lead_id)
            log = list({event.ref: event for event in (*events, *recorded)}.values())
            cases = Cases(log)
            again = {name for event in late for name in touched(event, cases.of(event))}
            if again <= names:
                refolded = refold(log, again)
                memories = _folded(events, snapshot) | {name: refolded.get(name) for name in again}
                return snapshot, memories, _touches(events, before=Cases(recorded), after=cases)
            names |= again

    async def _write_in_parts(self, event: Event) -> None:
        """Write what an event says when that is more than a transaction holds.

        The event is in the log already, unsettled. Each part folds its memories again from the log, so a part may be
        written twice; a crash between two leaves the event unsettled, and its next delivery goes on here.
        """
        lead_id = event.lead_organization_id
        cases = Cases(await self._store.log(lead_id))
        names = sorted(touched(event, cases.of(event)))
        size = TRANSACTION_ITEMS - 1
        for start in range(0, len(names), size):
            part = names[start : start + size]
            await self._rewrite(lead_id, part, settles=event if start + size >= len(names) else None)

    async def _rewrite(self, lead_id: str, names: Collection[MemoryKey], settles: Event | None) -> None:
        for attempt in range(ATTEMPTS):
            snapshot = await self._store.snapshot(lead_id, names)
            refolded = refold(await self._store.log(lead_id), names)
            writes = _writes(snapshot, {name: refolded.get(name) for name in names})
            try:
                return await self._store.commit(Commit(lead_id=lead_id, writes=writes, settles=settles))
            except Conflict:
                await self._pause(attempt)
        raise Unavailable("other writers kept winning this lead's memories")


def _batches(events: Iterable[Event], results: dict[str, Result]) -> Iterable[list[Event]]:
    """Runs of events that fit into one transaction, as far as is known before reading; what has no key is rejected."""
    batch: list[Event] = []
    names: set[MemoryKey] = set()
    size = 0
    for event in events:
        try:
            own = touched(event)
        except Exception as error:
            results[event.ref] = _failure(error)
            continue
        own_size = len(event.data_json) + len(event.raw_payload_json or b"")
        if batch and (len(names | own) + len(batch) + 2 > TRANSACTION_ITEMS or size + own_size > TRANSACTION_BYTES):
            yield batch
            batch, names, size = [], set(), 0
        batch.append(event)
        names |= own
        size += own_size
    if batch:
        yield batch


def _late(events: Sequence[Event], snapshot: Snapshot) -> list[Event]:
    """The events whose effect depends on what came before: out of order, or not the first of their order."""
    cases = Cases(events)
    return [
        event
        for event in events
        if is_amendment(event)
        or ((case := case_of(event)) is not None and (case in snapshot.memories or len(cases.of(event)) > 1))
        or any(
            event.position <= snapshot.memories[name].memory.newest
            for name in touched(event)
            if name in snapshot.memories
        )
    ]


def _folded(events: Sequence[Event], snapshot: Snapshot) -> dict[MemoryKey, Memory | None]:
    memories: dict[MemoryKey, Memory | None] = {}
    for event in events:
        for change in derive(event):
            stored = snapshot.memories.get(change.name)
            memory = memories.get(change.name, stored.memory if stored else None)
            memories[change.name] = fold(memory, change, event)
    return memories


def _touches(events: Sequence[Event], *, before: Cases, after: Cases) -> dict[str, set[MemoryKey]]:
    """An event of an order changes what the others of its order have a part in."""
    touches = {event.ref: _said(event, after) for event in events}
    others = {other.ref: other for event in events for other in after.of(event) if other.ref not in touches}
    changed = {ref: _said(other, after) for ref, other in others.items() if _said(other, after) != _said(other, before)}
    return touches | changed


def _said(event: Event, cases: Cases) -> set[MemoryKey]:
    return {change.name for change in derive(event, cases.of(event))}


def _writes(snapshot: Snapshot, memories: Mapping[MemoryKey, Memory | None]) -> list[Write]:
    return [
        Write(name, memory, snapshot.memories[name].version if name in snapshot.memories else None)
        for name, memory in memories.items()
        if memory is not None or name in snapshot.memories
    ]


def _repeated(event: Event, first: Event, result: Result) -> Result:
    """The result of an event that stands twice in one batch."""
    return _seen_before(event, first.content_hashes()) if isinstance(result, Outcome) else result


def _seen_before(event: Event, recorded: Sequence[str]) -> Result:
    own = event.content_hashes()
    if set(own) & set(recorded):
        return Outcome.DUPLICATE
    return Rejected("conflict", f"another event has this source and id: recorded {recorded[0]}, rejected {own[0]}")


def _failure(error: Exception) -> LeadMemoryError:
    if isinstance(error, LeadMemoryError):
        return error
    # Where and what kind, without the message: it may quote the event.
    frame = traceback.extract_tb(error.__traceback__)[-1]
    logger.error("an event was not recorded: %s at %s:%s", type(error).__name__, frame.filename, frame.lineno)
    return LeadMemoryError(type(error).__name__)
