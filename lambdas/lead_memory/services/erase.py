"""Erase an event, a lead or an organization. What stays is a tombstone, which keeps it out, with the receipt in it."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import batched
from typing import NamedTuple, Protocol

import msgspec

from lead_memory.domain.memories import Lead, MemoryKey
from lead_memory.services.forget import forget, leaving
from lead_memory.services.rebuild import Store
from lead_memory.services.rewrite import pause_with_jitter, until_won

LEADS_AT_ONCE = 8


class Backup(msgspec.Struct, frozen=True):
    """A copy that erasing does not reach."""

    name: str
    until: datetime | None
    """When the last copy of what was erased ends; None where that is for whoever made it to say."""
    note: str


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    what: str
    """`event`, `lead` or `organization`."""
    organization_id: str
    lead_id: str | None = None
    event: str | None = None
    """`<source>/<event_id>`; what the tombstone keeps is without it."""
    asked_by: str
    """Who asked first."""
    erased_at: datetime
    """When it was first asked; from then on it stays out."""
    removed: Mapping[str, int]
    """What this call removed, by kind; in a dry run, what there is to remove."""
    removed_before: Mapping[str, int]
    """What earlier calls did. A dry run does not say."""
    found_again: int
    """What a second look, after the removal, still found; a dry run has none."""
    finished: bool
    """False: call again, it goes on where it stopped."""
    dry_run: bool
    backups: Sequence[Backup]


class Subject(NamedTuple):
    """What is to be erased: an organization, one of its leads, or some of a lead's events."""

    organization_id: str
    lead_id: str | None = None
    refs: Collection[str] = ()

    @property
    def what(self) -> str:
        if self.refs:
            return "event"
        return "organization" if self.lead_id is None else "lead"


class Asked(NamedTuple):
    """What a tombstone says, beside what was removed. Who asked is all of it that is personal."""

    by: str
    at: datetime


class Items(Protocol):
    """What the store holds. Every method may raise `Unavailable`, or `Conflict` when another writer was there."""

    async def owner(self, lead: Lead) -> str | None:
        """Whose lead it is, or was until it was erased; None where it is not known."""

    async def standing(self, subject: Subject) -> Counter[str]:
        """What stands where the tombstone of a lead or an organization is to be, by kind."""

    async def bury(self, subject: Subject, asked: Asked) -> tuple[Asked, Counter[str]]:
        """Puts the tombstone of a lead or an organization; who asked first, and what stood there."""

    async def clear(self, lead: Lead, *, remove: bool) -> Counter[str]:
        """All that there is of a lead beside its head or tombstone, by kind."""

    async def unbury(self, lead: Lead) -> None:
        """Takes the tombstone of a lead away."""

    async def note(self, subject: Subject, asked: Asked, removed: Mapping[str, int]) -> tuple[Asked, Counter[str]]:
        """Adds to what the tombstone says; who asked first, and what it said before."""

    async def row(self, lead: Lead, name: MemoryKey) -> str:
        """What names a memory where it is stored."""


class Place(Protocol):
    """Where else something may lie. May raise `Unavailable`."""

    async def clear(self, subject: Subject, *, remove: bool) -> Counter[str]:
        """What there is, by kind."""


class Recalled(Protocol):
    """What recalls know of memories."""

    async def forget(self, lead: Lead, names: Collection[MemoryKey]) -> None:
        """Takes it away, and has it made again of what is left. May raise `Unavailable`."""


class Registry(Protocol):
    """Pages of an organization's leads. May raise `Unavailable`."""

    def leads(self, organization_id: str) -> AsyncIterator[Sequence[Lead]]: ...

    def erased(self, organization_id: str) -> AsyncIterator[Sequence[Lead]]: ...


