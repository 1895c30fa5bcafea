"""What an agent should know now of a lead and a thread: all of it read at once, and put together under a budget."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from lead_memory.domain.conversation import long_term, names, threads
from lead_memory.domain.conversation.context import assemble
from lead_memory.domain.conversation.layers import LAYERS, Context, Format, Known, Layer
from lead_memory.domain.conversation.messages import in_order, messages_of
from lead_memory.domain.conversation.notes import live_notes
from lead_memory.domain.conversation.settings import Cohort, ConversationSettings, CrossChannel
from lead_memory.domain.errors import LeadMemoryError, Unavailable
from lead_memory.domain.memories import Lead, Memory, MemoryKey, MemoryType, StorageTier
from lead_memory.domain.times import time
from lead_memory.services.resolve import Read
from lead_memory.services.sweep import through

READ_OF_A_TYPE = 100
"""Memories: preferences, and facts."""
JOINED = 3
"""Other open threads that are one conversation with the one that is asked for, the newest. With the contact, five
targets' notes of `NOTES_TOKENS` each are in such a context, and the default budget is to hold them."""


class Some(NamedTuple):
    memories: Sequence[Memory]
    whole: bool
    """False where there are more, or one of them does not open."""


class Reader(Protocol):
    """Strongly consistent: an agent is to see the message that it answers. Raises `Unavailable`, and `Erased`.

    Each sends one request, whosever the lead is and however much is known of it.
    """

    async def of_lead(self, lead: Lead, wanted: Collection[MemoryKey]) -> Mapping[MemoryKey, Read] | None:
        """At most `READ_TOGETHER` less one; what cannot be read of them is its own answer.

        None for a lead of whom the organization never recorded anything.
        """

    async def of_type(self, lead: Lead, memory_type: MemoryType, limit: int) -> Some:
        """Some of the lead's memories of a type."""


class Settings(Protocol):
    async def of(self, organization_id: str) -> ConversationSettings: ...


class Question(NamedTuple):
    lead: Lead
    thread_id: str
    max_tokens: int
    layers: frozenset[Layer]
    cohort: Cohort | None
    """None for the one that the organization's split gives the lead."""
    form: Format


class Freshness(NamedTuple):
    last_message_at: datetime | None
    summarized_at: datetime | None
    messages_since_summary: int
    profile_updated_at: datetime | None


class Answer(NamedTuple):
    context: Context
    cohort: Cohort
    thread_known: bool
    lead_known: bool
    joined_threads: Sequence[str]
    """Other open threads that the context has, too."""
    freshness: Freshness
    engaged: bool
    """Whether the last message answers what the lead was told on their return."""


class Contexts:
    def __init__(self, reader: Reader, settings: Settings) -> None:
        self._reader = reader
        self._settings = settings

    async def context(self, question: Question, now: datetime) -> Answer:
        """Raises `BudgetTooSmall`, `Unavailable` where the notes could not be read and `Erased`."""
        settings = await self._settings.of(question.lead.organization_id)
        cohort = question.cohort or settings.cohort_of(*question.lead)
        layers = LAYERS[cohort] & (question.layers | {Layer.NOTES})
        reading = _Reading(self._reader, question.lead, now)
        thread_ids = [question.thread_id]
        joins = settings.cross_channel is CrossChannel.JOIN
        queried = long_term.QUERIED if Layer.PROFILE in layers else ()
        named = _of_thread(question.thread_id, layers) | _of_lead(layers, joins=joins)
        await through([reading.named(named), *map(reading.typed, queried)])
        if joins:
            reading.refuse_unread([names.INTERACTIONS])
            thread_ids += reading.other_threads(question.thread_id)
            others = (_of_thread(thread_id, layers) for thread_id in thread_ids[1:])
            await reading.named({name for each in others for name in each})
        context = assemble(
            reading.known(thread_ids, layers), question.layers, cohort, question.max_tokens, question.form, now
        )
        thread = reading.value(names.thread(question.thread_id))
        return Answer(
            context=context,
            cohort=cohort,
            thread_known=reading.has(names.thread(question.thread_id)),
            lead_known=reading.lead_known,
            joined_threads=thread_ids[1:],
            freshness=_freshness(thread, reading.memory(names.CONTACT_PROFILE)),
            engaged=bool(thread) and thread.get("engaged_at") == thread.get("last_message_at", ""),
        )


