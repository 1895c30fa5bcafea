"""Record events: derive, fold, one transaction. The only way to write."""

import logging
import traceback
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from enum import StrEnum
from itertools import batched

import msgspec

from lead_memory.domain.amendments import Cases, case_of, is_amendment
from lead_memory.domain.derivations import derive, touched
from lead_memory.domain.errors import AlreadyRecorded, Conflict, Erased, LeadMemoryError, Rejected, Unavailable
from lead_memory.domain.events import Event
from lead_memory.domain.fold import fold, refold
from lead_memory.domain.memories import Lead, Memory, MemoryKey
from lead_memory.services.bounds import refuse_too_large, refuse_too_many_notes
from lead_memory.services.rewrite import (
    ATTEMPTS,
    as_it_is,
    commit_until_won,
    damaged,
    pause_with_jitter,
    rewrites,
    stored,
    writes,
)
from lead_memory.services.store import TRANSACTION_BYTES, TRANSACTION_ITEMS, Commit, Known, Snapshot, Store

logger = logging.getLogger(__name__)


class Outcome(StrEnum):
    RECORDED = "recorded"
    DUPLICATE = "duplicate"


type Result = Outcome | LeadMemoryError
"""An error is `Rejected` when trying again is of no use; after any other the event is to be given back."""


class _DoesNotFit(Exception):
    """The batch needs more than one transaction."""


class _Seen(Exception):
    """Events of the batch are in the log."""

    def __init__(self, known: Mapping[str, Known]) -> None:
        super().__init__()
        self.known = known


