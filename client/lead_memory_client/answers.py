"""What the client answers with."""

from datetime import datetime
from typing import Any

import msgspec

from lead_memory.domain.memories import MemoryType
from lead_memory.services.resolve import Found, Missing, Reads, Status


class ResolvedLead(msgspec.Struct, frozen=True, kw_only=True):
    """One lead's answer from the resolver; docs/reference/templates.md explains each field."""

    lead: str
    status: Status
    text: str | None = None
    """The message, where one template was asked for."""
    texts: dict[str, str] | None = None
    """The messages by name, where several were."""
    values: dict[str, Found]
    missing: tuple[Missing, ...]
    reads: Reads


class PlannedMemory(msgspec.Struct, frozen=True):
    memory_type: MemoryType
    key: str


class TemplatePlan(msgspec.Struct, frozen=True):
    """What a template reads, for each lead; the statement is shared by all leads of a call."""

    variables: tuple[str, ...]
    memories: tuple[PlannedMemory, ...]
    profile_fields: tuple[str, ...]
    reads: Reads


class Mistake(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with a request, and for a template where; `line` and `column` count from 1."""

    code: str
    message: str
    where: str | None = None
    position: int | None = None
    line: int | None = None
    column: int | None = None
    expected: str | None = None
    nearest: str | None = None


class ResolverAnswer(msgspec.Struct, frozen=True):
    """One of the three."""

    leads: tuple[ResolvedLead, ...] = ()
    plan: TemplatePlan | None = None
    error: Mistake | None = None


class RecordedEvent(msgspec.Struct, frozen=True, kw_only=True):
    source: str
    event_id: str
    event_type: str
    occurred_at: datetime
    recorded_at: datetime
    version: int
    data: Any
    raw_payload: Any


class Rejection(msgspec.Struct, frozen=True):
    """An event that can never be recorded, as it stands in the rejected queue."""

    reason: str
    detail: str
    rejected_at: datetime
    body: str
    """As the bus delivered it."""


class QueueDepth(msgspec.Struct, frozen=True):
    waiting: int
    in_flight: int


class StageStatus(msgspec.Struct, frozen=True, kw_only=True):
    stage: str
    region: str
    endpoint: str
    stack_status: str
    deployed_at: datetime
    table: str
    bus: str
    profile_fields: tuple[str, ...]
    queues: dict[str, QueueDepth]
    """`ingest`, `dead_letters` and `rejected`; SQS counts approximately."""
