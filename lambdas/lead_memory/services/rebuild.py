"""Make a lead's memories the fold of its log again, beside live traffic."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import batched
from typing import NamedTuple, Protocol

import msgspec

from lead_memory.domain import canonical
from lead_memory.domain.amendments import Cases, case_of
from lead_memory.domain.derivations import MODULES, derive, made_by
from lead_memory.domain.errors import Rejected, Unavailable
from lead_memory.domain.events import Event
from lead_memory.domain.memories import Lead, MemoryKey
from lead_memory.services import store
from lead_memory.services.rewrite import ATTEMPTS, as_it_is, commit_until_won, pause_with_jitter, rewrites
from lead_memory.services.store import TRANSACTION_BYTES, TRANSACTION_ITEMS, Commit, Snapshot, Write


class Kind(StrEnum):
    MISSING = "missing"
    """The fold gives it, and there is no row."""
    EXTRA = "extra"
    """There is a row, and the fold gives none."""
    DIFFERENT = "different"


class Difference(msgspec.Struct, frozen=True):
    memory_type: str
    key: str
    kind: Kind


class Report(msgspec.Struct, frozen=True):
    lead_id: str
    organization_id: str
    memories: int
    """How many were looked at: what the fold gives, and what was there."""
    differences: Sequence[Difference]
    """Of the rows from the fold; after a rebuild, those that were and are no more."""


class Store(store.Store, Protocol):
    """Reads are strongly consistent. Every method may raise `Unavailable`."""

    async def all_memories(self, lead: Lead) -> Snapshot:
        """Every memory that the lead has a row of."""


class _Drift(NamedTuple):
    """How a lead's rows differ from the fold of its log."""

    snapshot: Snapshot
    names: Collection[MemoryKey]
    writes: Sequence[Write]
    relinked: Mapping[str, tuple[Event, Collection[MemoryKey]]]
    """By ref, the events that have a part in other memories than is written, and in which."""


class Rebuilder:
    def __init__(self, store: Store, pause: Callable[[int], Awaitable[None]] = pause_with_jitter) -> None:
        self._store = store
        self._pause = pause

    async def rebuild(self, lead: Lead, derivation: str | None = None) -> Report:
        """Write the rows that differ, and only those; all of them, or those that one of `MODULES` makes.

        Raises `Rejected` for a lead that the organization does not have, `Erased` and `Unavailable`.
        """
        names: set[MemoryKey] = set()
        rewritten: dict[MemoryKey, Write] = {}

        async def commits() -> Iterator[Commit]:
            drift = await self._drift(lead, derivation)
            names.update(drift.names)
            return _noted(_commits(lead, drift), {write.name: write for write in drift.writes}, rewritten)

        # Once more after what was written: an event that came meanwhile may have found nothing there to change.
        before = -1
        while before < len(rewritten):
            before = len(rewritten)
            await commit_until_won(self._store, commits, self._pause)
        return _report(lead, names, rewritten.values())

    async def check(self, lead: Lead, derivation: str | None = None) -> Report:
        """The same report, and nothing is written. Raises as `rebuild` does."""
        for attempt in range(ATTEMPTS):
            drift = await self._drift(lead, derivation)
            if await self._stands(lead, drift):
                return _report(lead, drift.names, drift.writes)
            await self._pause(attempt)
        raise Unavailable("the lead's memories kept changing while they were checked")

    async def _drift(self, lead: Lead, derivation: str | None) -> _Drift:
        # Versions before the log: what is committed in between makes the writes conflict.
        snapshot = await self._store.all_memories(lead)
        if snapshot.organization_id != lead.organization_id:
            raise Rejected("unknown_lead", "the organization has no such lead")
        linked = await self._store.linked_log(lead)
        log = [event for event, _ in linked]
        cases = Cases(log)
        said = {event.ref: {change.name for change in derive(event, cases.of(event))} for event in log}
        names = _names(derivation, log, supported=_union(said.values()), found=_found(snapshot, linked))
        return _Drift(
            snapshot=snapshot,
            names=names,
            writes=rewrites(snapshot, log, names),
            relinked={
                event.ref: (event, said[event.ref]) for event, link in linked if (link ^ said[event.ref]) & names
            },
        )

    async def _stands(self, lead: Lead, drift: _Drift) -> bool:
        """Whether no row changed since the snapshot that was compared; a lead without drift needs no second look."""
        if not drift.writes:
            return True
        names = {write.name for write in drift.writes}
        again = await self._store.snapshot(lead, names)
        return all(again.memories.get(name) == drift.snapshot.memories.get(name) for name in names)


