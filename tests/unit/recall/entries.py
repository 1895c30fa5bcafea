"""Entries of an index, as the laws draw them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import numpy as np
from hypothesis import strategies as st

from lead_memory.domain.memories import Environment, MemoryKey, MemoryType, Source, StorageTier
from lead_memory.domain.recall.entry import Entry, Indexed, Use
from lead_memory.domain.recall.ranking import Query
from lead_memory.domain.recall.terms import terms
from lead_memory.domain.recall.vectors import quantized

NOW = datetime(2026, 11, 22, tzinfo=UTC)
VERSION = "test/1"
DIMENSIONS = 4
TAGS = ("vip", "trial", "lost")
WORDS = ("coffee", "grinder", "invoice", "lisbon", "leite")

names = st.builds(MemoryKey, st.sampled_from([MemoryType.FACT, MemoryType.PREFERENCE]), st.sampled_from("abcdefgh"))
times = st.integers(-400, 0).map(lambda days: NOW + timedelta(days=days))
shares = st.floats(0, 1)
texts = st.lists(st.sampled_from(WORDS), max_size=4).map(" ".join)
vectors = (
    st.lists(st.integers(-9, 9), min_size=DIMENSIONS, max_size=DIMENSIONS)
    .filter(any)
    .map(lambda components: quantized(np.array(components, "f4") / np.linalg.norm(components)))
)
drawn_entries = st.builds(
    Entry,
    name=names,
    vector=st.none() | vectors,
    terms=texts.map(terms),
    quality=shares,
    source=st.sampled_from(Source),
    confidence=shares,
    evidence_count=st.integers(0, 4),
    contradiction_count=st.integers(0, 4),
    updated_at=times.map(datetime.timestamp),
    expires_at=st.none() | st.integers(-9, 9).map(lambda days: (NOW + timedelta(days=days)).timestamp()),
    importance=shares,
    content_type=st.sampled_from([None, "message", "decision", "unheard of"]),
    event_type=st.sampled_from([None, "meeting"]),
    tags=st.lists(st.sampled_from(TAGS), unique=True).map(tuple),
    environment=st.sampled_from(Environment),
    project_id=st.sampled_from([None, "p1", "p2"]),
    parent=st.none() | names,
    summary_of=st.lists(names, max_size=3, unique=True).map(tuple),
)
drawn = st.builds(
    Indexed,
    entry=drawn_entries.map(lambda entry: msgspec.structs.replace(entry, is_summary=bool(entry.summary_of))),
    use=st.builds(Use, st.integers(0, 9), st.none() | times),
    storage_tier=st.sampled_from(StorageTier),
    vector_id=st.none(),
    embedding_version=st.sampled_from([VERSION, "old/1"]),
    memory_version=st.just(1),
)
indexes = st.lists(drawn, max_size=8, unique_by=lambda each: each.entry.name)
queries = st.builds(
    Query,
    terms=texts.map(terms),
    vector=st.none() | vectors,
    embedding_version=st.just(VERSION),
    similarity_range=st.just((0.0, 0.8)),
)


def indexed(key: str, text: str = "", vector: tuple[float, ...] | None = None, **fields: Any) -> Indexed:
    """One that lives, is from now, and is in production; `fields` are of the entry."""
    given = {
        "quality": 1.0,
        "source": Source.USER_DECLARED,
        "confidence": 1.0,
        "evidence_count": 1,
        "contradiction_count": 0,
        "updated_at": NOW.timestamp(),
        "expires_at": None,
        "importance": 0.5,
        **fields,
    }
    return Indexed(
        entry=Entry(
            name=MemoryKey(MemoryType.FACT, key),
            vector=None if vector is None else quantized(np.array(vector, "f4") / np.linalg.norm(vector)),
            terms=terms(text),
            **given,
        ),
        use=Use(),
        storage_tier=StorageTier.HOT,
        vector_id=None,
        embedding_version=VERSION,
        memory_version=1,
    )
