"""What becomes of a memory that a policy moves: the sweep, the events that it announces, and where the value is."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import boto3
import pytest

from lead_memory.adapters import keys
from lead_memory.adapters.due import DueIndex
from lead_memory.adapters.large_payloads import LARGE_CONTENT
from lead_memory.adapters.memory_items import CONTENT
from lead_memory.adapters.memory_reader import MemoryReader
from lead_memory.adapters.organization_settings import OrganizationSettings
from lead_memory.domain.errors import Conflict
from lead_memory.domain.events import Event, parse
from lead_memory.domain.memories import Lead, MemoryKey, MemoryType, StorageTier
from lead_memory.domain.memory_settings import MemorySettings
from lead_memory.domain.retention import Policy, RetentionStatus
from lead_memory.services.bus import Entry
from lead_memory.services.extraction_queue import Request
from lead_memory.services.rebuild import Rebuilder
from lead_memory.services.record import Outcome, Recorder
from lead_memory.services.rewrite import as_it_is
from lead_memory.services.store import Commit
from lead_memory.services.sweep import sweep
from tests.events import ORGANIZATION, SOMEBODY, START, event
from tests.fakes import no_pause
from tests.integration.recalling import Recalling, fact

PET = MemoryKey(MemoryType.FACT, "pet")
DAY = timedelta(days=1)


class Announced:
    """The bus, and the extractor's queue, which nothing is sent to."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    async def publish(self, entries: Sequence[Entry]) -> int:
        self.entries += entries
        return len(entries)

    async def send(self, requests: Sequence[Request], delay_seconds: int = 0) -> int:
        return len(requests)

    async def give_up(self, request: Request, reason: str) -> None:
        raise AssertionError(reason)


class Kept:
    """A lead whose memories a policy moves."""

    def __init__(self, of: Recalling) -> None:
        self.of = of
        self.settings = OrganizationSettings(of.table)

    async def choose(self, **days: int) -> None:
        await self.settings.set(ORGANIZATION, MemorySettings(policies={MemoryType.FACT: Policy(**days)}))
        # As another process has it, once it looks again.
        self.of.store._settings = self.settings
        await Rebuilder(self.of.store, no_pause).rebuild(SOMEBODY)

    async def announced(self, now: datetime) -> list[Event]:
        """What one run of the cleanup says."""
        self.of.now = now
        due, bus = DueIndex(self.of.table, self.of.keyrings, self.settings), Announced()
        await sweep(due, bus, bus, now=now, has_time=lambda: True)
        return [parse(_body(each), now) for each in bus.entries]

    async def run(self, now: datetime) -> list[str]:
        """The run, recorded and indexed."""
        events = await self.announced(now)
        if events:
            await self.of.say(*events)
        return [each.event_type for each in events]

    async def stored(self) -> Any:
        return (await self.of.store.snapshot(SOMEBODY, {PET})).memories[PET].memory

    def item(self) -> dict[str, Any]:
        return (
            boto3.resource("dynamodb")
            .Table(self.of.table.name)
            .get_item(Key=keys.memory_key(SOMEBODY.lead_id, PET)._asdict())["Item"]
        )

    def objects(self) -> list[str]:
        found = boto3.client("s3").list_objects_v2(Bucket=self.of.bucket).get("Contents", [])
        return [each["Key"] for each in found]


def _body(entry: Entry) -> str:
    return f'{{"source":"{entry.source}","detail-type":"{entry.detail_type}","detail":{entry.detail}}}'


@pytest.fixture
async def kept(recalling: Recalling) -> Kept:
    await recalling.say(fact("pet", "a cat called Mia"))
    return Kept(recalling)


async def test_a_policy_takes_a_memory_through_its_whole_life(kept: Kept) -> None:
    await kept.choose(archive_after_days=10, delete_after_days=20, purge_after_days=30)
    assert await kept.run(START + 9 * DAY) == []
    assert await kept.run(START + 10 * DAY) == ["memory.archived"]
    assert await kept.run(START + 19 * DAY) == []
    assert await kept.of.keys("cat") == ["pet"]
    assert await kept.run(START + 20 * DAY) == ["memory.soft_deleted"]
    assert await kept.of.keys("cat") == []
    assert await kept.run(START + 50 * DAY) == ["memory.hard_delete_queued"]
    assert await kept.run(START + 56 * DAY) == []
    assert await kept.run(START + 57 * DAY) == ["memory.purged"]
    memory = await kept.stored()
    assert memory.value == {}
    assert memory.retention.status is RetentionStatus.PURGED
    assert (memory.retention.archived_at, memory.retention.purged_at) == (START + 10 * DAY, START + 57 * DAY)
    assert await kept.run(START + 1_000 * DAY) == []


async def test_a_grace_begins_when_the_memory_is_queued_however_late_that_is(kept: Kept) -> None:
    await kept.choose(delete_after_days=1, purge_after_days=1)
    late = START + 300 * DAY
    assert await kept.run(late) == ["memory.soft_deleted"]
    assert await kept.run(late + DAY) == ["memory.hard_delete_queued"]
    assert await kept.run(late + 7 * DAY) == []
    assert await kept.run(late + 8 * DAY) == ["memory.purged"]


