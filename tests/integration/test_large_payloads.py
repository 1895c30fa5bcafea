"""Events and memories around what an item holds, on a table and a bucket."""

import base64
import json
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from lead_memory.adapters import keys
from lead_memory.adapters.event_items import event_of, packed_event
from lead_memory.adapters.keyrings import Keyrings
from lead_memory.adapters.large_payloads import LARGE_CONTENT, PREFIX, PayloadBucket
from lead_memory.adapters.memory_items import CONTENT
from lead_memory.adapters.sealing import Keyring
from lead_memory.adapters.store import EventStore
from lead_memory.adapters.table import DynamoTable
from lead_memory.domain.errors import AlreadyRecorded, Rejected, Unavailable
from lead_memory.domain.events import Event, parse
from lead_memory.domain.limits import VALUE_BYTES
from lead_memory.domain.memories import MemoryKey, MemoryType
from lead_memory.services.record import Outcome, Recorder
from lead_memory.services.store import Commit
from tests.events import LEAD, NOW, ORGANIZATION, SOMEBODY, body, entry, event
from tests.raw_items import raw_objects

INTEREST = MemoryKey(MemoryType.INTEREST, "product:whey")

NOISE = base64.b64encode(Random(1).randbytes(750_000)).decode()
"""Text that compression makes a quarter smaller, and no more."""


def viewed(raw_payload: Any = None, *, event_id: str = "large", **data: Any) -> Event:
    made = entry("product.viewed", {"sku": "whey", **data}, event_id=event_id)
    made["Detail"]["raw_payload"] = raw_payload
    return parse(body(made), NOW)


def answered(question: str, answer: str) -> Event:
    data = {"form_id": "survey", "answers": [{"question": question, "answer": answer}]}
    return event("form.response_submitted", data, event_id=question)


async def opened(keyrings: Keyrings, item: dict[str, Any]) -> Event | None:
    return await keyrings.opened(ORGANIZATION, lambda keyring: event_of(item, keyring))


async def item_of(table: DynamoTable, recorded: Event) -> dict[str, Any]:
    [item] = await table.batch_get([keys.event_key(LEAD, recorded.ref)])
    return item


async def test_a_raw_payload_of_a_megabyte_is_kept_whole_and_folding_never_fetches_it(
    store: EventStore, table: DynamoTable, keyrings: Keyrings, bucket: str
) -> None:
    large = viewed({"text": NOISE})
    assert await Recorder(store).record([large]) == [Outcome.RECORDED]
    item = await item_of(table, large)
    assert await opened(keyrings, {**item, CONTENT: raw_objects(bucket)[item[LARGE_CONTENT]]}) == large

    without_bucket = EventStore(table, keyrings, PayloadBucket("no-such-bucket"), lambda: NOW)
    [found] = await without_bucket.log(SOMEBODY)
    assert (found.data, found.raw_payload_json) == (large.data, None)


async def test_data_beyond_an_item_is_fetched_for_the_fold(store: EventStore, table: DynamoTable) -> None:
    large, later = viewed(event_id="0", noise=NOISE[:900_000]), viewed(event_id="1")
    assert await Recorder(store).record([later]) == [Outcome.RECORDED]
    assert await Recorder(store).record([large]) == [Outcome.RECORDED]  # late, so the log is folded again
    assert CONTENT not in await item_of(table, large)
    assert {found.ref: found for found in await store.log(SOMEBODY)} == {large.ref: large, later.ref: later}
    memory = (await store.snapshot(SOMEBODY, {INTEREST})).memories[INTEREST].memory
    assert memory is not None
    assert memory.evidence_count == 2


async def test_what_an_item_holds_never_goes_to_the_bucket(store: EventStore, table: DynamoTable, bucket: str) -> None:
    compressible = viewed({"text": "whey " * 190_000})
    assert await Recorder(store).record([compressible]) == [Outcome.RECORDED]
    assert await store.log(SOMEBODY) == [compressible]
    assert raw_objects(bucket) == {}


async def test_what_is_recorded_already_writes_no_object_again_nor_one_of_other_content(
    store: EventStore, bucket: str
) -> None:
    def commit(recorded: Event) -> Commit:
        return Commit(lead=SOMEBODY, new_lead=True, events=[recorded], touches={recorded.ref: ()})

    first, other = viewed({"text": NOISE[1:]}), viewed({"text": NOISE})
    await store.commit(commit(first))
    before = raw_objects(bucket)
    with pytest.raises(AlreadyRecorded):
        await store.commit(commit(first))
    with pytest.raises(AlreadyRecorded):
        await store.commit(commit(other))
    assert raw_objects(bucket) == before
    assert all(name.startswith(f"{PREFIX}{LEAD}/") and "#" not in name for name in raw_objects(bucket))


