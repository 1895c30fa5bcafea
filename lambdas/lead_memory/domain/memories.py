"""The memory record, and the change that one event makes to one."""

from collections.abc import Callable, Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

import msgspec

from lead_memory.domain.errors import Rejected
from lead_memory.domain.limits import KEY_BYTES, KEY_CHARACTERS, UNSEEN
from lead_memory.domain.retention import Retention

SOURCE_EVENT_IDS_KEPT = 5
"""So that a memory stays small and cheap to write, however many events made it."""

type Value = dict[str, Any]
"""A memory's JSON object. Money is `Decimal`, times are ISO 8601 strings in UTC, ids are strings."""

type Reducer = Callable[[Value | None, Value], Value | None]
"""(the value so far, what the event says) -> the value now; `None` where there is nothing to remember."""


class MemoryType(StrEnum):
    FACT = "fact"
    PREFERENCE = "preference"
    INTEREST = "interest"
    PURCHASE = "purchase"
    SUPPORT = "support"
    BEHAVIORAL = "behavioral"
    CAMPAIGN = "campaign"
    FORM = "form"
    CONVERSATION = "conversation"
    NOTE = "note"


IN_TEMPLATES = tuple(each for each in MemoryType if each not in (MemoryType.CONVERSATION, MemoryType.NOTE))
"""What a message to the lead may read; what was said in threads and what operators noted is for agents alone."""


class Source(StrEnum):
    """Who a memory comes from, weakest first."""

    AGENT_INFERRED = "agent_inferred"
    SYSTEM_COMPUTED = "system_computed"
    EVENT_DERIVED = "event_derived"
    USER_DECLARED = "user_declared"


RANK = {source: rank for rank, source in enumerate(Source)}


class Tier(StrEnum):
    SHORT_TERM = "short_term"
    MEDIUM_TERM = "medium_term"
    LONG_TERM = "long_term"


class StorageTier(StrEnum):
    """How a memory is stored, and who still looks at it."""

    HOT = "hot"
    """In contexts, templates and recalls."""
    WARM = "warm"
    """In templates and recalls."""
    COLD = "cold"
    """Its value is in S3: recalled on request, and brought back by use."""


class Environment(StrEnum):
    DEVELOPMENT = "development"
    STAGING = "staging"
    PRODUCTION = "production"


class Lead(NamedTuple):
    """A person as one organization knows them. Every read and write names both."""

    organization_id: str
    lead_id: str


class MemoryKey(NamedTuple):
    """A memory's name within its lead."""

    memory_type: MemoryType
    key: str

    def __str__(self) -> str:
        return f"{self.memory_type}.{self.key}"


BEFORE_EVERY_SEQUENCE = -1
"""The sequence, in its place, of an event without one."""


class Position(msgspec.Struct, frozen=True, order=True):
    """An event's place in its lead's log. Events without a sequence come before those with one."""

    occurred_at: datetime
    sequence: int
    source: str
    event_id: str

    @property
    def given_sequence(self) -> int | None:
        return None if self.sequence == BEFORE_EVERY_SEQUENCE else self.sequence

    @property
    def ref(self) -> str:
        """The event's name within its lead: `<source>/<event_id>`."""
        return f"{self.source}/{self.event_id}"


class Annotations(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a caller says of a memory beside its value."""

    text: str | None = None
    """Instead of what is made of the value, what is searched and shown in a recall."""
    metadata: Value = {}
    """Whatever the caller keeps with it, as it came."""
    tags: tuple[str, ...] = ()
    importance: float = 0.5
    """0 to 1."""
    content_type: str | None = None
    """Says how fast it ages; where it is absent, its type does."""
    event_type: str | None = None
    """What it came from, in the caller's words, such as `meeting`."""
    environment: Environment = Environment.PRODUCTION
    project_id: str | None = None
    parent: MemoryKey | None = None
    """The memory that it is a fragment of."""


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    lead_organization_id: str
    organization_id: str
    memory_type: MemoryType
    key: str
    value: Value
    confidence: float
    source: Source
    source_event_ids: tuple[str, ...]
    """`<source>/<event_id>` of the newest events that made it, newest first. The log has the older ones."""
    source_event_count: int
    """Of all the events that made it."""
    evidence_count: int
    contradiction_count: int
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None
    tier: Tier
    newest: Position
    """The last event that was folded in; one that sorts before it is late."""
    fold_version: int
    annotations: Annotations = Annotations()
    retention: Retention = Retention()
    storage_tier: StorageTier = StorageTier.HOT
    last_accessed_at: datetime | None = None
    """As far as the log knows; each use is counted beside the memory."""
    extraction_attempt_id: str | None = None
    """Of the attempt at asking a model that it comes from."""

    @property
    def lead(self) -> Lead:
        return Lead(self.organization_id, self.lead_organization_id)

    @property
    def name(self) -> MemoryKey:
        return MemoryKey(self.memory_type, self.key)

    def expired(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now

    def hidden(self, now: datetime) -> bool:
        """From everyone but those who look after memories: its time is over, or it was deleted."""
        return self.expired(now) or self.retention.deleted


type Confidence = float | Callable[[Value], float]
"""0 to 1, or how to tell it from the value."""


def replace(_: Value | None, said: Value) -> Value:
    """What was said last is what is remembered."""
    return said


def keep(value: Value | None, _: Value) -> Value | None:
    """The event supports the memory and says nothing new."""
    return value


def lapse(_: Value | None, __: Value) -> Value:
    """The memory's time is over; an empty one stays in its place, so that a late event is still seen to be late."""
    return {}


def leave(value: Value | None, _: Value) -> Value | None:
    """The event says nothing of the value, only of what stands beside it."""
    return value


type Revision = Callable[[Memory, Position], Memory]
"""(a memory, the event's place) -> the memory with something beside its value changed."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What one event says about one memory."""

    memory_type: MemoryType
    key: str
    said: Value
    reduce: Reducer = replace
    aggregates: bool = False
    """Whether the memory is made of all its events, rather than of the newest."""
    confidence: Confidence = 1.0
    source: Source = Source.EVENT_DERIVED
    tier: Tier = Tier.LONG_TERM
    expires_at: datetime | None = None
    revise: Revision | None = None

    def __post_init__(self) -> None:
        check_key(self.key)

    @property
    def name(self) -> MemoryKey:
        return MemoryKey(self.memory_type, self.key)


type Derivation = Callable[..., Iterable[Change]]
"""(an event, its typed `data`) -> what it says."""


def check_key(key: str) -> None:
    """Raises `Rejected` for a key that cannot be a memory's."""
    if not key:
        raise Rejected("key_empty", "a memory's key has at least one character")
    if len(key) > KEY_CHARACTERS or len(key.encode(errors="surrogatepass")) > KEY_BYTES:
        raise Rejected(
            "key_too_long", f"a memory's key has at most {KEY_CHARACTERS} characters and {KEY_BYTES:,} bytes"
        )
    if UNSEEN.search(key):
        raise Rejected("key_has_control", "a memory's key cannot contain controls and other characters without a shape")
    if "#" in key:
        raise Rejected("key_has_hash", "a memory's key cannot contain the number sign, which separates keys")
