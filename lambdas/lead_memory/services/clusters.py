"""One summary of several memories that somebody found to belong together."""

from collections.abc import Sequence
from datetime import datetime

from lead_memory.domain.events import Event
from lead_memory.domain.intelligence import cluster as clusters
from lead_memory.domain.limits import CLUSTER_FEWEST, REFS
from lead_memory.domain.memories import Memory, MemoryKey
from lead_memory.domain.payloads.intelligence import MemoriesSummaryRequested
from lead_memory.domain.recall.text import recall_text
from lead_memory.domain.times import iso
from lead_memory.services.attempts import Done, Said
from lead_memory.services.models import Model

CONFIDENCE = 0.7
"""Of a summary: every statement is of the memories, but what was left out may have mattered."""


def needed(said: MemoriesSummaryRequested) -> list[MemoryKey]:
    """The memories, and the summary of them that there may be."""
    return [*said.names, clusters.name(said.names)]


def to_sum_up(memories: Sequence[Memory], said: MemoriesSummaryRequested, event: Event, now: datetime) -> list[Memory]:
    """None where too few of them live, or they were summed up since."""
    summary = clusters.name(said.names)
    if any(memory.name == summary and memory.updated_at >= event.occurred_at for memory in memories):
        return []
    live = [memory for memory in memories if memory.name != summary and memory.value and not memory.hidden(now)]
    return live if len(live) >= CLUSTER_FEWEST else []


def texts(memories: Sequence[Memory]) -> list[str]:
    return list(map(recall_text, memories))


async def cluster(model: Model, memories: Sequence[Memory], said: MemoriesSummaryRequested) -> Done:
    text, usage = await model.cluster(texts(memories))
    names = [memory.name for memory in memories]
    ends_at = min((memory.expires_at for memory in memories if memory.expires_at), default=None)
    data = {
        **clusters.name(said.names)._asdict(),
        "value": clusters.value(text, names),
        "confidence": CONFIDENCE,
        # With the first of them: it tells what that one said.
        **({"expires_at": iso(ends_at)} if ends_at else {}),
    }
    origins = list(dict.fromkeys(ref for memory in memories for ref in memory.source_event_ids))
    return Done([Said("memory.inferred", data, origins[:REFS])], usage, kept=1)