@pytest.mark.parametrize("off", [-1, 0, 1])
@pytest.mark.parametrize("part", ["raw_payload", "data"])
async def test_events_around_the_limit_of_an_item_come_back_whole(
    store: EventStore, table: DynamoTable, keyrings: Keyrings, bucket: str, part: str, off: int
) -> None:
    def of_size(characters: int) -> Event:
        return viewed(NOISE[:characters]) if part == "raw_payload" else viewed(noise=NOISE[:characters])

    longest = longest_in_an_item(of_size, await keyrings.of_or_new(ORGANIZATION))
    made = of_size(longest + off)
    assert await Recorder(store).record([made]) == [Outcome.RECORDED]
    item = await item_of(table, made)
    assert (LARGE_CONTENT in item) is (off > 0)
    content = raw_objects(bucket)[item[LARGE_CONTENT]] if off > 0 else item[CONTENT]
    assert await opened(keyrings, {**item, CONTENT: content}) == made


def longest_in_an_item(of_size: Callable[[int], Event], keyring: Keyring) -> int:
    fits, does_not = 0, len(NOISE)
    while does_not - fits > 1:
        middle = (fits + does_not) // 2
        packed = packed_event(of_size(middle), [INTEREST], keyring, recorded_at=NOW, settled=True)
        fits, does_not = (middle, does_not) if packed.large_content is None else (fits, middle)
    return fits


async def test_a_bucket_that_does_not_answer_gives_the_event_back_and_nothing_is_written(
    table: DynamoTable, keyrings: Keyrings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    away = EventStore(table, keyrings, PayloadBucket("payloads"), lambda: NOW)
    large, small = await Recorder(away).record([viewed({"text": NOISE[:900_000]}), viewed(event_id="small")])
    assert isinstance(large, Unavailable)
    assert isinstance(small, Unavailable)  # of the same transaction, and given back with it
    assert await away.log(SOMEBODY) == []


async def test_a_bucket_that_is_not_there_gives_the_event_back(
    table: DynamoTable, keyrings: Keyrings, bucket: str
) -> None:
    gone = EventStore(table, keyrings, PayloadBucket(f"{bucket}-gone"), lambda: NOW)
    [result] = await Recorder(gone).record([viewed({"text": NOISE[:900_000]})])
    assert isinstance(result, Unavailable)


async def test_an_answer_beyond_an_item_is_rejected_alone(store: EventStore) -> None:
    too_large, good = answered("why", NOISE[:600_000]), answered("since", "May")
    rejected, recorded = await Recorder(store).record([too_large, good])
    assert isinstance(rejected, Rejected)
    assert rejected.reason == "too_large"
    assert recorded is Outcome.RECORDED
    assert [found.ref for found in await store.log(SOMEBODY)] == [good.ref]


async def test_the_largest_value_that_is_taken_fits_into_an_item(store: EventStore) -> None:
    name = MemoryKey(MemoryType.FACT, "k" * 255)

    def declared(size: int, number: int) -> Event:
        value = {"text": NOISE[: size - len('{"text":""}')]}
        data = {"memory_type": "fact", "key": name.key, "value": value}
        return event("memory.declared", data, event_id=f"{number:0255}")

    assert await Recorder(store).record([declared(VALUE_BYTES, 1)]) == [Outcome.RECORDED]
    stored = (await store.snapshot(SOMEBODY, {name})).memories[name].memory
    assert stored is not None
    assert len(json.dumps(stored.value, separators=(",", ":"))) == VALUE_BYTES
    [rejected] = await Recorder(store).record([declared(VALUE_BYTES + 1, 2)])
    assert isinstance(rejected, Rejected)


async def test_names_beyond_an_item_are_rejected(store: EventStore, table: DynamoTable) -> None:
    answers = [{"question": f"{number:03}{'\u4e2d' * 240}", "answer": "yes"} for number in range(500)]
    [rejected] = await Recorder(store).record(
        [event("form.response_submitted", {"form_id": "f", "answers": answers}, event_id="many")]
    )
    assert isinstance(rejected, Rejected)
    assert rejected.reason == "too_large"
    assert await store.log(SOMEBODY) == []
