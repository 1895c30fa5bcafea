"""The model of who has none: rules and the conversation's own sentences, no network, and always the same answer."""

from collections.abc import Mapping, Sequence
from typing import Any

from lead_memory.domain.conversation.extractive import shortened, summarize
from lead_memory.domain.conversation.messages import Message
from lead_memory.domain.conversation.reactivation import reactivation
from lead_memory.domain.intelligence.answers import EntitiesAnswer, FactsAnswer
from lead_memory.domain.intelligence.jobs import Job
from lead_memory.domain.intelligence.lines import Line
from lead_memory.domain.intelligence.offline.entities import entities
from lead_memory.domain.intelligence.offline.facts import facts
from lead_memory.services.models import NO_USAGE, Answer

_CHANNEL = "offline"
"""A message has one, and a summary says nothing of it."""

_CLUSTER_CHARACTERS = 2_900
"""Of all texts: of an earlier summary 3,000 are looked at, and no text is to crowd out another."""


class OfflineModel:
    name = "offline"

    def prompt_version(self, job: Job) -> str:  # noqa: ARG002 - all rules change together
        return "offline-1"

    def estimated_cost_micros(self, job: Job, input_tokens: int) -> int:  # noqa: ARG002 - nobody is paid
        return 0

    async def facts(self, lines: Sequence[Line]) -> Answer[FactsAnswer]:
        return Answer(facts(lines), NO_USAGE)

    async def entities(self, lines: Sequence[Line]) -> Answer[EntitiesAnswer]:
        return Answer(entities(lines), NO_USAGE)

    async def summary(self, lines: Sequence[Line], before: str | None) -> Answer[str]:
        said = [Message(at=line.at, from_lead=line.from_lead, channel=_CHANNEL, text=line.text) for line in lines]
        return Answer(summarize(said, before), NO_USAGE)

    async def reactivation(self, thread: Mapping[str, Any], profile: Mapping[str, Any] | None) -> Answer[str]:
        return Answer(reactivation(thread, profile), NO_USAGE)

    async def cluster(self, texts: Sequence[str]) -> Answer[str]:
        # As parts of an earlier summary they have no speaker: what was written of a lead is not what the lead said.
        parts = [shortened(text, _CLUSTER_CHARACTERS // len(texts)) for text in texts]
        return Answer(summarize([], "\n".join(parts)), NO_USAGE)
