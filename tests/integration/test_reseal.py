"""After a rotation, everything is sealed anew beside live traffic, and nothing else changes."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from random import Random
from uuid import uuid4

import boto3
import msgspec
import pytest
from aiodynamo.expressions import Condition, F, UpdateExpression
from aiodynamo.operations import Delete, Put

from lead_memory.adapters import keys
from lead_memory.adapters.aws import Aws
from lead_memory.adapters.event_items import tombstone
from lead_memory.adapters.keyrings import Keyrings
from lead_memory.adapters.kms import KeyService
from lead_memory.adapters.large_payloads import PayloadBucket
from lead_memory.adapters.memory_items import CONTENT, VERSION
from lead_memory.adapters.registry import Registry
from lead_memory.adapters.sealed_contents import SealedContents
from lead_memory.adapters.sealing import key_version
from lead_memory.adapters.store import EventStore
from lead_memory.adapters.table import DynamoTable
from lead_memory.domain.errors import Erased
from lead_memory.domain.events import Event
from lead_memory.domain.memories import Lead, MemoryKey, MemoryType
from lead_memory.services.record import Outcome, Recorder
from lead_memory.services.reseal import Page, Resealed, Resealer
from tests.events import NOW, ORGANIZATION, SOMEBODY, all_samples, event
from tests.raw_items import raw_items, raw_objects, sealed

INTEREST = MemoryKey(MemoryType.INTEREST, "product:whey_1kg")
LEADS = [str(uuid4()) for _ in range(20)]


class InterruptedTable(DynamoTable):
    """Something else happens right before its next update."""

    before_update: Callable[[], Awaitable[None]] | None = None

    async def update(self, key: keys.Key, change: UpdateExpression, condition: Condition) -> None:
        if self.before_update is not None:
            something, self.before_update = self.before_update, None
            await something()
        await super().update(key, change, condition)


@pytest.fixture
def contents(table: DynamoTable, content_key: str, aws: Aws, bucket: str) -> SealedContents:
    """Of another process than the one that records."""
    return SealedContents(table, Keyrings(table, KeyService(content_key, aws)), PayloadBucket(bucket))


@pytest.fixture
def resealer(table: DynamoTable, contents: SealedContents) -> Resealer:
    return Resealer(Registry(table), contents)


def viewed(lead_id: str, number: int = 0) -> Event:
    return event("product.viewed", {"sku": "whey_1kg"}, event_id=f"e{number}", lead_organization_id=lead_id)


def large(lead_id: str) -> Event:
    noise = json.dumps({"noise": Random(0).randbytes(400_000).hex()}).encode()
    return msgspec.structs.replace(viewed(lead_id, 999), raw_payload_json=noise)


async def record(store: EventStore, *events: Event) -> None:
    for each in events:
        assert await Recorder(store).record([each]) == [Outcome.RECORDED]


async def reseal_all(resealer: Resealer) -> Page:
    after, pages = None, list[Page]()
    while not pages or after is not None:
        pages.append(await resealer.page(ORGANIZATION, after, has_time=lambda: False))
        after = pages[-1].next
    assert len(pages) > 1 or pages[0].leads <= 8
    return Page(
        leads=sum(page.leads for page in pages),
        items=sum(page.items for page in pages),
        objects=sum(page.objects for page in pages),
        unreadable=sum(page.unreadable for page in pages),
        next=None,
    )


def versions(table: DynamoTable, bucket: str) -> set[int]:
    contents = [content for item in raw_items(table.name) for content in sealed(item).values()]
    return {key_version(content) for content in (*contents, *raw_objects(bucket).values())}


@pytest.mark.parametrize("hashes_names", [False, True])
async def test_after_a_rotation_and_a_resealing_nothing_is_sealed_with_an_older_key_and_nothing_else_changed(
    table: DynamoTable,
    keyrings: Keyrings,
    store: EventStore,
    bucket: str,
    resealer: Resealer,
    contents: SealedContents,
    hashes_names: bool,
) -> None:
    await keyrings.begin(ORGANIZATION, hashes_names=hashes_names)
    events = [each for each in all_samples() if each.organization_id == ORGANIZATION]
    of_leads = [viewed(lead_id) for lead_id in LEADS] + [large(SOMEBODY.lead_id)]
    await record(store, *events, *of_leads)
    await contents.learn_newest_key(ORGANIZATION)  # as a process does that read the keys before the rotation
    before = {(item["pk"], item["sk"]): item for item in raw_items(table.name)}
    remembered = await store.all_memories(SOMEBODY)
    log = await store.log(SOMEBODY)
    await keyrings.rotate(ORGANIZATION)

    done = await reseal_all(resealer)

    assert versions(table, bucket) == {2}
    with_content = [item for item in before.values() if sealed(item)]
    leads = {each.lead for each in (*events, *of_leads)}
    assert (done.leads, done.items, done.objects, done.unreadable) == (len(leads), len(with_content), 1, 0)
    for item in raw_items(table.name):
        was = before[item["pk"], item["sk"]]
        changed = {name for name in item.keys() | was.keys() if item.get(name) != was.get(name)}
        assert changed == (set(sealed(item)) or changed & {"wrapped_keys"})
    assert await store.all_memories(SOMEBODY) == remembered
    assert await store.log(SOMEBODY) == log
    again = await reseal_all(resealer)
    assert (again.leads, again.items, again.objects) == (done.leads, 0, 0)


async def test_an_older_item_opens_and_is_sealed_with_the_newest_key_when_it_is_written_next(
    table: DynamoTable, keyrings: Keyrings, store: EventStore
) -> None:
    await record(store, viewed(SOMEBODY.lead_id, 1))
    await keyrings.rotate(ORGANIZATION)
    row = keys.memory_key(SOMEBODY.lead_id, INTEREST)
    assert {key_version(content) for content in sealed(await table.get(row) or {}).values()} == {1}
    await record(store, viewed(SOMEBODY.lead_id, 2))
    assert {key_version(content) for content in sealed(await table.get(row) or {}).values()} == {2}
    by_event = {
        keys.timeline_position(item[keys.GSI1_SK]).event_id: {key_version(content) for content in sealed(item).values()}
        for item in raw_items(table.name)
        if "touches" in item
    }
    assert by_event == {"e1": {1}, "e2": {2}}
    memory = (await store.snapshot(SOMEBODY, [INTEREST])).memories[INTEREST].memory
    assert memory is not None
    assert memory.source_event_count == 2


async def test_events_that_are_recorded_meanwhile_are_all_kept_and_sealed_with_the_newest_key(
    table: DynamoTable, keyrings: Keyrings, store: EventStore, bucket: str, resealer: Resealer
) -> None:
    await record(store, *(viewed(SOMEBODY.lead_id, number) for number in range(20)))
    await keyrings.rotate(ORGANIZATION)
    live = record(store, *(viewed(SOMEBODY.lead_id, number) for number in range(20, 40)))
    await asyncio.gather(reseal_all(resealer), live)
    memory = (await store.snapshot(SOMEBODY, [INTEREST])).memories[INTEREST].memory
    assert memory is not None
    assert memory.source_event_count == 40
    assert len(await store.log(SOMEBODY)) == 40
    assert versions(table, bucket) == {2}


async def interrupted(
    table: DynamoTable, content_key: str, aws: Aws, something: Callable[[], Awaitable[None]]
) -> Resealed:
    """Reseals somebody, and has something else happen between the read of an item and its update."""
    elsewhere = InterruptedTable(table.name, aws)
    elsewhere.before_update = something
    contents = SealedContents(elsewhere, Keyrings(elsewhere, KeyService(content_key, aws)), PayloadBucket("none"))
    return await contents.reseal(SOMEBODY)


async def test_what_is_erased_meanwhile_is_not_brought_back(
    table: DynamoTable, keyrings: Keyrings, store: EventStore, content_key: str, aws: Aws
) -> None:
    await record(store, viewed(SOMEBODY.lead_id))
    await keyrings.rotate(ORGANIZATION)

    async def erase() -> None:
        for item in raw_items(table.name):
            key = keys.Key(item["pk"], item["sk"])
            if key.sk.startswith(keys.EVENT_SK_PREFIX):
                await table.transact([Put(table.name, tombstone(key, ORGANIZATION, NOW))])
            elif key.pk == SOMEBODY.lead_id:
                await table.transact([Delete(table.name, key._asdict())])

    assert await interrupted(table, content_key, aws, erase) == Resealed(0, 0, 0)
    of_lead = [item for item in raw_items(table.name) if item["pk"] == SOMEBODY.lead_id]
    assert [set(item) for item in of_lead] == [{"pk", "sk", "organization_id", "erased_at"}]


async def test_a_writer_who_comes_in_between_wins_though_it_has_the_older_key(
    table: DynamoTable, keyrings: Keyrings, store: EventStore, content_key: str, aws: Aws
) -> None:
    await record(store, viewed(SOMEBODY.lead_id, 1))
    old = await keyrings.of_or_new(ORGANIZATION)
    await Keyrings(table, KeyService(content_key, aws)).rotate(ORGANIZATION)
    assert (await keyrings.of_or_new(ORGANIZATION)) is old, "this process does not know of the rotation"

    async def write() -> None:
        await record(store, viewed(SOMEBODY.lead_id, 2))

    await interrupted(table, content_key, aws, write)
    row = await table.get(keys.memory_key(SOMEBODY.lead_id, INTEREST))
    assert row is not None
    assert key_version(row[CONTENT]) == 2
    memory = (await store.snapshot(SOMEBODY, [INTEREST])).memories[INTEREST].memory
    assert memory is not None
    assert memory.source_event_count == 2


async def test_a_writer_who_read_before_the_resealing_still_wins_its_row(
    table: DynamoTable, keyrings: Keyrings, store: EventStore, contents: SealedContents
) -> None:
    await record(store, viewed(SOMEBODY.lead_id))
    row = keys.memory_key(SOMEBODY.lead_id, INTEREST)
    before = await table.get(row) or {}
    await keyrings.rotate(ORGANIZATION)
    assert (await contents.reseal(SOMEBODY)).items > 0
    await table.transact([Put(table.name, before, F(VERSION).equals(before[VERSION]))])
    assert (await table.get(row) or {})[CONTENT] == before[CONTENT]


async def test_an_object_that_is_erased_or_put_anew_meanwhile_is_not_replaced(bucket: str) -> None:
    payloads, s3 = PayloadBucket(bucket), boto3.client("s3")

    def erased(_: bytes) -> bytes:
        s3.delete_object(Bucket=bucket, Key="erased")
        return b"resealed"

    def put_anew(_: bytes) -> bytes:
        s3.put_object(Bucket=bucket, Key="anew", Body=b"newer")
        return b"resealed"

    for key in ("erased", "anew"):
        await payloads.put(key, b"old")
    assert not await payloads.replace("erased", erased)
    assert not await payloads.replace("anew", put_anew)
    assert not await payloads.replace("never there", put_anew)
    assert raw_objects(bucket) == {"anew": b"newer"}
    assert await payloads.replace("anew", lambda _: b"resealed")
    assert raw_objects(bucket) == {"anew": b"resealed"}


async def test_an_item_that_does_not_open_is_counted_and_keeps_no_other_waiting(
    table: DynamoTable, keyrings: Keyrings, store: EventStore, bucket: str, resealer: Resealer
) -> None:
    await record(store, *(viewed(lead_id) for lead_id in LEADS[:3]))
    row = keys.memory_key(LEADS[0], INTEREST)
    own, foreign = await table.get(row) or {}, await table.get(row._replace(pk=LEADS[1])) or {}
    await table.transact([Put(table.name, own | {CONTENT: foreign[CONTENT]})])
    await keyrings.rotate(ORGANIZATION)
    done = await reseal_all(resealer)
    assert (done.leads, done.items, done.unreadable) == (3, 5, 1)
    assert versions(table, bucket) == {1, 2}
    assert (await table.get(row) or {})[CONTENT] == foreign[CONTENT]


async def test_leads_of_another_organization_are_let_be(
    table: DynamoTable, keyrings: Keyrings, store: EventStore, contents: SealedContents, bucket: str
) -> None:
    other = str(uuid4())
    await record(store, viewed(SOMEBODY.lead_id))
    for organization_id in (other, ORGANIZATION):
        await keyrings.of_or_new(organization_id)
        await keyrings.rotate(organization_id)
    assert await contents.reseal(Lead(other, SOMEBODY.lead_id)) == Resealed(0, 0, 0)
    assert versions(table, bucket) == {1}


async def test_an_organization_without_keys_has_nothing_to_reseal_and_an_erased_one_says_so(
    table: DynamoTable, resealer: Resealer
) -> None:
    assert await reseal_all(resealer) == Page(leads=0, items=0, objects=0, unreadable=0, next=None)
    key = keys.organization_key(ORGANIZATION)
    await table.transact([Put(table.name, tombstone(key, ORGANIZATION, NOW))])
    with pytest.raises(Erased):
        await resealer.page(ORGANIZATION, None, has_time=lambda: True)
