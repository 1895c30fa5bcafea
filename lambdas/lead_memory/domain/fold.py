"""How a memory changes: one change at a time, and again from the whole log."""

from collections.abc import Collection, Iterator
from typing import NamedTuple

import msgspec

from lead_memory.domain.amendments import Cases
from lead_memory.domain.derivations import derive
from lead_memory.domain.events import Event
from lead_memory.domain.memories import (
    RANK,
    SOURCE_EVENT_IDS_KEPT,
    Change,
    Memory,
    MemoryKey,
    Source,
    Value,
    keep,
    lapse,
)

FOLD_VERSION = 4
"""Raised when the same events would give another memory; a memory carries the version that made it."""


def fold(memory: Memory | None, change: Change, event: Event) -> Memory | None:
    """The memory after what `event` says about it; None when there is nothing to remember.

    The caller folds in the order of `Event.position`.
    """
    if memory is not None and memory.expired(event.occurred_at):
        memory = None
    if memory is not None and change.reduce in (keep, lapse):
        return _supported(memory, change, event)
    if memory is not None and _outranked(memory, change, event):
        return _contradicted(memory, change, event)
    value = change.reduce(memory.value if memory else None, change.said)
    if value is None:
        return None
    if change.expires_at is not None and change.expires_at <= event.occurred_at:
        value = {}  # it was over when it was said
    return Memory(
        lead_organization_id=event.lead_organization_id,
        organization_id=event.organization_id,
        memory_type=change.memory_type,
        key=change.key,
        value=value,
        confidence=change.confidence(value) if callable(change.confidence) else change.confidence,
        source=change.source,
        source_event_ids=_with(event, memory) if memory and change.aggregates else (event.ref,),
        source_event_count=memory.source_event_count + 1 if memory and change.aggregates else 1,
        evidence_count=_evidence(memory, change, value),
        contradiction_count=memory.contradiction_count if memory else 0,
        created_at=memory.created_at if memory else event.occurred_at,
        updated_at=event.occurred_at,
        expires_at=change.expires_at,
        tier=change.tier,
        newest=event.position,
        fold_version=FOLD_VERSION,
    )


def refold(log: Collection[Event], names: Collection[MemoryKey]) -> dict[MemoryKey, Memory]:
    """The memories of `names` that a lead's whole log gives; absent when it gives none."""
    memories = {step.name: step.after for step in history(log, names)}
    return {name: memory for name, memory in memories.items() if memory is not None}


def history(log: Collection[Event], names: Collection[MemoryKey]) -> Iterator["Step"]:
    """What each event of a lead's whole log made of the memories of `names`, in the order of the fold."""
    cases = Cases(log)
    memories: dict[MemoryKey, Memory | None] = {}
    for event in sorted(log, key=lambda event: event.position):
        for change in derive(event, cases.of(event)):
            if change.name in names:
                before = memories.get(change.name)
                memories[change.name] = fold(before, change, event)
                yield Step(change.name, event, before, memories[change.name])


class Step(NamedTuple):
    name: MemoryKey
    event: Event
    before: Memory | None
    after: Memory | None


def _with(event: Event, memory: Memory) -> tuple[str, ...]:
    return (event.ref, *memory.source_event_ids)[:SOURCE_EVENT_IDS_KEPT]


def _supported(memory: Memory, change: Change, event: Event) -> Memory:
    """An aggregating memory names every event that had a part in it; to another, the event was only news of itself."""
    if not change.aggregates:
        return msgspec.structs.replace(memory, newest=event.position)
    return msgspec.structs.replace(
        memory,
        source_event_ids=_with(event, memory),
        source_event_count=memory.source_event_count + 1,
        evidence_count=memory.evidence_count + 1,
        updated_at=event.occurred_at,
        newest=event.position,
    )


def _outranked(memory: Memory, change: Change, event: Event) -> bool:
    """An inference never replaces a declaration; at equal times the stronger source wins."""
    if change.aggregates:
        return False
    if change.source is Source.AGENT_INFERRED and memory.source is Source.USER_DECLARED:
        return True
    return event.occurred_at == memory.updated_at and RANK[change.source] < RANK[memory.source]


def _contradicted(memory: Memory, change: Change, event: Event) -> Memory:
    """What was said by the weaker source is counted: as support when it agrees, else as a contradiction."""
    agrees = change.reduce(memory.value, change.said) == memory.value
    return msgspec.structs.replace(
        memory,
        evidence_count=memory.evidence_count + agrees,
        contradiction_count=memory.contradiction_count + (not agrees),
        newest=event.position,
    )


def _evidence(memory: Memory | None, change: Change, value: Value) -> int:
    """One more when the event adds up, says the same again, or adds fields; else this event alone."""
    if memory is None:
        return 1
    extends = all(field in value and value[field] == said for field, said in memory.value.items())
    return memory.evidence_count + 1 if change.aggregates or extends else 1
