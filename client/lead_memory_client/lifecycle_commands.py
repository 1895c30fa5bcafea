"""The command that shows how long memories are kept."""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from lead_memory.domain.memories import StorageTier
from lead_memory.domain.retention import RetentionStatus
from lead_memory_client.terminal import OK, Of, answer

if TYPE_CHECKING:
    from rich.table import Table

    from lead_memory_client.kept import Coming, Kept

WHAT = {
    "memory.expired": "its time is over",
    "memory.archived": "archived",
    "memory.soft_deleted": "deleted, and can be restored",
    "memory.hard_delete_queued": "queued for the purge",
    "memory.purged": "purged",
}
STATUSES = {
    RetentionStatus.ACTIVE: "active",
    RetentionStatus.ARCHIVED: "archived",
    RetentionStatus.SOFT_DELETED: "deleted",
    RetentionStatus.HARD_DELETE_PENDING: "queued for the purge",
    RetentionStatus.PURGED: "purged",
}


def lifecycle(*, lead: UUID, of: Of = Of()) -> int:
    """Show what becomes of a lead's memories and when, soonest first: those that are deleted, too.

    Args:
        lead: The lead's id.
    """
    found = of.connect().lifecycle(lead, of.organization_id())
    answer(of, {"memories": found}, lambda: _table(found) if found else "Nothing is remembered.")
    return OK


def _table(found: "Iterable[Kept]") -> "Table":
    from lead_memory_client.show import new_table, printable

    table = new_table("memory", "status", "what will become of it (UTC)")
    for each in found:
        table.add_row(printable(str(each.name)), "\n".join(_standing(each)), "\n".join(_ahead(each)))
    return table


def _standing(each: "Kept") -> list[str]:
    lines = [STATUSES[each.retention_status]]
    if each.storage_tier is not StorageTier.HOT:
        lines[0] += f", {each.storage_tier}"
    times = {
        "archived": each.archived_at,
        "deleted": each.soft_deleted_at,
        "queued": each.hard_delete_queued_at,
        "purged": each.purged_at,
        "restored": each.restored_at,
    }
    lines += [f"{what} {minute(at)}" for what, at in times.items() if at]
    if each.refused_count:
        lines.append(f"{each.refused_count} refused, the last {each.refused_ref}")
    return lines


def _ahead(each: "Kept") -> list[str]:
    if each.coming:
        return [f"{minute(step.at)}  {_what(step)}" for step in each.coming]
    if each.retention_status is RetentionStatus.PURGED:
        return ["only its name is left"]
    if each.over:
        return ["its time is over"]
    return ["stays deleted" if each.soft_deleted else "kept for ever"]


def _what(step: "Coming") -> str:
    return f"stored {step.storage_tier}" if step.storage_tier else WHAT[step.event_type]


def minute(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M}"
