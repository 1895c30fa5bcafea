"""A memory with all that is known of it, flat, under the names that docs/reference/record.md explains."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec

from lead_memory.domain import lifecycle, retention, scores
from lead_memory.domain.intelligence import cluster
from lead_memory.domain.memories import Memory
from lead_memory.domain.recall.text import recall_text
from lead_memory.domain.retention import Policy, RetentionStatus
from lead_memory_client.kept import Coming, InIndex, Kept


def kept(memory: Memory, policy: Policy, index: InIndex) -> Kept:
    return Kept(
        memory_type=memory.memory_type,
        key=memory.key,
        **_retention(memory, policy),
        storage_tier=memory.storage_tier,
        expires_at=memory.expires_at,
        coming=tuple(sorted(_coming(memory, policy, index), key=lambda step: step.at)),
        over=not memory.value and memory.retention.status is not RetentionStatus.PURGED,
    )


def record(memory: Memory, policy: Policy, index: InIndex, now: datetime) -> dict[str, Any]:
    """Its own fields, what stands beside it, and what follows from both at a time."""
    own = msgspec.structs.asdict(memory)
    annotations, _ = own.pop("annotations"), own.pop("retention")
    sources = sorted(cluster.sources(memory))
    return {
        **own,
        **msgspec.structs.asdict(annotations),
        "parent": annotations.parent and annotations.parent._asdict(),
        **_retention(memory, policy),
        **_scores(memory, index, now),
        **msgspec.structs.asdict(index),
        "last_accessed_at": _used_at(memory, index),
        "is_summary": bool(sources),
        "summary_of": [source._asdict() for source in sources],
    }


def _retention(memory: Memory, policy: Policy) -> dict[str, Any]:
    own = msgspec.structs.asdict(memory.retention)
    dates = retention.dates(memory.retention, memory.updated_at, policy) if memory.value else retention.Dates()
    return {"retention_status": own.pop("status"), **own, **msgspec.structs.asdict(dates)}


def _scores(memory: Memory, index: InIndex, now: datetime) -> dict[str, float]:
    evidence = memory.evidence_count, memory.contradiction_count
    content_type = memory.annotations.content_type
    return {
        "quality_score": scores.quality(recall_text(memory)),
        "confidence_score": scores.confidence_score(memory.source, memory.confidence, *evidence),
        "freshness_score": scores.freshness(memory.memory_type, content_type, memory.updated_at, now),
        "decay_score": scores.decay(memory.updated_at, _used_at(memory, index), now),
        "consistency_score": scores.consistency(*evidence),
    }


def _coming(memory: Memory, policy: Policy, index: InIndex) -> Iterator[Coming]:
    """Of one whose time is over, or that was purged, nothing is left to do anything to."""
    if memory.value:
        standing = lifecycle.standing(memory)._replace(last_accessed_at=_used_at(memory, index))
        for step in lifecycle.steps(standing, policy):
            yield Coming(event_type=step.event_type, at=step.due_at, storage_tier=step.storage_tier)


def _used_at(memory: Memory, index: InIndex) -> datetime | None:
    return max(filter(None, (memory.last_accessed_at, index.last_accessed_at)), default=None)
