"""The store's own wall: no transaction of one organization changes a lead of another, whatever was read before."""

import json
from typing import Any

import boto3
import pytest

from lead_memory.adapters.erasure import StoredItems
from lead_memory.adapters.keyrings import Keyrings
from lead_memory.adapters.large_payloads import PayloadBucket
from lead_memory.adapters.store import EventStore
from lead_memory.adapters.table import DynamoTable
from lead_memory.domain.errors import Conflict
from lead_memory.domain.memories import Lead, MemoryKey, MemoryType
from lead_memory.services.erase import Asked, Subject
from lead_memory.services.record import Outcome, Recorder
from lead_memory.services.store import Commit, Write
from tests.events import LEAD, NOW, SOMEBODY, event

OTHERS = Lead("99999999-7a55-4d0c-9a8e-1f6a1b9f7c01", LEAD)
"""The same lead, claimed by another organization."""
LAST = MemoryKey(MemoryType.PURCHASE, "last_transaction")
FACT = MemoryKey(MemoryType.FACT, "new")
ORDER = {"order_id": "o", "total": "189.90", "currency": "BRL"}
COMMITS = {
    "nothing": Commit(lead=OTHERS),
    "the lead again": Commit(lead=OTHERS, new_lead=True),
    "an event": Commit(lead=OTHERS, events=[event("order.paid", ORDER, event_id="2")], touches={"test/2": {LAST}}),
    "what an event has a part in": Commit(lead=OTHERS, touches={"test/e1": {FACT}}),
    "an event is settled": Commit(lead=OTHERS, settles="test/e1"),
    "an event is erased": Commit(lead=OTHERS, erases={"test/e1": True}),
    "an event that never came is erased": Commit(lead=OTHERS, erases={"test/2": False}),
    "a memory": Commit(lead=OTHERS, writes=[Write(LAST, None, None)]),
    "a new memory": Commit(lead=OTHERS, writes=[Write(FACT, None, None)]),
}


@pytest.fixture
async def store(table: DynamoTable, keyrings: Keyrings) -> EventStore:
    """With a lead of ours, and keys of theirs."""
    store = EventStore(table, keyrings, PayloadBucket("none"), lambda: NOW)
    assert await Recorder(store).record([event("order.paid", ORDER)]) == [Outcome.RECORDED]
    await keyrings.of_or_new(OTHERS.organization_id)
    return store


def rows(table_name: str) -> list[str]:
    items: list[Any] = boto3.resource("dynamodb").Table(table_name).scan()["Items"]
    return sorted(json.dumps(item, default=repr) for item in items)


@pytest.mark.parametrize("commit", COMMITS.values(), ids=COMMITS)
async def test_no_transaction_of_another_organization_goes_through(
    store: EventStore, table_name: str, commit: Commit
) -> None:
    before = rows(table_name)
    with pytest.raises(Conflict):
        await store.commit(commit)
    assert rows(table_name) == before


async def test_a_row_of_another_organization_is_not_written_though_its_version_is_known(
    store: EventStore, table_name: str
) -> None:
    row = (await store.snapshot(SOMEBODY, {LAST})).memories[LAST]
    before = rows(table_name)
    for memory in (None, row.memory):
        with pytest.raises(Conflict):
            await store.commit(Commit(lead=OTHERS, writes=[Write(LAST, memory, row.version)]))
    assert rows(table_name) == before


async def test_an_erasure_that_met_another_owner_meanwhile_takes_nothing(
    store: EventStore, table: DynamoTable, table_name: str, keyrings: Keyrings
) -> None:
    items, before = StoredItems(table, keyrings), rows(table_name)
    with pytest.raises(Conflict):
        await items.bury(Subject(*OTHERS), Asked("somebody", NOW))
    with pytest.raises(Conflict):
        await items.unbury(OTHERS)
    assert not await items.clear(OTHERS, remove=True)
    assert rows(table_name) == before


async def test_nothing_is_read_of_a_lead_of_another_organization(store: EventStore) -> None:
    assert (await store.snapshot(OTHERS, {LAST})).memories == {}
    assert (await store.all_memories(OTHERS)).memories == {}
    assert await store.log(OTHERS) == []
    assert await store.linked_log(OTHERS) == []
    assert await store.known(OTHERS, ["test/e1"]) == {}
    assert (await store.snapshot(SOMEBODY, {LAST})).memories.keys() == {LAST}