def _found(snapshot: Snapshot, linked: Iterable[tuple[Event, Collection[MemoryKey]]]) -> set[MemoryKey]:
    return _union([snapshot.memories, *(link for _, link in linked)])


def _names(
    derivation: str | None, log: Iterable[Event], *, supported: Collection[MemoryKey], found: set[MemoryKey]
) -> set[MemoryKey]:
    """What is to be rebuilt. What nothing supports any more goes with the derivation that its type is named for."""
    if derivation is None:
        return found.union(supported)
    if derivation not in MODULES:
        raise Rejected("unknown_derivation", f"there is none of this name: it is one of {', '.join(MODULES)}")
    made = _union(made_by(derivation, event) for event in log)
    return made | {name for name in found.difference(supported) if name.memory_type == derivation}


def _union(sets: Iterable[Iterable[MemoryKey]]) -> set[MemoryKey]:
    return {name for names in sets for name in names}


def _commits(lead: Lead, drift: _Drift) -> Iterator[Commit]:
    """As few transactions as the limits allow."""
    left = {write.name: write for write in drift.writes}
    # An event of an order is linked anew together with its order's row, which every event of the order writes:
    # if another one is recorded meanwhile, this conflicts.
    in_cases = sorted(drift.relinked.values(), key=lambda each: str(case_of(each[0])))
    for some in batched(in_cases, TRANSACTION_ITEMS // 2 - 1, strict=False):
        orders = {order for event, _ in some if (order := case_of(event)) is not None}
        yield Commit(
            lead=lead,
            touches={event.ref: names for event, names in some},
            writes=[left.pop(name) if name in left else _as_it_is(name, drift.snapshot) for name in sorted(orders)],
        )
    for part in parts(left.values()):
        yield Commit(lead=lead, writes=part)


def _as_it_is(name: MemoryKey, snapshot: Snapshot) -> Write:
    if snapshot.memories[name].memory is None:
        raise Rejected("damaged", "another derivation's row does not open: rebuild the lead without naming one")
    return as_it_is(snapshot, name)


def parts(writes: Iterable[Write], room: int = TRANSACTION_ITEMS - 1) -> Iterator[list[Write]]:
    """What fits into one transaction each; into the first, beside other things, `room` of them."""
    part: list[Write] = []
    size = 0
    for write in writes:
        own_size = len(canonical.encode(write.memory))
        if part and (len(part) >= room or size + own_size > TRANSACTION_BYTES):
            yield part
            part, size, room = [], 0, TRANSACTION_ITEMS - 1
        part.append(write)
        size += own_size
    if part:
        yield part


def _noted(
    commits: Iterable[Commit], differing: Mapping[MemoryKey, Write], rewritten: dict[MemoryKey, Write]
) -> Iterator[Commit]:
    """Notes what was rewritten once it is: the next commit is asked for only after the one before is through."""
    for commit in commits:
        yield commit
        rewritten.update({write.name: write for write in commit.writes if write.name in differing})


def _report(lead: Lead, names: Collection[MemoryKey], writes: Iterable[Write]) -> Report:
    differences = [
        Difference(write.name.memory_type, write.name.key, _kind(write))
        for write in sorted(writes, key=lambda write: write.name)
    ]
    return Report(lead.lead_id, lead.organization_id, len(names), differences)


def _kind(write: Write) -> Kind:
    if write.version is None:
        return Kind.MISSING
    return Kind.EXTRA if write.memory is None else Kind.DIFFERENT
