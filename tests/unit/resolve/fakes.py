"""Stores in memory, which count what is asked of them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from lead_memory.domain.memories import Memory, MemoryKey, MemoryType, Position, Source, Tier, Value
from lead_memory.domain.templates.variables import Reason
from lead_memory.services.resolve import READ_TOGETHER, Profile, Read, Wanted

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
    source_event_ids: Sequence[str] = ("shopify/1001",),
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
        source_event_ids=tuple(source_event_ids),
        source_event_count=len(source_event_ids),
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
    def __init__(
        self, *memories: Memory, failing: Mapping[str, Exception] | None = None, erased: Collection[str] = ()
    ) -> None:
        self.memories = {(m.lead_organization_id, m.name): m for m in memories}
        self.failing = failing or {}
        self.erased_leads = erased
        self.asked: list[tuple[str, MemoryKey]] = []
        self.heads_asked: list[str] = []

    async def read(self, organization_id: str, wanted: Collection[Wanted]) -> Mapping[Wanted, Read]:
        assert len(wanted) <= READ_TOGETHER
        self.asked += wanted
        own = {each: memory for each, memory in self.memories.items() if memory.organization_id == organization_id}
        return {each: self.failing.get(each[0], own.get(each)) for each in wanted}

    async def erased(self, organization_id: str, lead_ids: Collection[str]) -> Mapping[str, bool | Exception]:
        assert len(lead_ids) <= READ_TOGETHER
        self.heads_asked += lead_ids
        return {lead_id: lead_id in self.erased_leads for lead_id in lead_ids}


class FakeProfiles:
    """A reason stands for the profile that could not be read."""

    def __init__(self, people: Mapping[str, Profile], *, failing: Exception | None = None) -> None:
        self.people = people
        self.failing = failing
        self.asked: list[tuple[str, tuple[str, ...], tuple[str, ...]]] = []

    async def profiles(
        self, organization_id: str, lead_ids: Sequence[str], fields: Sequence[str]
    ) -> Mapping[str, Profile]:
        self.asked.append((organization_id, tuple(lead_ids), tuple(fields)))
        if self.failing:
            raise self.failing
        known = {lead_id: self.people[lead_id] for lead_id in lead_ids if lead_id in self.people}
        return {
            lead_id: person if isinstance(person, Reason) else {field: person[field] for field in fields}
            for lead_id, person in known.items()
        }
