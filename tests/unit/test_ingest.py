"""A batch of queue messages: each gets what it deserves, and none costs another."""

import json
from collections.abc import Sequence

from lead_memory.domain.errors import Rejected, Unavailable
from lead_memory.services.ingest import Message, Report, ingest
from lead_memory.services.record import Commit, Recorder
from tests.events import NOW, body, entry
from tests.fakes import MemoryStore, no_pause


class Queue:
    """The rejected queue, in memory."""

    def __init__(self, *, away: bool = False) -> None:
        self.away = away
        self.sent: dict[str, tuple[str, str]] = {}

    async def send(self, rejected: Sequence[tuple[Message, Rejected]]) -> set[str]:
        if self.away:
            return {message.message_id for message, _ in rejected}
        self.sent.update({message.message_id: (rejection.reason, message.body) for message, rejection in rejected})
        return set()


def view(event_id: str) -> str:
    return body(entry("product.viewed", {"sku": "a"}, event_id=event_id))


async def take_in(messages: dict[str, str], store: MemoryStore, queue: Queue) -> Report:
    return await ingest(
        [Message(message_id, text) for message_id, text in messages.items()],
        recorder=Recorder(store, no_pause),
        rejected_queue=queue,
        now=NOW,
    )


async def test_one_bad_message_costs_no_other() -> None:
    store, queue = MemoryStore(), Queue()
    messages = {"a": view("1"), "b": "not json", "c": view("2"), "d": view("1")}
    report = await take_in(messages, store, queue)
    assert report.given_back == set()
    assert report.counts == {"recorded": 2, "duplicate": 1, "rejected": 1}
    assert report.reasons == {"not_json": 1}
    assert queue.sent == {"b": ("not_json", "not json")}


async def test_what_could_not_be_recorded_is_given_back_and_what_is_bad_is_still_rejected() -> None:
    class Away(MemoryStore):
        async def commit(self, commit: Commit) -> None:
            raise Unavailable("injected")

    queue = Queue()
    report = await take_in({"a": view("1"), "b": "{}"}, Away(), queue)
    assert report.given_back == {"a"}
    assert report.counts == {"given_back": 1, "rejected": 1}
    assert set(queue.sent) == {"b"}


async def test_a_rejection_that_cannot_be_sent_is_given_back_and_not_lost() -> None:
    report = await take_in({"a": view("1"), "b": "{}"}, MemoryStore(), Queue(away=True))
    assert report.given_back == {"b"}
    assert report.counts == {"recorded": 1, "given_back": 1}
    assert report.reasons == {}


async def test_the_original_body_is_what_is_rejected() -> None:
    queue = Queue()
    text = json.dumps({"detail": {"x": "é"}}, ensure_ascii=False)
    await take_in({"a": text}, MemoryStore(), queue)
    assert queue.sent["a"][1] == text
