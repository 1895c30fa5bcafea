"""A deployed stage's table, opened as its functions open it: where AWS is, the environment says."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from lead_memory.adapters.keyrings import Keyrings
from lead_memory.adapters.kms import KeyService
from lead_memory.adapters.large_payloads import PayloadBucket
from lead_memory.adapters.store import EventStore
from lead_memory.adapters.table import DynamoTable
from lead_memory_client.stage import Resources


@asynccontextmanager
async def open_store(resources: Resources) -> AsyncIterator[tuple[DynamoTable, EventStore]]:
    table = DynamoTable.open(resources.table_name, os.environ)
    keyrings = Keyrings(table, KeyService(resources.content_key))
    try:
        yield table, EventStore(table, keyrings, PayloadBucket(resources.payload_bucket), lambda: datetime.now(UTC))
    finally:
        await table.close()
