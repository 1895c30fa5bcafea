"""A burst with poison and duplicates, while the updaters are killed at random: accepted = recorded + rejected."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import uuid4

import msgspec
import psutil

from lead_memory_client.entries import Entry
from tests.events import START, entry
from tests.prove.ground import POLL_SECONDS, Ground, Updaters, check_converged, difference, hold

DELIVERIES = 20_000
DUPLICATES = DELIVERIES * 5 // 100
POISON = DELIVERIES // 100
LEADS = 1_000
UPDATERS = 2
KILLS_SECONDS = (3.0, 9.0)
PATIENCE_SECONDS = 300
LEADS_AT_ONCE = 16

_POISONS: Sequence[Mapping[str, Any]] = (
    {"detail_type": "product.unheard_of"},
    {"data": {"sku": ["not", "a", "text"]}},
    {"metadata": {"occurred_at": "2999-01-01T00:00:00Z"}},
    {"metadata": {"occurred_at": "2026-01-01T00:00:00"}},
    {"metadata": {"lead_organization_id": "not-a-uuid"}},
)


class Killer:
    """Kills a process of the updaters, any of them, at random times, and replaces those that the proof started."""

    def __init__(self, updaters: Updaters, chance: random.Random) -> None:
        self.kills = 0
        self._updaters = updaters
        self._chance = chance
        self._next = self._later()

    def __call__(self) -> None:
        if time.monotonic() < self._next:
            return
        with suppress(psutil.NoSuchProcess):
            self._chance.choice(self._updaters.processes()).kill()
            self.kills += 1
        self._updaters.replace_dead()
        self._next = self._later()

    def _later(self) -> float:
        return time.monotonic() + self._chance.uniform(*KILLS_SECONDS)


def prove_nothing_lost(ground: Ground) -> str:
    chance = random.Random()
    leads = [str(uuid4()) for _ in range(LEADS)]
    deliveries = _burst(leads, chance)
    accepted = {each.detail["metadata"]["correlation_id"] for each in deliveries}
    _take_rejected(ground)
    started = time.monotonic()
    with ground.updaters(UPDATERS) as updaters, ThreadPoolExecutor(1) as publisher:
        killer = Killer(updaters, chance)
        published = publisher.submit(ground.memory.publish, deliveries)
        while wait([published], timeout=POLL_SECONDS).not_done:
            killer()
        published.result()
        ground.wait_until_drained(PATIENCE_SECONDS, killer)
    seconds = time.monotonic() - started
    dead = ground.memory.status().queues["dead_letters"]
    hold(dead.waiting + dead.in_flight == 0, f"{dead.waiting + dead.in_flight} dead letters")
    recorded = asyncio.run(_recorded(ground, leads))
    rejected = _take_rejected(ground)
    hold(len(recorded) == len(set(recorded)), "an event is in the log twice")
    hold(rejected.keys().isdisjoint(recorded), "an event is recorded and rejected")
    found = {*recorded, *rejected}
    hold(found == accepted, f"of {len(accepted):,} accepted {difference(accepted, found)}")
    hold(len(rejected) == POISON, f"{len(rejected)} are rejected, and {POISON} are poisonous")
    reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(Counter(rejected.values()).items()))
    return (
        f"nothing lost: {len(accepted):,} accepted = {len(recorded):,} recorded + {len(rejected):,} rejected "
        f"({reasons}); {len(deliveries):,} deliveries with {DUPLICATES:,} duplicates to {UPDATERS + 1} updaters, "
        f"{killer.kills} killed, no dead letter, {LEADS:,} leads equal the fold; "
        f"{len(deliveries) / seconds:,.0f} deliveries/s"
    )


def _burst(leads: Sequence[str], chance: random.Random) -> list[Entry]:
    """Every event has a mark of its own, its correlation id; its duplicates have the same."""
    conflicts = POISON // (len(_POISONS) + 1)
    sound = [_view(chance.choice(leads), number) for number in range(DELIVERIES - DUPLICATES - POISON)]
    # Whichever of the two comes first is recorded, so exactly one is rejected; their duplicates would be too.
    conflicting = [_marked(each, f"conflict-{n}", data={"sku": "other"}) for n, each in enumerate(sound[:conflicts])]
    poisonous = [
        _marked(_view(chance.choice(leads), -1 - number), f"poison-{number}", **_POISONS[number % len(_POISONS)])
        for number in range(POISON - conflicts)
    ]
    deliveries = [*sound, *conflicting, *poisonous, *chance.sample(sound[conflicts:], DUPLICATES)]
    chance.shuffle(deliveries)
    return deliveries


def _view(lead: str, number: int) -> Entry:
    made = entry(
        "product.viewed",
        {"sku": f"sku-{number % 5}"},
        event_id=f"view-{number}",
        at=START + timedelta(seconds=abs(number)),
        lead_organization_id=lead,
        correlation_id=f"sound-{number}",
    )
    return Entry(made["Source"], made["DetailType"], made["Detail"])


def _marked(
    like: Entry,
    mark: str,
    *,
    detail_type: str | None = None,
    data: Mapping[str, Any] | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Entry:
    said = {**like.detail["metadata"], "correlation_id": mark, **(metadata or {})}
    return Entry(like.source, detail_type or like.detail_type, {"metadata": said, "data": data or like.detail["data"]})


async def _recorded(ground: Ground, leads: Sequence[str]) -> list[str]:
    """The marks of what is in the leads' logs. Raises `NotProved` where a lead's memories are not the fold."""
    at_once = asyncio.Semaphore(LEADS_AT_ONCE)
    async with ground.store() as (_, store):

        async def of(lead: str) -> list[str]:
            async with at_once:
                return [str(event.correlation_id) for event in await check_converged(store, lead)]

        logs = await asyncio.gather(*map(of, leads))
    return [mark for log in logs for mark in log]


def _take_rejected(ground: Ground) -> dict[str, str]:
    """Empties the rejected queue: marks and reasons. A process that was killed may have sent one twice."""
    sqs, url = ground.stage.client("sqs"), ground.stage.resources.rejected_queue_url
    reasons: dict[str, str] = {}
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["reason"]).get(
        "Messages"
    ):
        for message in messages:
            mark = msgspec.json.decode(message["Body"])["detail"]["metadata"]["correlation_id"]
            reasons[mark] = message["MessageAttributes"]["reason"]["StringValue"]
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return reasons
