"""Several writers at once on the table that is deployed."""

import asyncio
from collections.abc import Sequence
from random import Random
from uuid import uuid4

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lead_memory.adapters.store import EventStore
from lead_memory.domain.derivations import touched
from lead_memory.domain.events import Event
from lead_memory.domain.fold import refold
from lead_memory.domain.memories import Lead
from lead_memory.services.record import Outcome, Recorder
from lead_memory_client.stage import Resources
from tests.events import ORGANIZATION, all_samples, streams
from tests.fakes import canonical_bytes
from tests.stage import open_store

WRITERS = 4


async def race(resources: Resources, events: Sequence[Event], seed: int) -> None:
    """Every event at one of the writers or two, in any order; what is given back comes again."""
    random, lead = Random(seed), Lead(ORGANIZATION, str(uuid4()))
    ids = {"organization_id": lead.organization_id, "lead_organization_id": lead.lead_id}
    of_lead = [msgspec.structs.replace(event, **ids) for event in events]

    async def write(store: EventStore, queue: list[Event]) -> None:
        while queue:
            results = await Recorder(store).record(queue[:5])
            given_back = [e for e, r in zip(queue[:5], results, strict=True) if not isinstance(r, Outcome)]
            queue = queue[5:] + given_back

    queues: list[list[Event]] = [[] for _ in range(WRITERS)]
    for event in [*of_lead, *random.choices(of_lead, k=3)]:
        random.choice(queues).append(event)
    for queue in queues:
        random.shuffle(queue)
    async with open_store(resources) as (_, store), asyncio.timeout(60):
        await asyncio.gather(*(write(store, queue) for queue in queues))
        names = {name for event in of_lead for name in touched(event)}
        found = (await store.snapshot(lead, names)).memories
        assert {event.ref for event in await store.log(lead)} == {event.ref for event in of_lead}
        assert canonical_bytes({name: stored.memory for name, stored in found.items()}) == canonical_bytes(
            refold(of_lead, names)
        )


@pytest.mark.parametrize("seed", range(3))
async def test_writers_of_every_sample_at_once_end_with_the_fold(resources: Resources, seed: int) -> None:
    samples = {sample.ref: sample for sample in all_samples()}
    await race(resources, list(samples.values()), seed)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stream=streams(), seed=st.integers(0, 2**32 - 1))
async def test_writers_of_any_stream_at_once_end_with_the_fold(
    resources: Resources, stream: list[Event], seed: int
) -> None:
    await race(resources, stream, seed)
