"""The commands for messages that wait for a person."""

from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from lead_memory_client.terminal import FAILED, OK, At, answer, out, say

if TYPE_CHECKING:
    from lead_memory_client.queues import Trouble

_QUEUES: "dict[str, Trouble]" = {
    "dead-letters": "dead_letters",
    "rejected": "rejected",
    "rebuild-dead-letters": "rebuild_dead_letters",
    "extraction-dead-letters": "extraction_dead_letters",
    "vectors-dead-letters": "vectors_dead_letters",
    "uses-dead-letters": "uses_dead_letters",
}


def queues(*, look_at: Annotated[int, Parameter(validator=Number(gte=1))] = 100, at: At = At()) -> int:
    """Show how deep and how old the queues are, and why messages wait for a person.

    Args:
        look_at: About how many messages to look at; all stay where they are.
    """
    from lead_memory_client.show_history import queues_table

    found = at.connect().queues(look_at=look_at)
    answer(at, {"queues": found}, lambda: queues_table(found))
    return OK


def redrive(
    queue: Literal[
        "dead-letters",
        "rejected",
        "rebuild-dead-letters",
        "extraction-dead-letters",
        "vectors-dead-letters",
        "uses-dead-letters",
    ],
    /,
    *,
    reason: str | None = None,
    dry_run: Annotated[bool, Parameter(negative="")] = False,
    patience: float = 30,
    at: At = At(),
) -> int:
    """Send messages that wait for a person back to the queue they came from, events in the order they occurred.

    An event that is sent twice is recorded once, and a lead that is rebuilt twice is written once. Of jobs for a model
    the tries are counted anew.

    Args:
        queue: Where they wait.
        reason: Only those that wait for this reason; `lead-memory queues` shows the reasons.
        dry_run: Only say how many would be sent.
        patience: For how many seconds to watch at most what becomes of events.
    """
    from lead_memory_client.show import counted
    from lead_memory_client.show_history import redriven_text

    memory = at.connect()
    with counted(out(stderr=True), "Sending back") as progress:
        found = memory.redrive(
            _QUEUES[queue], reason=reason, dry_run=dry_run, patience_seconds=patience, progress=progress
        )
    answer(at, found, lambda: redriven_text(found, dry_run=dry_run))
    if dry_run:
        return OK
    left = sum(found.found.values()) - found.sent
    if left:
        say(f"{left} could not be sent back and stay in their queue: run this again.")
    if found.sent and not found.watched:
        say(f"`lead-memory queues --stage {at.stage}` shows how many still wait, or failed again.")
    if found.unseen:
        say(
            f"{found.unseen} were neither recorded nor rejected after {patience:.0f} seconds: "
            f"`lead-memory queues --stage {at.stage}` shows where they are."
        )
    return FAILED if left or found.rejected_again or found.unseen else OK
