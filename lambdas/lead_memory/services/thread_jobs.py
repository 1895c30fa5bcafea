"""Each job on a thread: what a model is given, and what of its answer becomes an event."""

from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Self

from lead_memory.domain.conversation import evaluations, names
from lead_memory.domain.conversation import profile as profiles
from lead_memory.domain.conversation.threads import unsummarized
from lead_memory.domain.crm import index, resolving
from lead_memory.domain.events import Event
from lead_memory.domain.intelligence import evidence, records
from lead_memory.domain.intelligence.jobs import Job
from lead_memory.domain.intelligence.lines import Line
from lead_memory.domain.intelligence.triggers import unquoted
from lead_memory.domain.limits import REFS
from lead_memory.domain.memories import Value
from lead_memory.domain.payloads.contact import facts_of
from lead_memory.domain.payloads.conversation import ConversationMessage
from lead_memory.domain.times import iso, time
from lead_memory.services.attempts import Done, Said
from lead_memory.services.models import NO_USAGE, Model

EXTRACTED_AT_ONCE = 10
"""Messages, the newest, and all that are new: what was looked at before is there to understand the others by."""
READ_AT_ONCE = 50
"""Messages, the newest; of a thread that nobody looked at for longer, what is before them is not read."""
NOTHING_SAID = "Nothing was said."


class Conversation(NamedTuple):
    """A thread as it was read."""

    thread: Mapping[str, Any]
    profile: Value | None
    entities: Mapping[str, Any]
    """The value of the index of entities."""
    origins: Sequence[str]
    """Refs of what the profile is made of, and what else was said of the messages meanwhile."""
    messages: Sequence[Event]
    """The newest, in their order."""

    def lines(self, job: Job) -> list[Line]:
        """What the job is about; the first of them may be there to understand the others by."""
        if job is Job.SUMMARY:
            return self._numbered(self._to_summarize(), len(self.messages))
        new = evaluations.unseen(self.thread, job)
        messages = self.messages[-max(new, EXTRACTED_AT_ONCE) :]
        until = evaluations.covered_until(self.thread, job)
        if new and until and any(message.occurred_at <= until for message in messages[-new:]):
            new = len(messages)  # one came late, and is among those that were covered
        return self._numbered(messages, new)

    def after(self, said: Iterable[Said], at: str) -> Self:
        """As it will stand with what was said of it."""
        thread, profile, origins = dict(self.thread), self.profile, list(self.origins)
        for each in said:
            if each.event_type == "thread.summarized":
                thread["summary"] = thread.get("summary", {}) | {"text": each.data["summary"]}
            elif each.event_type == "memory.inferred":
                facts = {"facts": facts_of(each.data["value"]), "at": at, "by_person": False}
                profile = profiles.merge(profile, facts)
            else:
                continue
            origins += each.rests_on
        return self._replace(thread=thread, profile=profile, origins=origins)

    @property
    def newest_message_at(self) -> str:
        return iso(self.messages[-1].occurred_at)

    @property
    def lags(self) -> bool:
        """Whether the newest message is not among them: they come through an index, which is written in steps."""
        last = self.thread.get("last_message_at")
        return last is not None and (not self.messages or self.messages[-1].occurred_at < time(last))

    @property
    def summary(self) -> Mapping[str, Any]:
        """That is continued; none where it is to be written in full."""
        return {} if self.thread.get("summarize_in_full") else self.thread.get("summary", {})

    def _to_summarize(self) -> Sequence[Event]:
        new = unsummarized(self.thread) if self.summary else len(self.messages)
        messages = self.messages[max(0, len(self.messages) - new) :]
        until = self.summary.get("newest_message_at")
        if until and any(message.occurred_at <= time(until) for message in messages):
            # One came late: it stands somewhere among those that the summary covers.
            return self.messages
        return messages

    def _numbered(self, messages: Sequence[Event], new: int) -> list[Line]:
        return [
            Line(
                number=number,
                ref=message.ref,
                at=message.occurred_at,
                from_lead=message.event_type == "conversation.message_received",
                text=_text(message),
                new=number > len(messages) - new,
            )
            for number, message in enumerate(messages, start=1)
        ]


