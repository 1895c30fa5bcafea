"""The commands for recalls: a question to a lead's memories, and what counts how much in an answer."""

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import msgspec
from cyclopts import Parameter
from cyclopts.validators import Number

from lead_memory.domain.memories import Environment, MemoryType
from lead_memory.domain.recall.weights import Weights
from lead_memory_client.terminal import OK, Of, Time, UsageError, answer, say

if TYPE_CHECKING:
    from rich.table import Table

MEANS = {
    "similarity": "how close the question and the memory are in meaning",
    "keywords": "the words that both have",
    "importance": "as it was said of the memory",
    "freshness": "how lately it changed, for its kind",
    "decay": "how lately it changed or was recalled",
    "confidence": "by its source, evidence and contradictions",
}

type Flag = Annotated[bool, Parameter(negative="")]
type Names = Annotated[list[str] | None, Parameter(negative="")]
type Share = Annotated[float | None, Parameter(validator=Number(gte=0, lte=1))]


def recall(
    question: str,
    /,
    *,
    lead: UUID,
    k: Annotated[int, Parameter(name="-k", validator=Number(gte=1))] = 10,
    tag: Names = None,
    type: Annotated[list[MemoryType] | None, Parameter(negative="")] = None,
    event_type: Names = None,
    environment: Annotated[list[Environment] | None, Parameter(negative="")] = None,
    project: str | None = None,
    min_score: Annotated[float, Parameter(validator=Number(gte=0, lte=1))] = 0,
    as_of: Time = None,
    cold: Flag = False,
    parts: Flag = False,
    of: Of = Of(),
) -> int:
    """Ask a lead's memories a question, in any language; the ones that answer it best come first.

    Args:
        question: For example 'how do they want to be contacted?'
        lead: The lead's id.
        k: How many memories at most, up to 40.
        tag: Only those with this tag; given again, with one of them.
        type: Only of this type, for example preference; given again, of one of them.
        event_type: Only those that came from this, such as meeting; given again, from one of them.
        environment: Only of this one, production unless given; given again, of one of them.
        project: Only those of the project with this id.
        min_score: Only those with this score or more, from 0 to 1.
        as_of: Only what has not changed since a time, scored as of then, for example 2026-02-03T14:05Z.
        cold: Also what was not used for long, which takes a little longer.
        parts: Show what each score is the sum of.
    """
    from lead_memory_client.recall_text import left_out, recall_table

    organization_id = of.organization_id()
    found = of.connect().recall(
        lead,
        organization_id,
        question,
        k=k,
        tags=tag or (),
        types=type or (),
        event_types=event_type or (),
        environments=environment or (Environment.PRODUCTION,),
        project_id=project,
        min_score=min_score,
        as_of=as_of,
        include_cold=cold,
    )
    answer(of, found, lambda: recall_table(found, parts=parts) if found.memories else "Nothing answers.")
    for sentence in left_out(found):
        say(sentence)
    return OK


def weights(
    *,
    similarity: Share = None,
    keywords: Share = None,
    importance: Share = None,
    freshness: Share = None,
    decay: Share = None,
    confidence: Share = None,
    of: Of = Of(),
) -> int:
    """Show what counts how much in an organization's recalls, or change what is given; together the weights are 1.

    Args:
        similarity: How close the question and the memory are in meaning.
        keywords: The words that both have.
        importance: As it was said of the memory.
        freshness: How lately the memory changed, for its kind.
        decay: How lately it changed or was recalled.
        confidence: By its source, evidence and contradictions.
    """
    given = {
        "similarity": similarity,
        "keywords": keywords,
        "importance": importance,
        "freshness": freshness,
        "decay": decay,
        "confidence": confidence,
    }
    chosen = {name: weight for name, weight in given.items() if weight is not None}
    organization_id = of.organization_id()
    memory = of.connect()
    settings = memory.memory_settings(organization_id)
    if chosen:
        settings = msgspec.structs.replace(settings, weights=_with(settings.weights, chosen))
        memory.configure_memories(organization_id, settings)
        say("Within a minute it is followed.")
    shown = msgspec.structs.asdict(settings.weights)
    answer(of, {"weights": shown}, lambda: _table(shown))
    return OK


def _with(before: Weights, chosen: dict[str, float]) -> Weights:
    """Raises `UsageError` where they would not be 1 together."""
    try:
        return msgspec.structs.replace(before, **chosen)
    except ValueError as error:
        after = msgspec.structs.asdict(before) | chosen
        listed = ", ".join(f"{name} {weight:g}" for name, weight in after.items())
        raise UsageError(f"Together the weights are 1, and these are {sum(after.values()):g}: {listed}.") from error


def _table(shown: dict[str, float]) -> "Table":
    from lead_memory_client.show import new_table

    table = new_table("part of a score", "at most", "is")
    for name, weight in shown.items():
        table.add_row(name, f"{weight:g}", MEANS[name])
    return table