class _Reading:
    """What was read of a lead for one context: nothing that is expired."""

    def __init__(self, reader: Reader, lead: Lead, now: datetime) -> None:
        self._reader = reader
        self._lead = lead
        self._now = now
        self._found: dict[MemoryKey, Memory | Exception] = {}
        self._typed: list[Memory] = []
        self._types_whole = True
        self._failed: set[MemoryType] = set()
        self.lead_known = False

    async def named(self, wanted: Collection[MemoryKey]) -> None:
        if not wanted:
            return
        found = await self._reader.of_lead(self._lead, sorted(wanted))
        self.lead_known = found is not None
        self._found |= {name: each for name, each in (found or {}).items() if each is not None}

    async def typed(self, memory_type: MemoryType) -> None:
        try:
            memories, whole = await self._reader.of_type(self._lead, memory_type, READ_OF_A_TYPE)
        except LeadMemoryError:
            self._failed.add(memory_type)
        else:
            self._typed += memories
            self._types_whole &= whole

    def has(self, thread: MemoryKey) -> bool:
        """Whether a message of it is known; what cannot be read is there, too."""
        return isinstance(self._found.get(thread), Exception) or self.value(thread).get("message_count", 0) > 0

    def memory(self, name: MemoryKey) -> Memory | None:
        found = self._found.get(name)
        return found if isinstance(found, Memory) and not found.hidden(self._now) else None

    def value(self, name: MemoryKey) -> Mapping[str, Any]:
        memory = self.memory(name)
        return memory.value if memory else {}

    def other_threads(self, thread_id: str) -> list[str]:
        """The open ones in which somebody wrote last, and not too long ago."""
        open_threads = self.value(names.INTERACTIONS).get("open_threads", {})
        since = self._now - threads.MEDIUM_TERM
        last = {other: at for other, entry in open_threads.items() if (at := time(entry["last_at"])) > since}
        newest = sorted(last, key=lambda other: (last[other], other), reverse=True)
        return [other for other in newest if other != thread_id][:JOINED]

    def refuse_unread(self, needed: Iterable[MemoryKey]) -> None:
        """Raises `Unavailable`: without the notes, or the threads that have some, a context would be wrong."""
        if any(isinstance(self._found.get(name), Exception) for name in needed):
            raise Unavailable("the operators' notes, or the threads that they are on, could not be read")

    def known(self, thread_ids: Sequence[str], layers: Collection[Layer]) -> Known:
        """Raises `Unavailable` where the notes could not be read."""
        noted = sorted(map(names.notes, (None, *thread_ids))) if Layer.NOTES in layers else []
        self.refuse_unread(noted)
        standing = [thread for thread_id in thread_ids if (thread := self.value(names.thread(thread_id)))]
        purchases = [self.memory(name) for name in long_term.PURCHASE_MEMORIES]
        typed = [memory for memory in self._typed if memory.storage_tier is StorageTier.HOT]
        memories = [memory for memory in (*typed, *purchases) if memory and not memory.hidden(self._now)]
        return Known(
            notes=[note for name in noted for note in live_notes(self.value(name), self._now)],
            messages=in_order(messages_of(self.value(names.recent(thread_id))) for thread_id in thread_ids),
            threads=standing,
            profile=self.value(names.CONTACT_PROFILE),
            about=self.value(names.recent(thread_ids[0])),
            interactions=self.value(names.INTERACTIONS),
            entities=self.value(names.ENTITIES),
            memories=memories,
            more=not self._types_whole,
            unavailable=self._unavailable(thread_ids),
        )

    def _unavailable(self, thread_ids: Iterable[str]) -> set[Layer]:
        failed = {name for name, found in self._found.items() if isinstance(found, Exception)}
        of_threads = {names.thread(thread_id) for thread_id in thread_ids}
        rests_on = {
            Layer.RECENT: {names.recent(thread_id) for thread_id in thread_ids},
            Layer.SUMMARY: of_threads,
            Layer.PROFILE: {names.CONTACT_PROFILE, names.ENTITIES},
            Layer.REACTIVATION: of_threads,
        }
        unavailable = {layer for layer, rows in rests_on.items() if rows & failed}
        return unavailable | ({Layer.PROFILE} if self._failed else set())


def _of_thread(thread_id: str, layers: Collection[Layer]) -> set[MemoryKey]:
    wanted = {names.thread(thread_id)}
    if not {Layer.RECENT, Layer.PROFILE}.isdisjoint(layers):
        wanted.add(names.recent(thread_id))
    if Layer.NOTES in layers:
        wanted.add(names.notes(thread_id))
    return wanted


def _of_lead(layers: Collection[Layer], *, joins: bool) -> set[MemoryKey]:
    wanted = {names.INTERACTIONS} if joins or Layer.PROFILE in layers else set()
    if Layer.NOTES in layers:
        wanted.add(names.CONTACT_NOTES)
    if Layer.PROFILE in layers:
        wanted |= {names.CONTACT_PROFILE, names.ENTITIES, *long_term.PURCHASE_MEMORIES}
    if Layer.REACTIVATION in layers:
        wanted.add(names.CONTACT_PROFILE)
    return wanted


def _freshness(thread: Mapping[str, Any], profile: Memory | None) -> Freshness:
    summary = thread.get("summary", {})
    return Freshness(
        last_message_at=time(thread["last_message_at"]) if "last_message_at" in thread else None,
        summarized_at=time(summary["at"]) if summary else None,
        messages_since_summary=threads.unsummarized(thread) if thread else 0,
        profile_updated_at=profile.updated_at if profile else None,
    )
