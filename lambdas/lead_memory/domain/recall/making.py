"""A memory as an entry of the index."""

from lead_memory.domain import scores
from lead_memory.domain.intelligence import cluster
from lead_memory.domain.memories import Memory
from lead_memory.domain.recall.entry import Entry, Vector
from lead_memory.domain.recall.terms import terms
from lead_memory.domain.recall.text import recall_text


def entry_of(memory: Memory, vector: Vector | None) -> Entry:
    """`vector` is that of its `recall_text`."""
    text, said = recall_text(memory), memory.annotations
    summary_of = cluster.sources(memory)
    return Entry(
        name=memory.name,
        vector=vector,
        terms=terms(text),
        quality=scores.quality(text),
        source=memory.source,
        confidence=memory.confidence,
        evidence_count=memory.evidence_count,
        contradiction_count=memory.contradiction_count,
        updated_at=memory.updated_at.timestamp(),
        expires_at=memory.expires_at.timestamp() if memory.expires_at else None,
        importance=said.importance,
        content_type=said.content_type,
        event_type=said.event_type,
        tags=said.tags,
        environment=said.environment,
        project_id=said.project_id,
        parent=said.parent,
        is_summary=bool(summary_of),
        summary_of=tuple(sorted(summary_of)),
    )
