"""What the extractor is asked for, through its own queue. It says whose and which, and nothing of what was said."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from lead_memory.domain.intelligence.jobs import Job
from lead_memory.domain.memories import Lead

DELAY_SECONDS = 900
"""The longest that SQS takes."""


class Request(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Look at a thread, by the row of its memory; or at an event, by its ref, and the thread that it is of."""

    organization_id: str
    lead_id: str
    row: str | None = None
    ref: str | None = None
    jobs: frozenset[Job] = frozenset()
    """That are tried again; the others are thought of as for any request."""
    attempt: int = 0
    """How often they failed."""
    triggers: tuple[str, ...] = ()
    """The types of the events that they were thought of for."""
    held_by: str | None = None
    """The name under which the thread is held for these jobs meanwhile."""
    waits: int = 0
    """How often the request was put off."""

    @property
    def lead(self) -> Lead:
        return Lead(self.organization_id, self.lead_id)


class ExtractionQueue(Protocol):
    async def send(self, requests: Sequence[Request], delay_seconds: int = 0) -> int:
        """How many it took. Raises `Unavailable`."""

    async def give_up(self, request: Request, reason: str) -> None:
        """Into the dead-letter queue, with the reason beside it. Raises `Unavailable`."""
