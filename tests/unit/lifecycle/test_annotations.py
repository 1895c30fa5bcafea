"""What a caller says of a memory beside its value: its bounds, what it changes, and what no caller can say."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_memory.domain import canonical
from lead_memory.domain.errors import Rejected
from lead_memory.domain.events import Event, validated
from lead_memory.domain.fold import refold
from lead_memory.domain.limits import LABEL_CHARACTERS, METADATA_BYTES, METADATA_DEPTH, RECALL_TEXT_CHARACTERS, TAGS
from lead_memory.domain.memories import Annotations, Environment, Memory, MemoryKey, MemoryType
from lead_memory.domain.payloads.said import MemoryDeclared
from tests.events import event

PET = MemoryKey(MemoryType.FACT, "pet")
NAMED = {"memory_type": "fact", "key": "pet"}
DECLARED = NAMED | {"value": {"is": "a cat"}}


def annotated(number: int = 2, **said: Any) -> Event:
    return event("memory.annotated", NAMED | said, event_id=f"e{number}")


def declared(**said: Any) -> Event:
    return event("memory.declared", DECLARED | said)


def pet(*events: Event) -> Memory:
    return refold(events, {PET})[PET]


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels - 1):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"metadata": {"a": "x" * METADATA_BYTES}}, "too_large"),
        ({"metadata": nested(METADATA_DEPTH + 1)}, "too_deep"),
        ({"tags": [str(number) for number in range(TAGS + 1)]}, "too_large"),
        ({"tags": ["x" * (LABEL_CHARACTERS + 1)]}, "too_large"),
        ({"text": "x" * (RECALL_TEXT_CHARACTERS + 1)}, "too_large"),
        ({"tags": ["a\u202eb"]}, "invalid_data"),
        ({"importance": 1.01}, "invalid_data"),
        ({"importance": "NaN"}, "invalid_data"),
        ({"environment": "prod"}, "invalid_data"),
        ({"parent": {"memory_type": "fact"}}, "invalid_data"),
        ({"metadata": ["a"]}, "invalid_data"),
    ],
)
@pytest.mark.parametrize("event_type", ["memory.annotated", "memory.declared"])
def test_what_is_beyond_a_bound_is_rejected_with_its_reason(event_type: str, said: dict[str, Any], reason: str) -> None:
    with pytest.raises(Rejected) as rejected:
        event(event_type, DECLARED | said)
    assert rejected.value.reason == reason


def test_what_is_at_its_bound_is_taken() -> None:
    most: dict[str, Any] = {
        "metadata": {"a": "x" * (METADATA_BYTES - len('{"a":""}'))},
        "tags": [str(number) for number in range(TAGS)],
        "text": "x" * RECALL_TEXT_CHARACTERS,
    }
    annotations = pet(declared(), annotated(**most)).annotations
    assert annotations == Annotations(**most | {"tags": tuple(most["tags"])})
    assert pet(declared(), annotated(metadata=nested(METADATA_DEPTH))).annotations.metadata == nested(METADATA_DEPTH)


_anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(codec="utf-8"), max_size=8),
    lambda some: st.lists(some, max_size=3) | st.dictionaries(st.text(st.characters(codec="utf-8")), some, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=8), _anything, max_size=4))
def test_metadata_is_kept_as_it_came_whatever_it_is(metadata: dict[str, Any]) -> None:
    assert pet(declared(), annotated(metadata=metadata)).annotations.metadata == metadata


def test_null_brings_a_default_back_and_what_is_absent_stays() -> None:
    said = {"tags": ["vip"], "importance": 0.9, "environment": "staging", "project_id": 7, "content_type": "plan"}
    annotations = pet(declared(**said), annotated(importance=None)).annotations
    expected: dict[str, Any] = {
        "tags": ("vip",),
        "environment": Environment.STAGING,
        "project_id": "7",
        "content_type": "plan",
    }
    assert annotations == Annotations(**expected)
    nothing: dict[str, Any] = dict.fromkeys(Annotations.__struct_fields__)
    assert pet(declared(**said), annotated(**nothing)).annotations == Annotations()


def test_another_declaration_keeps_what_it_does_not_name() -> None:
    later = event("memory.declared", DECLARED | {"value": {"is": "a dog"}, "importance": 0.1}, event_id="e2")
    annotations = pet(declared(tags=["vip"], importance=0.9), later).annotations
    assert (annotations.tags, annotations.importance) == (("vip",), 0.1)


def test_annotating_supports_nothing_and_changes_no_value() -> None:
    alone, with_tags = pet(declared()), pet(declared(), annotated(tags=["vip"]))
    beside = {"annotations": alone.annotations, "newest": alone.newest}
    assert msgspec.structs.replace(with_tags, **beside) == alone


def test_a_record_of_a_crm_can_be_annotated_where_it_is_declared() -> None:
    account = {"memory_type": "fact", "key": "account:acme", "value": {"name": "Acme"}, "tags": ["key"]}
    name = MemoryKey(MemoryType.FACT, "account:acme")
    assert refold([event("memory.declared", account)], {name})[name].annotations.tags == ("key",)


def test_a_memory_is_no_fragment_of_itself() -> None:
    with pytest.raises(Rejected, match="not a fragment of itself"):
        annotated(parent=NAMED)


def test_what_was_recorded_before_these_fields_had_a_meaning_is_still_read() -> None:
    recorded = canonical.encode(DECLARED | {"tags": "vip", "environment": "prod", "importance": "high"})
    payload = validated("memory.declared", recorded)
    assert isinstance(payload, MemoryDeclared)
    assert payload.annotations == {}
    assert payload.value == {"is": "a cat"}


@pytest.mark.parametrize(
    "field", ["confidence_score", "quality_score", "usage_count", "retention_status", "storage_tier", "evidence_count"]
)
def test_no_caller_says_what_the_platform_works_out(field: str) -> None:
    assert pet(declared(**{field: 1})) == msgspec.structs.replace(pet(declared()))


def test_a_memory_names_the_attempt_that_it_comes_from_until_somebody_else_says_it() -> None:
    origin = {"attempt_id": "attempt-1", "model": "m", "prompt_version": "1"}
    inferred = event("memory.inferred", DECLARED | {"confidence": 0.5, "extraction": origin}, event_id="e0")
    assert pet(inferred).extraction_attempt_id == "attempt-1"
    later = event("memory.declared", DECLARED, event_id="e2")
    assert pet(inferred, later).extraction_attempt_id is None
