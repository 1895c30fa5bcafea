"""How far a rebuild of many leads is: counts that whoever started it reads."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from lead_memory.adapters import keys

if TYPE_CHECKING:
    from lead_memory.adapters.table import DynamoTable

LEADS, MEMORIES = "leads", "memories"
KEPT_FOR = timedelta(days=30)


class RebuildRuns:
    def __init__(self, table: "DynamoTable", now: Callable[[], datetime]) -> None:
        self._table = table
        self._now = now

    async def count(self, run_id: str, *, leads: int, memories: int) -> None:
        """Leads that are done, and memories that were rewritten. A batch that comes again counts again."""
        ends_at = int((self._now() + KEPT_FOR).timestamp())
        await self._table.add(keys.rebuild_key(run_id), {LEADS: leads, MEMORIES: memories}, expires_at=ends_at)