class Eraser:
    """Every method can be called again: it looks again, and removes what it finds.

    Of a lead of another organization nothing is there but messages that were refused for it. All raise `Unavailable`;
    `event` also `Erased`, where its lead or organization was.
    """

    def __init__(
        self,
        store: Store,
        items: Items,
        registry: Registry,
        objects: Place,
        messages: Place,
        recalled: Recalled,
        *,
        backups: Callable[[datetime], Sequence[Backup]],
        settles: timedelta,
        now: Callable[[], datetime],
        pause: Callable[[int], Awaitable[None]] = pause_with_jitter,
    ) -> None:
        """`backups` says which copies there are of what was there until a time; `settles`, for how long after its
        tombstone an organization's keys may be in use.
        """
        self._store = store
        self._items = items
        self._registry = registry
        self._objects = objects
        self._messages = messages
        self._recalled = recalled
        self._backups = backups
        self._settles = settles
        self._now = now
        self._pause = pause

    async def event(self, lead: Lead, ref: str, *, asked_by: str, dry_run: bool) -> Receipt:
        """`ref` is `<source>/<event_id>`; one that never came stays out too."""
        subject, asked = Subject(*lead, refs=(ref,)), Asked(asked_by, self._now())
        if await self._is_anothers(lead):
            mistaken = await self._messages.clear(subject, remove=not dry_run)
            return self._receipt(subject, asked, mistaken, dry_run=dry_run)
        if dry_run:
            found = await leaving(self._store, self._items.row, lead, ref)
            there = found.counts + await self._beside(subject, remove=False)
            return self._receipt(subject, asked, there, dry_run=True)
        removed, refs, names = await forget(self._store, self._items.row, lead, ref, self._pause)
        await self._recalled.forget(lead, names)
        removed += await self._beside(Subject(*lead, refs=refs), remove=True)
        asked, before = await until_won(lambda: self._items.note(subject, asked, removed), self._pause)
        again = (await self._beside(subject, remove=False)).total() + await self._traces(lead, ref)
        return self._receipt(subject, asked, removed, before, found_again=again)

    async def lead(self, lead: Lead, *, asked_by: str, dry_run: bool) -> Receipt:
        """One that never came stays out too."""
        subject, asked = Subject(*lead), Asked(asked_by, self._now())
        if await self._is_anothers(lead):
            mistaken = await self._messages.clear(subject, remove=not dry_run)
            return self._receipt(subject, asked, mistaken, dry_run=dry_run)
        if dry_run:
            return self._receipt(subject, asked, await self._all(subject, lead), dry_run=True)
        # The tombstone first: nobody writes beside it, so that what is removed after it does not come back.
        asked, removed = await until_won(lambda: self._items.bury(subject, asked), self._pause)
        removed += await self._items.clear(lead, remove=True) + await self._beside(subject, remove=True)
        _, before = await until_won(lambda: self._items.note(subject, asked, removed), self._pause)
        again = await self._all(subject, lead)
        return self._receipt(subject, asked, removed, before, found_again=again.total())

    async def organization(
        self, organization_id: str, *, asked_by: str, dry_run: bool, has_time: Callable[[], bool]
    ) -> Receipt:
        """The keys first, which makes the content unreadable, then every lead; and once no process can have the keys
        any more, whatever came meanwhile, and the leads' own tombstones.

        A dry run counts the leads, and not what they hold.
        """
        subject, asked = Subject(organization_id), Asked(asked_by, self._now())
        if dry_run:
            there = await self._items.standing(subject) + await self._messages.clear(subject, remove=False)
            there["leads"] = await _count(self._registry.leads(organization_id))
            return self._receipt(subject, asked, there, dry_run=True)
        asked, removed = await until_won(lambda: self._items.bury(subject, asked), self._pause)
        settled = self._now() >= asked.at + self._settles
        finished = await self._leads(organization_id, asked, removed, settled=settled, has_time=has_time)
        if finished:
            removed += await self._messages.clear(subject, remove=True)
        _, before = await until_won(lambda: self._items.note(subject, asked, removed), self._pause)
        again = await self._items.standing(subject)
        if finished:
            again += await self._messages.clear(subject, remove=False)
            again["leads"] = await self._left(organization_id, settled=settled)
        finished = finished and settled and not again.total()
        return self._receipt(subject, asked, removed, before, found_again=again.total(), finished=finished)

    async def _leads(
        self,
        organization_id: str,
        asked: Asked,
        removed: Counter[str],
        *,
        settled: bool,
        has_time: Callable[[], bool],
    ) -> bool:
        """Whether all were reached. A lead that has its tombstone is not met again before the last time."""
        for leads in (self._registry.leads, self._registry.erased)[: 1 + settled]:
            async for page in leads(organization_id):
                for some in batched(page, LEADS_AT_ONCE, strict=False):
                    if not has_time():
                        return False
                    cleared = await asyncio.gather(*(self._lead_of_organization(each, asked) for each in some))
                    removed.update(sum(cleared, Counter[str]()))
                    if settled:
                        await asyncio.gather(*map(self._items.unbury, some))
                        # So that whoever calls until nothing was removed goes on.
                        removed["tombstones"] += len(some)
        return True

    async def _lead_of_organization(self, lead: Lead, asked: Asked) -> Counter[str]:
        subject = Subject(*lead)
        _, stood = await until_won(lambda: self._items.bury(subject, asked), self._pause)
        return stood + await self._items.clear(lead, remove=True) + await self._objects.clear(subject, remove=True)

    async def _left(self, organization_id: str, *, settled: bool) -> int:
        """The index may still name what is gone, so each is looked at."""
        left = 0
        async for page in self._registry.leads(organization_id):
            left += sum([(await self._items.standing(Subject(*lead))).total() for lead in page])
        if settled:
            async for page in self._registry.erased(organization_id):
                left += sum([await self._items.owner(lead) is not None for lead in page])
        return left

    async def _is_anothers(self, lead: Lead) -> bool:
        return await self._items.owner(lead) not in (None, lead.organization_id)

    async def _all(self, subject: Subject, lead: Lead) -> Counter[str]:
        standing = await self._items.standing(subject)
        return standing + await self._items.clear(lead, remove=False) + await self._beside(subject, remove=False)

    async def _beside(self, subject: Subject, *, remove: bool) -> Counter[str]:
        """What there is outside the table."""
        objects, messages = await asyncio.gather(
            self._objects.clear(subject, remove=remove), self._messages.clear(subject, remove=remove)
        )
        return objects + messages

    async def _traces(self, lead: Lead, ref: str) -> int:
        """The event itself, and memories that name it."""
        known = await self._store.known(lead, [ref])
        rows = (await self._store.all_memories(lead)).memories.values()
        named = [(row.memory.newest.ref, *row.memory.source_event_ids) for row in rows if row.memory]
        return sum(ref in refs for refs in named) + (ref not in known or not known[ref].erased)

    def _receipt(
        self,
        subject: Subject,
        asked: Asked,
        removed: Counter[str],
        before: Mapping[str, int] = {},
        *,
        found_again: int = 0,
        finished: bool = True,
        dry_run: bool = False,
    ) -> Receipt:
        return Receipt(
            what=subject.what,
            organization_id=subject.organization_id,
            lead_id=subject.lead_id,
            event=next(iter(subject.refs), None),
            asked_by=asked.by,
            erased_at=asked.at,
            removed=+removed,
            removed_before=before,
            found_again=found_again,
            finished=finished,
            dry_run=dry_run,
            backups=self._backups(self._now() if removed.total() else asked.at),
        )


async def _count(pages: AsyncIterator[Sequence[Lead]]) -> int:
    return sum([len(page) async for page in pages])
