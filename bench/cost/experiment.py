"""The workload on the local stack: what was counted, weighed and timed of it."""

from collections import Counter
from collections.abc import Sequence
from itertools import batched
from statistics import mean
from typing import Any, NamedTuple
from uuid import uuid4

import msgspec

from bench.asked import Asked, asked
from bench.capacity import item_bytes
from bench.cost import stored
from bench.cost.indexing import Indexing, Recalls, indexing, recalls
from bench.cost.looking import Look, looks
from bench.cost.measured import Work, work
from bench.cost.priced import Assumptions
from bench.cost.stored import OVERHEAD_BYTES, Stored
from bench.cost.usage import QUEUE_BATCH
from bench.cost.workload import Life, arrivals, delivery, lead_of, lives, message_body, samples
from bench.ground import Ground
from bench.leads import make_leads
from bench.resolving import TEMPLATE
from infra.stages import Stage
from lead_memory.adapters import keys
from local.deployment import STACK
from tests.events import ORGANIZATION

LEADS = 100
"""Also so many in a call of the resolver."""
SEVERAL = 5
"""Events of a lead that come together, in batches that are then of fewer leads."""
FEWER_LEADS = 30
TIMED_BATCHES = 3
CALLS = 20
"""Of the resolver; for all leads at once, one that is counted and three that are timed."""
REBUILT = 20
"""Leads that are counted, and as many that are timed."""
INDEXED = ("counted and indexed", "timed and indexed")
ONE_VARIABLE = "{{preference.contact_time.value}}"
VARIABLES = TEMPLATE.count("{{")


class Arrival(NamedTuple):
    name: str
    events: int
    """In a batch."""
    batch: Work


class Resolve(NamedTuple):
    name: str
    variables: int
    """That a call resolves, those of all leads together."""
    reads_profile: bool
    call: Work


class Rebuild(NamedTuple):
    name: str
    batch: Work


class Measured(NamedTuple):
    arrivals: Sequence[Arrival]
    resolves: Sequence[Resolve]
    rebuilds: Sequence[Rebuild]
    looks: Sequence[Look]
    asked: Asked
    indexing: Indexing
    recalls: Sequence[Recalls]
    cleanup: Work
    leads: int
    event_bytes: float
    """On the bus, on average."""
    rows: Stored
    event_rows: Stored
    memory_rows: Stored
    registry_bytes: float
    """Of a lead in the index."""
    resources: Counter[str]
    """By CloudFormation's type."""
    functions_mib: int
    """The memory of all functions together."""


def experiment(ground: Ground, stage: Stage, assumed: Assumptions) -> Measured:
    """On a ground where nothing happened before, with the batches of `stage`."""
    cleanup = work(ground, "cleanup", warm_up={}, counted=[{}], timed=[{}])  # while nothing is due
    ground.say(f"recording what happens to {LEADS} leads, twice")
    counted, timed = (lives(group, LEADS, assumed.happens) for group in ("counted", "timed"))
    arrived = _arrivals(ground, counted, timed, stage.batch_size, assumed)
    rows = list(stored.rows_of(ground, map(lead_of, counted)))
    heads = [stored.indexed(item) for item in rows if item[keys.SK]["S"] == keys.HEAD_SK]
    ground.say("resolving variables")
    resolves = _resolves(ground)
    ground.say("rebuilding leads")
    rebuilds = _rebuilds(
        ground, [lead_of(life) for life in counted[:REBUILT]], [lead_of(life) for life in timed[:REBUILT]]
    )
    ground.say("looking at messages")
    looked = looks(ground)
    ground.say("keeping the index of recalls, and recalling")
    life_groups = (lives(group, LEADS, assumed.happens) for group in INDEXED)
    embedded = indexing(ground, *life_groups, size=stage.batch_size)
    recalled = recalls(ground)
    cloudformation, functions = ground.stage.client("cloudformation"), ground.stage.client("lambda")
    deployed = cloudformation.describe_stack_resources(StackName=STACK)["StackResources"]
    return Measured(
        arrivals=arrived,
        resolves=resolves,
        rebuilds=rebuilds,
        looks=looked,
        asked=asked(),
        indexing=embedded,
        recalls=recalled,
        cleanup=cleanup,
        leads=len(counted),
        event_bytes=mean(len(message_body(entry).encode()) for life in counted for entry in life),
        rows=stored.together(stored.of(rows), embedded.entries),
        event_rows=stored.of([item for item in rows if stored.is_event(item)]),
        memory_rows=stored.of([item for item in rows if stored.is_memory(item)]),
        registry_bytes=mean(map(item_bytes, heads)) + OVERHEAD_BYTES,
        resources=Counter(resource["ResourceType"] for resource in deployed),
        functions_mib=sum(each["MemorySize"] for each in functions.list_functions()["Functions"]),
    )


