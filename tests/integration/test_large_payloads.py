"""Events and memories around what an item holds, on a table and a bucket."""

import base64
import json
from collections.abc import Callable
from itertools import count
from random import Random
from typing import Any

import boto3
import pytest

from lead_memory.adapters import keys
from lead_memory.adapters.event_items import event_of, packed_event
from lead_memory.adapters.large_payloads import LARGE_CONTENT, PREFIX, PayloadBucket
from lead_memory.adapters.memory_items import CONTENT
from lead_memory.adapters.store import EventStore
from lead_memory.adapters.table import DynamoTable
from lead_memory.domain.errors import AlreadyRecorded, Rejected, Unavailable
from lead_memory.domain.events import Event, parse
from lead_memory.domain.memories import MemoryKey, MemoryType
from lead_memory.services.record import Outcome, Recorder
from lead_memory.services.store import VALUE_BYTES, Commit
from tests.events import LEAD, NOW, body, entry, event

INTEREST = MemoryKey(MemoryType.INTEREST, "product:whey")
_numbers = count()


@pytest.fixture
def bucket(environment: dict[str, str]) -> str:
    name = f"payloads-{next(_numbers)}"
    boto3.client("s3").create_bucket(Bucket=name)
    return name


@pytest.fixture
def store(table: DynamoTable, bucket: str) -> EventStore:
    return EventStore(table, PayloadBucket(bucket), lambda: NOW)


NOISE = base64.b64encode(Random(1).randbytes(750_000)).decode()
"""Text that compression makes a quarter smaller, and no more."""


def viewed(raw_payload: Any = None, *, event_id: str = "large", **data: Any) -> Event:
    made = entry("product.viewed", {"sku": "whey", **data}, event_id=event_id)
    made["Detail"]["raw_payload"] = raw_payload
    return parse(body(made), NOW)


def answered(question: str, answer: str) -> Event:
    data = {"form_id": "survey", "answers": [{"question": question, "answer": answer}]}
    return event("form.response_submitted", data, event_id=question)


