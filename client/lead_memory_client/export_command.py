"""The command that writes what is held, for a person's request."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated
from uuid import UUID

from cyclopts import App, Parameter

from lead_memory_client.answers import Exported
from lead_memory_client.terminal import FAILED, OK, Of, answer, out, say

export = App(name="export", help="Write everything that is held about a lead, for a person who asks for it.")


@export.command(name="lead")
def export_lead(*, lead: UUID, folder: Annotated[Path, Parameter(name="--out")], of: Of = Of()) -> int:
    """Write everything that is held about a lead: lead.json for programs, and lead.html to read.

    Args:
        lead: The lead's id.
        folder: A folder that does not exist yet; only you can read it.
    """
    organization_id = of.organization_id()
    memory = of.connect()
    with _counting() as progress:
        exported = memory.export_lead(lead, organization_id, folder, progress=progress)
    answer(of, exported, lambda: _text(exported))
    if exported.unreadable:
        say(f"{exported.unreadable} items do not open whole: the files hold what opens, and name the rest.")
    if exported.messages_not_looked_at:
        say(
            f"{exported.messages_not_looked_at} messages that wait for a person were not looked at: clear the queues "
            f"(`lead-memory queues --stage {of.stage}`), then export again."
        )
    if exported.unavailable:
        say(f"The profile could not be read ({', '.join(exported.unavailable)}): export again later.")
    whole = not (exported.unreadable or exported.messages_not_looked_at or exported.unavailable)
    return OK if whole else FAILED


def _text(exported: Exported) -> str:
    counts = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in exported.counts.items())
    return "\n".join([f"Written: {counts or 'the profile'}.", *exported.files])


@contextmanager
def _counting() -> Iterator[Callable[[str, int], None]]:
    """On a terminal: what is being done, of how many records already, and for how long."""
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(finished_text="✓"),
        TextColumn("{task.description}, {task.completed:,.0f} records"),
        TimeElapsedColumn(),
    )
    console = out(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("Beginning", total=None)
        yield lambda doing, records: bar.update(task, description=doing, completed=records)
