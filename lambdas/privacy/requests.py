"""What the privacy function is asked, and how it answers."""

from typing import Annotated, Any
from uuid import UUID

import msgspec

from lead_memory.domain.conversation.settings import CohortShares, ConversationSettings, CrossChannel, DailyBudget
from lead_memory.domain.errors import Conflict, KeysUnavailable, LeadMemoryError, Rejected, Unavailable
from lead_memory.domain.memories import IN_TEMPLATES, Lead, MemoryType
from lead_memory.domain.memory_settings import MemorySettings
from lead_memory.domain.recall.weights import DEFAULT, Weights
from lead_memory.domain.retention import Policy

type _Name = Annotated[str, msgspec.Meta(min_length=1, max_length=300)]
type _Ref = Annotated[str, msgspec.Meta(pattern="^[^/]+/.", max_length=2000)]


class _OfOrganization(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="operation"):
    organization: UUID = msgspec.field(name="organization_id")

    @property
    def organization_id(self) -> str:
        return str(self.organization)


class _Erasure(_OfOrganization, frozen=True, kw_only=True):
    asked_by: _Name
    dry_run: bool = False


class _OfLead(_Erasure, frozen=True, kw_only=True):
    lead_id: UUID

    @property
    def lead(self) -> Lead:
        return Lead(self.organization_id, str(self.lead_id))


class EraseEvent(_OfLead, frozen=True, kw_only=True, tag="erase_event"):
    ref: _Ref
    """`<source>/<event_id>`."""


class EraseLead(_OfLead, frozen=True, kw_only=True, tag="erase_lead"):
    pass


class EraseOrganization(_Erasure, frozen=True, kw_only=True, tag="erase_organization"):
    pass


class BeginOrganization(_OfOrganization, frozen=True, kw_only=True, tag="begin_organization"):
    hash_names: bool


class RotateKey(_OfOrganization, frozen=True, kw_only=True, tag="rotate_key"):
    pass


class Reseal(_OfOrganization, frozen=True, kw_only=True, tag="reseal"):
    after: str | None = None
    """The `next` of the page before."""


class ConfigureConversations(_OfOrganization, frozen=True, kw_only=True, tag="configure_conversations"):
    cross_channel: CrossChannel
    cohorts: CohortShares
    daily_budget_micros: DailyBudget

    @property
    def settings(self) -> ConversationSettings:
        return ConversationSettings(
            cross_channel=self.cross_channel, cohorts=self.cohorts, daily_budget_micros=self.daily_budget_micros
        )


class ConfigureMemories(_OfOrganization, frozen=True, kw_only=True, tag="configure_memories"):
    policies: dict[MemoryType, Policy] = {}
    weights: Weights = DEFAULT

    def __post_init__(self) -> None:
        if not self.policies.keys() <= set(IN_TEMPLATES):
            raise ValueError("conversations and notes are not kept by a policy: they have their own ends")

    @property
    def settings(self) -> MemorySettings:
        return MemorySettings(policies=self.policies, weights=self.weights)


type Request = (
    EraseEvent
    | EraseLead
    | EraseOrganization
    | BeginOrganization
    | RotateKey
    | Reseal
    | ConfigureConversations
    | ConfigureMemories
)


def read(event: object) -> Request:
    """Raises `msgspec.ValidationError`."""
    request: Request = msgspec.convert(event, Request)
    return request


def refused(error: msgspec.ValidationError | LeadMemoryError) -> dict[str, Any] | None:
    """None for an error that is not the caller's to understand."""
    match error:
        case Rejected():
            code, message = error.reason, error.detail
        case msgspec.ValidationError():
            code, message = "invalid_request", str(error)
        case Conflict():
            code, message = "conflict", str(error)
        case KeysUnavailable():
            code, message = "keys_unavailable", str(error)
        case Unavailable():
            code, message = "unavailable", str(error)
        case _:
            return None
    return {"error": {"code": code, "message": message}}
