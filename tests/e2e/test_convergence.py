"""Several writers at once on the table that is deployed."""

import asyncio
from collections.abc import Iterator, Sequence
from random import Random
from uuid import uuid4

import boto3
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lead_memory.adapters.large_payloads import PayloadBucket
from lead_memory.adapters.store import EventStore
from lead_memory.adapters.table import DynamoTable
from lead_memory.domain.derivations import touched
from lead_memory.domain.events import Event
from lead_memory.domain.fold import refold
from lead_memory.services.record import Outcome, Recorder
from local.deployment import STACK
from local.stack import LocalStack
from tests.events import NOW, all_samples, streams
from tests.fakes import canonical_bytes

WRITERS = 4


@pytest.fixture(scope="module")
def table_name(stack: LocalStack) -> str:
    outputs = boto3.client("cloudformation", **stack.client_arguments()).describe_stacks(StackName=STACK)
    return next(
        output["OutputValue"] for output in outputs["Stacks"][0]["Outputs"] if output["OutputKey"] == "TableName"
    )


@pytest.fixture(scope="module", autouse=True)
def credentials() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ACCESS_KEY_ID", "test")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "test")
        yield


async def race(stack: LocalStack, table_name: str, events: Sequence[Event], seed: int) -> None:
    """Every event at one of the writers or two, in any order; what is given back comes again."""
    random, lead = Random(seed), str(uuid4())
    of_lead = [msgspec.structs.replace(event, lead_organization_id=lead) for event in events]
    table = DynamoTable(table_name, region=stack.region, endpoint=stack.endpoint_url)
    store = EventStore(table, PayloadBucket("none"), lambda: NOW)

    async def write(queue: list[Event]) -> None:
        while queue:
            results = await Recorder(store).record(queue[:5])
            given_back = [e for e, r in zip(queue[:5], results, strict=True) if not isinstance(r, Outcome)]
            queue = queue[5:] + given_back

    queues: list[list[Event]] = [[] for _ in range(WRITERS)]
    for event in [*of_lead, *random.choices(of_lead, k=3)]:
        random.choice(queues).append(event)
    for queue in queues:
        random.shuffle(queue)
    try:
        async with asyncio.timeout(60):
            await asyncio.gather(*map(write, queues))
        names = {name for event in of_lead for name in touched(event)}
        found = (await store.snapshot(lead, names)).memories
        assert {event.ref for event in await store.log(lead)} == {event.ref for event in of_lead}
        assert canonical_bytes({name: stored.memory for name, stored in found.items()}) == canonical_bytes(
            refold(of_lead, names)
        )
    finally:
        await table.close()


@pytest.mark.parametrize("seed", range(3))
async def test_writers_of_every_sample_at_once_end_with_the_fold(stack: LocalStack, table_name: str, seed: int) -> None:
    samples = {sample.ref: sample for sample in all_samples()}
    await race(stack, table_name, list(samples.values()), seed)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stream=streams(), seed=st.integers(0, 2**32 - 1))
async def test_writers_of_any_stream_at_once_end_with_the_fold(
    stack: LocalStack, table_name: str, stream: list[Event], seed: int
) -> None:
    await race(stack, table_name, stream, seed)
