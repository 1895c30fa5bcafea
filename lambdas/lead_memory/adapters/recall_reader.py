"""What a recall reads: a lead's entries, and the memories that answer."""

from collections.abc import Iterable

from lead_memory.adapters import keys
from lead_memory.adapters.aws import Aws
from lead_memory.adapters.context_reader import ContextReader
from lead_memory.adapters.entry_reader import EntryReader
from lead_memory.adapters.keyrings import Keyrings
from lead_memory.adapters.large_payloads import PayloadBucket
from lead_memory.adapters.memory_items import ORGANIZATION
from lead_memory.adapters.sealing import Keyring
from lead_memory.adapters.table import DynamoTable, Item
from lead_memory.domain.memories import Lead, Memory
from lead_memory.services.recall import Entries


class RecallReader(ContextReader):
    """`lead_memory.services.recall.Reader`."""

    def __init__(self, table: DynamoTable, keyrings: Keyrings, payloads: PayloadBucket, aws: Aws) -> None:
        super().__init__(table, keyrings)
        self._payloads = payloads
        self._entry_reader = EntryReader(table, keyrings, payloads, aws)

    async def entries(self, lead: Lead, *, include_cold: bool) -> Entries:
        # Eventually consistent: entries come seconds after the memories, and what is answered is read again.
        return await self._entry_reader.entries(lead, include_cold=include_cold)

    async def _opened(
        self, organization_id: str, items: Iterable[Item], keyring: Keyring
    ) -> dict[keys.Key, Memory | Exception]:
        """With the values that are in S3."""
        own = [item for item in items if item[ORGANIZATION] == organization_id]
        await self._payloads.bring_contents(own)
        return await super()._opened(organization_id, own, keyring)
