"""Which jobs the requests about a thread make."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from lead_memory.domain.conversation.evaluations import asked_again, lead_messages_since, resumed_at, unseen
from lead_memory.domain.conversation.threads import due_jobs
from lead_memory.domain.events import Event
from lead_memory.domain.intelligence import triggers
from lead_memory.domain.intelligence.jobs import Job
from lead_memory.domain.payloads.conversation import ConversationMessage
from lead_memory.services.gate import EXTRACTED

ENTITIES_EVERY = 5
"""Messages of the lead."""
REQUESTED = "thread.extraction_requested"


class Wanted(NamedTuple):
    """What requests about one thread come to."""

    row: str
    jobs: frozenset[Job]
    """That somebody asked for, or that are tried again."""
    triggered: frozenset[Job] = frozenset()
    """That messages are a reason for."""
    triggers: tuple[str, ...] = ()
    looks_at_due: bool = False
    """Whether what time made due is done too: the sweep finds it, and somebody may ask for a summary."""

    @property
    def requested(self) -> bool:
        """Whether somebody asked for it."""
        return REQUESTED in self.triggers


def jobs_of(thread: Mapping[str, Any], wanted: Wanted, now: datetime) -> set[Job]:
    """What there is to do for a thread as it stands."""
    due_at = due_jobs(asked_again(thread, wanted.jobs)) if wanted.looks_at_due else {}
    due = {job for job, at in due_at.items() if at and at <= now}
    of_messages = set(wanted.triggered)
    if Job.SUMMARY in due:
        of_messages |= set(EXTRACTED)
    if lead_messages_since(thread, Job.ENTITIES) >= ENTITIES_EVERY:
        of_messages.add(Job.ENTITIES)
    # What failed, or had no budget, is left alone for a while.
    jobs = due | {job for job in of_messages if (at := resumed_at(thread, job, now)) and at <= now}
    jobs |= wanted.jobs & set(EXTRACTED)
    return {job for job in jobs if job not in EXTRACTED or unseen(thread, job)}


def triggered(event: Event) -> frozenset[Job]:
    if not isinstance(event.data, ConversationMessage):
        return frozenset()
    text = triggers.unquoted(event.data.text)
    is_reply = event.event_type == "conversation.reply_sent"
    wanted = {Job.FACTS: is_reply and triggers.facts_wanted(text), Job.ENTITIES: triggers.crm_mentioned(text)}
    return frozenset(job for job, is_wanted in wanted.items() if is_wanted)


def together(wanted: Sequence[Wanted]) -> Wanted:
    return Wanted(
        row=wanted[0].row,
        jobs=frozenset().union(*(each.jobs for each in wanted)),
        triggered=frozenset().union(*(each.triggered for each in wanted)),
        triggers=tuple(dict.fromkeys(trigger for each in wanted for trigger in each.triggers)),
        looks_at_due=any(each.looks_at_due for each in wanted),
    )
