"""What is said outright about a memory."""

import re
from typing import Annotated, Any, Self

from pydantic import (
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from lead_memory.domain.conversation.names import CONTACT_PROFILE
from lead_memory.domain.crm.entities import kind_and_key
from lead_memory.domain.fields import (
    SHALLOW,
    Ending,
    Text,
)
from lead_memory.domain.memories import MemoryKey, MemoryType
from lead_memory.domain.payloads.base import ARRIVING, Payload
from lead_memory.domain.payloads.contact import contact_facts
from lead_memory.domain.payloads.crm import check_fields
from lead_memory.domain.payloads.intelligence import Extraction
from lead_memory.domain.payloads.keeping import Annotating

DECLARABLE = (MemoryType.FACT, MemoryType.PREFERENCE, MemoryType.INTEREST)
"""What can be said outright. The other types are made of what happened."""


_DERIVED = re.compile(r"interest\.(product|category):.*|preference\.(channel|price_sensitivity)", re.DOTALL)
"""Memories that count; what is said outright beside the counts would stop them."""


class MemoryDeclared(Annotating):
    memory_type: MemoryType
    key: Text
    value: Annotated[dict[str, Any], SHALLOW]
    expires_at: Ending = None

    @field_validator("memory_type")
    @classmethod
    def _declarable(cls, memory_type: MemoryType) -> MemoryType:
        if memory_type not in DECLARABLE:
            raise ValueError(f"only {', '.join(DECLARABLE)} memories are declared or inferred; others are derived")
        return memory_type

    @model_validator(mode="after")
    def _not_derived(self) -> Self:
        if _DERIVED.fullmatch(f"{self.memory_type}.{self.key}"):
            raise ValueError("this memory is derived from events and cannot be declared")
        return self

    @model_validator(mode="after")
    def _is_profile(self, info: ValidationInfo) -> Self:
        """Of an event that arrives; what the log has from before is read, and says nothing of the profile."""
        if (self.memory_type, self.key) == CONTACT_PROFILE and info.context is ARRIVING:
            contact_facts(self.value)
            if self.expires_at is not None:
                raise ValueError("the contact's profile has no end: leave `expires_at` out")
        return self

    @model_validator(mode="after")
    def _is_entity(self, info: ValidationInfo) -> Self:
        if kind_and_key(MemoryKey(self.memory_type, self.key)) and info.context is ARRIVING:
            check_fields(self.value)
            if self.expires_at is not None:
                raise ValueError("a CRM's entity has no end: leave `expires_at` out")
        return self

    @field_validator("value", mode="before")
    @classmethod
    def _as_object(cls, value: object) -> object:
        return value if isinstance(value, dict) else {"value": value}


class MemoryInferred(MemoryDeclared):
    confidence: Annotated[float, Field(ge=0, le=1)]
    extraction: Extraction | None = None


class MemoryExpired(Payload):
    memory_type: MemoryType
    key: Text
