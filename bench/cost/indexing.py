"""What it takes to keep the index of recalls, to recall, and to count what was recalled, on the local stack."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import batched, cycle, islice
from typing import Any, NamedTuple
from uuid import uuid4

import msgspec

from bench.cost import stored
from bench.cost.looking import delivery
from bench.cost.measured import Work, work
from bench.cost.stored import Stored
from bench.cost.workload import Entry, Life, arrivals, lead_of, message_body
from bench.ground import Ground
from bench.leads import record
from bench.recalling import questions
from bench.recalls import index, known
from infra.recall import NEVER_RECALLED
from lead_memory.adapters import keys
from lead_memory.domain.derivations import touched
from lead_memory.domain.events import Event, parse
from lead_memory.domain.memories import Lead, StorageTier
from lead_memory.services.uses import Uses

CALLS = 20
"""Recalls that are counted, and as many that are timed; their uses come in one batch."""
ANSWERED = 10
AMONG = {50: CALLS, 500: 4}
"""How many memories each of so many leads has."""
TIMED_BATCHES = 3


class Indexing(NamedTuple):
    batch: Work
    events: int
    """That were recorded in the meantime."""
    queued: float
    """Of them, those in the batch, on average."""
    entries: Stored
    """Of the leads that were counted."""


class Recalls(NamedTuple):
    name: str
    call: Work
    counting: Work
    """Of the uses of `CALLS` recalls, each of another lead."""


def indexing(ground: Ground, counted: Sequence[Life], timed: Sequence[Life], *, size: int) -> Indexing:
    """What happens to leads is recorded batch by batch, and after each its memories are looked at."""
    queued: list[int] = []

    def recorded(lives: Sequence[Life]) -> Iterator[dict[str, Any]]:
        for entries in batched(arrivals(lives, at_once=1), size, strict=False):
            if len(entries) == size:
                events = list(map(_event, entries))
                asyncio.run(record(ground, _by_lead(events)))
                asked = [event for event in events if event.event_type not in NEVER_RECALLED]
                queued.append(len(asked))
                yield delivery(asked)

    in_time = (batch for batch, _ in zip(recorded(timed), range(TIMED_BATCHES), strict=False))
    with ground.silent_bus() as silent:
        batch = work(
            ground, "embedder", warm_up={"Records": []}, counted=recorded(counted), timed=in_time, settings=silent
        )
    rows = [row for row in stored.rows_of(ground, map(lead_of, counted)) if stored.is_entry(row)]
    return Indexing(batch, size, sum(queued) / len(queued), stored.of(rows))


def _event(entry: Entry) -> Event:
    return parse(message_body(entry), datetime.now(UTC))


def _by_lead(events: Sequence[Event]) -> list[list[Event]]:
    of_leads: dict[str, list[Event]] = {}
    for event in events:
        of_leads.setdefault(event.lead_organization_id, []).append(event)
    return list(of_leads.values())


def recalls(ground: Ground) -> list[Recalls]:
    histories = {memories: _recorded(ground, memories, leads) for memories, leads in AMONG.items()}
    used = {"Records": [_uses(events) for events in next(iter(histories.values()))]}
    counting = work(ground, "embedder", warm_up={"Records": []}, counted=[used], timed=[used])
    return [
        Recalls(f"among {memories} memories", _call(ground, [events[0].lead for events in each]), counting)
        for memories, each in histories.items()
    ]


def _recorded(ground: Ground, memories: int, leads: int) -> list[list[Event]]:
    organization_id = str(uuid4())
    histories = [known(Lead(organization_id, str(uuid4())), memories) for _ in range(leads)]
    asyncio.run(record(ground, histories))
    asyncio.run(index(ground, [events[0].lead for events in histories]))
    return histories


def _call(ground: Ground, leads: Sequence[Lead]) -> Work:
    sqs = ground.stage.client("sqs")
    calls = [
        {"organization_id": lead.organization_id, "lead_id": lead.lead_id, "query": asked.question, "k": ANSWERED}
        for lead, asked in zip(islice(cycle(leads), CALLS), questions(), strict=False)
    ]
    # Nobody counts the uses of these.
    queue = {"LEAD_MEMORY_USES_QUEUE_URL": sqs.create_queue(QueueName=f"uses-{uuid4()}")["QueueUrl"]}
    call = work(ground, "recall", warm_up=calls[0], counted=calls, timed=calls, settings=queue)
    sqs.delete_queue(QueueUrl=queue["LEAD_MEMORY_USES_QUEUE_URL"])
    return call


def _uses(events: Sequence[Event]) -> Mapping[str, str]:
    lead = events[0].lead
    names = [name for event in events[:ANSWERED] for name in touched(event)]
    uses = Uses(
        organization_id=lead.organization_id,
        lead_id=lead.lead_id,
        used_at=datetime.now(UTC),
        rows={keys.memory_key(lead.lead_id, name).sk: StorageTier.HOT for name in names},
    )
    return {"messageId": lead.lead_id, "body": msgspec.json.encode(uses).decode()}
