"""What conversations ask of a model: the extractor runs in memory, and what a model would read and write is counted."""

import asyncio
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from lead_memory.adapters import model_prompts
from lead_memory.adapters.pydantic_ai_model import told
from lead_memory.domain.conversation import names, threads
from lead_memory.domain.conversation.tokens import estimate
from lead_memory.domain.events import Event, parse
from lead_memory.domain.intelligence.answers import EntitiesAnswer, FactsAnswer
from lead_memory.domain.intelligence.jobs import Job, Status
from lead_memory.domain.intelligence.lines import Line
from lead_memory.domain.payloads.conversation import ConversationMessage
from lead_memory.services.models import Answer
from lead_memory.services.offline_model import OfflineModel
from tests.events import NOW, SCRIPTS, body
from tests.unit.intelligence.fakes import World

SILENT_FOR = timedelta(days=2)
"""At the end, in which the last summary and reminder become due."""


class Asked(NamedTuple):
    messages: int
    published: int
    """Events."""
    calls: Counter[Job]
    input_tokens: Counter[Job]
    """Of all calls of the job; so the next."""
    output_tokens: Counter[Job]
    left_out: int
    """Jobs that the gate let nobody ask for."""

    def share(self, job: Job) -> float:
        """Calls for a message."""
        return self.calls[job] / self.messages


def asked(scripts: Sequence[Path] = SCRIPTS) -> Asked:
    """By the sample conversations: each message is looked at when it comes, and what is due when it is."""
    found = [asyncio.run(_of(events_of(script))) for script in scripts]
    return Asked(*(sum(each[1:], each[0]) for each in zip(*found, strict=True)))


async def _of(events: Sequence[Event]) -> Asked:
    model = CountingModel()
    world = World(model)
    for event in events:
        await _until(event.occurred_at, world)
        if isinstance(event.data, ConversationMessage):
            await world.said(event)
        else:
            await world.record(event)
    await _until(world.now + SILENT_FOR, world)
    return Asked(
        messages=sum(isinstance(event.data, ConversationMessage) for event in events),
        published=len(world.published),
        calls=model.calls,
        input_tokens=model.input_tokens,
        output_tokens=model.output_tokens,
        left_out=sum(outcome.status is Status.SKIPPED for outcome in world.reported),
    )


async def _until(time: datetime, world: World) -> None:
    """What was put off comes again, and what is due by then is done."""
    due = None
    while (next_due := _next_due(world, time)) and next_due != due:
        due = next_due
        await world.wait(max(due - world.now, timedelta()))
        await world.sweep()
    await world.wait(max(time - world.now, timedelta()))


def _next_due(world: World, time: datetime) -> datetime | None:
    found = (threads.due_at(memory.value) for name, memory in world.store.memories.items() if names.is_thread(name))
    return min((at for at in found if at and at <= time), default=None)


def events_of(script: Path) -> list[Event]:
    """In their order, as they come."""
    entries = json.loads(script.read_bytes())
    return sorted((parse(body(entry), NOW) for entry in entries), key=lambda event: event.occurred_at)


class CountingModel(OfflineModel):
    """Counts what another model would read, and the offline model's answers as that other's."""

    def __init__(self) -> None:
        self.calls: Counter[Job] = Counter()
        self.input_tokens: Counter[Job] = Counter()
        self.output_tokens: Counter[Job] = Counter()

    async def facts(self, lines: Sequence[Line]) -> Answer[FactsAnswer]:
        return self._counted(Job.FACTS, model_prompts.conversation(lines), await super().facts(lines))

    async def entities(self, lines: Sequence[Line]) -> Answer[EntitiesAnswer]:
        return self._counted(Job.ENTITIES, model_prompts.conversation(lines), await super().entities(lines))

    async def summary(self, lines: Sequence[Line], before: str | None) -> Answer[str]:
        asked = model_prompts.conversation(lines, before)
        return self._counted(Job.SUMMARY, asked, await super().summary(lines, before))

    async def reactivation(self, thread: Mapping[str, Any], profile: Mapping[str, Any] | None) -> Answer[str]:
        asked = model_prompts.silence(thread, profile)
        return self._counted(Job.REACTIVATION, asked, await super().reactivation(thread, profile))

    def _counted[Output: (FactsAnswer, EntitiesAnswer, str)](
        self, job: Job, asked: str, answer: Answer[Output]
    ) -> Answer[Output]:
        output = answer.output
        text = output if isinstance(output, str) else output.model_dump_json(exclude_defaults=True)
        self.calls[job] += 1
        self.input_tokens[job] += estimate(told(job)) + estimate(asked)
        self.output_tokens[job] += estimate(text)
        return answer
