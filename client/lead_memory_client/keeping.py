"""How a lead's memories are kept, from Python."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from lead_memory.domain.memories import IN_TEMPLATES, Lead, Memory, MemoryKey, MemoryType
from lead_memory.domain.recall.text import recallable
from lead_memory.domain.retention import NO_POLICY
from lead_memory_client.errors import translated
from lead_memory_client.kept import NOT_IN_INDEX, InIndex, Kept
from lead_memory_client.privacy import Privacy
from lead_memory_client.reading import Reading


class Keeping(Reading, Privacy):
    """Every method raises `AwsRefused`, and `Erased` for a lead that was erased, or whose organization was."""

    def lifecycle(self, lead_id: str | UUID, organization_id: str | UUID) -> list[Kept]:
        """What became of every memory, and what will when; what changes soonest comes first. Strongly consistent.

        Conversations and notes are not in it: they have their own ends. Those that are deleted are, and of those that
        were purged their names.
        """
        from lead_memory_client.records import kept

        settings = self.memory_settings(organization_id)
        with translated("read how memories are kept"):
            lead = Lead(str(organization_id).lower(), str(lead_id).lower())
            memories = [each for each in self._table.memories(lead) if each.memory_type in IN_TEMPLATES]
            indexed = self._table.in_index(lead, [each.name for each in memories])
        found = [
            kept(each, settings.policy(each.memory_type), indexed.get(each.name, NOT_IN_INDEX)) for each in memories
        ]
        return sorted(self._of_known(lead, found), key=_soonest)

    def records(
        self, lead_id: str | UUID, organization_id: str | UUID, *, as_of: datetime | None = None
    ) -> list[dict[str, Any]]:
        """As `memories`, with everything that is known of each: docs/reference/record.md names the fields.

        As of a time: without what a policy decides, and without use, which the log does not know.
        """
        from lead_memory_client.records import record

        memories = self.memories(lead_id, organization_id, as_of=as_of)
        if as_of is not None:
            return [record(each, NO_POLICY, NOT_IN_INDEX, as_of) for each in memories]
        settings, now = self.memory_settings(organization_id), datetime.now(UTC)
        with translated("read what recalls know of the memories"):
            lead = Lead(str(organization_id), str(lead_id))
            indexed = self._table.in_index(lead, [each.name for each in memories])
        return [
            record(each, settings.policy(each.memory_type), indexed.get(each.name, NOT_IN_INDEX), now)
            for each in memories
        ]

    def indexed(self, lead_id: str | UUID, organization_id: str | UUID) -> dict[MemoryKey, InIndex | None]:
        """What recalls know of every memory that they may find; None where they do not know it yet."""
        lead = Lead(str(organization_id), str(lead_id))
        with translated("read what recalls know of the memories"):
            now = datetime.now(UTC)
            names = [each.name for each in self._table.memories(lead) if recallable(each, now)]
            found = self._table.in_index(lead, names)
            return self._of_known(lead, {name: found.get(name) for name in names})

    def stored(self, lead_id: str | UUID, organization_id: str | UUID) -> list[Memory]:
        """As `memories`, and those that are hidden: their time is over, or they were deleted."""
        with translated("read what is stored"):
            lead = Lead(str(organization_id), str(lead_id))
            return self._of_known(lead, self._table.memories(lead))

    def memory(
        self, lead_id: str | UUID, memory_type: MemoryType, key: str, organization_id: str | UUID
    ) -> Memory | None:
        """As it is stored, also when it is hidden; strongly consistent."""
        with translated("read the memory"):
            lead = Lead(str(organization_id), str(lead_id))
            found, _ = self._table.memory(lead, MemoryKey(memory_type, key))
            self._of_known(lead, [found] if found else [])
            return found


def _soonest(each: Kept) -> tuple[bool, float, MemoryKey]:
    at = each.coming[0].at.timestamp() if each.coming else 0
    return (not each.coming, at, each.name)
