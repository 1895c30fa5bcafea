"""Leads with memories and profiles, as the samples' events and the profile database give them."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import uuid4

import psycopg

from bench.ground import Ground
from lead_memory.domain.derivations import touched
from lead_memory.domain.events import Event, parse
from lead_memory.domain.fold import refold
from lead_memory.domain.memories import Lead, MemoryKey
from lead_memory.services.ingest import LEADS_AT_ONCE
from lead_memory.services.record import Outcome, Recorder
from tests.events import SAMPLES, body
from tests.stage import open_store

HISTORY = (
    "segment/order.paid.json",
    "survey/form.response_submitted.json",
    "preferences/preference.expressed.contact_time.json",
)
PROFILE = {"name": "Ana Souza", "first_name": "Ana", "city": "São Paulo", "country": "Brazil", "locale": "pt_BR"}
_INSERT = "insert into leads select * from jsonb_populate_recordset(null::leads, %s::jsonb)"


class Leads(NamedTuple):
    organization_id: str
    lead_ids: tuple[str, ...]
    memories: Mapping[MemoryKey, Any]
    """Their values, which are the same for each lead."""


def make_leads(ground: Ground, count: int) -> Leads:
    """Of an organization of their own, each with the same history and profile."""
    organization_id = str(uuid4())
    lead_ids = tuple(str(uuid4()) for _ in range(count))
    histories = [_history(Lead(organization_id, lead_id)) for lead_id in lead_ids]
    asyncio.run(record(ground, histories))
    profiles = [{"id": lead_id, "organization_id": organization_id, **PROFILE} for lead_id in lead_ids]
    with psycopg.connect(ground.stack.postgres_url) as connection:
        connection.execute(_INSERT, [json.dumps(profiles)])
    memories = refold(histories[0], {name for event in histories[0] for name in touched(event)})
    return Leads(organization_id, lead_ids, {name: memory.value for name, memory in memories.items()})


def entry_of(sample: str, lead: Lead, **metadata: Any) -> dict[str, Any]:
    """What is put on the bus for a sample, about another lead than its own."""
    entry: dict[str, Any] = json.loads((SAMPLES / sample).read_text())
    whose = {"organization_id": lead.organization_id, "lead_organization_id": lead.lead_id}
    entry["Detail"]["metadata"] |= whose | metadata
    return entry


def _history(lead: Lead) -> list[Event]:
    now = datetime.now(UTC)
    return [parse(body(entry_of(sample, lead)), now) for sample in HISTORY]


async def record(ground: Ground, histories: Sequence[Sequence[Event]]) -> None:
    """Raises `RuntimeError` where not every event was recorded, and once."""
    at_once = asyncio.Semaphore(LEADS_AT_ONCE)
    async with open_store(ground.stage.resources) as (_, store):
        recorder = Recorder(store)

        async def record_one(history: Sequence[Event]) -> None:
            async with at_once:
                results = await recorder.record(history)
            if set(results) != {Outcome.RECORDED}:
                raise RuntimeError(f"a lead's history was not recorded: {results}")

        await asyncio.gather(*map(record_one, histories))
