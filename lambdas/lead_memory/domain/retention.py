"""How long a memory is kept: its status, how that moves, and when an organization's policy moves it."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

import msgspec

GRACE = timedelta(days=7)
"""Between the queue for deletion and the deletion; until then a memory can be restored."""


class RetentionStatus(StrEnum):
    """In the order in which a memory goes through them."""

    ACTIVE = "active"
    ARCHIVED = "archived"
    """Read, and no more changed."""
    SOFT_DELETED = "soft_deleted"
    """Hidden, and can be restored."""
    HARD_DELETE_PENDING = "hard_delete_pending"
    """Hidden, and purged when its grace is over."""
    PURGED = "purged"
    """Without its content; what is said after that begins anew."""


ORDER = list(RetentionStatus)


class Retention(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a memory stands, and when each transition last fired; a time that is set is never cleared."""

    status: RetentionStatus = RetentionStatus.ACTIVE
    archived_at: datetime | None = None
    soft_deleted_at: datetime | None = None
    hard_delete_queued_at: datetime | None = None
    purged_at: datetime | None = None
    restored_at: datetime | None = None
    refused_count: int = 0
    """Changes and transitions that were not taken."""
    refused_ref: str | None = None
    """Of the last of them, `<source>/<event_id>`."""

    @property
    def deleted(self) -> bool:
        return ORDER.index(self.status) >= ORDER.index(RetentionStatus.SOFT_DELETED)

    @property
    def read_only(self) -> bool:
        return self.status not in (RetentionStatus.ACTIVE, RetentionStatus.PURGED)

    def refusing(self, ref: str) -> "Retention":
        return msgspec.structs.replace(self, refused_count=self.refused_count + 1, refused_ref=ref)

    def moved(self, to: RetentionStatus, at: datetime) -> "Retention | None":
        """None where it cannot go there: it goes forward, comes back before it is purged, and is purged after its
        grace.
        """
        here, there = ORDER.index(self.status), ORDER.index(to)
        if to is RetentionStatus.ACTIVE:
            legal = here > 0 and self.status is not RetentionStatus.PURGED
        elif to is RetentionStatus.PURGED:
            queued_at = self.hard_delete_queued_at
            legal = here == there - 1 and queued_at is not None and at >= queued_at + GRACE
        else:
            legal = there > here
        return msgspec.structs.replace(self, status=to, **{_TIMES[to]: at}) if legal else None

    def anew(self) -> "Retention":
        """Of what is said after it was purged, or after its own time was over."""
        return msgspec.structs.replace(self, status=RetentionStatus.ACTIVE)


_TIMES = {
    RetentionStatus.ACTIVE: "restored_at",
    RetentionStatus.ARCHIVED: "archived_at",
    RetentionStatus.SOFT_DELETED: "soft_deleted_at",
    RetentionStatus.HARD_DELETE_PENDING: "hard_delete_queued_at",
    RetentionStatus.PURGED: "purged_at",
}

type Days = Annotated[int, msgspec.Meta(ge=1, le=36_500)]


class Policy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """How long an organization keeps memories of a type; what is not said is for ever.

    Raises `ValueError` for days that are not in order.
    """

    archive_after_days: Days | None = None
    """After the last change, or the restoration; so the next."""
    delete_after_days: Days | None = None
    """Softly."""
    purge_after_days: Days | None = None
    """After the soft deletion, it is queued for the purge, which follows after the grace."""
    warm_after_days: Days | None = None
    """Without a change and without use; so the next."""
    cold_after_days: Days | None = None

    def __post_init__(self) -> None:
        for earlier, later in (("archive_after_days", "delete_after_days"), ("warm_after_days", "cold_after_days")):
            first, second = getattr(self, earlier), getattr(self, later)
            if first is not None and second is not None and first >= second:
                raise ValueError(f"{earlier} comes before {later}: {first} days are not fewer than {second}")


NO_POLICY = Policy()


class Dates(msgspec.Struct, frozen=True, kw_only=True):
    """When a policy moves a memory, as far as is known now."""

    archive_at: datetime | None = None
    retention_expires_at: datetime | None = None
    """It is softly deleted."""
    hard_delete_at: datetime | None = None
    """It is queued for the purge."""
    purge_at: datetime | None = None

    def coming(self) -> Iterator[tuple[RetentionStatus, datetime]]:
        for status, at in (
            (RetentionStatus.ARCHIVED, self.archive_at),
            (RetentionStatus.SOFT_DELETED, self.retention_expires_at),
            (RetentionStatus.HARD_DELETE_PENDING, self.hard_delete_at),
            (RetentionStatus.PURGED, self.purge_at),
        ):
            if at is not None:
                yield status, at


def active_since(retention: Retention, updated_at: datetime) -> datetime:
    """From when a policy counts: the last change, or the restoration after it."""
    return max(updated_at, retention.restored_at) if retention.restored_at else updated_at


def dates(retention: Retention, updated_at: datetime, policy: Policy) -> Dates:
    """Of the transitions that are yet to come."""
    passed = ORDER.index(retention.status)
    since = active_since(retention, updated_at)

    def ahead(status: RetentionStatus, at: datetime | None) -> datetime | None:
        return at if passed < ORDER.index(status) else None

    archive_at = ahead(RetentionStatus.ARCHIVED, _after(since, policy.archive_after_days))
    expires_at = ahead(RetentionStatus.SOFT_DELETED, _after(since, policy.delete_after_days))
    deleted_at = expires_at or (retention.soft_deleted_at if retention.deleted else None)
    hard_delete_at = ahead(RetentionStatus.HARD_DELETE_PENDING, _after(deleted_at, policy.purge_after_days))
    pending = retention.status is RetentionStatus.HARD_DELETE_PENDING
    queued_at = hard_delete_at or (retention.hard_delete_queued_at if pending else None)
    return Dates(
        archive_at=archive_at,
        retention_expires_at=expires_at,
        hard_delete_at=hard_delete_at,
        purge_at=queued_at + GRACE if queued_at else None,
    )


def _after(time: datetime | None, days: int | None) -> datetime | None:
    return None if time is None or days is None else time + timedelta(days=days)
