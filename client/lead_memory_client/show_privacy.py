"""What is filed of an erasure."""

from collections.abc import Mapping
from datetime import UTC, datetime

from rich.table import Table

from lead_memory.services.erase import Backup
from lead_memory_client.answers import Erasure
from lead_memory_client.show import new_table


def receipt_table(erasure: Erasure) -> Table:
    receipt = erasure.receipt
    table = new_table("receipt" if not receipt.dry_run else "dry run, nothing was changed", "")
    table.add_row("what", receipt.what)
    table.add_row("organization", receipt.organization_id)
    if receipt.lead_id:
        table.add_row("lead", receipt.lead_id)
    if receipt.event:
        table.add_row("event", receipt.event)
    table.add_row("asked by", receipt.asked_by)
    if receipt.dry_run:
        table.add_row("there is" if receipt.finished else "there is at least", _counts(receipt.removed) or "nothing")
        return table
    table.add_row("erased at", _utc(receipt.erased_at))
    nothing = "nothing" if receipt.removed_before else "nothing: none of it is or was held"
    table.add_row("removed", _counts(receipt.removed) or nothing)
    if receipt.removed_before:
        table.add_row("and before", _counts(receipt.removed_before))
    table.add_row("looked again", f"{receipt.found_again} found" if receipt.found_again else "nothing was found")
    table.add_row("verified", "yes" if erasure.verified else "not yet")
    for backup in receipt.backups:
        table.add_row("backup", _backup(backup))
    return table


def _counts(removed: Mapping[str, int]) -> str:
    return ", ".join(f"{kind.replace('_', ' ')} {count}" for kind, count in removed.items() if count)


def _backup(backup: Backup) -> str:
    until = f", until {_utc(backup.until)}" if backup.until else ""
    return f"{backup.name}{until}: {backup.note}"


def _utc(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
