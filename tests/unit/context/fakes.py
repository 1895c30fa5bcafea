"""What is remembered of a lead, in memory, as it counts what is asked of it; and the lead's story as events."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import msgspec

from lead_memory.domain import canonical
from lead_memory.domain.conversation.layers import Format, Layer
from lead_memory.domain.conversation.settings import Cohort, ConversationSettings, CrossChannel
from lead_memory.domain.errors import Erased
from lead_memory.domain.events import Event
from lead_memory.domain.memories import Lead, Memory, MemoryKey, MemoryType
from lead_memory.services.context import Answer, Contexts, Question, Some
from lead_memory.services.resolve import READ_TOGETHER, Read
from tests.events import SOMEBODY, START, event
from tests.unit.record.test_recorder_laws import folded

JOIN = ConversationSettings(cross_channel=CrossChannel.JOIN)
_numbers = count()


class FakeReader:
    """`lead_memory.services.context.Reader` of one lead."""

    def __init__(
        self,
        memories: Mapping[MemoryKey, Memory],
        *,
        failing: Mapping[MemoryKey | MemoryType, Exception] | None = None,
        erased: bool = False,
    ) -> None:
        self.memories = memories
        self.failing = failing or {}
        self.lead_erased = erased
        self.asked: set[str] = set()

    async def of_lead(self, lead: Lead, wanted: Collection[MemoryKey]) -> Mapping[MemoryKey, Read] | None:
        assert len(set(wanted)) == len(wanted) < READ_TOGETHER
        self.asked |= set(map(str, wanted))
        if self.lead_erased:
            raise Erased("the lead was erased")
        own = self._own(lead)
        return {name: self.failing.get(name, own.get(name)) for name in wanted} if own else None

    async def of_type(self, lead: Lead, memory_type: MemoryType, limit: int) -> Some:
        self.asked.add(f"{memory_type}.*")
        if failure := self.failing.get(memory_type):
            raise failure
        own = sorted(self._own(lead).items())
        of_type = [memory for name, memory in own if name.memory_type is memory_type]
        return Some(of_type[:limit], whole=len(of_type) <= limit)

    def _own(self, lead: Lead) -> Mapping[MemoryKey, Memory]:
        return {name: _stored(memory) for name, memory in self.memories.items() if memory.lead == lead}


def _stored(memory: Memory) -> Memory:
    """The value's fields are in the order in which the table gives them back."""
    return msgspec.structs.replace(memory, value=canonical.decode(canonical.encode(memory.value)))


class FakeSettings:
    def __init__(self, settings: ConversationSettings) -> None:
        self.settings = settings

    async def of(self, organization_id: str) -> ConversationSettings:
        return self.settings


def ask(
    known: FakeReader | Sequence[Event],
    now: datetime,
    *,
    settings: ConversationSettings | None = None,
    lead: Lead = SOMEBODY,
    thread_id: str = "t",
    max_tokens: int = 3_500,
    layers: Collection[Layer] = frozenset(Layer),
    cohort: Cohort | None = None,
    form: Format = Format.TEXT,
) -> Answer:
    """What an agent is answered who asks at a time when these events were recorded."""
    reader = known if isinstance(known, FakeReader) else FakeReader(folded(list(known)))
    contexts = Contexts(reader, FakeSettings(settings or ConversationSettings()))
    question = Question(lead, thread_id, max_tokens, frozenset(layers), cohort, form)
    return asyncio.run(contexts.context(question, now))


def message(
    days: float,
    text: str = "Oi",
    *,
    thread_id: str = "t",
    from_lead: bool = True,
    channel: str = "sms",
    **more: Any,
) -> Event:
    """Sent so many days after the start."""
    event_type = "conversation.message_received" if from_lead else "conversation.reply_sent"
    return happened(event_type, days, text=text, thread_id=thread_id, channel=channel, **more)


def happened(event_type: str, days: float, **data: Any) -> Event:
    at = START + timedelta(days=days)
    return event(event_type, data, event_id=f"e{next(_numbers)}", at=at)


def note(content: str, days: float = 0, *, thread_id: str | None = None, expires_at: datetime | None = None) -> Event:
    target = {"thread_id": thread_id} if thread_id else {}
    ends = {"expires_at": expires_at.isoformat()} if expires_at else {}
    said = {"note_id": content, "category": "warning", "content": content, "author": "Carla"}
    return happened("note.pinned", days, **said, **target, **ends)
