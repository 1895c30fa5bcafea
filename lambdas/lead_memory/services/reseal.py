"""Seal an organization's content anew with its newest data key, lead by lead, beside live traffic."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from itertools import batched
from typing import NamedTuple, Protocol

import msgspec

from lead_memory.domain.memories import Lead

LEADS_AT_ONCE = 8
LEADS = 200
"""Of a page at most, so that whoever asks for the next sees how far it is."""


class Resealed(NamedTuple):
    items: int
    objects: int
    unreadable: int


class Page(msgspec.Struct, frozen=True, kw_only=True):
    leads: int
    items: int
    """Those that were sealed with an older key."""
    objects: int
    unreadable: int
    """Items and objects that do not open in their place, and stay as they are."""
    next: str | None
    """The lead after which the next page starts; None after the last."""


class Registry(Protocol):
    def leads(self, organization_id: str, after: str | None = None) -> AsyncIterator[Sequence[Lead]]:
        """Pages of the organization's leads, always in the same order. May raise `Unavailable`."""


class SealedContents(Protocol):
    """Both methods raise `Unavailable`, and `Erased` for an erased organization."""

    async def learn_newest_key(self, organization_id: str) -> None: ...

    async def reseal(self, lead: Lead) -> Resealed:
        """All that the lead has, with the newest key that was learned; safe beside whoever writes, and again."""


class Resealer:
    def __init__(self, registry: Registry, contents: SealedContents) -> None:
        self._registry = registry
        self._contents = contents

    async def page(self, organization_id: str, after: str | None, has_time: Callable[[], bool]) -> Page:
        """Some more leads; once `next` is None, all were looked at. Raises `Unavailable` and `Erased`.

        A process that read the keys before a rotation seals with the older one until it reads them again, which
        `adapters.keyrings.CACHE_SECONDS` bounds: only what is resealed after that leaves nothing behind.
        """
        await self._contents.learn_newest_key(organization_id)
        found: list[Resealed] = []
        last = after
        async for leads in self._registry.leads(organization_id, after):
            for some in batched(leads, LEADS_AT_ONCE, strict=False):
                if len(found) >= LEADS or (found and not has_time()):
                    return _page(found, last)
                found += await asyncio.gather(*map(self._contents.reseal, some))
                last = some[-1].lead_id
        return _page(found, None)


def _page(found: list[Resealed], next_after: str | None) -> Page:
    return Page(
        leads=len(found),
        items=sum(each.items for each in found),
        objects=sum(each.objects for each in found),
        unreadable=sum(each.unreadable for each in found),
        next=next_after,
    )
