"""Who is asking a model about a thread now, and what an organization spent on models today: items of their own, without
content, and under hashes, so that nothing of a lead is in them.
"""

from datetime import datetime, timedelta

from aiodynamo.expressions import F

from lead_memory.adapters import keys
from lead_memory.adapters.organization_items import SPENT
from lead_memory.adapters.table import DynamoTable
from lead_memory.domain.errors import Conflict
from lead_memory.domain.memories import Lead

_OWNER, _UNTIL = "held_by", "held_until"
_GARBAGE_AFTER = timedelta(days=2)


class Leases:
    """`lead_memory.services.extraction_ports.Leases`."""

    def __init__(self, table: DynamoTable) -> None:
        self._table = table

    async def hold(self, lead: Lead, row: str, owner: str, now: datetime, until: datetime) -> bool:
        free = F(_UNTIL).does_not_exist() | F(_UNTIL).lte(int(now.timestamp())) | F(_OWNER).equals(owner)
        taken = F(_OWNER).set(owner) & F(_UNTIL).set(int(until.timestamp())) & F(keys.TTL).set(_garbage_at(until))
        try:
            await self._table.update(keys.lease_key(lead.lead_id, row), taken, free)
        except Conflict:
            return False
        return True


class Budgets:
    """`lead_memory.services.gate.Budgets`."""

    def __init__(self, table: DynamoTable) -> None:
        self._table = table

    async def reserve(self, organization_id: str, now: datetime, micros: int, limit_micros: int) -> bool:
        if micros > limit_micros:
            return False
        left = F(SPENT).does_not_exist() | F(SPENT).lte(limit_micros - micros)
        spent = F(SPENT).add(micros) & F(keys.TTL).set(_garbage_at(now))
        try:
            await self._table.update(keys.budget_key(organization_id, now), spent, left)
        except Conflict:
            return False
        return True

    async def correct(self, organization_id: str, now: datetime, micros: int) -> None:
        await self._table.add(keys.budget_key(organization_id, now), {SPENT: micros}, expires_at=_garbage_at(now))


def _garbage_at(time: datetime) -> int:
    return int((time + _GARBAGE_AFTER).timestamp())