class Recorder:
    def __init__(self, store: Store, pause: Callable[[int], Awaitable[None]] = pause_with_jitter) -> None:
        self._store = store
        self._pause = pause

    async def record(self, events: Sequence[Event]) -> list[Result]:
        """Record events of one lead, in as few transactions as the limits allow; a result for each, in their order."""
        if len({event.lead for event in events}) > 1:
            raise ValueError("events of several leads; what is recorded together is sealed together")
        results: dict[str, Result] = {}
        first = {event.ref: event for event in reversed(events)}
        for batch in _batches(sorted(first.values(), key=lambda event: event.position), results):
            await self._record_or_split(batch, results)
        return [
            results[event.ref]
            if event is first[event.ref]
            else await self._repeated(event, first[event.ref], results[event.ref])
            for event in events
        ]

    async def _repeated(self, event: Event, first: Event, result: Result) -> Result:
        """The result of an event whose id stands twice in one batch."""
        if isinstance(result, Outcome):
            return _seen_before(event, first.content_hashes)
        if isinstance(result, Rejected) and event.content_hashes != first.content_hashes:
            # What made the first impossible says nothing of another content; this may be the one in the log.
            [result] = await self.record([event])
        return result

    async def _record_or_split(self, batch: Sequence[Event], results: dict[str, Result]) -> None:
        """A batch that fails as a whole is recorded in halves, so that in the end a poisonous event fails alone."""
        try:
            await self._record_batch(batch, results)
        except Unavailable as error:
            results.update((event.ref, failure(error)) for event in batch if event.ref not in results)
        except Exception as error:
            left = [event for event in batch if event.ref not in results]
            if len(left) > 1:
                middle = len(left) // 2
                for part in (left[:middle], left[middle:]):
                    await self._record_or_split(part, results)
            else:
                results.update((event.ref, failure(error)) for event in left)

    async def _record_batch(self, batch: Sequence[Event], results: dict[str, Result]) -> None:
        for attempt in range(ATTEMPTS):
            left = [event for event in batch if event.ref not in results]
            if not left:
                return
            try:
                await self._attempt(left)
            except _Seen as seen:
                await self._settle_known(left, seen.known, results)
            except AlreadyRecorded as recorded:
                await self._settle_known(left, await self._store.known(left[0].lead, recorded.refs), results)
            except Conflict:
                await self._pause(attempt)
            else:
                results.update((event.ref, Outcome.RECORDED) for event in left)
                return
        raise Unavailable("other writers kept winning this lead's memories")

    async def _settle_known(
        self, events: Sequence[Event], known: Mapping[str, Known], results: dict[str, Result]
    ) -> None:
        for event in events:
            if event.ref not in known:
                continue
            if known[event.ref].erased:
                results[event.ref] = Erased("the event was erased")
                continue
            result = _seen_before(event, known[event.ref].content_hashes)
            if result is Outcome.DUPLICATE and not known[event.ref].settled:
                await self._write_in_parts(event)
            results[event.ref] = result

    async def _attempt(self, events: Sequence[Event]) -> None:
        lead = events[0].lead
        snapshot, memories, touches = await self._next_memories(lead, events)
        commit = Commit(
            lead=lead,
            new_lead=snapshot.organization_id is None,
            events=events,
            touches=touches,
            outlived_by=await self._origins(lead, events) - touches.keys(),
            writes=writes(snapshot, memories),
        )
        refuse_too_large(commit.writes)
        refuse_too_many_notes(commit.writes, events)
        if len(commit.writes) + len(touches) + len(commit.outlived_by) < TRANSACTION_ITEMS:
            await self._store.commit(commit)
        elif len(events) > 1:
            raise _DoesNotFit
        else:
            own = {events[0].ref: touches[events[0].ref]}
            # With the order's row, which its other events write too: so that two of them meet.
            order = [write for write in commit.writes if write.name == case_of(events[0])]
            await self._store.commit(msgspec.structs.replace(commit, touches=own, writes=order, settled=False))
            await self._write_in_parts(events[0])

    async def _origins(self, lead: Lead, events: Sequence[Event]) -> set[str]:
        """The refs of what models made these events of. Raises `_Seen` where one was erased: what it said goes too."""
        origins = {ref for event in events for ref in event.rests_on}
        known = await self._store.known(lead, origins) if origins else {}
        erased = {ref for ref, each in known.items() if each.erased}
        if gone := [event.ref for event in events if not erased.isdisjoint(event.rests_on)]:
            raise _Seen(dict.fromkeys(gone, Known((), settled=True, erased=True)))
        return origins

    async def _next_memories(
        self, lead: Lead, events: Sequence[Event]
    ) -> tuple[Snapshot, dict[MemoryKey, Memory | None], dict[str, set[MemoryKey]]]:
        """The memories after the events, and what each event touches.

        What late events touch is folded again from the log; the rest from where it stands.

        Versions are read before the log: an event that is committed in between makes the commit conflict.
        """
        names = {name for event in events for name in touched(event)}
        while True:
            snapshot = await self._store.snapshot(lead, names)
            if snapshot.organization_id not in (None, lead.organization_id):
                raise Rejected("wrong_organization", "the lead belongs to another organization")
            late = _late(events, snapshot)
            if not late:
                return snapshot, _folded(events, snapshot), {event.ref: _said(event, None) for event in events}
            if known := await self._store.known(lead, [event.ref for event in late]):
                raise _Seen(known)
            recorded = await self._store.log(lead)
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
        await self._relink(event)
        cases = Cases(await self._store.log(event.lead))
        names = sorted(touched(event, cases.of(event)))
        # Beside the order's row, the event and, where all rows are new, the head.
        parts = list(batched(names, TRANSACTION_ITEMS - 3, strict=False))
        for part in parts:
            await self._rewrite(event, part, settles=event.ref if part is parts[-1] else None)

    async def _relink(self, event: Event) -> None:
        """Say anew which memories each event of an order has a part in, guarded by the order's row."""
        lead, order = event.lead, case_of(event)
        if order is None:
            return

        async def commits() -> list[Commit]:
            snapshot = await self._store.snapshot(lead, {order})
            linked = await self._store.linked_log(lead)
            log = [of_lead for of_lead, _ in linked]
            guard = rewrites(snapshot, log, {order}) or [as_it_is(snapshot, order)]
            cases = Cases(log)
            touches = {
                of_lead.ref: said
                for of_lead, link in linked
                if case_of(of_lead) == order and (said := _said(of_lead, cases)) != set(link)
            }
            return [
                Commit(lead=lead, touches={ref: touches[ref] for ref in refs}, writes=guard)
                for refs in batched(touches, TRANSACTION_ITEMS - 2, strict=False)
            ]

        await commit_until_won(self._store, commits, self._pause)

    async def _rewrite(self, event: Event, names: Collection[MemoryKey], settles: str | None) -> None:
        lead, order = event.lead, case_of(event)

        async def commits() -> list[Commit]:
            wanted = {*names, order} if order else names
            snapshot = await self._store.snapshot(lead, wanted)
            writes = rewrites(snapshot, await self._store.log(lead), wanted)
            if order is not None and order not in {write.name for write in writes}:
                # A refund meanwhile may have found nothing to take back; at the order's row the two of them meet.
                writes.append(as_it_is(snapshot, order))
            # New rows have no version that an erasure of the event could have changed.
            rests_on = event.ref if settles is None else None
            return [Commit(lead=lead, writes=writes, settles=settles, rests_on=rests_on)] if writes or settles else []

        await commit_until_won(self._store, commits, self._pause)


