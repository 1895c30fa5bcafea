"""Payloads around what an item holds, and as large as the bus takes, come back byte for byte."""

import json
from uuid import uuid4

from lead_memory.adapters.large_payloads import PREFIX
from lead_memory.domain import canonical
from lead_memory.domain.limits import ITEM_BYTES
from lead_memory_client.answers import RecordedEvent
from lead_memory_client.delivery import deliver
from lead_memory_client.entries import Entry
from tests.e2e.test_large_payloads import an_entry, as_large_as_the_bus_takes, noise
from tests.events import ORGANIZATION
from tests.prove.ground import Ground, hold

FIELDS = ("data", "raw_payload")
EVENT_TYPE = "lead.identified"
HELD = int(ITEM_BYTES / 0.76)
"""Characters of noise that fill an item: compression leaves 76% of them."""
IN_ITEMS = (1_000, int(HELD * 0.995))
IN_S3 = (int(HELD * 1.01), 700_000)
PATIENCE_SECONDS = 60


def prove_large_payloads(ground: Ground) -> str:
    lead = str(uuid4())
    in_items = [_entry(lead, field, size) for field in FIELDS for size in IN_ITEMS]
    in_s3 = [_entry(lead, field, size) for field in FIELDS for size in IN_S3]
    in_s3 += [as_large_as_the_bus_takes(lead, EVENT_TYPE, field) for field in FIELDS]
    entries = [*in_items, *in_s3]
    delivery = deliver(ground.memory, entries, patience_seconds=PATIENCE_SECONDS)
    hold(len(delivery.visible_seconds) == len(entries), delivery.summary())

    found = {each.event_id: each for each in ground.memory.events(lead, ORGANIZATION, limit=len(entries))}
    differing = [each for each in entries if _sent(each) != _came_back(found[each.detail["metadata"]["event_id"]])]
    hold(not differing, f"{len(differing)} of {len(entries)} came back otherwise")
    bucket = ground.stage.resources.payload_bucket
    objects = ground.stage.client("s3").list_objects_v2(Bucket=bucket, Prefix=f"{PREFIX}{lead}/")["KeyCount"]
    hold(objects == len(in_s3), f"{objects} are in S3, and {len(in_s3)} do not fit into their items")
    sizes = sorted(len(each.detail_json()) for each in entries)
    return (
        f"large payloads: {len(entries)} events of {sizes[0]:,} to {sizes[-1]:,} bytes that hardly compress, through "
        f"the bus, the queue and the updater: {objects} in S3 from just above what an item holds, {len(in_items)} in "
        "their items up to just below it; all come back byte for byte"
    )


def _entry(lead: str, field: str, characters: int) -> Entry:
    payload = {"noise": noise(characters)}
    return an_entry(lead, EVENT_TYPE, payload) if field == "data" else an_entry(lead, EVENT_TYPE, {}, payload)


def _sent(entry: Entry) -> tuple[bytes, bytes]:
    # The client sends the fields in order, and the local bus writes JSON anew, as `dumps` does.
    return canonical.encode(entry.detail["data"]), json.dumps(entry.detail["raw_payload"], sort_keys=True).encode()


def _came_back(found: RecordedEvent) -> tuple[bytes, bytes]:
    return canonical.encode(found.data), bytes(found.raw_payload or b"null")
