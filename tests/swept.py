"""What one run of the cleanup reads."""

import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from bench.capacity import metered
from lead_memory.adapters.aws import Aws
from lead_memory.adapters.due import DueIndex
from lead_memory.adapters.keyrings import Keyrings
from lead_memory.adapters.kms import KeyService
from lead_memory.adapters.organization_settings import OrganizationSettings
from lead_memory.adapters.table import DynamoTable
from lead_memory.services.bus import Entry
from lead_memory.services.extraction_queue import Request
from lead_memory.services.sweep import Report, sweep


class Swept(NamedTuple):
    report: Report
    requests: Mapping[str, int]
    """By DynamoDB's operation."""
    items: int
    """That were read, of the index and of the table."""
    read_units: float


async def swept(table_name: str, content_key: str, organization_id: str, now: datetime) -> Swept:
    """Without what it reads of the organization, once in a while. What is announced is recorded by nobody."""
    with metered() as consumed:
        aws = Aws(os.environ)
        table = DynamoTable(table_name, aws)
        keyrings = Keyrings(table, KeyService(content_key, aws), now.timestamp)
        settings = OrganizationSettings(table, now.timestamp)
        due = DueIndex(table, keyrings, settings)
        try:
            await keyrings.of(organization_id)
            await settings.memories(organization_id)
            consumed.taken()
            report = await sweep(due, _Silent(), _Silent(), now=now, has_time=lambda: True)
        finally:
            await aws.close()
        taken = consumed.taken()
    return Swept(report, taken.requests, taken.items_read, taken.read_units)


class _Silent:
    """The bus, and the extractor's queue."""

    async def publish(self, entries: Sequence[Entry]) -> int:
        return len(entries)

    async def send(self, requests: Sequence[Request], delay_seconds: int = 0) -> int:
        return len(requests)

    async def give_up(self, request: Request, reason: str) -> None:
        raise AssertionError(reason)
