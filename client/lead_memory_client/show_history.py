"""Where a memory comes from, and why messages wait, for people."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lead_memory_client.answers import Contribution, Effect, Explanation, FieldChange, QueueReport, Redriven
from lead_memory_client.lifecycle_commands import STATUSES
from lead_memory_client.show import age, memories_text, new_table, now, plain, printable

_COLOURS = {
    Effect.CONTRADICTED: "yellow",
    Effect.ENDED: "yellow",
    Effect.NONE: "dim",
    Effect.SUPPORTED: "dim",
    Effect.REFUSED: "yellow",
}

_STANDING = {True: "green", False: "red", None: "yellow"}


def explanation_text(found: Explanation) -> RenderableType:
    if not found.contributions and found.memory is None:
        return "Nothing is remembered of that, and no event has a part in it."
    head = memories_text([found.memory], now()) if found.memory else Text("Nothing is remembered.", "bold")
    parts = [head, Text(_standing(found, now()), _STANDING[found.is_the_fold]), Text()]
    for each in found.contributions:
        line = Text(f"{_minute(each.occurred_at)}  {each.event_type}  {printable(each.event)}  ")
        line.append(_effect(each), _COLOURS.get(each.effect, "green"))
        parts.append(line)
        parts += [Text(f"    {_change(change)}") for change in (*each.changes, *each.beside)]
    return Group(*parts)


def queues_table(found: Mapping[str, QueueReport]) -> Table:
    table = new_table("queue", "waiting", "in flight", "oldest", "why")
    for name, report in found.items():
        put_off = f", {report.delayed} put off" if report.delayed else ""
        in_flight, why = str(report.in_flight), Text(_why(report))
        table.add_row(name.replace("_", " "), f"{report.waiting}{put_off}", in_flight, _oldest(report), why)
    return table


def redriven_text(found: Redriven, *, dry_run: bool) -> Text:
    if not found.found:
        return Text("Nothing waits there to be sent back.")
    if dry_run:
        return Text(f"{_counts(found.found)} would be sent back.")
    again = f", {_counts(found.rejected_again)} rejected again" if found.rejected_again else ""
    became = f": {found.recorded} recorded{again}" if found.watched else ""
    return Text(f"{found.sent} sent back ({_counts(found.found)}){became}.")


def _standing(found: Explanation, at: datetime) -> str:
    if found.is_the_fold is None:
        return "Events kept coming while it was read, so it was not compared with them: try again."
    if not found.is_the_fold:
        return "It is not what the events give."
    over = " Its time is over, so it is not shown elsewhere." if found.memory and found.memory.expired(at) else ""
    return f"It is what {len(found.contributions)} events give, to the byte.{over}"


def _effect(each: Contribution) -> str:
    if each.effect is not Effect.REFUSED or each.retention_status is None:
        return each.effect
    return f"refused: the memory was {STATUSES[each.retention_status]}"


def _change(change: FieldChange) -> str:
    return printable(" ".join(f"{change.field}: {_side(change.before)} → {_side(change.after)}".splitlines()))


def _side(value: Any) -> str:
    return "nothing" if value is msgspec.UNSET else plain(value)


def _oldest(report: QueueReport) -> str:
    if report.oldest_seconds is not None:
        return age(report.oldest_seconds)
    return "not measured" if report.waiting or report.in_flight else ""


def _why(report: QueueReport) -> str:
    lines = [_counts(report.reasons)] if report.reasons else []
    if report.reasons and report.looked_at < report.waiting:
        lines[0] += f", of the {report.looked_at} looked at"
    lines += [
        f"{sample.event or sample.lead or 'unreadable'}: {sample.reason}, {sample.detail}" for sample in report.samples
    ]
    return printable("\n".join(lines))


def _counts(reasons: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in reasons.items())


def _minute(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M}"
