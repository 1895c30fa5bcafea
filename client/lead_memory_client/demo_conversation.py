"""A conversation of three weeks, and what an agent is told of it before a silence of two weeks and after it."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from rich import box
from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from lead_memory.domain.conversation.tokens import estimate
from lead_memory_client.answers import AgentContext
from lead_memory_client.client import LeadMemory
from lead_memory_client.context_text import context_text
from lead_memory_client.demo_events import EVENTS, PATIENCE_SECONDS, DemoFailed, delivered, moved, occurred_at
from lead_memory_client.entries import Entry, read_entries
from lead_memory_client.functions import invoke
from lead_memory_client.intelligence_commands import intelligence_table
from lead_memory_client.show import now
from lead_memory_client.stage import Stage

if TYPE_CHECKING:
    from lead_memory_client.show import Steps

SCRIPT = EVENTS / "conversations" / "premium_plan.json"
THREAD = "wa-554855500103"
"""The one that it begins and ends with."""
ALERT = "---\n⚠️ **REACTIVATION ALERT**"
ACCOUNT = "Known accounts: Box Maré Alta"
PROFILE = "Budget: R$ 1,500 to 2,000 a month"
_MINUTE = timedelta(minutes=1)
_POLL_SECONDS = 0.2
_READ = {"memory.inferred", "crm.entity_extracted"}
_SUMMARY, _REMINDER = "thread.summarized", "thread.reactivation_prepared"
_EXTRACTOR = "extractor"


def show(stage: Stage, out: Console, steps: Callable[[], "Steps"]) -> None:
    """Two leads live through the same script, one of them until the silence. Raises `DemoFailed`."""
    memory = LeadMemory(stage)
    script = read_entries([SCRIPT])
    before = _lived_until_now(script[:-1])
    after = _lived_until_now(script)
    with steps() as progress:
        progress(f"Publishing a conversation of three weeks, {len(before)} events, for each of two leads.")
        delivered(memory, [*before, *after[:-1]])
        progress("Waiting until the extractor has read both conversations.")
        for lived in (before, after):
            _wait_for(memory, lived, _READ)
        progress("Running the cleanup, and waiting until both conversations are summarized.")
        invoke(stage.client("lambda"), stage.resources.cleanup_function, {}, called="cleanup")
        _wait_for(memory, before, {_SUMMARY})
        _wait_for(memory, after, {_SUMMARY, _REMINDER})
        progress("Publishing the message with which the second lead returns.")
        delivered(memory, after[-1:])
    out.print(
        "Two leads live through one script (events/conversations), moved in time: with the first the silence begins a "
        "minute ago, with the second it ended a minute ago. By then short-term memory has ended: the summary and the "
        "alert stand in for the messages before the silence. One of the notes has ended too.",
        style="dim",
    )
    told_before, told_after = _told(memory, before), _told(memory, after)
    _print(out, "Before the silence", told_before)
    _print(out, f"After {told_after.reactivation_days} days of silence", told_after)
    check(before, told_before, returns=False)
    check(after, told_after, returns=True)
    organization_id, lead_id = after[0].name.lead
    out.print()
    out.print(Text("What was asked of the offline extractor, which a model can take the place of", "bold"))
    out.print(intelligence_table(memory.intelligence(lead_id, organization_id)))


def check(lived: Sequence[Entry], told: AgentContext, *, returns: bool) -> None:
    """Raises `DemoFailed` unless the context keeps what contexts promise."""
    text = told.text or ""
    for note in _notes(lived):
        if (note["content"] in text) is _is_over(note):
            raise DemoFailed(f"A context has every note that is not over, and no other: {note['note_id']} is wrong.")
    if text.startswith(ALERT) is not returns:
        raise DemoFailed("A context begins with the reactivation alert where the lead returns, and only there.")
    if ACCOUNT not in text or PROFILE not in text:
        raise DemoFailed("A context has the account and the profile that the extractor read in the messages.")
    if (tokens := estimate(text)) > told.max_tokens:
        raise DemoFailed(f"The context has {tokens} tokens, and may have {told.max_tokens}.")


def _lived_until_now(script: Sequence[Entry]) -> list[Entry]:
    """By a new lead; the last event came a minute ago."""
    return moved(script, now() - _MINUTE - occurred_at(script[-1]), str(uuid4()))


def _wait_for(memory: LeadMemory, lived: Sequence[Entry], event_types: Set[str]) -> None:
    organization_id, lead_id = lived[0].name.lead

    def written() -> set[str]:
        said = (each for each in memory.events(lead_id, organization_id, limit=100) if each.source == _EXTRACTOR)
        return {each.event_type for each in said if each.data.get("thread_id") in (None, THREAD)}

    deadline = time.monotonic() + PATIENCE_SECONDS
    while not event_types <= written():
        if time.monotonic() > deadline:
            raise DemoFailed(
                f"After {PATIENCE_SECONDS} seconds a conversation is without {' or '.join(sorted(event_types))}: "
                "with `lead-memory demo --stay` the stack stays up, and .local/aws.log says why."
            )
        time.sleep(_POLL_SECONDS)


def _told(memory: LeadMemory, lived: Sequence[Entry]) -> AgentContext:
    organization_id, lead_id = lived[0].name.lead
    return memory.context(lead_id, THREAD, organization_id)


def _notes(lived: Sequence[Entry]) -> Iterable[Mapping[str, Any]]:
    """As they were written last."""
    notes: dict[str, Mapping[str, Any]] = {}
    for entry in lived:
        if entry.detail_type in ("note.pinned", "note.edited"):
            said = entry.detail["data"]
            notes[said["note_id"]] = notes.get(said["note_id"], {}) | said
    return notes.values()


def _is_over(note: Mapping[str, Any]) -> bool:
    return "expires_at" in note and datetime.fromisoformat(note["expires_at"]) <= now()


def _print(out: Console, title: str, context: AgentContext) -> None:
    out.print()
    # Without sides: terminals do not agree how wide some emoji are.
    out.print(Panel(context_text(context), title=title, title_align="left", border_style="dim", box=box.HORIZONTALS))
