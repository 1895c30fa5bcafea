"""Ten thousand events of one lead, as fast as the stack takes them, with several updaters at work on it."""

import asyncio
import time
from datetime import timedelta
from uuid import uuid4

from lead_memory.domain.events import Event
from lead_memory_client.entries import Entry
from tests.events import START, entry
from tests.prove.ground import Ground, check_converged, difference, hold

EVENTS = 10_000
UPDATERS = 2
PRODUCTS = 20
PATIENCE_SECONDS = 600


def prove_hot_lead(ground: Ground, events: int = EVENTS) -> str:
    lead = str(uuid4())
    entries = [_view(lead, number) for number in range(events)]
    started = time.monotonic()
    with ground.updaters(UPDATERS):
        ground.memory.publish(entries)
        ground.wait_until_drained(PATIENCE_SECONDS)
    seconds = time.monotonic() - started
    log = asyncio.run(_checked(ground, lead))
    published = {entry.ref for entry in entries}
    recorded = {event.ref for event in log}
    hold(recorded == published, f"of {len(published):,} events {difference(published, recorded)}")
    return (
        f"hot lead: {len(recorded):,} events of one lead through the bus and {UPDATERS + 1} updaters at once, "
        f"none lost, memories equal the fold; {events / seconds:,.0f} events/s"
    )


async def _checked(ground: Ground, lead: str) -> list[Event]:
    async with ground.store() as (_, store):
        return await check_converged(store, lead)


def _view(lead: str, number: int) -> Entry:
    made = entry(
        "product.viewed",
        {"sku": f"sku-{number % PRODUCTS}"},
        event_id=f"view-{number}",
        at=START + timedelta(seconds=number),
        lead_organization_id=lead,
    )
    return Entry(made["Source"], made["DetailType"], made["Detail"])
