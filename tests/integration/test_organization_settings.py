"""What an organization chose, in its item: read once a minute, beside keys that come and go."""

from typing import Any

import boto3
import pytest
from aiodynamo.expressions import F

from lead_memory.adapters import keys
from lead_memory.adapters.aws import Aws
from lead_memory.adapters.erasure import StoredItems
from lead_memory.adapters.keyrings import Keyrings
from lead_memory.adapters.large_payloads import PayloadBucket
from lead_memory.adapters.organization_items import CONVERSATIONS, WRAPPED_KEYS
from lead_memory.adapters.organization_settings import CACHE_SECONDS, OrganizationSettings
from lead_memory.adapters.registry import Registry
from lead_memory.adapters.sealed_contents import SealedContents
from lead_memory.adapters.store import EventStore
from lead_memory.adapters.table import DynamoTable
from lead_memory.domain.conversation.settings import CohortShares, ConversationSettings, CrossChannel
from lead_memory.domain.errors import Conflict, Erased, LeadMemoryError
from lead_memory.services.erase import Asked, Subject
from lead_memory.services.record import Outcome, Recorder
from lead_memory.services.reseal import Resealer
from tests.events import NOW, ORGANIZATION, event
from tests.integration.test_keyrings import Clock, CountedTable

JOINED = ConversationSettings(cross_channel=CrossChannel.JOIN, cohorts=CohortShares(full=80, no_notes=20))
DEFAULTS = ConversationSettings()


@pytest.fixture
async def known(keyrings: Keyrings) -> str:
    """An organization."""
    await keyrings.of_or_new(ORGANIZATION)
    return ORGANIZATION


@pytest.fixture
def settings(table: DynamoTable) -> OrganizationSettings:
    return OrganizationSettings(table)


async def stored(table: DynamoTable) -> ConversationSettings:
    """As another process reads it."""
    return await OrganizationSettings(table).of(ORGANIZATION)


def item(table: DynamoTable) -> dict[str, Any]:
    key = keys.organization_key(ORGANIZATION)._asdict()
    return boto3.resource("dynamodb").Table(table.name).get_item(Key=key, ConsistentRead=True)["Item"]


async def test_an_organization_that_chose_nothing_has_the_defaults(
    known: str, settings: OrganizationSettings, table: DynamoTable
) -> None:
    assert await settings.of(known) == await settings.of("unknown") == DEFAULTS


async def test_what_was_chosen_is_what_every_process_reads(
    known: str, settings: OrganizationSettings, table: DynamoTable
) -> None:
    for chosen in (JOINED, DEFAULTS):
        await settings.set(known, chosen)
        assert await settings.of(known) == await stored(table) == chosen


async def test_what_was_chosen_stands_in_clear_and_leaves_the_rest_of_the_item(
    known: str, settings: OrganizationSettings, table: DynamoTable
) -> None:
    before = item(table)
    await settings.set(known, JOINED)
    split = {"full": 80, "no_notes": 20, "single_summary": 0}
    assert item(table) == {
        **before,
        CONVERSATIONS: {
            "cross_channel": "join",
            "cohorts": split,
            "daily_budget_micros": JOINED.daily_budget_micros,
        },
    }


async def test_settings_are_read_again_after_a_minute_and_not_before(
    known: str, settings: OrganizationSettings, table_name: str, aws: Aws
) -> None:
    counted, clock = CountedTable(table_name, aws), Clock()
    reader = OrganizationSettings(counted, clock)
    assert await reader.of(known) == DEFAULTS
    await settings.set(known, JOINED)
    clock.now += CACHE_SECONDS - 1
    assert (await reader.of(known), counted.gets) == (DEFAULTS, 1)
    clock.now += 1
    assert (await reader.of(known), await reader.of(known), counted.gets) == (JOINED, JOINED, 2)


async def test_an_unknown_organization_can_choose_nothing(settings: OrganizationSettings, table: DynamoTable) -> None:
    with pytest.raises(Conflict, match="the organization is not known: look at its id"):
        await settings.set(ORGANIZATION, JOINED)
    assert await table.get(keys.organization_key(ORGANIZATION), consistent=True) is None
    assert await settings.of(ORGANIZATION) == DEFAULTS


async def test_an_erasure_takes_the_settings_with_it_and_none_can_be_chosen_after_it(
    known: str, settings: OrganizationSettings, table: DynamoTable, keyrings: Keyrings
) -> None:
    await settings.set(known, JOINED)
    await StoredItems(table, keyrings).bury(Subject(known), Asked("somebody", NOW))
    with pytest.raises(Erased):
        await settings.set(known, DEFAULTS)
    assert CONVERSATIONS not in item(table)
    assert await stored(table) == DEFAULTS


async def test_a_rotation_and_a_reseal_leave_the_settings(
    known: str, settings: OrganizationSettings, table: DynamoTable, keyrings: Keyrings, store: EventStore, bucket: str
) -> None:
    assert await Recorder(store).record([event("product.viewed", {"sku": "whey"})]) == [Outcome.RECORDED]
    await settings.set(known, JOINED)
    assert await keyrings.rotate(known) == 2
    resealer = Resealer(Registry(table), SealedContents(table, keyrings, PayloadBucket(bucket)))
    assert (await resealer.page(known, None, has_time=lambda: True)).items > 0
    assert await stored(table) == JOINED
    await settings.set(known, DEFAULTS)
    assert len(item(table)[WRAPPED_KEYS]) == 2


@pytest.mark.parametrize("choice", [{"cross_channel": "merge"}, {"cohorts": {"full": 90}}, "join"])
async def test_what_nobody_can_have_chosen_is_an_error_until_it_is_chosen_again(
    known: str, settings: OrganizationSettings, table: DynamoTable, choice: Any
) -> None:
    await table.update(keys.organization_key(known), F(CONVERSATIONS).set(choice), F(keys.PK).exists())
    with pytest.raises(LeadMemoryError, match="cannot be read: choose all of it again"):
        await settings.of(known)
    await settings.set(known, JOINED)
    assert await stored(table) == JOINED
