"""A batch of queue messages: each gets what it deserves, and none costs another."""

import asyncio
import json
from collections.abc import Collection, Sequence
from datetime import datetime

import pytest

from lead_memory.domain.errors import Conflict, Erased, LeadMemoryError, Rejected, Unavailable
from lead_memory.domain.events import Event, parse
from lead_memory.domain.memories import Lead, MemoryKey
from lead_memory.services.ingest import SECONDS_TO_REJECT, Message, Report, ingest
from lead_memory.services.record import Recorder
from lead_memory.services.store import Commit, Snapshot
from tests.events import LEAD, NOW, ORGANIZATION, body, entry
from tests.fakes import MemoryStore, no_pause
from tests.garbage import uncollected


class Queue:
    """The rejected queue, in memory."""

    def __init__(self, *, away: bool = False) -> None:
        self.away = away
        self.sent: dict[str, tuple[str, str]] = {}

    async def send(self, rejected: Sequence[tuple[Message, Rejected]], patience_seconds: float) -> set[str]:
        if self.away:
            return {message.message_id for message, _ in rejected}
        self.sent.update({message.message_id: (rejection.reason, message.body) for message, rejection in rejected})
        return set()


def view(event_id: str) -> str:
    return body(entry("product.viewed", {"sku": "a"}, event_id=event_id))


async def take_in(messages: dict[str, str], store: MemoryStore, queue: Queue, recording_seconds: float = 5) -> Report:
    return await ingest(
        [Message(message_id, text) for message_id, text in messages.items()],
        recorder=Recorder(store, no_pause),
        rejected_queue=queue,
        now=NOW,
        patience_seconds=SECONDS_TO_REJECT + recording_seconds,
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


async def test_another_organizations_event_of_a_lead_is_refused_alone() -> None:
    foreign = body(entry("product.viewed", {"sku": "b"}, organization_id="99999999-0000-4000-8000-000000000000"))
    store, queue = MemoryStore(), Queue()
    report = await take_in({"a": view("1"), "b": foreign, "c": view("2")}, store, queue)
    assert report.counts == {"recorded": 2, "rejected": 1}
    assert queue.sent["b"][0] == "wrong_organization"
    assert {event.organization_id for event, _ in store.events.values()} == {ORGANIZATION}


async def test_a_lead_whose_store_does_not_answer_in_time_is_given_back_and_the_others_are_not() -> None:
    class Slow(MemoryStore):
        async def snapshot(self, lead: Lead, names: Collection[MemoryKey]) -> Snapshot:
            if lead.lead_id != LEAD:
                await asyncio.Event().wait()
            return await super().snapshot(lead, names)

    other = body(entry("product.viewed", {"sku": "a"}, lead_organization_id="22222222-2222-4333-8444-555555555555"))
    report = await take_in({"a": view("1"), "b": other}, Slow(), Queue(), recording_seconds=0.2)
    assert report.given_back == {"b"}
    assert report.counts["recorded"] == 1


async def test_a_message_that_breaks_the_parser_costs_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks_on_one(text: str, now: datetime) -> Event:
        if text == "broken":
            raise ZeroDivisionError
        return parse(text, now)

    monkeypatch.setattr("lead_memory.services.ingest.parse", breaks_on_one)
    report = await take_in({"a": view("1"), "b": "broken"}, MemoryStore(), Queue())
    assert report.given_back == {"b"}
    assert report.counts["recorded"] == 1


@pytest.mark.parametrize("error", [Conflict, Erased, LeadMemoryError, Unavailable, ValueError])
async def test_nothing_of_a_batch_with_failures_is_left_to_the_garbage_collector(error: type[Exception]) -> None:
    class Failing(MemoryStore):
        async def commit(self, commit: Commit) -> None:
            raise error("injected")

    with uncollected() as left:
        await take_in({"a": view("1"), "b": "not json", "c": view("2"), "d": "{}"}, Failing(), Queue())
    assert [each for each in left if isinstance(each, Event | Message)] == []


async def test_of_what_was_erased_only_what_names_it_waits_in_the_rejected_queue() -> None:
    store, queue = MemoryStore(), Queue()
    store.erased.add("test/1")
    made = entry("product.viewed", {"sku": "a"}, event_id="1", correlation_id="secret", note="secret")
    made["Detail"]["raw_payload"] = {"secret": "secret"}
    report = await take_in({"a": body(made), "b": view("2")}, store, queue)
    assert report.counts == {"recorded": 1, "rejected": 1}
    reason, rejected = queue.sent["a"]
    assert (reason, "secret" in rejected) == ("erased", False)
    metadata = json.loads(rejected)["detail"].pop("metadata")
    assert json.loads(rejected).keys() == {"source", "detail-type", "detail"}
    assert (metadata["event_id"], metadata["lead_organization_id"]) == ("1", LEAD)
