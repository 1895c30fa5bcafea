"""A million memories that are not due, and a thousand that are: what the cleanup reads follows the thousand."""

import asyncio
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import batched
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import msgspec

from lead_memory.adapters import aws, keys
from lead_memory.adapters.table import BATCH_WRITE_ITEMS
from lead_memory.domain.memories import Lead, MemoryKey, MemoryType
from lead_memory.services import sweep
from lead_memory.services.record import Outcome, Recorder
from tests.events import event
from tests.prove.ground import PROGRESS_SECONDS, Ground, hold
from tests.stage import open_store
from tests.swept import Swept, swept

LEADS, DUE_A_LEAD = 250, 4
FEW, MANY = 10_000, 1_000_000
"""Memories that are not due: every other one has a date ahead, and the others have none."""
REQUESTS_AT_ONCE = 4
REQUEST_SECONDS = 60
_HEADERS = {
    "Content-Type": "application/x-amz-json-1.0",
    "X-Amz-Target": "DynamoDB_20120810.BatchWriteItem",
}


def prove_sweep(ground: Ground, few: int = FEW, many: int = MANY) -> str:
    now, organization = datetime.now(UTC), str(uuid4())
    leads = [Lead(organization, str(uuid4())) for _ in range(LEADS)]
    due = LEADS * DUE_A_LEAD
    # For each Query the local engine looks at all that there is, so they wait for each other, and long.
    patient = patch.object(aws, "REQUEST_SECONDS", REQUEST_SECONDS)
    with _own_table(ground) as table, patient, patch.object(sweep, "PAGES_AT_ONCE", 1):
        asyncio.run(_record_due(ground, table, leads, now))
        asyncio.run(_put(ground, table, leads, range(few), now))
        before = _swept(ground, table, organization, now)
        asyncio.run(_put(ground, table, leads, range(few, many), now))
        after = _swept(ground, table, organization, now)
    for each in (before, after):
        hold(each.report == (due, 0, True), f"of {due:,} memories that are due {each.report.published:,} were found")
    hold(before == after, f"a sweep reads {_reads(before)}, and with more that is not due {_reads(after)}")
    return (
        f"sweep: {due:,} memories that are due among {many:,} that are not: {_reads(after)}, and the same among {few:,}"
    )


def _reads(swept: Swept) -> str:
    requests = " and ".join(f"{count:,} {operation}" for operation, count in sorted(swept.requests.items()))
    return f"{requests} that read {swept.items:,} items, {swept.read_units:,.1f} units"


def _swept(ground: Ground, table: str, organization: str, now: datetime) -> Swept:
    ground.say("sweeping")
    return asyncio.run(swept(table, ground.stage.resources.content_key, organization, now))


@contextmanager
def _own_table(ground: Ground) -> Iterator[str]:
    """As the one that is deployed, which its cleanup sweeps on its own."""
    dynamodb: Any = ground.stage.client("dynamodb")
    deployed = dynamodb.describe_table(TableName=ground.stage.resources.table_name)["Table"]
    [index] = deployed["GlobalSecondaryIndexes"]
    name = f"sweep-{uuid4()}"
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        **{each: deployed[each] for each in ("AttributeDefinitions", "KeySchema")},
        GlobalSecondaryIndexes=[{each: index[each] for each in ("IndexName", "KeySchema", "Projection")}],
    )
    try:
        yield name
    finally:
        dynamodb.delete_table(TableName=name)


async def _record_due(ground: Ground, table: str, leads: Iterable[Lead], now: datetime) -> None:
    said_at, over_at = now - timedelta(days=2), now - timedelta(days=1)
    resources = msgspec.structs.replace(ground.stage.resources, table_name=table)
    async with open_store(resources) as (_, store):
        for lead in leads:
            events = [
                event(
                    "memory.declared",
                    {"memory_type": "fact", "key": f"over {n}", "value": {"n": n}, "expires_at": over_at.isoformat()},
                    event_id=f"over {n}",
                    at=said_at,
                    organization_id=lead.organization_id,
                    lead_organization_id=lead.lead_id,
                )
                for n in range(DUE_A_LEAD)
            ]
            results = await Recorder(store).record(events)
            hold(set(results) == {Outcome.RECORDED}, f"what is to be due was not recorded: {results}")


async def _put(ground: Ground, table: str, leads: Sequence[Lead], numbers: range, now: datetime) -> None:
    """Of each its key and its place in the index: the rest of it nobody asks for."""
    client, at_once, said = aws.Aws(os.environ), asyncio.Semaphore(REQUESTS_AT_ONCE), time.monotonic()

    async def put(some: Iterable[int]) -> None:
        requests = [{"PutRequest": {"Item": _row(leads[n % LEADS], n, now)}} for n in some]
        asked = msgspec.json.encode({"RequestItems": {table: requests}})
        try:
            told = await client.ask("dynamodb", asked, dict[str, Any], seconds=REQUEST_SECONDS, headers=_HEADERS)
        finally:
            at_once.release()
        hold(not told["UnprocessedItems"], "not all was put into the table")

    try:
        async with asyncio.TaskGroup() as putting:
            for some in batched(numbers, BATCH_WRITE_ITEMS, strict=False):
                await at_once.acquire()
                putting.create_task(put(some))
                if time.monotonic() - said > PROGRESS_SECONDS:
                    said = time.monotonic()
                    ground.say(f"{some[0]:,} memories are in the table")
    finally:
        await client.close()


def _row(lead: Lead, number: int, now: datetime) -> dict[str, dict[str, str]]:
    row = keys.memory_key(lead.lead_id, MemoryKey(MemoryType.FACT, f"later {number}"))._asdict()
    # Of a lead's memories every other one.
    if number // LEADS % 2:
        ahead = now + timedelta(hours=1, seconds=number)
        row |= {keys.GSI1_PK: keys.due_shard(lead.lead_id), keys.GSI1_SK: keys.due_at(ahead)}
    return {name: {"S": value} for name, value in row.items()}
