"""Sends what waits for a person back to the queue it came from, once what it waited for was mended.

A message is sent first and deleted after. Where that ends in between the message is sent twice and recorded once:
recording is exactly once by the event's source and id. A lead that is rebuilt twice is written once,
and what a model answered is not asked again.
"""

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from lead_memory.domain.errors import Rejected
from lead_memory.domain.events import Event, parse
from lead_memory_client.answers import Rejection
from lead_memory_client.batching import batches
from lead_memory_client.entries import EventName
from lead_memory_client.queues import Letter, WaitingQueue, held, read_body

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

AT_ONCE = 20_000
"""All are taken before the first is sent, so that they go in order and what is rejected again is not taken again."""
HOLD_SECONDS = 900
"""Others see again what was taken by a process that died after this."""
POLL_SECONDS = 0.2
ERASED = "erased"

type Progress = Callable[[int, int], None]
"""Called with how many were sent, and of how many."""


def count(sqs: "SQSClient", queue: WaitingQueue, reason: str | None) -> Counter[str]:
    """What would be sent, by reason; all of it stays."""
    with held(sqs, queue, AT_ONCE, seconds=HOLD_SECONDS, patient=True) as letters:
        return Counter(letter.reason for letter in _wanted(letters.values(), reason))


def send(
    sqs: "SQSClient", queue: WaitingQueue, reason: str | None, progress: Progress
) -> tuple[list[Letter], Counter[str]]:
    """What was sent, events in the order in which they occurred; and by reason what was to be sent.

    What the queue does not take stays where it was.
    """
    sent: list[Letter] = []
    with held(sqs, queue, AT_ONCE, seconds=HOLD_SECONDS, patient=True) as letters:
        wanted = sorted(_wanted(letters.values(), reason), key=_when)
        for batch in batches(wanted, lambda letter: len(letter.body.encode())):
            for letter in _moved(sqs, batch, queue):
                del letters[letter.message_id]
                sent.append(letter)
            progress(len(sent), len(wanted))
    return sent, Counter(letter.reason for letter in wanted)


class Watch:
    """What becomes of events that were sent."""

    def __init__(self, sent: Iterable[Letter], now: datetime) -> None:
        self.recorded = 0
        self.rejected_again: Counter[str] = Counter()
        self._waiting = {letter.message_id: letter for letter in sent}
        self._events = {id_: event for id_, letter in self._waiting.items() if (event := _event(letter, now))}

    @property
    def unseen(self) -> int:
        return len(self._waiting)

    def look(
        self,
        content_hashes: Callable[[Collection[EventName]], Mapping[EventName, Collection[str]]],
        rejections: Callable[[], Iterable[Rejection]],
        *,
        patience_seconds: float,
    ) -> None:
        """Until each is in the log as it was sent, or stands in the rejected queue again."""
        deadline = time.monotonic() + patience_seconds
        while self._waiting:
            recorded = self._recorded(content_hashes)
            self.recorded += len(recorded)
            again = {} if recorded else self._rejected_again(rejections())
            self.rejected_again.update(again.values())
            for message_id in (*recorded, *again):
                del self._waiting[message_id]
            if time.monotonic() >= deadline:
                break
            time.sleep(POLL_SECONDS)

    def _recorded(
        self, content_hashes: Callable[[Collection[EventName]], Mapping[EventName, Collection[str]]]
    ) -> list[str]:
        """An event that is in the log with other content is a conflict, and will be rejected."""
        names = {id_: _name(self._events[id_]) for id_ in self._waiting if id_ in self._events}
        hashes = content_hashes(set(names.values()))
        return [id_ for id_, name in names.items() if set(self._events[id_].content_hashes) & set(hashes.get(name, ()))]

    def _rejected_again(self, rejections: Iterable[Rejection]) -> dict[str, str]:
        seen = list(rejections)
        reasons = {rejection.body: rejection.reason for rejection in seen}
        again = {id_: reasons[letter.body] for id_, letter in self._waiting.items() if letter.body in reasons}
        # What was erased comes there without its content.
        erased = {body.name for each in seen if each.reason == ERASED and (body := read_body(each))}
        names = {id_: _name(self._events[id_]) for id_ in self._waiting if id_ in self._events}
        return again | {id_: ERASED for id_, name in names.items() if name in erased}


def _wanted(letters: Iterable[Letter], reason: str | None) -> list[Letter]:
    """What was erased stays where it is unless it is asked for: it came without its content, and is rejected again."""
    return [letter for letter in letters if (letter.reason != ERASED if reason is None else letter.reason == reason)]


def _moved(sqs: "SQSClient", batch: Sequence[Letter], queue: WaitingQueue) -> list[Letter]:
    answer = sqs.send_message_batch(
        QueueUrl=queue.origin_url,
        Entries=[{"Id": str(number), "MessageBody": queue.renewed(letter.body)} for number, letter in enumerate(batch)],
    )
    taken = [batch[int(entry["Id"])] for entry in answer.get("Successful", [])]
    if taken:
        sqs.delete_message_batch(
            QueueUrl=queue.url,
            Entries=[
                {"Id": str(number), "ReceiptHandle": letter.receipt_handle} for number, letter in enumerate(taken)
            ],
        )
    return taken


def _when(letter: Letter) -> datetime:
    body = read_body(letter)
    return body.detail.metadata.occurred_at if body else letter.sent_at


def _event(letter: Letter, now: datetime) -> Event | None:
    try:
        return parse(letter.body, now)
    except Rejected:
        return None


def _name(event: Event) -> EventName:
    return EventName(event.lead, event.ref)