async def test_what_a_run_announced_twice_happens_once(kept: Kept) -> None:
    await kept.choose(archive_after_days=10)
    now = START + 11 * DAY
    first, again = await kept.announced(now), await kept.announced(now + timedelta(minutes=3))
    assert [each.ref for each in first] == [each.ref for each in again]
    assert await Recorder(kept.of.store).record([*first, *again]) == [Outcome.RECORDED, Outcome.DUPLICATE]
    assert await kept.announced(now + timedelta(minutes=6)) == []


async def test_a_memory_that_changed_meanwhile_is_not_archived(kept: Kept) -> None:
    await kept.choose(archive_after_days=10)
    archived = await kept.announced(START + 11 * DAY)
    await kept.of.say(fact("pet", "a dog", hours=12))
    await kept.of.say(*archived)
    assert (await kept.stored()).retention.status is RetentionStatus.ACTIVE


async def test_a_longer_policy_needs_nothing_but_the_policy(kept: Kept) -> None:
    await kept.choose(archive_after_days=10)
    await kept.settings.set(ORGANIZATION, MemorySettings())
    assert await kept.run(START + 11 * DAY) == []


async def test_a_cold_value_is_in_s3_until_it_is_used(kept: Kept) -> None:
    await kept.choose(warm_after_days=10, cold_after_days=20)
    assert await kept.run(START + 10 * DAY) == ["memory.tiered"]
    assert (await kept.stored()).storage_tier is StorageTier.WARM
    assert await kept.of.keys("cat") == ["pet"]
    assert await kept.run(START + 20 * DAY) == ["memory.tiered"]
    assert CONTENT not in kept.item()
    assert len(kept.objects()) == 2  # the value, and its entry
    assert LARGE_CONTENT in kept.of.items()["vector#fact#pet"]
    assert await kept.of.keys("cat") == []
    read = await MemoryReader(kept.of.table, kept.of.keyrings).read(ORGANIZATION, [(SOMEBODY.lead_id, PET)])
    [memory] = read.values()
    assert (memory.value, memory.storage_tier) == ({}, StorageTier.COLD)  # type: ignore[union-attr]
    assert (await Rebuilder(kept.of.store, no_pause).check(SOMEBODY)).differences == []

    [found] = (await kept.of.recall("cat", cold=True)).recalled
    assert found.memory.value == {"says": "a cat called Mia"}
    await kept.of.count_uses()
    assert [each.event_type for each in await kept.of.record_published()] == ["memory.tiered"]
    await kept.of.make_right()
    assert (await kept.stored()).storage_tier is StorageTier.HOT
    assert CONTENT in kept.item()
    assert kept.objects() == []
    assert await kept.of.keys("cat") == ["pet"]


async def test_a_change_brings_a_cold_memory_back(kept: Kept) -> None:
    await kept.choose(cold_after_days=10)
    await kept.run(START + 10 * DAY)
    await kept.of.say(event("memory.declared", _pet("a dog"), event_id="later", at=START + 11 * DAY))
    memory = await kept.stored()
    assert (memory.value, memory.storage_tier) == ({"says": "a dog"}, StorageTier.HOT)
    assert kept.objects() == []


async def test_a_use_puts_the_next_tier_off(kept: Kept) -> None:
    await kept.choose(warm_after_days=10)
    kept.of.now = START + 5 * DAY
    await kept.of.recall("cat")
    await kept.of.count_uses()
    assert await kept.run(START + 10 * DAY) == ["memory.tiered"]
    memory = await kept.stored()
    assert (memory.storage_tier, memory.last_accessed_at) == (StorageTier.HOT, START + 5 * DAY)
    assert await kept.run(START + 14 * DAY) == []
    assert await kept.run(START + 15 * DAY) == ["memory.tiered"]
    assert (await kept.stored()).storage_tier is StorageTier.WARM


async def test_of_another_organization_nothing_moves(kept: Kept) -> None:
    """Its policies are its own, though its lead has the same id."""
    await kept.choose(archive_after_days=10)
    other = Lead("99999999-7a55-4d0c-9a8e-1f6a1b9f7c01", "22222222-2222-4333-8444-555555555555")
    await kept.of.record(fact("pet", "a bird", lead=other))
    assert await kept.run(START + 11 * DAY) == ["memory.archived"]


def _pet(says: str) -> dict[str, Any]:
    return {"memory_type": "fact", "key": "pet", "value": {"says": says}}


async def test_a_cold_value_whose_transaction_lost_leaves_no_object(kept: Kept) -> None:
    await kept.choose(cold_after_days=10)
    await kept.run(START + 10 * DAY)
    before = kept.objects()
    snapshot = await kept.of.store.snapshot(SOMEBODY, {PET})
    stale = as_it_is(snapshot, PET)._replace(version=1)
    with pytest.raises(Conflict):
        await kept.of.store.commit(Commit(lead=SOMEBODY, writes=[stale]))
    assert kept.objects() == before
