"""The extractor: what it takes to look at a message, how often a model is asked, and what of its answers is taken."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

from bench import junk
from bench.asked import CountingModel, asked
from bench.capacity import metered
from bench.context import one_read
from bench.cost.looking import NOTHING, delivery, history
from bench.function import Handler, running
from bench.ground import Ground
from bench.leads import record
from bench.measure import Figure, Goal, figure, p50s
from lead_memory.adapters import keys
from lead_memory.domain.events import Event
from lead_memory.domain.intelligence.jobs import Job
from lead_memory.domain.memories import Lead
from tests.events import START
from tests.unit.intelligence.fakes import World
from tests.unit.intelligence.said import ASKS, WORTH, lead, us

REQUESTS = 3
BURST = 10
"""Messages. Each second one asks for the contact's facts."""
ON_WIRE = "on the wire; a message of which nothing is asked, against one GetItem by the same client"
IN_MEMORY = "each message looked at when it comes, and what is due when it is; counted in memory"
DROPPED, KEPT = Goal(0.95, at_most=False), Goal(0.9, at_most=False)
LABELLED = (
    "a person labelled what is said in short conversations; as many statements are made up of them, with another "
    "number or as if another conversation said so"
)


def measure(ground: Ground) -> Iterator[Figure]:
    yield from _of_nothing(ground)
    yield from calls()
    judged = junk.judged()
    yield figure(
        "made-up statements that are dropped", "statements", [(judged.dropped, judged.made_up)], DROPPED, note=LABELLED
    )
    yield figure("true statements that are kept", "statements", [(judged.kept, judged.said)], KEPT, note=LABELLED)


def _of_nothing(ground: Ground) -> Iterator[Figure]:
    talked = history(Lead(str(uuid4()), str(uuid4())), NOTHING)
    asyncio.run(record(ground, [talked]))
    settings, newest = ground.settings("Extractor"), talked[-1]
    with metered() as meter, running("extractor", settings) as handler:
        look = _looking(handler, newest)
        look()  # it opens connections and keys
        meter.taken()
        look()
        taken = meter.taken()
    requests, note = taken.requests.total(), f"{taken.read_units:g} read units and {taken.write_units:g} write units"
    yield figure("extractor, nothing to ask: requests", "at most", [(requests, REQUESTS)], Goal(1.0), note=note)
    rounds, place = 1 + ground.rounds(30, quick=2), keys.event_key(newest.lead_organization_id, newest.ref)
    with ground.wire(), running("extractor", settings) as handler, one_read(ground, place) as read:
        look = _looking(handler, newest)
        look()
        yield figure("extractor p50 / one read", "ms", p50s(look, read, rounds), note=ON_WIRE)


def _looking(handler: Handler, event: Event) -> Callable[[], None]:
    message: dict[str, Any] = delivery([event])

    def look() -> None:
        if handler(message)["batchItemFailures"]:
            raise RuntimeError("the extractor did not look at the message")

    return look


def calls() -> Iterator[Figure]:
    said = [(lead(WORTH, at), us(ASKS, at))[n % 2] for n in range(BURST) for at in [START + n * timedelta(minutes=1)]]
    together = asyncio.run(_burst([said]))
    apart = asyncio.run(_burst([[each] for each in said]))
    name = f"calls of a model for {BURST} messages that come together, each job"
    yield figure(name, "at most", [(max(together.values()), 1)], Goal(1.0))
    yield figure("the same, all jobs, against one by one", "calls", [(together.total(), apart.total())])
    counted = asked()
    name = "calls of a model in the sample conversations, all jobs, for each message"
    yield figure(name, "calls", [(counted.calls.total(), counted.messages)], note=IN_MEMORY)


async def _burst(batches: Sequence[Sequence[Event]]) -> Counter[Job]:
    world = World(model := CountingModel())
    for batch in batches:
        await world.said(*batch)
    return model.calls
