"""What stands beside a memory's value: annotations, retention, storage. A memory that is not there stays away."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from lead_memory.domain.events import Event
from lead_memory.domain.memories import (
    Annotations,
    Change,
    Derivation,
    Memory,
    Position,
    Revision,
    Source,
    StorageTier,
    leave,
)
from lead_memory.domain.payloads.keeping import MemoryAnnotated, MemoryMoved, MemoryTiered
from lead_memory.domain.retention import RetentionStatus, active_since

MOVES = {
    "memory.archived": RetentionStatus.ARCHIVED,
    "memory.soft_deleted": RetentionStatus.SOFT_DELETED,
    "memory.hard_delete_queued": RetentionStatus.HARD_DELETE_PENDING,
    "memory.purged": RetentionStatus.PURGED,
    "memory.restored": RetentionStatus.ACTIVE,
}
_DEFAULTS = msgspec.structs.asdict(Annotations())


def annotating(said: Mapping[str, Any]) -> Revision:
    """None in place of a value brings the default back."""
    given = {field: _DEFAULTS[field] if value is None else value for field, value in said.items()}

    def revise(memory: Memory, _: Position) -> Memory:
        annotations = msgspec.structs.replace(memory.annotations, **given)
        return msgspec.structs.replace(memory, annotations=annotations)

    return revise


def annotated(_: Event, said: MemoryAnnotated) -> Iterable[Change]:
    def revise(memory: Memory, at: Position) -> Memory:
        status = memory.retention.status
        taken = status is RetentionStatus.ACTIVE or (leaves_project and status is not RetentionStatus.PURGED)
        return annotate(memory, at) if taken else refused(memory, at)

    # A project that goes is no change of what belonged to it.
    leaves_project = said.annotations == {"project_id": None}
    annotate = annotating(said.annotations)
    yield _beside(said, revise)


def moved(event: Event, said: MemoryMoved) -> Iterable[Change]:
    to = MOVES[event.event_type]

    def revise(memory: Memory, at: Position) -> Memory:
        here = memory.retention
        changed_since = said.since is not None and active_since(here, memory.updated_at) != said.since
        if here.status is to or changed_since:
            return memory
        retention = here.moved(to, at.occurred_at)
        if retention is None:
            return refused(memory, at)
        memory = msgspec.structs.replace(memory, retention=retention)
        return _emptied(memory) if to is RetentionStatus.PURGED else memory

    yield _beside(said, revise)


def tiered(_: Event, said: MemoryTiered) -> Iterable[Change]:
    def revise(memory: Memory, _: Position) -> Memory:
        if memory.retention.status is RetentionStatus.PURGED:
            return memory
        used_at = max(filter(None, (memory.last_accessed_at, said.used_at)), default=None)
        return msgspec.structs.replace(memory, storage_tier=said.storage_tier, last_accessed_at=used_at)

    yield _beside(said, revise)


def refused(memory: Memory, at: Position) -> Memory:
    return msgspec.structs.replace(memory, retention=memory.retention.refusing(at.ref))


def _emptied(memory: Memory) -> Memory:
    return msgspec.structs.replace(
        memory, value={}, annotations=Annotations(), expires_at=None, storage_tier=StorageTier.HOT
    )


def _beside(said: MemoryAnnotated | MemoryMoved | MemoryTiered, revise: Revision) -> Change:
    return Change(
        memory_type=said.memory_type,
        key=said.key,
        said={},
        reduce=leave,
        source=Source.SYSTEM_COMPUTED,
        revise=revise,
    )


DERIVATIONS: dict[str, Derivation] = {
    "memory.annotated": annotated,
    "memory.tiered": tiered,
    **dict.fromkeys(MOVES, moved),
}
