"""The queue of what may have to be indexed anew; whoever only sends to it loads nothing of the index."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from lead_memory.domain.memories import Lead


class Request(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Look at what an event touched; without one, at all that the lead has. It says nothing of what was said."""

    organization_id: str
    lead_id: str
    ref: str | None = None
    after: str | None = None
    """The place after which a page of the lead's memories begins."""
    waits: int = 0
    """How often it was put off."""

    @property
    def lead(self) -> Lead:
        return Lead(self.organization_id, self.lead_id)


class Queue(Protocol):
    async def send(self, requests: Sequence[Request], delay_seconds: int = 0) -> int:
        """How many it took. Raises `Unavailable`."""
