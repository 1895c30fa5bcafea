"""How an organization's memories are kept and recalled, as it chooses."""

import msgspec

from lead_memory.domain.memories import MemoryType
from lead_memory.domain.recall.weights import DEFAULT, Weights
from lead_memory.domain.retention import NO_POLICY, Policy


class MemorySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    policies: dict[MemoryType, Policy] = {}
    weights: Weights = DEFAULT
    """What counts how much in a recall."""

    def policy(self, memory_type: MemoryType) -> Policy:
        return self.policies.get(memory_type, NO_POLICY)
