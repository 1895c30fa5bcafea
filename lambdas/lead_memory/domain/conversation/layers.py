"""What a context is asked for, made of, and says of itself."""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Any

import msgspec

from lead_memory.domain.conversation.messages import Message
from lead_memory.domain.conversation.notes import Note
from lead_memory.domain.conversation.settings import Cohort
from lead_memory.domain.errors import LeadMemoryError
from lead_memory.domain.memories import Memory

BUDGET_TOKENS = 3_500
MESSAGE_TOKENS = 4
"""What a chat API's format puts around a message."""


class Layer(StrEnum):
    RECENT = "L1"
    SUMMARY = "L2"
    NOTES = "L3"
    PROFILE = "L4"
    REACTIVATION = "L5"


LAYERS = {
    Cohort.FULL: frozenset(Layer),
    Cohort.NO_NOTES: frozenset(Layer) - {Layer.NOTES},
    Cohort.SINGLE_SUMMARY: frozenset({Layer.SUMMARY}),
}


class Why(StrEnum):
    """Why a layer is not in the context, or not whole."""

    NOT_ASKED_FOR = "not_asked_for"
    COHORT = "cohort"
    """The lead's contexts are without it."""
    NOTHING_KNOWN = "nothing_known"
    NOT_RETURNING = "not_returning"
    """The lead was not away for long, or has answered meanwhile."""
    NO_ROOM = "no_room"
    UNAVAILABLE = "unavailable"
    """It could not be read this time."""
    SHORTENED = "shortened"


class Format(StrEnum):
    TEXT = "text"
    MESSAGES = "messages"
    """For a chat API: what is known as a system message, then what was said."""


class LayerReport(msgspec.Struct, frozen=True, kw_only=True):
    tokens: int = 0
    included: bool = False
    truncated: bool = False
    why: Why | None = None


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What was read."""

    notes: Sequence[Note] = ()
    messages: Sequence[Message] = ()
    """Of the thread's short-term memory, in order; of all open threads where they are joined."""
    threads: Sequence[Mapping[str, Any]] = ()
    """The thread, and those that are joined to it."""
    profile: Mapping[str, Any] | None = None
    about: Mapping[str, Any] = {}
    """The thread's short-term memory: its topic and intent."""
    interactions: Mapping[str, Any] = {}
    entities: Mapping[str, Any] = {}
    """The index of a CRM's entities."""
    memories: Sequence[Memory] = ()
    """Purchases, preferences and facts."""
    more: bool = False
    """Whether there are preferences or facts beside them."""
    unavailable: Collection[Layer] = ()


class ChatMessage(msgspec.Struct, frozen=True):
    role: str
    content: str


class Context(msgspec.Struct, frozen=True, kw_only=True):
    text: str
    messages: Sequence[ChatMessage]
    """The text in a chat API's form; none where that was not asked for."""
    layers: Mapping[Layer, LayerReport]
    total_tokens: int
    silence: timedelta | None
    """How long the lead was away, where the context says so."""


class BudgetTooSmall(LeadMemoryError):
    """The operators' notes alone need more; `smallest` is the budget that holds them."""

    def __init__(self, smallest: int) -> None:
        super().__init__(f"the operators' notes alone take {smallest} tokens: give a budget of {smallest} or more")
        self.smallest = smallest
