"""What the use cases need of a model."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from lead_memory.domain.errors import LeadMemoryError
from lead_memory.domain.intelligence.answers import EntitiesAnswer, FactsAnswer
from lead_memory.domain.intelligence.jobs import Job
from lead_memory.domain.intelligence.lines import Line


class Usage(NamedTuple):
    input_tokens: int = 0
    output_tokens: int = 0
    cost_micros: int = 0
    """Millionths of a US dollar."""
    invalid_answers: int = 0
    """That the model was asked to mend."""


NO_USAGE = Usage()


class Answer[Output](NamedTuple):
    output: Output
    usage: Usage


class Failure(StrEnum):
    AWAY = "away"
    THROTTLED = "throttled"
    SLOW = "slow"
    REFUSED = "refused"
    INVALID = "invalid"
    """It answered something else, and again after it was told what is wrong."""


class ModelFailed(LeadMemoryError):
    """The model gave no answer; try again later. Says nothing of what it was asked or said."""

    def __init__(self, failure: Failure, usage: Usage = NO_USAGE) -> None:
        super().__init__(f"the model gave no answer: {failure}")
        self.failure = failure
        self.usage = usage
        """What it cost all the same."""


class Model(Protocol):
    """Every answer may raise `ModelFailed`. Message texts are data: nothing in them is an instruction."""

    name: str
    """As events say it, such as `offline` or `bedrock:<model>`."""

    def prompt_version(self, job: Job) -> str:
        """Another wherever the same messages may be answered otherwise."""

    def estimated_cost_micros(self, job: Job, input_tokens: int) -> int:
        """For messages of so many tokens: with its own instructions, and the longest answer."""

    async def facts(self, lines: Sequence[Line]) -> Answer[FactsAnswer]: ...

    async def entities(self, lines: Sequence[Line]) -> Answer[EntitiesAnswer]: ...

    async def summary(self, lines: Sequence[Line], before: str | None) -> Answer[str]:
        """`before` is the summary of what was said before the lines; None where they are to stand alone."""

    async def reactivation(self, thread: Mapping[str, Any], profile: Mapping[str, Any] | None) -> Answer[str]:
        """Of the values of the thread's memory and of `fact.contact_profile`."""

    async def cluster(self, texts: Sequence[str]) -> Answer[str]: ...
