"""A deployed stage's table, opened as its functions open it: where AWS is, the environment says."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from lead_memory.adapters.aws import Aws
from lead_memory.adapters.keyrings import Keyrings
from lead_memory.adapters.kms import KeyService
from lead_memory.adapters.large_payloads import PayloadBucket
from lead_memory.adapters.memory_reader import MemoryReader
from lead_memory.adapters.store import EventStore
from lead_memory.adapters.table import DynamoTable
from lead_memory.domain.memories import Lead, Memory, MemoryKey
from lead_memory_client.stage import Resources


async def read_memory(reader: MemoryReader, lead: Lead, name: MemoryKey) -> Memory | None:
    """Raises what the reader answers instead of a memory."""
    wanted = (lead.lead_id, name)
    read = (await reader.read(lead.organization_id, [wanted]))[wanted]
    if isinstance(read, Exception):
        raise read
    return read


@asynccontextmanager
async def open_store(resources: Resources) -> AsyncIterator[tuple[DynamoTable, EventStore]]:
    aws = Aws(os.environ)
    table = DynamoTable(resources.table_name, aws)
    keyrings = Keyrings(table, KeyService(resources.content_key, aws))
    try:
        yield table, EventStore(table, keyrings, PayloadBucket(resources.payload_bucket), lambda: datetime.now(UTC))
    finally:
        await aws.close()
