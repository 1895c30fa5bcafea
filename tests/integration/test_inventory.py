"""docs/security.md lists every attribute of every kind of item, and which of them are sealed."""

import re
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

import boto3
import pytest
from aiodynamo.expressions import F

from lead_memory.adapters import keys
from lead_memory.adapters.erasure import StoredItems
from lead_memory.adapters.keyrings import Keyrings
from lead_memory.adapters.large_payloads import PayloadBucket
from lead_memory.adapters.memory_items import ERASED_AT, LAST_ACCESSED_AT
from lead_memory.adapters.organization_settings import OrganizationSettings
from lead_memory.adapters.rebuild_runs import RebuildRuns
from lead_memory.adapters.sealing import key_version
from lead_memory.adapters.store import EventStore
from lead_memory.adapters.table import DynamoTable
from lead_memory.adapters.vector_items import USAGE_COUNT, sealed_entry
from lead_memory.adapters.vector_items import written as written_entry
from lead_memory.domain.conversation.settings import ConversationSettings
from lead_memory.domain.memories import Lead, MemoryKey, MemoryType, StorageTier
from lead_memory.domain.memory_settings import MemorySettings
from lead_memory.domain.recall.making import entry_of
from lead_memory.services.erase import Asked, Subject
from lead_memory.services.indexing import Made
from lead_memory.services.record import Outcome, Recorder
from lead_memory.services.store import Commit
from tests.events import NOW, all_samples, event
from tests.unit.resolve.fakes import memory

SECURITY = Path(__file__).parents[2] / "docs" / "security.md"
BUCKET = "inventory"
LARGE = Random(1).randbytes(400_000).hex()
HASHING, ORDER = str(uuid4()), {"order_id": "o", "total": "189.90", "currency": "BRL"}


def documented() -> dict[str, tuple[set[str], set[str]]]:
    """By kind of item: the attributes in clear, and those that are sealed."""
    rows = SECURITY.read_text().partition("| item | in clear | sealed |")[2].partition("\n\n")[0].splitlines()[2:]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    return {
        kind: (set(re.findall(r"`(.+?)`", clear)), set(re.findall(r"`(.+?)`", sealed))) for kind, clear, sealed in cells
    }


def kind_of(item: Mapping[str, Any]) -> str:
    if ERASED_AT in item:
        return "tombstone"
    prefix = item[keys.SK].partition("#")[0]
    if prefix in set(MemoryType):
        return "memory"
    kinds = {"event": "event", "lead": "lead", "org": "organization", "rebuild": "rebuild", "vector": "vector"}
    return kinds[prefix]


@pytest.fixture
async def written(table: DynamoTable, table_name: str, keyrings: Keyrings) -> list[dict[str, Any]]:
    """Items of every kind, with every attribute that they may have."""
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    store = EventStore(table, keyrings, PayloadBucket(BUCKET), lambda: NOW)
    recorder = Recorder(store)
    await keyrings.begin(HASHING, hashes_names=True)
    await OrganizationSettings(table).set(HASHING, ConversationSettings())
    await OrganizationSettings(table).set(HASHING, MemorySettings())
    ends_at = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    told = {"memory_type": "fact", "key": "k", "value": {"says": "x"}, "expires_at": ends_at}
    hashing = event("memory.declared", told, organization_id=HASHING, lead_organization_id=str(uuid4()))
    traced = {"sequence": 1, "correlation_id": "c", "causation_id": "c"}
    large = event("order.paid", ORDER | {"x": LARGE}, event_id="large", lead_organization_id=str(uuid4()), **traced)
    cold = event(
        "memory.tiered",
        {"memory_type": "fact", "key": "k", "storage_tier": "cold", "used_at": NOW.isoformat()},
        event_id="cold",
        at=NOW,
        organization_id=HASHING,
        lead_organization_id=hashing.lead_organization_id,
    )
    for each in [*all_samples(), hashing, large, cold]:
        assert await recorder.record([each]) == [Outcome.RECORDED]
    await index(table, keyrings, large.lead)
    parts = event("order.paid", ORDER, event_id="parts", lead_organization_id=str(uuid4()))
    await store.commit(
        Commit(lead=parts.lead, new_lead=True, events=[parts], touches={parts.ref: set()}, settled=False)
    )
    await RebuildRuns(table, lambda: NOW).count("run", leads=1, memories=1)
    items, asked = StoredItems(table, keyrings), Asked("somebody", NOW)
    await items.bury(Subject(*large.lead), asked)
    await items.note(Subject(*large.lead), asked, {"events": 1})
    return boto3.resource("dynamodb").Table(table_name).scan()["Items"]


async def index(table: DynamoTable, keyrings: Keyrings, lead: Lead) -> None:
    """What a recall knows of a memory that it returned once."""
    order = MemoryKey(MemoryType.PURCHASE, "order:o")
    keyring = await keyrings.of_or_new(lead.organization_id)
    key = keys.vector_key(keyring.memory_key(lead.lead_id, order))
    entry = entry_of(memory(lead.lead_id, *order, {"order_id": "o"}), None)
    made = Made(entry, StorageTier.HOT, "v", "m")
    content = sealed_entry(entry, key, keyring)
    used = F(USAGE_COUNT).set(1) & F(LAST_ACCESSED_AT).set(NOW.isoformat())
    new = F(keys.PK).does_not_exist()
    await table.update(key, written_entry(made, 1, lead.organization_id, content) & used, new)


async def test_every_attribute_is_in_the_inventory_and_the_inventory_names_no_other(
    written: list[dict[str, Any]],
) -> None:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for item in written:
        found[kind_of(item)] |= {re.sub(r"^removed_.*", "removed_*", attribute) for attribute in item}
    assert found == {kind: clear | sealed for kind, (clear, sealed) in documented().items()}


async def test_what_the_inventory_calls_sealed_is_sealed_and_nothing_else_is_binary(
    written: list[dict[str, Any]],
) -> None:
    inventory = documented()
    for item in written:
        _, sealed = inventory[kind_of(item)]
        binary = {name for name, value in item.items() if hasattr(value, "value")}
        assert binary == sealed.intersection(item) - {"wrapped_keys"}
        assert all(key_version(item[name].value) == 1 for name in binary)