def _batches(events: Iterable[Event], results: dict[str, Result]) -> Iterable[list[Event]]:
    """Runs of events that fit into one transaction, as far as is known before reading; what has no key is rejected."""
    batch: list[Event] = []
    names: set[MemoryKey] = set()
    size = 0
    for event in events:
        try:
            own = touched(event)
        except Exception as error:
            results[event.ref] = failure(error)
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
    """The events whose effect depends on more than the snapshot: out of order, or not the only one of their order.

    Those that touch a damaged row too: with them, it is made again.
    """
    cases = Cases(events)

    def is_late(event: Event) -> bool:
        case = cases.of(event)
        if case is not None and (len(case.events) > 1 or case_of(event) in snapshot.memories):
            return True
        names = touched(event)
        memories = [memory for name in names if (memory := stored(name, snapshot))]
        return (
            is_amendment(event)
            or any(event.position <= memory.newest for memory in memories)
            or any(damaged(name, snapshot) for name in names)
        )

    return [event for event in events if is_late(event)]


def _folded(events: Sequence[Event], snapshot: Snapshot) -> dict[MemoryKey, Memory | None]:
    memories: dict[MemoryKey, Memory | None] = {}
    for event in events:
        for change in derive(event):
            memory = memories.get(change.name, stored(change.name, snapshot))
            memories[change.name] = fold(memory, change, event)
    return memories


def _touches(events: Sequence[Event], *, before: Cases, after: Cases) -> dict[str, set[MemoryKey]]:
    """An event of an order changes what the others of its order have a part in."""
    touches = {event.ref: _said(event, after) for event in events}
    in_cases = (case.events for event in events if (case := after.of(event)))
    others = {other.ref: other for case in in_cases for other in case if other.ref not in touches}
    changed = {ref: _said(other, after) for ref, other in others.items() if _said(other, after) != _said(other, before)}
    return touches | changed


def _said(event: Event, cases: Cases | None) -> set[MemoryKey]:
    return {change.name for change in derive(event, cases.of(event) if cases else None)}


def _seen_before(event: Event, recorded: Sequence[str]) -> Result:
    own = event.content_hashes
    if set(own) & set(recorded):
        return Outcome.DUPLICATE
    return Rejected("conflict", f"another event has this source and id: recorded {recorded[0]}, rejected {own[0]}")


def failure(error: Exception) -> LeadMemoryError:
    """What is kept of an error, as a result: without its tracebacks, by which it would keep the whole batch."""
    if isinstance(error, LeadMemoryError):
        error.__cause__ = error.__context__ = None
        return error.with_traceback(None)
    # Where and what kind, without the message: it may quote the event.
    frame = traceback.extract_tb(error.__traceback__)[-1]
    logger.error("an event was not recorded: %s at %s:%s", type(error).__name__, frame.filename, frame.lineno)
    return LeadMemoryError(type(error).__name__)
