"""Take a batch of queue messages in: parse, group by lead, record, and say what became of each message."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from lead_memory.domain.errors import Erased, Rejected
from lead_memory.domain.events import Event, envelope, parse
from lead_memory.domain.memories import Lead
from lead_memory.services.record import Outcome, Recorder, Result, failure

LEADS_AT_ONCE = 16
SECONDS_TO_REJECT = 6
"""Of a batch's time, what is kept for sending its rejected messages."""


class Message(NamedTuple):
    message_id: str
    body: str


class RejectedQueue(Protocol):
    async def send(self, rejected: Sequence[tuple[Message, Rejected]], patience_seconds: float) -> set[str]:
        """Returns by then, with the ids of the messages that could not be sent."""


class Report(NamedTuple):
    given_back: set[str]
    """Ids of the messages that the queue must deliver again."""
    counts: Mapping[str, int]
    """Messages by what became of them: `recorded`, `duplicate`, `rejected`, `given_back`."""
    reasons: Mapping[str, int]
    """Rejected messages by reason."""


async def ingest(
    messages: Sequence[Message],
    *,
    recorder: Recorder,
    rejected_queue: RejectedQueue,
    now: datetime,
    patience_seconds: float,
) -> Report:
    """Returns after `patience_seconds` at the latest, so that what was recorded is answered for.

    What is not recorded `SECONDS_TO_REJECT` before, or not sent to the rejected queue by then, is given back.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience_seconds
    results: dict[str, Result] = {}
    leads: defaultdict[Lead, list[tuple[Message, Event]]] = defaultdict(list)
    for message in messages:
        try:
            event = parse(message.body, now)
            leads[event.lead].append((message, event))
        except Exception as error:  # one message never costs another
            results[message.message_id] = failure(error)

    at_once = asyncio.Semaphore(LEADS_AT_ONCE)

    async def record(of_lead: Sequence[tuple[Message, Event]]) -> None:
        try:
            async with asyncio.timeout_at(deadline - SECONDS_TO_REJECT), at_once:
                recorded = await recorder.record([event for _, event in of_lead])
        except Exception as error:  # one lead never costs another
            recorded = [failure(error)] * len(of_lead)
        results.update((message.message_id, result) for (message, _), result in zip(of_lead, recorded, strict=True))

    await asyncio.gather(*map(record, leads.values()))
    rejected = [
        (_without_content(message) if isinstance(result, Erased) else message, result)
        for message in messages
        if isinstance(result := results[message.message_id], Rejected)
    ]
    unsent = await rejected_queue.send(rejected, deadline - loop.time()) if rejected else set()
    given_back = unsent | {
        message_id for message_id, result in results.items() if not isinstance(result, Outcome | Rejected)
    }
    return Report(
        given_back=given_back,
        counts=Counter(_name(result, message_id in given_back) for message_id, result in results.items()),
        reasons=Counter(rejection.reason for message, rejection in rejected if message.message_id not in unsent),
    )


def _without_content(message: Message) -> Message:
    """What was erased would come back in the queue for people."""
    return message._replace(body=envelope(message.body))


def _name(result: Result, given_back: bool) -> str:
    if given_back:
        return "given_back"
    return result.value if isinstance(result, Outcome) else "rejected"
