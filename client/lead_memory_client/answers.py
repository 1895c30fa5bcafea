"""What the client answers with."""

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import msgspec

from lead_memory.domain.conversation.layers import ChatMessage, Layer, LayerReport
from lead_memory.domain.conversation.settings import Cohort
from lead_memory.domain.memories import Memory, MemoryType
from lead_memory.domain.retention import RetentionStatus
from lead_memory.services.resolve import Found, Missing, Provenance, Reads, Status

if TYPE_CHECKING:
    from lead_memory.services.erase import Receipt


class ResolvedLead(msgspec.Struct, frozen=True, kw_only=True):
    """One lead's answer from the resolver; docs/reference/templates.md explains each field."""

    lead: str
    status: Status
    text: str | None = None
    """The message, where one template was asked for."""
    texts: dict[str, str] | None = None
    """The messages by name, where several were."""
    values: dict[str, Found]
    memories: dict[str, Provenance]
    """By name, those that hold the values."""
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


class Freshness(msgspec.Struct, frozen=True, kw_only=True):
    last_message_at: datetime | None
    summarized_at: datetime | None
    messages_since_summary: int
    profile_updated_at: datetime | None


class AgentContext(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent should know now of a lead and a thread; docs/reference/context.md explains each field."""

    text: str | None = None
    messages: tuple[ChatMessage, ...] = ()
    """Instead of the text, where they were asked for."""
    layers: dict[Layer, LayerReport]
    total_tokens: int
    max_tokens: int
    cohort: Cohort
    lead_known: bool
    thread_known: bool
    joined_threads: tuple[str, ...]
    """Other open threads of the lead that the context has, too."""
    freshness: Freshness
    reactivation_days: int | None
    """How long the lead was away, where the context says so."""
    requests: int
    milliseconds: float


class RecordedEvent(msgspec.Struct, frozen=True, kw_only=True):
    source: str
    event_id: str
    event_type: str
    occurred_at: datetime
    recorded_at: datetime
    version: int
    data: Any
    raw_payload: msgspec.Raw | None
    """JSON, byte for byte as the updater got it."""


class Effect(StrEnum):
    """What became of a memory with one of its events."""

    MADE = "made"
    """There was none, or its time was over."""
    CHANGED = "changed"
    SUPPORTED = "supported"
    """The event said the same again."""
    CONTRADICTED = "contradicted"
    """The event said otherwise, and what is remembered comes from a stronger source."""
    ENDED = "ended"
    ANNOTATED = "annotated"
    """What stands beside the value changed."""
    MOVED = "moved"
    """It was archived, deleted, purged or restored, or is stored elsewhere."""
    REFUSED = "refused"
    """The memory was not taking changes, or could not go there."""
    NONE = "none"
    """The event was only news of itself."""


class FieldChange(msgspec.Struct, frozen=True, omit_defaults=True):
    """One field of a memory's value; fields of objects within it are named with a dot."""

    field: str
    before: Any = msgspec.UNSET
    after: Any = msgspec.UNSET
    """Unset where there is no such field."""


class Contribution(msgspec.Struct, frozen=True, kw_only=True):
    """One event's part in one memory."""

    event: str
    """`<source>/<event_id>`."""
    event_type: str
    occurred_at: datetime
    recorded_at: datetime
    effect: Effect
    changes: tuple[FieldChange, ...]
    beside: tuple[FieldChange, ...]
    """Of what stands beside the value, under the names of a memory's record."""
    retention_status: RetentionStatus | None
    """Of the memory when the event came to it."""


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    memory: Memory | None
    """As it is stored, also when its time is over."""
    is_the_fold: bool | None
    """Whether the log gives the very bytes that are stored; None where events kept coming while it was read."""
    contributions: tuple[Contribution, ...]
    """Of every event that has a part in it, in the order in which they are folded."""


class Lineage(msgspec.Struct, frozen=True):
    """A page of the events that have a part in a memory."""

    events: tuple[str, ...]
    """`<source>/<event_id>`, newest first."""
    next: str | None
    """The cursor of the page after this; None with the last."""


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
    delayed: int = 0
    """Put off, or tried again after a pause."""


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    reason: str
    detail: str
    sent_at: datetime
    event: str | None
    """`<source>/<event_id>`; None where the body does not say, and of a lead to rebuild."""
    lead: str | None
    """Whose event it is, or which is to be rebuilt; None where the body does not say."""


class QueueReport(msgspec.Struct, frozen=True, kw_only=True):
    """Counts are SQS's own, approximate."""

    waiting: int
    in_flight: int
    delayed: int = 0
    """Put off, or tried again after a pause."""
    oldest_seconds: float | None
    """Age of the oldest message that was looked at, or that CloudWatch measured; None where neither knows one."""
    looked_at: int
    """How many messages `reasons` and `samples` are of."""
    reasons: dict[str, int]
    samples: tuple[Sample, ...]


class Redriven(msgspec.Struct, frozen=True, kw_only=True):
    """What was sent back to the queue it came from, and what became of it where it was watched."""

    found: dict[str, int]
    """By reason, what was asked for."""
    sent: int
    watched: bool = False
    """Events are, and leads to rebuild are not; only what was watched is counted below."""
    recorded: int = 0
    """In the log with the same content, now or before."""
    rejected_again: dict[str, int] = {}
    """By the new reason."""
    unseen: int = 0
    """Neither, when the time was up."""


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """Where everything that is held of a lead was written to, and what of it could not be read."""

    files: tuple[str, ...]
    counts: dict[str, int]
    """Records by kind."""
    unreadable: int
    """Items that do not open, or not whole; the files hold what is readable of them."""
    messages_not_looked_at: int
    unavailable: tuple[str, ...]
    """Variables of the profile that could not be read this time."""


class Erasure(msgspec.Struct, frozen=True, kw_only=True):
    receipt: "Receipt"
    verified: bool
    """Whether a last look, once all that was in flight when it began had ended, found that nothing is left."""


class Resealed(msgspec.Struct, frozen=True):
    leads: int
    """That were looked at."""
    items: int
    """Whose content was sealed with an older key."""
    objects: int
    unreadable: int
    """Items and objects that do not open in their place, and stay as they are."""


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
    """`ingest`, `dead_letters`, `rejected`; `rebuild`, `extraction`, `vectors` and `uses`, each with its
    `<name>_dead_letters`. SQS counts approximately.
    """


class ModelJob(msgspec.Struct, frozen=True, kw_only=True):
    """What a model was to be asked, and what became of it. Costs are millionths of a US dollar."""

    attempt_id: str
    at: datetime
    job: str
    """`facts`, `entities`, `summary`, `reactivation` or `cluster`."""
    status: str
    """`processed`, `batched`, `skipped` or `failed`."""
    importance_score: int
    thread_id: str | None = None
    triggers: tuple[str, ...] = ()
    why: str | None = None
    until: datetime | None = None
    model: str | None = None
    prompt_version: str | None = None
    estimated_cost_micros: int = 0
    cost_micros: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    invalid_answers: int = 0
    kept: int = 0
    """Statements."""
    dropped: dict[str, int] = {}
    """Statements that were not taken, by reason."""
    duration_ms: int = 0


class Related(msgspec.Struct, frozen=True):
    kind: str
    key: str


class Entity(msgspec.Struct, frozen=True, kw_only=True):
    """One of a CRM's entities."""

    kind: str
    key: str
    name: str | None
    """Of a case or a task its subject."""
    id: str | None
    other_names: tuple[str, ...]
    relations: dict[str, Related]
    """By `account`, `contact` or `related_to`."""
    last_said_at: datetime | None
    merged_into: str | None
    """The key of the entity that it is one with."""
    separate_from: tuple[str, ...]
    """Keys of those that a person split from it."""


class Intelligence(msgspec.Struct, frozen=True, kw_only=True):
    """What models were asked about a lead."""

    jobs: tuple[ModelJob, ...] = ()
    """The newest, the oldest of them first."""
    totals: dict[str, dict[str, int]] = {}
    """By job, since the lead is known: how many of each status, and sums of costs, tokens, statements, milliseconds."""
    spent_today_micros: int = 0
    """By the whole organization; the day is UTC's."""
    daily_budget_micros: int = 0
