"""What is asked of a lead's memories, and how it is answered. A mistake in a request is an answer too."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

import msgspec

from lead_memory.domain.errors import Erased, Unavailable
from lead_memory.domain.limits import SHORT_TEXT_CHARACTERS
from lead_memory.domain.memories import Environment, Lead, MemoryKey, MemoryType
from lead_memory.domain.recall.ranking import Filters
from lead_memory.services.recall import MOST, Answer, Question, Recalled

type Refusal = msgspec.ValidationError | Erased | Unavailable


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    organization_id: UUID
    lead_id: UUID
    query: Annotated[str, msgspec.Meta(min_length=1, max_length=SHORT_TEXT_CHARACTERS)]
    k: Annotated[int, msgspec.Meta(ge=1, le=MOST)] = 10
    tags: tuple[str, ...] = ()
    """One of them is enough."""
    types: tuple[MemoryType, ...] = ()
    event_types: tuple[str, ...] = ()
    environments: tuple[Environment, ...] = (Environment.PRODUCTION,)
    project_id: str | None = None
    min_score: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.0
    as_of: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    include_cold: bool = False

    @classmethod
    def read(cls, event: object) -> Self:
        """Raises `msgspec.ValidationError`."""
        return msgspec.convert(event, cls)

    def question(self) -> Question:
        return Question(
            lead=Lead(str(self.organization_id), str(self.lead_id)),
            # Half of a character is no text for an embedder.
            query=self.query.encode(errors="replace").decode(),
            k=self.k,
            filters=Filters(
                tags=self.tags,
                types=self.types,
                event_types=self.event_types,
                environments=self.environments,
                project_id=self.project_id,
                min_score=self.min_score,
                as_of=self.as_of,
            ),
            include_cold=self.include_cold,
        )


def answered(answer: Answer, *, requests: int, milliseconds: float) -> dict[str, Any]:
    return _plain(
        {
            "memories": list(map(_told, answer.recalled)),
            "lead_known": answer.lead_known,
            "similarity": "included" if answer.similar else "unavailable",
            "entries": answer.entries,
            "waiting": answer.waiting,
            "cold": answer.cold,
            "changed_since": answer.changed_since,
            "newest_at": answer.newest_at,
            "uses_counted": answer.counted,
            "requests": requests,
            "milliseconds": round(milliseconds, 1),
        }
    )


def _told(recalled: Recalled) -> dict[str, Any]:
    memory, ranked = recalled.memory, recalled.ranked
    said, indexed = memory.annotations, ranked.indexed
    return {
        "name": str(memory.name),
        "memory_type": memory.memory_type,
        "key": memory.key,
        "text": recalled.text,
        "value": memory.value,
        "score": round(ranked.score, 4),
        "parts": _rounded(msgspec.structs.asdict(ranked.parts)),
        "scores": _rounded(recalled.scores),
        "tags": said.tags,
        "metadata": said.metadata,
        "importance": said.importance,
        "content_type": said.content_type,
        "event_type": said.event_type,
        "environment": said.environment,
        "project_id": said.project_id,
        "parent": _name(said.parent),
        "is_summary": indexed.entry.is_summary,
        "summary_of": list(map(_name, indexed.entry.summary_of)),
        "summarized_in": _name(ranked.summarized_in),
        "retention_status": memory.retention.status,
        "storage_tier": memory.storage_tier,
        "vector_id": indexed.vector_id,
        "embedding_version": indexed.embedding_version,
        "usage_count": indexed.use.usage_count,
        "last_accessed_at": indexed.use.last_accessed_at or memory.last_accessed_at,
        "updated_at": memory.updated_at,
        "source": memory.source,
        "evidence_count": memory.evidence_count,
        "contradiction_count": memory.contradiction_count,
        "source_event_ids": memory.source_event_ids,
    }


def _name(name: MemoryKey | None) -> str | None:
    return str(name) if name else None


def _rounded(numbers: Mapping[str, float]) -> dict[str, float]:
    return {name: round(number, 4) for name, number in numbers.items()}


def refused(refusal: Refusal) -> dict[str, Any]:
    match refusal:
        case Erased():
            return _error("erased", refusal.detail)
        case Unavailable():
            return _error("unavailable", f"{refusal}; ask again")
    return _error("invalid_request", str(refusal))


def _error(code: str, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": f"{message[0].upper()}{message[1:]}."}}


def _plain(answer: Any) -> dict[str, Any]:
    """JSON as the Lambda runtime wants it."""
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(answer))
    return plain
