"""Tables for people."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from itertools import groupby
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from lead_memory.domain.memories import Annotations, Memory, StorageTier
from lead_memory.domain.retention import RetentionStatus
from lead_memory_client.answers import RecordedEvent, ResolvedLead, StageStatus, TemplatePlan
from lead_memory_client.errors import RequestRefused
from lead_memory_client.queues import TROUBLES

WHOLE_REF_CHARACTERS = 50
_SHOWN = "\n\xa0\u200c\u200d"
"""Not printable to Python; the joiners are part of words and of emoji."""
_SPANS = [("y", 365 * 86_400), ("mo", 30 * 86_400), ("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)]


class Steps:
    """Says what is being done, and on a terminal for how long already."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress: Progress | None = None
        self._step: TaskID | None = None

    def __enter__(self) -> Callable[[str], None]:
        if self._console.is_terminal:
            columns = (SpinnerColumn(finished_text="✓"), TextColumn("{task.description}"), TimeElapsedColumn())
            self._progress = Progress(*columns, console=self._console)
            self._progress.start()
        return self._begin

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        if self._progress is not None:
            if error is None:
                self._finish(self._progress)
            self._progress.stop()

    def _begin(self, step: str) -> None:
        if self._progress is None:
            self._console.print(step, soft_wrap=True)
            return
        self._finish(self._progress)
        self._step = self._progress.add_task(step, total=1)

    def _finish(self, progress: Progress) -> None:
        if self._step is not None:
            progress.update(self._step, completed=1)


@contextmanager
def counted(console: Console, what: str) -> Iterator[Callable[[int, int | None], None]]:
    """On a terminal, how many are done, of how many; None where that is not known."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, of: progress.update(task, completed=done, total=of)


def memories_text(memories: Iterable[Memory], now: datetime) -> RenderableType:
    """By type: each memory's key and provenance, and under it its value, as far as the line goes."""
    text = Text(no_wrap=True, overflow="ellipsis")
    for memory_type, group in groupby(memories, key=lambda memory: memory.memory_type):
        text.append(f"{memory_type}\n", "bold cyan")
        for memory in group:
            source = memory.source.replace("_", " ")
            updated = age((now - memory.updated_at).total_seconds())
            text.append(f"  {memory.key:<35} ", "bold")
            text.append(f"{memory.confidence:.2f} {source:<15} {updated:<5} {_origin(memory)}", "dim")
            text.append(f"{''.join(f'  {each}' for each in _beside(memory))}\n", "yellow")
            text.append(f"    {printable(' '.join(_fields(memory.value).splitlines()))}\n")
    text.right_crop(1)
    # Printed by itself a text would forget not to wrap.
    return Group(text)


def events_table(events: Iterable[RecordedEvent]) -> Table:
    table = new_table("occurred (UTC)", "type", "event")
    refs = []
    for event in events:
        occurred_at = event.occurred_at.astimezone(UTC)
        refs.append(f"{event.source}/{event.event_id}")
        table.add_row(f"{occurred_at:%Y-%m-%d %H:%M}", event.event_type, refs[-1])
    # In one line, to be copied, where the table can hold it.
    table.columns[-1].no_wrap = max(map(len, refs), default=0) <= WHOLE_REF_CHARACTERS
    return table


def leads_table(leads: Iterable[ResolvedLead], names: Mapping[str, str]) -> Table:
    """`names` stand for the leads' ids where they are known."""
    table = new_table("lead", "message, or why there is none")
    for lead in leads:
        table.add_row(names.get(lead.lead, lead.lead), message(lead))
    return table


def message(lead: ResolvedLead) -> Text:
    texts = {"": lead.text} if lead.text is not None else lead.texts or {}
    lines = [Text(printable(f"{name}: {text}" if name else text)) for name, text in texts.items()]
    lines += [
        Text(f"{missing.variable}: {missing.reason}{', its default stands in' if missing.defaulted else ''}", "yellow")
        for missing in lead.missing
    ]
    return Text("\n").join(lines)


def plan_table(plan: TemplatePlan) -> Table:
    """What is read for one lead."""
    table = new_table("read", "what")
    for memory in plan.memories:
        table.add_row("GetItem", f"{memory.memory_type}.{memory.key}")
    if plan.profile_fields:
        reading = "SQL, one for all leads" if plan.reads.sql else "nothing: the stage has no profiles"
        table.add_row(reading, ", ".join(f"lead.{field}" for field in plan.profile_fields))
    return table


def status_table(status: StageStatus) -> Table:
    table = new_table("what", "state")
    deployed_at = status.deployed_at.astimezone(UTC)
    table.add_row("stage", f"{status.stage}, {status.stack_status}, deployed {deployed_at:%Y-%m-%d %H:%M:%S} UTC")
    table.add_row("where", f"{status.region}, {status.endpoint}")
    table.add_row("table", status.table)
    table.add_row("bus", status.bus)
    table.add_row("profile fields", ", ".join(status.profile_fields) or "none: the stage has no profiles")
    for name, depth in status.queues.items():
        put_off = f", {depth.delayed} put off" if depth.delayed else ""
        trouble = "yellow" if name in TROUBLES and depth.waiting else ""
        table.add_row(
            f"{name.replace('_', ' ')} queue",
            Text(f"{depth.waiting} waiting, {depth.in_flight} in flight{put_off}", trouble),
        )
    return table


def refusal_lines(refusal: RequestRefused) -> str:
    """The sentence, and under the line of the template that it is about a caret."""
    mistake = refusal.mistake
    if refusal.template is None or mistake.line is None or mistake.column is None:
        return mistake.message
    line = refusal.template.split("\n")[mistake.line - 1].replace("\t", " ")
    indent = " " * Text(line[: mistake.column - 1]).cell_len
    return f"{mistake.message}\n  {line}\n  {indent}^"


def age(seconds: float) -> str:
    """In its largest unit that is not zero, rounded down."""
    return next((f"{int(seconds // span)} {unit}" for unit, span in _SPANS if seconds >= span), "now")


def now() -> datetime:
    return datetime.now(UTC)


def new_table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def printable(text: str) -> str:
    """Without what a terminal would obey."""
    return "".join(each if each.isprintable() or each in _SHOWN else "\ufffd" for each in text)


def _origin(memory: Memory) -> str:
    """How many events made it, and the newest of them."""
    count, newest = memory.source_event_count, memory.source_event_ids[0]
    return newest if count == 1 else f"{count} events, newest {newest}"


def _beside(memory: Memory) -> Iterator[str]:
    """What is not as with most memories."""
    if memory.retention.status is not RetentionStatus.ACTIVE:
        yield memory.retention.status.replace("_", " ")
    if memory.storage_tier is not StorageTier.HOT:
        yield memory.storage_tier
    if memory.annotations.importance != Annotations().importance:
        yield f"importance {memory.annotations.importance:g}"
    yield from (f"#{printable(tag)}" for tag in memory.annotations.tags)


def _fields(value: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}: {plain(field)}" for name, field in value.items())


def plain(field: Any) -> str:
    match field:
        case Mapping():
            return f"{{{_fields(field)}}}"
        case list():
            return f"[{', '.join(map(plain, field))}]"
        case bool():
            return str(field).lower()
        case Decimal():
            return f"{field:f}"
    return str(field)
