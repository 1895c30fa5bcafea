"""A lead that can be erased, in memory: the fake store as the eraser's items, and places that hold nothing."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from random import Random

from lead_memory.adapters import keys
from lead_memory.domain.errors import Conflict
from lead_memory.domain.events import Event
from lead_memory.domain.memories import Lead, MemoryKey
from lead_memory.services.erase import Asked, Backup, Eraser, Subject
from lead_memory.services.store import Commit
from tests.events import NOW, SOMEBODY
from tests.fakes import no_pause
from tests.unit.rebuild.fakes import RebuildStore

EVENTS, MEMORIES = "events", "memories"
WRITTEN = ("thread.summarized", "thread.reactivation_prepared")
"""Of threads: what may quote them."""


async def row(_: Lead, name: MemoryKey) -> str:
    return keys.memory_sk(name)


class ErasableStore(RebuildStore):
    """The one lead, and `lead_memory.services.erase.Items` of it.

    A lead that is being erased refuses as the table does: by its head, and by what is not there any more.
    """

    def __init__(self, random: Random | None = None) -> None:
        super().__init__(random)
        self.stones: dict[Subject, Asked] = {}
        self.noted: Counter[str] = Counter()
        self._committing = False

    async def commit(self, commit: Commit) -> None:
        await self._trouble()
        new = {event.ref for event in commit.events}
        if {*commit.touches, commit.settles, commit.rests_on} - {None} - new - self.events.keys():
            raise Conflict
        if self.lead_erased and (commit.new_lead or all(write.version is None for write in commit.writes)):
            raise Conflict
        self._committing = True
        try:
            await super(RebuildStore, self).commit(commit)
        finally:
            self._committing = False

    def _refuse_erased(self, lead: Lead) -> None:
        if not self._committing:
            super()._refuse_erased(lead)

    async def owner(self, lead: Lead) -> str | None:
        return self.organization_id

    async def standing(self, subject: Subject) -> Counter[str]:
        return Counter(leads=int(self.organization_id is not None and not self.lead_erased))

    async def bury(self, subject: Subject, asked: Asked) -> tuple[Asked, Counter[str]]:
        await self._trouble()
        stood = +(await self.standing(subject))
        self.stones.setdefault(subject, asked)
        self.organization_id, self.lead_erased = subject.organization_id, True
        return self.stones[subject], stood

    async def clear(self, lead: Lead, *, remove: bool) -> Counter[str]:
        """Reads what there is, and deletes one after the other."""
        found: Counter[str] = Counter()
        while True:
            refs, names = list(self.events), list(self.rows)
            found.update({EVENTS: len(refs), MEMORIES: len(names)})
            if not (remove and (refs or names)):
                return +found
            for ref in refs:
                await self._trouble()
                self.events.pop(ref, None)
            for name in names:
                await self._trouble()
                self.rows.pop(name, None)

    async def unbury(self, lead: Lead) -> None:
        self.organization_id, self.lead_erased = None, False

    async def note(self, subject: Subject, asked: Asked, removed: Mapping[str, int]) -> tuple[Asked, Counter[str]]:
        await self._trouble()
        before = self.noted.copy()
        self.noted.update(removed)
        return self.stones.setdefault(subject, asked), before

    async def row(self, lead: Lead, name: MemoryKey) -> str:
        return await row(lead, name)


class Messages:
    """What waits in queues: pairs of a lead and an event's ref."""

    def __init__(self, *waiting: tuple[Lead, str]) -> None:
        self.waiting = list(waiting)

    async def clear(self, subject: Subject, *, remove: bool) -> Counter[str]:
        about = [
            (lead, ref)
            for lead, ref in self.waiting
            if lead.organization_id == subject.organization_id
            and subject.lead_id in (None, lead.lead_id)
            and (not subject.refs or ref in subject.refs)
        ]
        if remove:
            self.waiting = [each for each in self.waiting if each not in about]
        return +Counter(waiting_messages=len(about))


class OneLead:
    """The registry of an organization that has the store's lead alone."""

    def __init__(self, store: ErasableStore) -> None:
        self._store = store

    async def leads(self, organization_id: str) -> AsyncIterator[Sequence[Lead]]:
        if self._store.organization_id == organization_id and not self._store.lead_erased:
            yield [SOMEBODY]

    async def erased(self, organization_id: str) -> AsyncIterator[Sequence[Lead]]:
        if self._store.organization_id == organization_id and self._store.lead_erased:
            yield [SOMEBODY]


class NothingRecalled:
    async def forget(self, lead: Lead, names: Collection[MemoryKey]) -> None:
        """There is no index to take anything from."""


def eraser(
    store: ErasableStore, messages: Messages | None = None, *, now: Callable[[], datetime] = lambda: NOW
) -> Eraser:
    return Eraser(
        store,
        store,
        OneLead(store),
        Messages(),
        messages or Messages(),
        NothingRecalled(),
        backups=lambda last_there: [Backup("table", last_there, "")],
        settles=timedelta(minutes=5),
        now=now,
        pause=no_pause,
    )


def without(events: Collection[Event], ref: str) -> list[Event]:
    return [event for event in events if event.ref != ref]
