"""The leads of an organization, found through the index of a table."""

from uuid import UUID

import pytest
from aiodynamo.operations import Put

from lead_memory.adapters import keys, registry
from lead_memory.adapters.event_items import head_item
from lead_memory.adapters.table import DynamoTable
from lead_memory.domain.memories import Lead
from tests.events import NOW, ORGANIZATION


async def test_every_lead_is_found_once_from_wherever_one_goes_on(
    table: DynamoTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = 5
    monkeypatch.setattr(registry, "PAGE", page)
    leads = [Lead(ORGANIZATION, str(UUID(int=number))) for number in range(3 * page * keys.REGISTRY_SHARDS)]
    for start in range(0, len(leads), 100):
        await table.transact([Put(table.name, head_item(lead, NOW)) for lead in leads[start : start + 100]])
    ours = registry.Registry(table)
    pages = [page async for page in ours.leads(ORGANIZATION)]
    found = [lead for page in pages for lead in page]
    assert (len(found), set(found)) == (len(leads), set(leads))
    assert max(map(len, pages)) == page
    half = len(found) // 2
    rest = [lead async for page in ours.leads(ORGANIZATION, found[half - 1].lead_id) for lead in page]
    assert rest == found[half:]
