"""One summary of several memories, as a memory: `fact.cluster:<digest of their names>`."""

import hashlib
from collections.abc import Collection
from typing import TYPE_CHECKING

from lead_memory.domain.memories import Memory, MemoryKey, MemoryType, Value

if TYPE_CHECKING:
    from lead_memory.domain.payloads.said import MemoryInferred

_PREFIX = "cluster:"


def name(of: Collection[MemoryKey]) -> MemoryKey:
    """The same for the same memories."""
    digest = hashlib.sha256("\n".join(sorted(map(str, of))).encode()).hexdigest()
    return MemoryKey(MemoryType.FACT, f"{_PREFIX}{digest[:16]}")


def value(text: str, of: Collection[MemoryKey]) -> Value:
    return {"text": text, "is_summary": True, "summary_of": [each._asdict() for each in sorted(of)]}


def is_cluster(name: MemoryKey) -> bool:
    return name.memory_type is MemoryType.FACT and name.key.startswith(_PREFIX)


def sources(said: "MemoryInferred | Memory") -> set[MemoryKey]:
    """The memories that it sums up; none for any other memory."""
    if not is_cluster(MemoryKey(said.memory_type, said.key)):
        return set()
    listed = said.value.get("summary_of")
    return {
        MemoryKey(MemoryType(each["memory_type"]), each["key"])
        for each in (listed if isinstance(listed, list) else ())
        if isinstance(each, dict) and each.get("memory_type") in list(MemoryType) and isinstance(each.get("key"), str)
    }