def _text(message: Event) -> str:
    said = message.data
    assert isinstance(said, ConversationMessage)  # noqa: S101 - of messages alone
    return "\n".join([unquoted(said.text), *(f"[attachment: {name}]" for name in said.attachments)]).strip()


type Ask = Callable[[Model, Conversation], Awaitable[Done]]


async def facts(model: Model, conversation: Conversation) -> Done:
    lines = conversation.lines(Job.FACTS)
    answer = await model.facts(lines)
    taken = evidence.taken_facts(answer.output, lines, conversation.profile or {})
    said = [Said("memory.inferred", _of_profile(group), group.refs) for group in taken.groups]
    return Done(said, answer.usage, taken.kept, taken.dropped)


def _of_profile(group: evidence.Group) -> Mapping[str, Any]:
    return {**names.CONTACT_PROFILE._asdict(), "value": group.value, "confidence": group.confidence}


async def entities(model: Model, conversation: Conversation) -> Done:
    lines = conversation.lines(Job.ENTITIES)
    answer = await model.entities(lines)
    taken = records.taken_entities(answer.output, lines, index.names(conversation.entities))
    resolved = resolving.entity_events(taken.answer, conversation.entities)
    refs = _by_message(taken)
    said = [
        Said(event.event_type, _with_confidence(event, lines), sorted({ref for n in event.messages for ref in refs[n]}))
        for event in resolved.events
    ]
    dropped = Counter(taken.dropped) + Counter(resolved.dropped)
    return Done(said, answer.usage, taken.kept, dropped, resolved.duplicates, resolved.relations_broken)


def _with_confidence(event: resolving.EntityEvent, lines: Sequence[Line]) -> Mapping[str, Any]:
    """As of facts: less where we said it, and where it is known by a close name."""
    if event.event_type != "crm.entity_extracted":
        return event.data
    by_lead = all(line.from_lead for line in lines if line.number in event.messages)
    less = 0.1 if event.data.get("matched_by") == "close_name" else 0
    return {**event.data, "confidence": round((evidence.OF_LEAD if by_lead else evidence.OF_US) - less, 1)}


def _by_message(taken: records.TakenEntities) -> Mapping[int, set[str]]:
    """What the statements that quote a message rest on, by its number."""
    refs: defaultdict[int, set[str]] = defaultdict(set)
    for field, of_statements in taken.refs.items():
        for statement, rests_on in zip(getattr(taken.answer, field), of_statements, strict=True):
            refs[statement.message].update(rests_on)
    return refs


async def summary(model: Model, conversation: Conversation) -> Done:
    lines = conversation.lines(Job.SUMMARY)
    before = conversation.summary
    text, usage = await model.summary(lines, before.get("text")) if lines else ("", NO_USAGE)
    said = {
        "summary": text or before.get("text") or NOTHING_SAID,
        "full": not before,
        "written_by": model.name,
        "thread_id": conversation.thread["thread_id"],
        "message_count": conversation.thread["message_count"],
        "newest_message_at": conversation.newest_message_at if conversation.messages else None,
    }
    origins = [*(line.ref for line in lines), *([before["ref"]] if "ref" in before else [])]
    return Done([Said("thread.summarized", said, origins)], usage, kept=1)


async def reactivation(model: Model, conversation: Conversation) -> Done:
    # Without what was said before of models: the reminder would rest on all that an earlier one rested on.
    thread = {field: what for field, what in conversation.thread.items() if field not in ("reactivation", "evaluation")}
    text, usage = await model.reactivation(thread, conversation.profile)
    written = conversation.thread.get("summary", {})
    said = {
        "text": text or written.get("text") or NOTHING_SAID,
        "written_by": model.name,
        "thread_id": conversation.thread["thread_id"],
        "message_count": conversation.thread["message_count"],
    }
    origins = dict.fromkeys([*conversation.origins, *([written["ref"]] if "ref" in written else [])])
    return Done([Said("thread.reactivation_prepared", said, list(origins)[-REFS:])], usage, kept=1)


ASKING: Mapping[Job, Ask] = {
    Job.FACTS: facts,
    Job.ENTITIES: entities,
    Job.SUMMARY: summary,
    Job.REACTIVATION: reactivation,
}
