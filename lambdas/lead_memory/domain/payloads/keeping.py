"""What is said about a memory beside its value: how it is annotated, kept and stored."""

from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, StringConstraints, ValidationError, ValidationInfo, model_validator
from pydantic_core import PydanticCustomError

from lead_memory.domain import canonical
from lead_memory.domain.fields import TOO_DEEP, TOO_LARGE, Id, Short, Text, Time, at_most, normal
from lead_memory.domain.limits import (
    LABEL_CHARACTERS,
    METADATA_BYTES,
    METADATA_DEPTH,
    RECALL_TEXT_CHARACTERS,
    REFS,
    TAGS,
    UNSEEN,
)
from lead_memory.domain.memories import IN_TEMPLATES, Environment, MemoryKey, MemoryType, StorageTier, check_key
from lead_memory.domain.payloads.base import ARRIVING, Payload
from lead_memory.domain.payloads.intelligence import MemoryName, Ref


def _bounded(metadata: dict[str, Any]) -> dict[str, Any]:
    encoded = canonical.encode(metadata)
    if len(encoded) > METADATA_BYTES:
        raise PydanticCustomError(TOO_LARGE, f"metadata has at most {METADATA_BYTES:,} bytes, as JSON")
    if canonical.depth(encoded) > METADATA_DEPTH:
        raise PydanticCustomError(
            TOO_DEEP, f"in metadata at most {METADATA_DEPTH} lists and objects may lie within each other"
        )
    return metadata


def _seen(label: str) -> str:
    if UNSEEN.search(label):
        raise ValueError("controls and other characters without a shape are not taken")
    return normal(label)


type _Label = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=LABEL_CHARACTERS),
    AfterValidator(_seen),
]
type _Once = Annotated[tuple[_Label, ...], at_most(TAGS), AfterValidator(lambda tags: tuple(dict.fromkeys(tags)))]
type _RecallText = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=RECALL_TEXT_CHARACTERS)
]


class Annotating(Payload):
    """Each field changes what it names; null brings its default back, and what is absent stays as it is."""

    text: _RecallText | None = None
    metadata: Annotated[dict[str, Any], AfterValidator(_bounded)] | None = None
    tags: _Once | None = None
    importance: Annotated[float, Field(ge=0, le=1)] | None = None
    content_type: _Label | None = None
    event_type: _Label | None = None
    environment: Environment | None = None
    project_id: Id | None = None
    parent: MemoryName | None = None

    @model_validator(mode="before")
    @classmethod
    def _as_it_was_meant(cls, data: Any, info: ValidationInfo) -> Any:
        """Of an event in the log from before these fields had a meaning, what they say is not looked at."""
        if info.context is ARRIVING or not isinstance(data, dict):
            return data
        said = {field: data[field] for field in Annotating.model_fields if field in data}
        try:
            Annotating.model_validate(said, context=ARRIVING)
        except ValidationError:
            return {field: value for field, value in data.items() if field not in said}
        return data

    @property
    def annotations(self) -> dict[str, Any]:
        """What is said, by field of `Annotations`; None for its default."""
        said = {field: getattr(self, field) for field in Annotating.model_fields if field in self.model_fields_set}
        if self.parent:
            said["parent"] = MemoryKey(self.parent.memory_type, self.parent.key)
        return said


class _Kept(Payload):
    memory_type: MemoryType
    key: Text

    @model_validator(mode="after")
    def _is_kept(self) -> Self:
        if self.memory_type not in IN_TEMPLATES:
            raise ValueError("conversations and notes are not kept by a policy: they have their own ends")
        check_key(self.key)
        return self


class MemoryAnnotated(_Kept, Annotating):
    @model_validator(mode="after")
    def _is_no_part_of_itself(self) -> Self:
        if self.parent and (self.parent.memory_type, self.parent.key) == (self.memory_type, self.key):
            raise ValueError("a memory is not a fragment of itself")
        return self


class TimesDecision(_Kept):
    rests_on: Annotated[tuple[Ref, ...], at_most(REFS)] = ()
    """The event that changed the memory last, where the clock decided: without it there is nothing to decide."""


class MemoryMoved(TimesDecision):
    """Of its retention; the event type says where to."""

    since: Time | None = None
    """Of a policy: when its time began. If the memory was changed since, it does not move."""
    asked_by: Short | None = None
    reason: Short | None = None


class MemoryTiered(TimesDecision):
    storage_tier: StorageTier
    used_at: Time | None = None
    """When it was last recalled, as far as was known."""
