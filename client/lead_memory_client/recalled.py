"""What a recall is answered with; docs/reference/recall.md explains each field."""

from datetime import datetime
from typing import Any, Literal

import msgspec

from lead_memory.domain.memories import Environment, MemoryType, Source, StorageTier
from lead_memory.domain.retention import RetentionStatus


class RecalledMemory(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    memory_type: MemoryType
    key: str
    text: str
    """What was searched."""
    value: Any
    score: float
    """The sum of its `parts`."""
    parts: dict[str, float]
    scores: dict[str, float]
    """`quality`, `confidence_score`, `consistency`, `freshness` and `decay`, each from 0 to 1."""
    tags: tuple[str, ...]
    metadata: dict[str, Any]
    importance: float
    content_type: str | None
    event_type: str | None
    environment: Environment
    project_id: str | None
    parent: str | None
    is_summary: bool
    summary_of: tuple[str, ...]
    summarized_in: str | None
    """The newest summary of it."""
    retention_status: RetentionStatus
    storage_tier: StorageTier
    vector_id: str | None
    embedding_version: str | None
    usage_count: int
    """Before this recall."""
    last_accessed_at: datetime | None
    updated_at: datetime
    source: Source
    evidence_count: int
    contradiction_count: int
    source_event_ids: tuple[str, ...]


class Recall(msgspec.Struct, frozen=True, kw_only=True):
    memories: tuple[RecalledMemory, ...]
    """Best first."""
    lead_known: bool
    similarity: Literal["included", "unavailable"]
    entries: int
    """That were looked at."""
    waiting: int
    """Of them, those without a vector to compare yet."""
    cold: int
    """That were not looked at."""
    changed_since: int
    """Left out, because they were changed after the time that was asked for."""
    newest_at: datetime | None
    """Of the last change that is in the index."""
    uses_counted: bool
    requests: int
    milliseconds: float
