"""How a lead's memories came about: its log, folded again."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

import msgspec

from lead_memory.domain import canonical
from lead_memory.domain.amendments import Cases
from lead_memory.domain.derivations import touched
from lead_memory.domain.events import Event
from lead_memory.domain.fold import Step, history, refold
from lead_memory.domain.memories import Lead, Memory, MemoryKey, StorageTier, Value
from lead_memory.domain.retention import RetentionStatus
from lead_memory_client.answers import Contribution, Effect, Explanation, FieldChange
from lead_memory_client.table import LeadTable, Recorded

READS = 5
"""Of a memory that changes each time while its log is read."""


def explain(table: LeadTable, lead: Lead, name: MemoryKey) -> Explanation:
    memory, version = table.memory(lead, name)
    for _ in range(READS):
        log = table.log(lead)
        before, (memory, version) = version, table.memory(lead, name)
        # Every event with a part in the memory writes it, so between equal versions its events stood still.
        if version == before:
            break
    steps = list(history([each.event for each in log], {name}))
    recorded_at = {each.event.ref: each.recorded_at for each in log}
    return Explanation(
        memory=memory,
        is_the_fold=canonical.encode(memory) == canonical.encode(steps[-1].after if steps else None)
        if version == before
        else None,
        contributions=tuple(
            _contribution(list(of_event), recorded_at[ref])
            for ref, of_event in groupby(steps, key=lambda step: step.event.ref)
        ),
    )


def known_at(as_of: datetime, log: Iterable[Recorded]) -> list[Memory]:
    """The memories that the events recorded by then give, without what had ended, by type and key."""
    events = [each.event for each in log if each.recorded_at <= as_of]
    cases = Cases(events)
    names = {name for event in events for name in touched(event, cases.of(event))}
    memories = refold(events, names)
    return [memory for _, memory in sorted(memories.items()) if not memory.hidden(as_of)]


def _contribution(steps: Sequence[Step], recorded_at: datetime) -> Contribution:
    event, before, after = steps[0].event, steps[0].before, steps[-1].after
    status = before.retention.status if before else None
    if before is not None and _begins_anew(before, after, event):
        before = None
    return Contribution(
        event=event.ref,
        event_type=event.event_type,
        occurred_at=event.occurred_at,
        recorded_at=recorded_at,
        effect=_effect(before, after),
        changes=tuple(_changes(before.value if before else {}, after.value if after else {})),
        beside=tuple(_changes(_beside(before), _beside(after))),
        retention_status=status,
    )


def _begins_anew(before: Memory, after: Memory | None, event: Event) -> bool:
    """What was over, or purged, has no part in what is said after it."""
    if before.retention.status is RetentionStatus.PURGED:
        return after is not None and after.retention.status is RetentionStatus.ACTIVE
    return before.expired(event.occurred_at)


def _effect(before: Memory | None, after: Memory | None) -> Effect:
    if before is not None and after is not None and (beside := _effect_beside(before, after)):
        return beside
    if after is None or not after.value:
        return Effect.ENDED if before is not None or after is not None else Effect.NONE
    if before is None:
        return Effect.MADE
    if after.value != before.value:
        return Effect.CHANGED
    if after.contradiction_count > before.contradiction_count:
        return Effect.CONTRADICTED
    return Effect.SUPPORTED if after.evidence_count > before.evidence_count else Effect.NONE


def _effect_beside(before: Memory, after: Memory) -> Effect | None:
    """None where the value is what the event is about."""
    was, now = before.retention, after.retention
    if now.refused_count > was.refused_count:
        return Effect.REFUSED
    if now.status is not was.status:
        return Effect.MOVED
    if after.value != before.value:
        return None
    if after.annotations != before.annotations:
        return Effect.ANNOTATED
    same = after.evidence_count == before.evidence_count
    return Effect.MOVED if same and after.storage_tier is not before.storage_tier else None


def _beside(memory: Memory | None) -> Value:
    """What is not as with most memories."""
    if memory is None:
        return {}
    annotations = msgspec.to_builtins(memory.annotations)
    if memory.annotations.parent:
        annotations["parent"] = str(memory.annotations.parent)
    beside = {"retention_status": memory.retention.status, "storage_tier": memory.storage_tier}
    usual = {"retention_status": RetentionStatus.ACTIVE, "storage_tier": StorageTier.HOT}
    return {**annotations, **{name: what for name, what in beside.items() if what != usual[name]}}


def _changes(before: Value, after: Value) -> Iterator[FieldChange]:
    were, are = dict(_fields(before)), dict(_fields(after))
    for field in {**were, **are}:
        was, now = were.get(field, msgspec.UNSET), are.get(field, msgspec.UNSET)
        if was != now:
            yield FieldChange(field, was, now)


def _fields(value: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, Any]]:
    for name, field in value.items():
        if isinstance(field, Mapping) and field:
            yield from _fields(field, f"{within}{name}.")
        else:
            yield f"{within}{name}", field
