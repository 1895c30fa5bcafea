"""The commands for conversations: what is said, what an agent should know of it, and how a thread ends."""

import re
import shlex
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from cyclopts import App, Parameter
from cyclopts.validators import Number

from lead_memory.domain.conversation.layers import BUDGET_TOKENS
from lead_memory.domain.conversation.settings import Cohort
from lead_memory.domain.limits import BUDGET_TOKENS_MOST
from lead_memory.domain.memories import Lead
from lead_memory_client import recording
from lead_memory_client.errors import ThreadUnknown
from lead_memory_client.terminal import OK, Of, ThreadId, Time, answer, say

MESSAGE_SOURCE, OPERATOR = "cli", "operator"
EVENT_TYPES = {"lead": "conversation.message_received", "us": "conversation.reply_sent"}


def _one_word(_: type, channel: str) -> None:
    if not re.fullmatch(r"[\w.-]{1,32}", channel.strip()):
        raise ValueError("Must be one word, such as whatsapp, of at most 32 letters, digits, `_`, `.` and `-`.")


type LayerName = Literal["L1", "L2", "L3", "L4", "L5"]
type Channel = Annotated[str, Parameter(validator=_one_word)]
type Tokens = Annotated[int, Parameter(validator=Number(gte=1, lte=BUDGET_TOKENS_MOST))]
# As everything else spells them, with underscores.
type CohortName = Annotated[Cohort, Parameter(name_transform=str.lower)]

thread = App(name="thread", help="End a thread, or have a model look at it.")


def message(
    text: str,
    /,
    *,
    lead: UUID,
    thread: ThreadId,
    channel: Channel = "whatsapp",
    from_: Annotated[Literal["lead", "us"], Parameter(name="--from")] = "lead",
    at: Time = None,
    of: Of = Of(),
) -> int:
    """Record a message of a thread, as the channel's integration would, and wait until it can be read.

    Args:
        text: What was said.
        lead: The lead's id.
        thread: The thread's id, whatever the channel calls it; a new one begins a thread.
        channel: For example whatsapp, email or web.
        from_: Who said it.
        at: When, for example 2026-02-03T14:05Z; now, unless given.
    """
    said = {"thread_id": thread, "channel": channel, "text": text}
    event_id = _recorded(of, MESSAGE_SOURCE, EVENT_TYPES[from_], said, lead, at)
    answer(of, {"event": event_id}, lambda: "Recorded.")
    say(f"Next: {_context_command(of, lead, thread)}")
    return OK


def context(
    *,
    lead: UUID,
    thread: ThreadId,
    max_tokens: Tokens = BUDGET_TOKENS,
    layer: Annotated[list[LayerName] | None, Parameter(consume_multiple=True, negative="")] = None,
    cohort: CohortName | None = None,
    format: Literal["text", "messages"] = "text",
    of: Of = Of(),
) -> int:
    """Show what an agent should know now of a lead and a thread, and how much of the budget each layer took.

    Args:
        lead: The lead's id.
        thread: The thread's id.
        max_tokens: The budget, for the whole text.
        layer: Only these, for example L1 L4; operators' notes, L3, are always among them.
        cohort: As if the lead were of this cohort; of the one that it is, unless given.
        format: One text, or messages for a chat API.
    """
    from lead_memory_client.context_text import context_text

    organization_id = of.organization_id()
    found = of.connect().context(
        lead, thread, organization_id, max_tokens=max_tokens, layers=layer, cohort=cohort, format=format
    )
    answer(of, found, lambda: context_text(found))
    if not found.lead_known:
        say("Nothing is remembered of this lead: look at its id and the organization, or begin with `lead-memory say`.")
    elif not found.thread_known:
        say("The thread is not known, and what is known of the lead is here all the same: look at the thread's id.")
    return OK


@thread.command
def resolve(
    *,
    lead: UUID,
    thread: ThreadId,
    topic: str | None = None,
    resolution: str | None = None,
    sentiment: str | None = None,
    of: Of = Of(),
) -> int:
    """End a thread: its messages leave the context, and how it ended stays, where that is said.

    The next message opens it again.

    Args:
        lead: The lead's id.
        thread: The thread's id.
        topic: What it was about.
        resolution: How it ended.
        sentiment: How the lead felt about it, for example satisfied.
    """
    said = {"thread_id": thread, "topic": topic, "resolution": resolution, "sentiment": sentiment}
    event_id = _recorded(of, OPERATOR, "conversation.thread_resolved", said, lead)
    answer(of, {"event": event_id}, lambda: "Resolved.")
    say(f"Next: {_context_command(of, lead, thread)}")
    return OK


@thread.command
def summarize(
    *, lead: UUID, thread: ThreadId, full: Annotated[bool, Parameter(negative="")] = False, of: Of = Of()
) -> int:
    """Ask for a thread's summary, which is written within a minute.

    Args:
        lead: The lead's id.
        thread: The thread's id.
        full: Write it anew from the messages, rather than continue the one before.
    """
    said = {"thread_id": thread, "full": full}
    event_id = _recorded(of, OPERATOR, "thread.summary_requested", said, lead)
    answer(of, {"event": event_id}, lambda: "Asked for. The summary is written within a minute.")
    say(f"Then it is in: {_context_command(of, lead, thread)}")
    return OK


@thread.command
def extract(*, lead: UUID, thread: ThreadId, of: Of = Of()) -> int:
    """Ask a model for the facts and the CRM's records in a thread's newest messages.

    Args:
        lead: The lead's id.
        thread: The thread's id.
    """
    event_id = _recorded(of, OPERATOR, "thread.extraction_requested", {"thread_id": thread}, lead)
    answer(of, {"event": event_id}, lambda: "Asked for. It is done within a minute.")
    say(f"Next: lead-memory intelligence --lead {lead}{of.options()}")
    return OK


def _recorded(
    of: Of, source: str, event_type: str, said: Mapping[str, Any], lead: UUID, at: datetime | None = None
) -> str:
    organization_id, thread_id = of.organization_id(), said["thread_id"]
    entry = recording.made(source, event_type, said, Lead(str(organization_id), str(lead)), at)
    recording.checked(entry)
    memory = of.connect()
    if source == OPERATOR and not memory.knows_thread(lead, thread_id, organization_id):
        raise ThreadUnknown(f"There is no thread {thread_id} of this lead: look at its id.")
    recording.record(memory, entry, of)
    return entry.ref


def _context_command(of: Of, lead: UUID, thread: str) -> str:
    return f"lead-memory context --lead {lead} --thread {shlex.quote(thread)}{of.options()}"
