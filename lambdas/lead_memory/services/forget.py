"""Take an event out of its lead's log, and its effect out of the lead's memories."""

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import batched
from typing import NamedTuple

from lead_memory.domain import canonical
from lead_memory.domain.amendments import Cases, case_of
from lead_memory.domain.conversation import names
from lead_memory.domain.derivations import crm, derive, touched
from lead_memory.domain.errors import Rejected
from lead_memory.domain.events import Event
from lead_memory.domain.fold import refold
from lead_memory.domain.intelligence import cluster
from lead_memory.domain.lifecycle import announced_at
from lead_memory.domain.limits import CLOCK_SKEW
from lead_memory.domain.memories import Lead, MemoryKey, MemoryType
from lead_memory.domain.payloads.conversation import (
    ConversationMessage,
    IntentClassified,
    ThreadReactivationPrepared,
    ThreadResolved,
    ThreadSummarized,
)
from lead_memory.domain.payloads.crm import EntitiesMerged, EntityExtracted, EntitySplit
from lead_memory.domain.payloads.keeping import MemoryAnnotated, TimesDecision
from lead_memory.domain.payloads.said import MemoryDeclared, MemoryExpired, MemoryInferred
from lead_memory.services.rebuild import Kind, Rebuilder, Store, parts
from lead_memory.services.rewrite import commit_until_won, stored, write
from lead_memory.services.store import TRANSACTION_ITEMS, Commit, Snapshot, Write
from lead_memory.services.sweep import SOURCE, expiry_id

TOMBSTONES = LINKS = 25
"""Of one transaction at most; the rest is for memories."""

QUOTED = (ConversationMessage, IntentClassified, ThreadResolved, ThreadSummarized)
"""What a summary or a reminder of a thread is made of."""

BESIDE = (MemoryAnnotated, MemoryExpired, TimesDecision)
"""What is said of a memory that is there, and makes none."""

EVENTS, MEMORIES, RECOMPUTED = "events", "memories", "memories_recomputed"

type Rows = Callable[[Lead, MemoryKey], Awaitable[str]]
"""What names a memory where it is stored."""


class Leaving(NamedTuple):
    """What it takes that an event was never there."""

    snapshot: Snapshot
    erases: Mapping[str, bool]
    """As in `Commit`: the event last, before it what time said about memories that only it supported, and what was
    written of the thread that it is of.
    """
    touches: Mapping[str, Collection[MemoryKey]]
    writes: Sequence[Write]
    """Every memory that the event had a part in, changed or not: whoever folded with it meanwhile conflicts."""

    @property
    def counts(self) -> Counter[str]:
        return Counter({EVENTS: sum(self.erases.values())}) + _counts(self.writes, self.snapshot)


async def leaving(store: Store, rows: Rows, lead: Lead, ref: str, names: Collection[MemoryKey] = ()) -> Leaving:
    """`names` are further memories to fold again. Raises `Rejected` for a lead of another organization."""
    # Versions before the log: what is committed in between makes the commits conflict.
    snapshot = await store.all_memories(lead)
    if snapshot.organization_id not in (None, lead.organization_id):
        raise Rejected("unknown_lead", "the organization has no such lead")
    linked = await store.linked_log(lead)
    log = {event.ref: event for event, _ in linked}
    cases = Cases(log.values())
    event = log.get(ref)
    again = set(names)
    if event is not None:
        again |= touched(event, cases.of(event)).union(*(link for each, link in linked if each.ref == ref))
    gone = {ref, *await _erased_origins(store, lead, log)}
    repeated: set[str] = set()
    while True:
        quoting = _quoting(log, gone | repeated)
        again |= {name for quoted in quoting for name in touched(log[quoted])}
        staying = [each for each in log.values() if each.ref not in {ref, *quoting, *repeated}]
        alone = again - _supported(staying)
        if not (more := {each.ref for each in staying if _names_alone(each, alone)}):
            break
        # What rests on these goes, too.
        repeated |= more
    announced = await _announced(rows, lead, alone, snapshot, event, cases) if event else []
    known = await store.known(lead, {ref, *announced})
    erased = {each for each, is_known in known.items() if is_known.erased}
    refolded = refold(staying, again)
    order = case_of(event) if event else None
    return Leaving(
        snapshot=snapshot,
        erases={each: each in log for each in (*sorted(repeated | quoting), *announced, ref) if each not in erased},
        touches=_relinked(order, staying, {each.ref: link for each, link in linked}),
        writes=[
            write(snapshot, name, refolded.get(name))
            # The row that an order's events share comes first, so that those that change the order meet.
            for name in sorted(again, key=lambda name: (name != order, name))
        ],
    )


async def forget(
    store: Store, rows: Rows, lead: Lead, ref: str, pause: Callable[[int], Awaitable[None]]
) -> tuple[Counter[str], set[str], set[MemoryKey]]:
    """What went and what was folded again, by kind; the refs of the events that went; the memories that these touched.

    Readers meet no memory that is missing though other events support it. Raises as `leaving` does, and `Unavailable`.
    """
    removed: Counter[str] = Counter()
    refs = {ref}
    names: set[MemoryKey] = set()

    async def commits() -> Iterator[Commit]:
        found = await leaving(store, rows, lead, ref, names)
        names.update(write.name for write in found.writes)
        refs.update(found.erases)
        return _noted(_commits(lead, found), found.snapshot, removed)

    while True:
        await commit_until_won(store, commits, pause)
        # Again, for what was made of it while it went; once it is gone, the recorder refuses more.
        if not (await leaving(store, rows, lead, ref)).erases:
            break
    # What an earlier call that broke off left: by then nobody knows any more what the event had a part in.
    report = await Rebuilder(store, pause).rebuild(lead)
    removed.update(MEMORIES if each.kind is Kind.EXTRA else RECOMPUTED for each in report.differences)
    names.update(MemoryKey(MemoryType(each.memory_type), each.key) for each in report.differences)
    return removed, refs, names


