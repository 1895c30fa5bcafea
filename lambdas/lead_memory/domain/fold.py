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
    Annotations,
    Change,
    Memory,
    MemoryKey,
    Source,
    StorageTier,
    Value,
    keep,
    lapse,
    leave,
)
from lead_memory.domain.retention import Retention, RetentionStatus

FOLD_VERSION = 5
"""Raised when the same events would give another memory; a memory carries the version that made it."""


def fold(memory: Memory | None, change: Change, event: Event) -> Memory | None:
    """The memory after what `event` says about it; None when there is nothing to remember.

    The caller folds in the order of `Event.position`.
    """
    if change.reduce is leave and memory is not None:
        return _revised(memory, change, event)
    if change.reduce is leave:
        # An empty one, so that what it was said of is seen to be late when it comes.
        change = msgspec.structs.replace(change, reduce=lapse, expires_at=event.occurred_at, revise=None)
    before = memory
    retention = memory.retention if memory else Retention()
    over = memory is not None and memory.expired(event.occurred_at)
    if memory is not None and retention.read_only and change.reduce is not lapse and not over:
        return msgspec.structs.replace(memory, retention=retention.refusing(event.ref), newest=event.position)
    purged = retention.status is RetentionStatus.PURGED
    if memory is not None and purged and change.reduce is lapse:
        return msgspec.structs.replace(memory, newest=event.position)
    if over or purged:
        memory = None
    if memory is not None and change.reduce in (keep, lapse):
        return _supported(memory, change, event)
    if memory is not None and _outranked(memory, change, event):
        return _contradicted(memory, change, event)
    value = change.reduce(memory.value if memory else None, change.said)
    if value is None:
        # What is empty stays where it is: it is still known when it was purged, and what comes late is seen to.
        empty = before if before is not None and not before.value else None
        return empty and msgspec.structs.replace(empty, newest=event.position)
    if change.expires_at is not None and change.expires_at <= event.occurred_at:
        value = {}  # it was over when it was said
    made = Memory(
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
        annotations=memory.annotations if memory else Annotations(),
        retention=retention.anew(),
        last_accessed_at=memory.last_accessed_at if memory else None,
        extraction_attempt_id=event.attempt_id,
    )
    return change.revise(made, event.position) if change.revise else made


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


def _revised(memory: Memory, change: Change, event: Event) -> Memory:
    """One whose time is over is not looked after any more."""
    if change.revise and not memory.expired(event.occurred_at):
        memory = change.revise(memory, event.position)
    return msgspec.structs.replace(memory, newest=event.position)


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
        storage_tier=StorageTier.HOT,
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
