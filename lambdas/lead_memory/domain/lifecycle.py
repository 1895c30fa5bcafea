"""When time changes a memory, by what the memory says and by its organization's policy."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from lead_memory.domain.conversation import names, notes, threads
from lead_memory.domain.memories import IN_TEMPLATES, Memory, MemoryKey, MemoryType, StorageTier
from lead_memory.domain.retention import NO_POLICY, Policy, Retention, RetentionStatus, active_since, dates
from lead_memory.domain.times import on_the_hour


class Standing(NamedTuple):
    """What time asks of a memory; nothing of it is content but the name."""

    name: MemoryKey
    updated_at: datetime
    expires_at: datetime | None
    retention: Retention
    storage_tier: StorageTier
    last_accessed_at: datetime | None


class Step(NamedTuple):
    """What time does next."""

    event_type: str
    due_at: datetime
    since: datetime | None = None
    """From when the policy counts."""
    storage_tier: StorageTier | None = None
    """Where to it goes, or where it stays."""
    used_at: datetime | None = None


_EVENTS = {
    RetentionStatus.ARCHIVED: "memory.archived",
    RetentionStatus.SOFT_DELETED: "memory.soft_deleted",
    RetentionStatus.HARD_DELETE_PENDING: "memory.hard_delete_queued",
    RetentionStatus.PURGED: "memory.purged",
}
_FROM_ACTIVE = (RetentionStatus.ARCHIVED, RetentionStatus.SOFT_DELETED)
_TIERS = list(StorageTier)


def standing(memory: Memory) -> Standing:
    return Standing(
        memory.name,
        memory.updated_at,
        memory.expires_at,
        memory.retention,
        memory.storage_tier,
        memory.last_accessed_at,
    )


def steps(of: Standing, policy: Policy) -> Iterator[Step]:
    """All that is known to come, in no order; of the storage tiers, the one that it goes to next."""
    if of.expires_at is not None:
        yield Step("memory.expired", announced_at(of.name, of.expires_at))
    if of.name.memory_type not in IN_TEMPLATES:
        return
    since = active_since(of.retention, of.updated_at)
    for status, at in dates(of.retention, of.updated_at, policy).coming():
        yield Step(_EVENTS[status], at, since=since if status in _FROM_ACTIVE else None)
    if not of.retention.deleted and (tier := next_tier(of, policy)):
        yield tier


def next_step(of: Standing, policy: Policy) -> Step | None:
    return min(steps(of, policy), key=lambda step: step.due_at, default=None)


def due_step(of: Standing, policy: Policy, now: datetime) -> Step | None:
    """What is over is said to be, before anything else becomes of it: nothing would any more."""
    due = [step for step in steps(of, policy) if step.due_at <= now]
    return min(due, key=lambda step: (step.event_type != "memory.expired", step.due_at), default=None)


def next_tier(of: Standing, policy: Policy) -> Step | None:
    """By use and age: counted from the last change or the last use, whichever came later."""
    since = max(of.updated_at, of.last_accessed_at or of.updated_at)
    coming = {StorageTier.WARM: policy.warm_after_days, StorageTier.COLD: policy.cold_after_days}
    for tier, days in coming.items():
        if days is not None and _TIERS.index(of.storage_tier) < _TIERS.index(tier):
            return Step("memory.tiered", since + timedelta(days=days), storage_tier=tier)
    return None


def due_at(memory: Memory, policy: Policy = NO_POLICY) -> datetime | None:
    """When the sweep has something to do for it: time moves it, a note in it ends, or something is to be written."""
    if not memory.value:
        return None
    if memory.memory_type is MemoryType.NOTE:
        return notes.next_expiry(memory.value)
    if names.is_thread(memory.name):
        return threads.due_at(memory.value)
    step = next_step(standing(memory), policy)
    return step.due_at if step else None


def announced_at(name: MemoryKey, expires_at: datetime) -> datetime:
    """When the end of a memory is announced, which readers do not wait for.

    Every message puts off the end of a conversation's memories; on the hour, most leave the index of due dates alone.
    """
    return on_the_hour(expires_at) if name.memory_type is MemoryType.CONVERSATION else expires_at
