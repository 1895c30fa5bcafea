"""What was recalled: counted beside the memories, away from the recall, and brought back to the hot ones."""

import asyncio
import hashlib
import logging
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

import msgspec

from lead_memory.domain.errors import Erased, Unavailable
from lead_memory.domain.memories import Lead, Memory, StorageTier
from lead_memory.services import bus
from lead_memory.services.indexing import SOURCE, Standing

_logger = logging.getLogger(__name__)


class Uses(msgspec.Struct, frozen=True, kw_only=True):
    """Which memories one recall answered with, by the rows that they are stored in, and how each is stored."""

    organization_id: str
    lead_id: str
    used_at: datetime
    rows: Mapping[str, StorageTier]

    @property
    def lead(self) -> Lead:
        return Lead(self.organization_id, self.lead_id)


class Index(Protocol):
    """Every method may raise `Unavailable` and `Erased`."""

    async def standing(self, lead: Lead, rows: Collection[str]) -> list[Standing]: ...

    async def count(self, lead: Lead, row: str, uses: int, last_at: datetime) -> None:
        """Of an entry that is there; of others there is nothing to count."""


class _Counted(NamedTuple):
    lead: Lead
    row: str
    positions: Sequence[int]
    """Of the recalls that used it."""


async def count(index: Index, events: bus.Bus, recalls: Sequence[Uses]) -> set[int]:
    """One write for each memory, however often it was recalled. What is brought back is told before it is counted.

    The positions of the recalls that are to be given back; what was counted of them is counted again.
    """
    of_rows: dict[tuple[Lead, str], list[int]] = {}
    for position, recalled in enumerate(recalls):
        for row in recalled.rows:
            of_rows.setdefault((recalled.lead, row), []).append(position)
    counted = [_Counted(lead, row, positions) for (lead, row), positions in of_rows.items()]
    results = await asyncio.gather(
        *(_count(index, events, each, [recalls[position] for position in each.positions]) for each in counted),
        return_exceptions=True,
    )
    failed = set[int]()
    for each, result in zip(counted, results, strict=True):
        if isinstance(result, BaseException) and not isinstance(result, Erased):
            _logger.error("a use was not counted: %s", type(result).__name__)
            failed.update(each.positions)
    return failed


async def _count(index: Index, events: bus.Bus, counted: _Counted, recalls: Sequence[Uses]) -> None:
    lead, row, _ = counted
    last_at = max(each.used_at for each in recalls)
    if any(each.rows[row] is not StorageTier.HOT for each in recalls):
        standing = await index.standing(lead, [row])
        cooled = [memory for each in standing if (memory := each.memory) and _is_cooled(memory, last_at)]
        if await events.publish([_brought_back(memory, row, last_at) for memory in cooled]) < len(cooled):
            raise Unavailable("the bus did not take that a memory was brought back")
    await index.count(lead, row, len(recalls), last_at)


def _is_cooled(memory: Memory, now: datetime) -> bool:
    return memory.storage_tier is not StorageTier.HOT and not memory.hidden(now)


def _brought_back(memory: Memory, row: str, used_at: datetime) -> bus.Entry:
    """After whatever is known of it."""
    used = used_at.isoformat()
    event_id = hashlib.sha256("\n".join((row, memory.newest.ref, used)).encode()).hexdigest()
    data = {
        **memory.name._asdict(),
        "storage_tier": StorageTier.HOT,
        "used_at": used,
        "rests_on": [memory.newest.ref],
    }
    at = max(used_at, memory.newest.occurred_at)
    return bus.entry(SOURCE, "memory.tiered", memory.lead, event_id, at, data)
