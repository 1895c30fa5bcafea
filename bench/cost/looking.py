"""What it takes the extractor to look at a message, on the local stack and with the model that is not paid."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import batched
from typing import Any, NamedTuple
from uuid import uuid4

from bench.asked import events_of
from bench.conversations import Said, event_of
from bench.cost.measured import Work, work
from bench.cost.usage import QUEUE_BATCH
from bench.ground import Ground
from bench.leads import record
from lead_memory.domain.events import Event
from lead_memory.domain.memories import Lead
from lead_memory.domain.payloads.conversation import ConversationMessage
from tests.events import SCRIPTS

BATCHES = 3
"""That are counted; as many are timed, and one comes before."""
EARLIER = 6
"""Messages before the one that is looked at: too few for records to be looked for, or a summary to be due."""
_OF_THREAD = {"thread_id": "plan-1"}
_MESSAGE = {**_OF_THREAD, "channel": "whatsapp"}

NOTHING = "nothing is asked"
LAST: Mapping[str, Said] = {
    NOTHING: (
        "conversation.message_received",
        {**_MESSAGE, "text": "Perfeito, obrigada!"},
        "whatsapp",
    ),
    "facts and records": (
        "conversation.reply_sent",
        {**_MESSAGE, "text": "Is the price of account 004417 within your budget?"},
        "whatsapp",
    ),
    "records and a summary": ("thread.summary_requested", _OF_THREAD, "operator"),
}
"""By what is asked about, the event that it is asked for."""


class Look(NamedTuple):
    name: str
    batch: Work
    """Of `QUEUE_BATCH` messages, each of another lead."""


def looks(ground: Ground) -> list[Look]:
    with ground.silent_bus() as silent:
        return [Look(name, _batch(ground, silent, name)) for name in LAST]


def _batch(ground: Ground, silent: Mapping[str, str], name: str) -> Work:
    organization_id = str(uuid4())
    leads = [Lead(organization_id, str(uuid4())) for _ in range((1 + 2 * BATCHES) * QUEUE_BATCH)]
    histories = [history(lead, name) for lead in leads]
    asyncio.run(record(ground, histories))
    newest = [events[-1] for events in histories]
    first, *others = (delivery(events) for events in batched(newest, QUEUE_BATCH, strict=True))
    counted, timed = others[:BATCHES], others[BATCHES:]
    batch = work(ground, "extractor", warm_up=first, counted=counted, timed=timed, settings=silent)
    # Who asks about a thread holds it first.
    if (batch.requests.get("UpdateItem", 0) >= QUEUE_BATCH) is (name == NOTHING):
        raise RuntimeError(f"it was asked about other threads than it should: {name}")
    return batch


def history(lead: Lead, name: str) -> list[Event]:
    """In a thread that began just now; the last event is the one of `LAST`."""
    messages = [event for event in events_of(SCRIPTS[0]) if isinstance(event.data, ConversationMessage)]
    texts = [(each.event_type, json.loads(each.data_json)["text"]) for each in messages[:EARLIER]]
    said = [(event_type, {**_MESSAGE, "text": text}, "whatsapp") for event_type, text in texts]
    now = datetime.now(UTC)
    return [
        event_of(lead, f"said-{number}", now - timedelta(seconds=EARLIER - number), each)
        for number, each in enumerate([*said, LAST[name]])
    ]


def delivery(events: Sequence[Event]) -> dict[str, Any]:
    """As the bus's rule puts them into the queue, and its mapping gives them to the extractor."""
    return {"Records": [{"messageId": str(n), "body": _without_content(event)} for n, event in enumerate(events)]}


def _without_content(event: Event) -> str:
    metadata = {
        "event_id": event.event_id,
        "organization_id": event.organization_id,
        "lead_organization_id": event.lead_organization_id,
    }
    return json.dumps({"source": event.source, "detail-type": event.event_type, "detail": {"metadata": metadata}})
