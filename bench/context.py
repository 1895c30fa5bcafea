"""The context function's own handler: against one read, and in threads of any length."""

import asyncio
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import msgspec

from bench.conversations import THREAD, conversation
from bench.function import Handler, running
from bench.ground import Ground
from bench.leads import record
from bench.measure import Figure, Goal, figure, p50s, spent
from lead_memory.adapters import keys
from lead_memory.adapters.aws import Aws
from lead_memory.adapters.table import DynamoTable
from lead_memory.domain.conversation import names
from lead_memory.domain.conversation.layers import BUDGET_TOKENS, Format, Layer
from lead_memory.domain.conversation.settings import ConversationSettings
from lead_memory.domain.derivations import touched
from lead_memory.domain.fold import refold
from lead_memory.domain.limits import RECENT_MESSAGES
from lead_memory.domain.memories import Lead, Memory, MemoryKey, MemoryType
from lead_memory.domain.times import iso
from lead_memory.services.context import Contexts, Question, Some

FEW, MANY, QUICK_MANY = 20, 20_000, 300
"""Messages in a thread."""
REQUESTS = 5
ASSEMBLY_MILLISECONDS = 2
ASSEMBLIES = 20
"""In a round."""
FULL = "all layers but the reminder of a lead's return, 15 messages"
RETURNED = "all five layers, 15 messages; what is read is in hand; client CPU"
"""Who returned has said one thing: only by hand is there a reminder beside 15 messages."""
ON_WIRE = "on the wire"
BY_KEY = frozenset(Layer) - {Layer.PROFILE}
"""The layers of which all is read by its key."""
WITHOUT_QUERIES = (
    "on the wire; without the contact's profile, for which preferences and facts are queried: for a query the local "
    "engine looks at all that a lead has, and DynamoDB at what it gives"
)


def measure(ground: Ground) -> Iterable[Figure]:
    yield _assembling(ground.rounds(15, quick=3))
    many = ground.rounds(MANY, QUICK_MANY)
    ground.say(f"recording threads of {FEW} and of {many:,} messages")
    now, organization_id = datetime.now(UTC), str(uuid4())
    few_said, many_said = (Lead(organization_id, str(uuid4())) for _ in range(2))
    asyncio.run(record(ground, [conversation(few_said, FEW, now), conversation(many_said, many, now)]))
    rounds = 1 + ground.rounds(30, quick=2)
    fact = keys.memory_key(few_said.lead_id, MemoryKey(MemoryType.FACT, "family_1"))
    with ground.wire(), running("context", ground.settings("Context")) as handler, one_read(ground, fact) as read:
        of_few = _context(handler, few_said, frozenset(Layer))
        of_few()  # it opens connections and keys
        requests = of_few()["requests"]
        yield figure("context: requests", "at most", [(requests, REQUESTS)], Goal(1.0), note=FULL)
        note = f"{ON_WIRE}; {FULL}, against one GetItem by the same client"
        yield figure("context p50 / one read", "ms", p50s(of_few, read, rounds), Goal(2.5), note=note)
        name = f"context p50 at {many:,} messages in the thread / at {FEW}"
        at_many, at_few = (_context(handler, lead, BY_KEY) for lead in (many_said, few_said))
        yield figure(name, "ms", p50s(at_many, at_few, rounds), Goal(1.1), note=WITHOUT_QUERIES)


def _context(handler: Handler, lead: Lead, layers: frozenset[Layer]) -> Callable[[], dict[str, Any]]:
    whose = {"organization_id": lead.organization_id, "lead_id": lead.lead_id, "thread_id": THREAD}
    asked = whose | {"layers": sorted(layers)}

    def context() -> dict[str, Any]:
        answer: dict[str, Any] = handler(asked)
        included = {layer for layer, report in answer["layers"].items() if report["included"]}
        if included != layers - {Layer.REACTIVATION}:
            raise RuntimeError(f"the context has not the layers that it should have: {included}")
        return answer

    return context


@contextmanager
def one_read(ground: Ground, key: keys.Key) -> Iterator[Callable[[], object]]:
    """A GetItem of an item of half a KB, not opened."""
    aws = Aws(os.environ)
    table = DynamoTable(ground.stage.resources.table_name, aws)

    async def get() -> None:
        if await table.get(key, consistent=True) is None:
            raise RuntimeError("what is to be read is not there")

    with asyncio.Runner() as runner:
        try:
            yield lambda: runner.run(get())
        finally:
            runner.run(aws.close())


def _assembling(rounds: int) -> Figure:
    now = datetime.now(UTC)
    lead = Lead(str(uuid4()), str(uuid4()))
    contexts = Contexts(_InHand(_returned(lead, now)), _Defaults())
    question = Question(lead, THREAD, BUDGET_TOKENS, frozenset(Layer), None, Format.TEXT)
    with asyncio.Runner() as runner:
        answer = runner.run(contexts.context(question, now))
        if not all(report.included for report in answer.context.layers.values()):
            raise RuntimeError(f"a layer is not in the context: {answer.context.layers}")

        async def assemble() -> None:
            for _ in range(ASSEMBLIES):
                await contexts.context(question, now)

        took = [spent(lambda: runner.run(assemble())).cpu / ASSEMBLIES * 1000 for _ in range(rounds)]
    pairs = [(milliseconds, ASSEMBLY_MILLISECONDS) for milliseconds in took]
    return figure(
        f"context of {answer.context.total_tokens:,} tokens assembled", "ms at most", pairs, Goal(1.0), note=RETURNED
    )


def _returned(lead: Lead, now: datetime) -> dict[MemoryKey, Memory]:
    """The memories of a lead who was away for long before the last of 15 messages."""
    events = conversation(lead, RECENT_MESSAGES[1], now)
    memories = refold(events, {name for event in events for name in touched(event)})
    thread = memories[names.thread(THREAD)]
    value = thread.value | {"previous_message_at": iso(now - timedelta(days=14))}
    return memories | {thread.name: msgspec.structs.replace(thread, value=value)}


class _InHand:
    """`lead_memory.services.context.Reader`, of one lead's memories."""

    def __init__(self, memories: Mapping[MemoryKey, Memory]) -> None:
        self._memories = memories

    async def of_lead(self, _: Lead, wanted: Collection[MemoryKey]) -> Mapping[MemoryKey, Memory]:
        return {name: self._memories[name] for name in wanted if name in self._memories}

    async def of_type(self, _: Lead, memory_type: MemoryType, limit: int) -> Some:
        memories = [memory for memory in self._memories.values() if memory.memory_type is memory_type]
        return Some(memories[:limit], whole=len(memories) <= limit)


class _Defaults:
    async def of(self, _: str) -> ConversationSettings:
        return ConversationSettings()
