"""Stores in memory, which count what is asked of them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from lead_memory.domain.errors import Unavailable
from lead_memory.domain.memories import Memory, MemoryKey, MemoryType, Position, Source, Tier, Value

NOW = datetime(2026, 2, 3, 14, 5, 11, tzinfo=UTC)
ORGANIZATION = "3f0c1b52-7a55-4d0c-9a8e-1f6a1b9f7c01"
ANA = "7b1f6c1e-0d5e-4a53-9a53-2f0e6d2f9a11"
BRUNO = "00000000-0000-4000-8000-000000000002"
CARLA = "00000000-0000-4000-8000-000000000003"


def memory(
    lead_id: str,
    memory_type: str,
    key: str,
    value: Value,
    *,
    organization_id: str = ORGANIZATION,
    expires_at: datetime | None = None,
) -> Memory:
    updated_at = NOW - timedelta(minutes=2)
    return Memory(
        lead_organization_id=lead_id,
        organization_id=organization_id,
        memory_type=MemoryType(memory_type),
        key=key,
        value=value,
        confidence=0.9,
        source=Source.EVENT_DERIVED,
        source_event_ids=("shopify/1001",),
        source_event_count=1,
        evidence_count=1,
        contradiction_count=0,
        created_at=updated_at,
        updated_at=updated_at,
        expires_at=expires_at,
        tier=Tier.LONG_TERM,
        newest=Position(updated_at, 0, "shopify", "1001"),
        fold_version=1,
    )


class FakeMemories:
    def __init__(self, *memories: Memory, failing: Mapping[str, Exception] | None = None) -> None:
        self.memories = {(m.lead_organization_id, m.name): m for m in memories}
        self.failing = failing or {}
        self.asked: list[tuple[str, MemoryKey]] = []

    async def get(self, lead_id: str, name: MemoryKey) -> Memory | None:
        self.asked.append((lead_id, name))
        if lead_id in self.failing:
            raise self.failing[lead_id]
        return self.memories.get((lead_id, name))


class FakeProfiles:
    def __init__(self, people: Mapping[str, Mapping[str, Any]], *, away: bool = False) -> None:
        self.people = people
        self.away = away
        self.asked: list[tuple[str, tuple[str, ...], tuple[str, ...]]] = []

    async def profiles(
        self, organization_id: str, lead_ids: Sequence[str], fields: Sequence[str]
    ) -> Mapping[str, Mapping[str, Any]]:
        self.asked.append((organization_id, tuple(lead_ids), tuple(fields)))
        if self.away:
            raise Unavailable("the profile database did not answer")
        return {
            lead_id: {field: self.people[lead_id][field] for field in fields}
            for lead_id in lead_ids
            if lead_id in self.people
        }
