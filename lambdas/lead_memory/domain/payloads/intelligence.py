"""What models were asked, and what became of it."""

from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from lead_memory.domain.fields import TOO_LARGE, Id, Short, Text, Time, at_most
from lead_memory.domain.intelligence.jobs import Job, Status
from lead_memory.domain.limits import CLUSTER_FEWEST, CLUSTER_MEMORIES, REF_BYTES, REFS
from lead_memory.domain.memories import MemoryKey, MemoryType
from lead_memory.domain.payloads.base import Payload

type Count = Annotated[int, Field(ge=0, strict=True)]


def _short(ref: str) -> str:
    if len(ref.encode()) > REF_BYTES:
        raise PydanticCustomError(TOO_LARGE, f"the ref of an event has at most {REF_BYTES} bytes")
    return ref


type Ref = Annotated[str, Field(min_length=1), AfterValidator(_short)]
"""`<source>/<event_id>`, letter for letter as the log has it: an erasure finds by it what rests on the event."""


class Extraction(Payload):
    """How a model came to say it. What one attempt cost is in each of its events: add it up by `attempt_id`."""

    attempt_id: Id
    model: Text
    prompt_version: Text
    input_tokens: Count = 0
    output_tokens: Count = 0
    cost_micros: Count = 0
    """Millionths of a US dollar."""
    rests_on: Annotated[tuple[Ref, ...], at_most(REFS)] = ()
    """The messages, or what else it was made of."""


class ThreadExtractionRequested(Payload):
    thread_id: Id
    asked_by: Short | None = None


class MemoryName(Payload):
    memory_type: MemoryType
    key: Text


class MemoriesSummaryRequested(Payload):
    memories: Annotated[tuple[MemoryName, ...], Field(min_length=CLUSTER_FEWEST), at_most(CLUSTER_MEMORIES)]
    asked_by: Short | None = None

    @property
    def names(self) -> list[MemoryKey]:
        return [MemoryKey(each.memory_type, each.key) for each in self.memories]


class JobOutcome(Payload):
    job: Job
    status: Status
    why: Short | None = None
    """A word for programs: of the gate, or of the failure."""
    until: Time | None = None
    """When what is batched is looked at again."""
    model: Text | None = None
    prompt_version: Text | None = None
    estimated_cost_micros: Count = 0
    cost_micros: Count = 0
    input_tokens: Count = 0
    output_tokens: Count = 0
    invalid_answers: Count = 0
    kept: Count = 0
    """Statements."""
    dropped: Annotated[dict[Text, Count], at_most(REFS)] = Field({})
    """Statements that were not taken, by reason."""
    duration_ms: Count = 0


class IntelligenceEvaluated(Payload):
    attempt_id: Id
    thread_id: Id | None = None
    triggers: Annotated[tuple[Short, ...], at_most(REFS)] = ()
    importance_score: Annotated[int, Field(ge=0, le=100, strict=True)]
    message_count: Count = 0
    """Of the thread, as it was looked at."""
    lead_message_count: Count = 0
    newest_message_at: Time | None = None
    jobs: Annotated[tuple[JobOutcome, ...], Field(min_length=1), at_most(len(Job))]
