"""Samples as they lie in the table: unreadable without their organization's keys, and resealed after a rotation."""

import asyncio
import json
import os
import time
from collections import Counter
from collections.abc import Callable
from random import Random
from statistics import median
from typing import Any
from uuid import uuid4

import msgspec

from lead_memory.adapters import keys
from lead_memory.adapters.aws import Aws
from lead_memory.adapters.keyrings import Keyrings
from lead_memory.adapters.kms import KeyService
from lead_memory.adapters.large_payloads import PayloadBucket
from lead_memory.adapters.memory_items import ORGANIZATION
from lead_memory.adapters.registry import Registry
from lead_memory.adapters.sealed_contents import SealedContents
from lead_memory.adapters.sealing import Keyring, Unreadable, key_version
from lead_memory.adapters.store import EventStore
from lead_memory.adapters.table import DynamoTable
from lead_memory.domain.events import Event
from lead_memory.domain.memories import Lead
from lead_memory.services.record import Outcome, Recorder
from lead_memory.services.reseal import Resealer
from tests.events import NOW, all_samples
from tests.prove.ground import Ground, hold
from tests.raw_items import LONG_ENOUGH, attributes_with, raw_items, raw_objects, sealed, texts

LEADS = 10
"""Each of them with every sample."""
HELD_BYTES, NOT_HELD_BYTES = 300_000, 500_000
"""Of raw payloads that do not compress: one that its item holds, and one that it does not."""
MEASURED = 2_000
VALUE_BYTES = 500
"""Of a memory, as most are."""


def prove_sealing(ground: Ground) -> str:
    return asyncio.run(_prove(ground))


async def _prove(ground: Ground) -> str:
    resources = ground.stage.resources
    aws = Aws(os.environ)
    table = DynamoTable(resources.table_name, aws)
    payloads = PayloadBucket(resources.payload_bucket)
    try:
        keyrings = Keyrings(table, KeyService(resources.content_key, aws))
        own, foreign = str(uuid4()), await keyrings.of_or_new(str(uuid4()))
        await keyrings.begin(own, hashes_names=True)
        events = _events(own)
        await _record(EventStore(table, keyrings, payloads, lambda: NOW), events)
        before = _contents(ground, own)
        found = _found_in_clear(ground, own, events)
        hold(not found, f"a sample's text stands in {', '.join(sorted(found))}")
        opened, elsewhere = _opened(await keyrings.of_or_new(own), before), _opened(foreign, before)
        hold(opened == len(before) and elsewhere == 0, f"{opened:,} of {len(before):,} open, {elsewhere:,} elsewhere")

        await keyrings.rotate(own)
        started = time.perf_counter()
        leads = await _reseal(Resealer(Registry(table), SealedContents(table, keyrings, payloads)), own)
        seconds = time.perf_counter() - started
        after = _contents(ground, own)
        versions = Counter(key_version(content) for content in after.values())
        hold(leads == LEADS, f"{leads} of {LEADS} leads were resealed")
        hold(after.keys() == before.keys() and set(versions) == {2}, f"by key version there are {dict(versions)}")
        keyring = await keyrings.of_or_new(own)
        hold(_opened(keyring, after) == len(after), "not everything opens after it was resealed")
    finally:
        await aws.close()
    seal, unseal = _microseconds(keyring)
    words = sum(len(word) >= LONG_ENOUGH for word in _words(events))
    return (
        f"sealing: of {words:,} texts of {len(events):,} events 0 can be read in {len(before):,} sealed attributes and "
        f"objects; {opened:,} open for their organization, {elsewhere} for another; after a rotation and "
        f"{seconds:.1f} s of resealing {versions[1]} are sealed with the older key; {VALUE_BYTES} bytes are sealed in "
        f"{seal:.1f} µs and opened in {unseal:.1f} µs (medians of {MEASURED:,})"
    )


def _events(organization_id: str) -> list[Event]:
    samples = list({sample.ref: sample for sample in all_samples()}.values())
    events = [
        msgspec.structs.replace(sample, organization_id=organization_id, lead_organization_id=lead_id)
        for lead_id in (str(uuid4()) for _ in range(LEADS))
        for sample in samples
    ]
    noise = [json.dumps({"noise": Random(size).randbytes(size).hex()}) for size in (HELD_BYTES, NOT_HELD_BYTES)]
    large = [
        msgspec.structs.replace(events[0], event_id=f"noise-{number}", raw_payload_json=text.encode())
        for number, text in enumerate(noise)
    ]
    return [*events, *large]


async def _record(store: EventStore, events: list[Event]) -> None:
    by_lead: dict[Lead, list[Event]] = {}
    for event in events:
        by_lead.setdefault(event.lead, []).append(event)
    results = await asyncio.gather(*(Recorder(store).record(of_lead) for of_lead in by_lead.values()))
    hold({result for of_lead in results for result in of_lead} == {Outcome.RECORDED}, "an event was not recorded")


type Contents = dict[tuple[str, ...], bytes]
"""What is sealed, by its place."""


def _items(ground: Ground, organization_id: str) -> list[dict[str, Any]]:
    items = raw_items(ground.stage.resources.table_name)
    return [item for item in items if item.get(ORGANIZATION) == organization_id]


def _contents(ground: Ground, organization_id: str) -> Contents:
    items = _items(ground, organization_id)
    contents: Contents = {
        (item[keys.PK], item[keys.SK], name): content for item in items for name, content in sealed(item).items()
    }
    objects = raw_objects(ground.stage.resources.payload_bucket)
    pointed = {(item[keys.PK], item[keys.SK], "content", "S3"): item.get("large_content") for item in items}
    return contents | {place: objects[key] for place, key in pointed.items() if key}


def _opened(keyring: Keyring, contents: Contents) -> int:
    def opens(content: bytes, place: tuple[str, ...]) -> bool:
        try:
            keyring.open(content, *place[:3])
        except Unreadable:
            return False
        return True

    return sum(opens(content, place) for place, content in contents.items())


def _words(events: list[Event]) -> set[str]:
    documents = {part for event in events for part in (event.data_json, event.raw_payload_json) if part}
    return {word for document in documents for word in texts(json.loads(document))}


def _found_in_clear(ground: Ground, organization_id: str, events: list[Event]) -> set[str]:
    """In what is no id of an event or a lead, no time and no type; the sealed attributes and objects above all."""
    named = {"pk", "sk", "gsi1pk", "gsi1sk", "source", "type", "large_content"}
    named |= {"source_event_ids", "newest", "correlation_id", "causation_id", "touches", ORGANIZATION}
    items = [
        {name: value for name, value in item.items() if name not in named} for item in _items(ground, organization_id)
    ]
    objects = [{"object": content} for content in raw_objects(ground.stage.resources.payload_bucket).values()]
    return attributes_with(_words(events), [*items, *objects])


async def _reseal(resealer: Resealer, organization_id: str) -> int:
    page = await resealer.page(organization_id, None, has_time=lambda: True)
    leads = page.leads
    while page.next is not None:
        page = await resealer.page(organization_id, page.next, has_time=lambda: True)
        leads += page.leads
    return leads


def _microseconds(keyring: Keyring) -> tuple[float, float]:
    place = (str(uuid4()), "purchase#last_transaction", "content")
    value = bytes(VALUE_BYTES)
    content = keyring.seal(value, *place)
    return _median(lambda: keyring.seal(value, *place)), _median(lambda: keyring.open(content, *place))


def _median(work: Callable[[], bytes]) -> float:
    def once() -> float:
        started = time.perf_counter()
        work()
        return time.perf_counter() - started

    return median(once() for _ in range(MEASURED)) * 1e6