def _arrivals(
    ground: Ground, counted: Sequence[Life], timed: Sequence[Life], size: int, assumed: Assumptions
) -> list[Arrival]:
    def recorded(counted: Sequence[Life], timed: Sequence[Life], *, at_once: int, size: int) -> Work:
        def batches(lives: Sequence[Life]) -> list[Any]:
            each = batched(arrivals(lives, at_once=at_once), size, strict=False)
            return [delivery(events) for events in each if len(events) == size]

        warm_up = delivery(samples()[:1])
        in_time = batches(timed)[:TIMED_BATCHES]
        return work(ground, "memory_updater", warm_up=warm_up, counted=batches(counted), timed=in_time)

    apart = recorded(counted, timed, at_once=1, size=size)
    counted, timed = (lives(group, FEWER_LEADS, assumed.happens) for group in ("counted together", "timed together"))
    together = recorded(counted, timed, at_once=SEVERAL, size=size)
    single = recorded(*([life] for life in lives("single", 2, assumed.happens)), at_once=1, size=1)
    # Few events tell the time of one; its capacity is that of one among many, for either has its own transaction.
    alone = msgspec.structs.replace(single, read_units=apart.read_units / size, write_units=apart.write_units / size)
    return [
        Arrival(f"{size} in a batch, of many leads", size, apart),
        Arrival(f"{size} in a batch, {SEVERAL} of a lead together", size, together),
        Arrival("one by one", 1, alone),
    ]


def _resolves(ground: Ground) -> list[Resolve]:
    leads = make_leads(ground, LEADS)

    def resolved(template: str, count: int) -> Work:
        asked = {"organization_id": leads.organization_id, "template": template}
        calls = [asked | {"leads": some} for some in batched(leads.lead_ids, count, strict=True)]
        return work(ground, "resolver", warm_up=calls[0], counted=calls[:CALLS], timed=(calls * 3)[:CALLS])

    return [
        Resolve(f"{VARIABLES} variables over 3 memories and the profile", VARIABLES, True, resolved(TEMPLATE, 1)),
        Resolve(f"the same for {LEADS} leads in a call", VARIABLES * LEADS, True, resolved(TEMPLATE, LEADS)),
        Resolve("one variable of a memory", 1, False, resolved(ONE_VARIABLE, 1)),
    ]


def _rebuilds(ground: Ground, counted: Sequence[str], timed: Sequence[str]) -> list[Rebuild]:
    run_id = str(uuid4())

    def batches(lead_ids: Sequence[str]) -> list[Any]:
        requests = [{"organization_id": ORGANIZATION, "lead_id": lead_id, "run_id": run_id} for lead_id in lead_ids]
        return [
            {"Records": [{"messageId": each["lead_id"], "body": msgspec.json.encode(each).decode()} for each in some]}
            for some in batched(requests, QUEUE_BATCH, strict=True)
        ]

    def rebuilt() -> Work:
        warm_up = {"organization_id": ORGANIZATION, "lead_id": counted[0], "check": True}
        return work(ground, "rebuilder", warm_up=warm_up, counted=batches(counted), timed=batches(timed))

    unchanged = rebuilt()
    stored.delete(ground, [item for item in stored.rows_of(ground, [*counted, *timed]) if stored.is_memory(item)])
    return [Rebuild("nothing differs", unchanged), Rebuild("every memory is written anew", rebuilt())]