def _commits(lead: Lead, found: Leaving) -> Iterator[Commit]:
    *first, last = list(batched(found.erases, TOMBSTONES, strict=False)) or [()]
    new_lead = found.snapshot.organization_id is None
    for refs in first:
        yield Commit(lead=lead, erases={ref: found.erases[ref] for ref in refs})
    writes = list(parts(found.writes, TRANSACTION_ITEMS - 1 - len(last) - len(found.touches)))
    if last or writes:
        yield Commit(
            lead=lead,
            new_lead=new_lead,
            erases={ref: found.erases[ref] for ref in last},
            touches=found.touches,
            writes=writes[0] if writes else (),
        )
    for part in writes[1:]:
        yield Commit(lead=lead, writes=part)


def _noted(commits: Iterable[Commit], snapshot: Snapshot, removed: Counter[str]) -> Iterator[Commit]:
    """Counts what was committed once it is: the next is asked for only after the one before is through."""
    for commit in commits:
        yield commit
        removed.update({EVENTS: sum(commit.erases.values())})
        removed.update(_counts(commit.writes, snapshot))


def _counts(writes: Iterable[Write], snapshot: Snapshot) -> Counter[str]:
    changed = [
        write for write in writes if canonical.encode(write.memory) != canonical.encode(stored(write.name, snapshot))
    ]
    return Counter(MEMORIES if write.memory is None else RECOMPUTED for write in changed)


def _supported(log: Collection[Event]) -> set[MemoryKey]:
    """The memories that an event says something about; what is said beside a value rests on the memory."""
    cases = Cases(log)
    says = (event for event in log if not isinstance(event.data, BESIDE))
    return {change.name for event in says for change in derive(event, cases.of(event))}


def _names_alone(event: Event, alone: Collection[MemoryKey]) -> bool:
    return isinstance(event.data, BESIDE) and all(change.name in alone for change in derive(event))


async def _announced(
    rows: Rows, lead: Lead, alone: Iterable[MemoryKey], snapshot: Snapshot, event: Event, cases: Cases
) -> list[str]:
    """Refs under which the end of a memory that goes may be on its way: it would bring the memory's name back."""
    said = [*derive(event), *derive(event, cases.of(event))]
    ends = {(change.name, change.expires_at, event.ref) for change in said}
    for name in alone:
        if memory := stored(name, snapshot):
            ends.add((name, memory.expires_at, memory.newest.ref))
    found = [
        (await rows(lead, name), announced_at(name, ends_at), newest)
        for name, ends_at, newest in ends
        if ends_at and name in alone
    ]
    return sorted(f"{SOURCE}/{expiry_id(*each)}" for each in found)


async def _erased_origins(store: Store, lead: Lead, log: Mapping[str, Event]) -> set[str]:
    """What was erased and something rests on: it came while an erasure was under way, or one that broke off."""
    missing = {origin for event in log.values() for origin in event.rests_on} - log.keys()
    known = await store.known(lead, missing) if missing else {}
    return {ref for ref, each in known.items() if each.erased}


def _quoting(log: Mapping[str, Event], refs: Collection[str]) -> set[str]:
    """The refs of what was made of the events by models and others, and of what was made of that."""
    found, left = {*refs}, [*refs]
    while left:
        quoted = left.pop()
        quoting = [each.ref for each in log.values() if each.ref not in found and _may_quote(each, quoted, log)]
        found |= {*quoting}
        left += quoting
    return found - {*refs}


def _may_quote(written: Event, ref: str, log: Mapping[str, Event]) -> bool:
    """Whether one may have the other's words: by what a model says that it rests on; because it moves what was said of
    an entity, or names one by a key that is made of its name; or because it is a text about a thread, or about
    memories, that was written after the event. A thread's reminder has the contact's profile in it.
    """
    if ref in written.rests_on:
        return True
    event = log.get(ref)
    if event is None:
        return False
    if isinstance(written.data, EntityExtracted) and isinstance(event.data, EntityExtracted):
        return crm.coined(event.data) in crm.keys_of_others(written.data)
    if isinstance(written.data, EntitiesMerged | EntitySplit) and written.occurred_at >= event.occurred_at - CLOCK_SKEW:
        return crm.moved_from(written.data) in touched(event)
    if isinstance(written.data, MemoryInferred) and (summed_up := cluster.sources(written.data)):
        return not summed_up.isdisjoint(touched(event))
    # A model may, by another clock, seem to have written before.
    if not isinstance(written.data, ThreadSummarized | ThreadReactivationPrepared) or (
        written.occurred_at < event.occurred_at - CLOCK_SKEW
    ):
        return False
    if isinstance(event.data, MemoryDeclared):
        of_profile = (event.data.memory_type, event.data.key) == names.CONTACT_PROFILE
        return of_profile and isinstance(written.data, ThreadReactivationPrepared)
    return (
        isinstance(event.data, QUOTED) and written.ref != event.ref and event.data.thread_id == written.data.thread_id
    )


def _relinked(
    order: MemoryKey | None, staying: Sequence[Event], links: Mapping[str, Collection[MemoryKey]]
) -> dict[str, set[MemoryKey]]:
    """What the other events of an order have a part in now; a rebuild links what is more than a transaction holds."""
    if order is None:
        return {}
    cases = Cases(staying)
    said = {
        event.ref: {change.name for change in derive(event, cases.of(event))}
        for event in staying
        if case_of(event) == order
    }
    changed = [ref for ref, names in said.items() if names != set(links[ref])]
    return {ref: said[ref] for ref in changed[:LINKS]}
