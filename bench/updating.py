"""The updater against one that writes each event and each memory by itself."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import boto3

from bench.baseline.update import SafeUpdater, Updater
from bench.campaign import EVENTS, LARGE, REAL, SMALL, records
from bench.capacity import Consumed, metered
from bench.function import running
from bench.ground import Ground
from bench.measure import Figure, Goal, alternate, figure
from lead_memory_client.client import LeadMemory

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

LEADS = 20
EVENTS_OF_BATCH = LEADS * len(EVENTS)
COUNTED_LEADS_IF_QUICK = len(REAL) // len(EVENTS)

type Batch = dict[str, Any]
type Handler = Callable[[Batch], object]
type Memories = dict[tuple[str, str], Any]
"""Values by lead and `type#key`."""


def measure(ground: Ground) -> Iterable[Figure]:
    """A batch is 100 events over 20 leads that are known, five of each: see `bench/campaign.py`."""
    dynamodb: DynamoDBClient = boto3.client("dynamodb")
    with _table(dynamodb) as unsafe:
        yield _events_per_second(ground, dynamodb, unsafe)
    with _table(dynamodb) as unsafe, _table(dynamodb) as safe:
        yield from _capacity(ground, dynamodb, unsafe, safe)


def _events_per_second(ground: Ground, dynamodb: "DynamoDBClient", table: str) -> Figure:
    first, *timed = _batches(LEADS, [REAL] * (ground.rounds(21, quick=2) + 1))
    by_hand = Updater(dynamodb, table)
    with running("memory_updater", ground.settings("Updater")) as handler:
        handler(first)
        by_hand.handler(first)
        _hold_same(first, dynamodb, table)
        for_ours, for_baseline = iter(timed), iter(timed)
        pairs = alternate(
            lambda: handler(next(for_ours)), lambda: by_hand.handler(next(for_baseline)), len(timed), warm_up=0
        )
        # Who gives messages back is fast, too.
        _hold_same(first, dynamodb, table)
    return figure(
        "updater: events per second of client CPU",
        "events/s",
        [(EVENTS_OF_BATCH / own.cpu, EVENTS_OF_BATCH / baseline.cpu) for own, baseline in pairs],
        Goal(5, at_most=False),
        note=f"{EVENTS_OF_BATCH} events over {LEADS} leads a batch, against put, get, put",
    )


def _capacity(ground: Ground, dynamodb: "DynamoDBClient", unsafe: str, safe: str) -> Iterable[Figure]:
    leads = ground.rounds(LEADS, COUNTED_LEADS_IF_QUICK)
    first, real, *of_one_size = _batches(leads, [REAL, REAL] if ground.quick else [REAL, REAL, SMALL, LARGE])
    by_hand, by_hand_safely = Updater(dynamodb, unsafe).handler, SafeUpdater(dynamodb, safe).handler
    by_hand(first)
    by_hand_safely(first)
    with metered(dynamodb) as consumed, running("memory_updater", ground.settings("Updater")) as handler:
        handler(first)  # with it, the leads are known and the keys warm
        consumed.taken()
        ours, safely, as_it_is = (_consumed(consumed, each, real) for each in (handler, by_hand_safely, by_hand))
        sizes = [[_consumed(consumed, each, batch) for each in (handler, by_hand_safely)] for batch in of_one_size]
    _hold_same(first, dynamodb, safe)
    made_safe = "the baseline made safe"
    for what, pair, goal in (
        (f"write units, {made_safe}", (ours.write_units, safely.write_units), Goal(0.6)),
        *(
            (f"write units at {size} a payload, {made_safe}", (own.write_units, theirs.write_units), None)
            for size, (own, theirs) in zip(("1 KB", "8 KB"), sizes, strict=False)
        ),
        ("write units, the baseline as it is", (ours.write_units, as_it_is.write_units), None),
        (f"read units, {made_safe}", (ours.read_units, safely.read_units), None),
        (f"requests, {made_safe}", (ours.requests.total(), safely.requests.total()), None),
    ):
        per_event = pair[0] / leads / len(EVENTS), pair[1] / leads / len(EVENTS)
        yield figure(f"updater: {what}", "per event", [per_event], goal, note="counted")


def _batches(lead_count: int, payloads_of: Sequence[Sequence[dict[str, Any]]]) -> list[Batch]:
    """Of the same leads, one after the other, each with raw payloads of its own."""
    organization, leads = str(uuid4()), [str(uuid4()) for _ in range(lead_count)]
    return [
        {"Records": records(organization, leads, number, payloads=payloads)}
        for number, payloads in enumerate(payloads_of)
    ]


def _consumed(consumed: Consumed, handler: Handler, batch: Batch) -> Consumed:
    handler(batch)
    return consumed.taken()


@contextmanager
def _table(dynamodb: "DynamoDBClient") -> Iterator[str]:
    """A new table, as the baselines use it: without indexes."""
    name = f"baseline-{uuid4()}"
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk")],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    )
    try:
        yield name
    finally:
        dynamodb.delete_table(TableName=name)


def _hold_same(batch: Batch, dynamodb: "DynamoDBClient", table: str) -> None:
    """Both sides keep the same of the leads of a batch. Raises `RuntimeError`."""
    details = [json.loads(record["body"])["detail"]["metadata"] for record in batch["Records"]]
    leads = {(each["organization_id"], each["lead_organization_id"]) for each in details}
    ours, theirs = _ours(leads), _by_hand(dynamodb, table)
    if not ours or ours != theirs:
        raise RuntimeError(f"of {len(ours)} memories the baseline keeps {len(theirs)}, or other values")


def _ours(leads: Iterable[tuple[str, str]]) -> Memories:
    memory = LeadMemory.connect()
    return {
        (lead, f"{each.memory_type}#{each.key}"): each.value
        for organization, lead in leads
        for each in memory.memories(lead, organization)
    }


def _by_hand(dynamodb: "DynamoDBClient", table: str) -> Memories:
    pages = dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    return {
        (item["pk"]["S"], item["sk"]["S"]): json.loads(item["value"]["S"])
        for page in pages
        for item in page["Items"]
        if "value" in item
    }