def objects(bucket: str) -> dict[str, bytes]:
    s3 = boto3.client("s3")
    names = [found["Key"] for found in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
    return {name: s3.get_object(Bucket=bucket, Key=name)["Body"].read() for name in names}


async def item_of(table: DynamoTable, recorded: Event) -> dict[str, Any]:
    [item] = await table.batch_get([keys.event_key(LEAD, recorded.ref)])
    return item


async def test_a_raw_payload_of_a_megabyte_is_kept_whole_and_folding_never_fetches_it(
    store: EventStore, table: DynamoTable, bucket: str
) -> None:
    large = viewed({"text": NOISE})
    assert await Recorder(store).record([large]) == [Outcome.RECORDED]
    item = await item_of(table, large)
    assert event_of({**item, CONTENT: objects(bucket)[item[LARGE_CONTENT]]}) == large

    without_bucket = EventStore(table, PayloadBucket("no-such-bucket"), lambda: NOW)
    [found] = await without_bucket.log(LEAD)
    assert (found.data, found.raw_payload_json) == (large.data, None)


async def test_data_beyond_an_item_is_fetched_for_the_fold(store: EventStore, table: DynamoTable) -> None:
    large, later = viewed(event_id="0", noise=NOISE[:900_000]), viewed(event_id="1")
    assert await Recorder(store).record([later]) == [Outcome.RECORDED]
    assert await Recorder(store).record([large]) == [Outcome.RECORDED]  # late, so the log is folded again
    assert CONTENT not in await item_of(table, large)
    assert {found.ref: found for found in await store.log(LEAD)} == {large.ref: large, later.ref: later}
    assert (await store.snapshot(LEAD, {INTEREST})).memories[INTEREST].memory.evidence_count == 2


async def test_what_an_item_holds_never_goes_to_the_bucket(store: EventStore, table: DynamoTable, bucket: str) -> None:
    compressible = viewed({"text": "whey " * 190_000})
    assert await Recorder(store).record([compressible]) == [Outcome.RECORDED]
    assert await store.log(LEAD) == [compressible]
    assert objects(bucket) == {}


async def test_a_retry_writes_the_same_object_and_other_content_another(store: EventStore, bucket: str) -> None:
    def commit(recorded: Event) -> Commit:
        return Commit(lead_id=LEAD, events=[recorded], touches={recorded.ref: ()})

    first, other = viewed({"text": NOISE[1:]}), viewed({"text": NOISE})
    await store.commit(commit(first))
    before = objects(bucket)
    with pytest.raises(AlreadyRecorded):
        await store.commit(commit(first))
    assert objects(bucket) == before
    with pytest.raises(AlreadyRecorded):
        await store.commit(commit(other))
    assert before.items() < objects(bucket).items()
    assert all(name.startswith(f"{PREFIX}{LEAD}/") and "#" not in name for name in objects(bucket))


@pytest.mark.parametrize("off", [-1, 0, 1])
@pytest.mark.parametrize("part", ["raw_payload", "data"])
async def test_events_around_the_limit_of_an_item_come_back_whole(
    store: EventStore, table: DynamoTable, bucket: str, part: str, off: int
) -> None:
    def of_size(characters: int) -> Event:
        return viewed(NOISE[:characters]) if part == "raw_payload" else viewed(noise=NOISE[:characters])

    longest = longest_in_an_item(of_size)
    made = of_size(longest + off)
    assert await Recorder(store).record([made]) == [Outcome.RECORDED]
    item = await item_of(table, made)
    assert (LARGE_CONTENT in item) is (off > 0)
    content = objects(bucket)[item[LARGE_CONTENT]] if off > 0 else item[CONTENT]
    assert event_of({**item, CONTENT: content}) == made


def longest_in_an_item(of_size: Callable[[int], Event]) -> int:
    fits, does_not = 0, len(NOISE)
    while does_not - fits > 1:
        middle = (fits + does_not) // 2
        packed = packed_event(of_size(middle), [INTEREST], recorded_at=NOW, settled=True)
        fits, does_not = (middle, does_not) if packed.large_content is None else (fits, middle)
    return fits


async def test_a_bucket_that_does_not_answer_gives_the_event_back_and_nothing_is_written(
    table: DynamoTable, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    away = EventStore(table, PayloadBucket("payloads"), lambda: NOW)
    large, small = await Recorder(away).record([viewed({"text": NOISE[:900_000]}), viewed(event_id="small")])
    assert isinstance(large, Unavailable)
    assert isinstance(small, Unavailable)  # of the same transaction, and given back with it
    assert await away.log(LEAD) == []


async def test_a_bucket_that_is_not_there_gives_the_event_back(table: DynamoTable, bucket: str) -> None:
    gone = EventStore(table, PayloadBucket(f"{bucket}-gone"), lambda: NOW)
    [result] = await Recorder(gone).record([viewed({"text": NOISE[:900_000]})])
    assert isinstance(result, Unavailable)


async def test_an_answer_beyond_an_item_is_rejected_alone(store: EventStore) -> None:
    too_large, good = answered("why", NOISE[:600_000]), answered("since", "May")
    rejected, recorded = await Recorder(store).record([too_large, good])
    assert isinstance(rejected, Rejected)
    assert rejected.reason == "too_large"
    assert recorded is Outcome.RECORDED
    assert [found.ref for found in await store.log(LEAD)] == [good.ref]


async def test_the_largest_value_that_is_taken_fits_into_an_item(store: EventStore) -> None:
    name = MemoryKey(MemoryType.FACT, "k" * 255)

    def declared(size: int, number: int) -> Event:
        value = {"text": NOISE[: size - len('{"text":""}')]}
        data = {"memory_type": "fact", "key": name.key, "value": value}
        return event("memory.declared", data, event_id=f"{number:0255}")

    assert await Recorder(store).record([declared(VALUE_BYTES, 1)]) == [Outcome.RECORDED]
    stored = (await store.snapshot(LEAD, {name})).memories[name].memory
    assert len(json.dumps(stored.value, separators=(",", ":"))) == VALUE_BYTES
    [rejected] = await Recorder(store).record([declared(VALUE_BYTES + 1, 2)])
    assert isinstance(rejected, Rejected)


async def test_names_beyond_an_item_are_rejected(store: EventStore, table: DynamoTable) -> None:
    answers = [{"question": f"{number:03}{'é' * 240}", "answer": "yes"} for number in range(800)]
    [rejected] = await Recorder(store).record(
        [event("form.response_submitted", {"form_id": "f", "answers": answers}, event_id="many")]
    )
    assert isinstance(rejected, Rejected)
    assert rejected.reason == "too_large"
    assert await store.log(LEAD) == []
