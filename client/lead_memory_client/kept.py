"""How long a memory is kept and how it is stored, as the client answers."""

from datetime import datetime

import msgspec

from lead_memory.domain.memories import MemoryKey, MemoryType, StorageTier
from lead_memory.domain.retention import RetentionStatus


class InIndex(msgspec.Struct, frozen=True, kw_only=True):
    """What stands beside a memory for recalls, without its vector."""

    usage_count: int = 0
    last_accessed_at: datetime | None = None
    vector_id: str | None = None
    embedding_version: str | None = None


NOT_IN_INDEX = InIndex()


class Coming(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What time does to a memory."""

    event_type: str
    at: datetime
    storage_tier: StorageTier | None = None


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """How long a memory is kept, and how it is stored."""

    memory_type: MemoryType
    key: str
    retention_status: RetentionStatus
    archived_at: datetime | None
    """When it last was; so the next."""
    soft_deleted_at: datetime | None
    hard_delete_queued_at: datetime | None
    purged_at: datetime | None
    restored_at: datetime | None
    archive_at: datetime | None
    """When its organization's policy does so; so the next. None where it never does, or did."""
    retention_expires_at: datetime | None
    """It is softly deleted."""
    hard_delete_at: datetime | None
    """It is queued for the purge."""
    purge_at: datetime | None
    expires_at: datetime | None
    """By what was said of it."""
    storage_tier: StorageTier
    refused_count: int
    """Changes and transitions that were not taken."""
    refused_ref: str | None
    """`<source>/<event_id>` of the last of them."""
    coming: tuple[Coming, ...]
    """Soonest first; none where it is kept for ever, as it is."""

    over: bool
    """Its time is: nothing is left but its name."""

    @property
    def name(self) -> MemoryKey:
        return MemoryKey(self.memory_type, self.key)

    @property
    def soft_deleted(self) -> bool:
        return self.retention_status is RetentionStatus.SOFT_DELETED
