"""Memories that are read together: what is wrong with one costs no other."""

import pytest
from aiodynamo.expressions import F
from aiodynamo.operations import Put

from lead_memory.adapters import keys
from lead_memory.adapters import table as table_module
from lead_memory.adapters.aws import Aws
from lead_memory.adapters.keyrings import Keyrings
from lead_memory.adapters.memory_items import CONTENT
from lead_memory.adapters.memory_reader import MemoryReader
from lead_memory.adapters.sealing import KeyUnknown
from lead_memory.adapters.store import EventStore
from lead_memory.adapters.table import DynamoTable
from lead_memory.domain.errors import Unavailable
from lead_memory.domain.memories import Memory, MemoryKey, MemoryType
from lead_memory.services.record import Outcome, Recorder
from lead_memory.services.resolve import Wanted
from tests.events import ORGANIZATION, event
from tests.integration.throttling import Throttling

PET = MemoryKey(MemoryType.FACT, "pet")
WANTED: list[Wanted] = [(f"00000000-0000-4000-8000-{number:012}", PET) for number in range(5)]
*OTHERS, UNLUCKY = WANTED


@pytest.fixture
async def recorded(store: EventStore) -> None:
    for lead_id, name in WANTED:
        told = {"memory_type": name.memory_type, "key": name.key, "value": {"name": "Rex"}}
        declared = event("memory.declared", told, lead_organization_id=lead_id)
        assert await Recorder(store).record([declared]) == [Outcome.RECORDED]


async def test_a_memory_that_stays_throttled_is_that_leads_trouble_alone(
    recorded: None, table_name: str, keyrings: Keyrings, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_module, "AIOHTTP", Throttling)
    monkeypatch.setattr(Throttling, "unlucky", UNLUCKY[0])
    reader = MemoryReader(DynamoTable(table_name, aws, retry_seconds=0.2), keyrings)
    read = await reader.read(ORGANIZATION, WANTED)
    assert [type(read[wanted]) for wanted in OTHERS] == [Memory] * len(OTHERS)
    assert isinstance(read[UNLUCKY], Unavailable)


async def test_a_memory_whose_key_nobody_has_is_that_leads_trouble_alone(
    recorded: None, table: DynamoTable, keyrings: Keyrings
) -> None:
    item = await table.get(keys.memory_key(*UNLUCKY))
    assert item
    from_the_future = item[CONTENT][:1] + (99).to_bytes(4) + item[CONTENT][5:]
    await table.transact([Put(table.name, item | {CONTENT: from_the_future}, F(keys.PK).exists())])
    read = await MemoryReader(table, keyrings).read(ORGANIZATION, WANTED)
    assert [type(read[wanted]) for wanted in OTHERS] == [Memory] * len(OTHERS)
    assert isinstance(read[UNLUCKY], KeyUnknown)
