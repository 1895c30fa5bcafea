"""Data keys in the organization's item: read once for many, for minutes only, and safe beside other processes."""

import asyncio
from collections.abc import Callable
from uuid import uuid4

import boto3
import pytest
from aiodynamo.operations import Put

from lead_memory.adapters import keys
from lead_memory.adapters.aws import Aws
from lead_memory.adapters.due import DueIndex
from lead_memory.adapters.event_items import tombstone
from lead_memory.adapters.keyrings import CACHE_SECONDS, Keyrings
from lead_memory.adapters.kms import DataKey, KeyService
from lead_memory.adapters.large_payloads import PayloadBucket
from lead_memory.adapters.memory_reader import MemoryReader
from lead_memory.adapters.organization_settings import OrganizationSettings
from lead_memory.adapters.sealing import Keyring, KeyUnknown, key_version
from lead_memory.adapters.store import EventStore
from lead_memory.adapters.table import DynamoTable, Item
from lead_memory.domain.errors import Conflict, Erased, KeysUnavailable
from lead_memory.domain.memories import MemoryKey, MemoryType
from lead_memory.domain.templates.render import Escape, OnMissing
from lead_memory.domain.templates.syntax import parse
from lead_memory.domain.templates.variables import Reason
from lead_memory.services.record import Outcome, Recorder
from lead_memory.services.resolve import LeadAnswer, Question, Resolver, Status
from lead_memory.services.sweep import DueMemory
from tests.events import LEAD, NOW, ORGANIZATION, SOMEBODY, event
from tests.fakes import FakeKeyService
from tests.stage import read_memory

MANY = 100
ALLERGY = MemoryKey(MemoryType.FACT, "allergy")
PLACE = ("lead", "item", "attribute")


class CountedTable(DynamoTable):
    gets = 0

    async def get(self, key: keys.Key, *, consistent: bool = False) -> Item | None:
        self.gets += 1
        return await super().get(key, consistent=consistent)


class CountedService(FakeKeyService):
    """May be told to fail, or to be silent when one organization's keys are asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.generated = self.unwrapped = 0
        self.fails = False
        self.answers = asyncio.Event()
        self.answers.set()

    async def generate(self, organization_id: str) -> DataKey:
        self.generated += 1
        await self._answer(organization_id)
        return await super().generate(organization_id)

    async def unwrap(self, organization_id: str, wrapped: bytes) -> bytes:
        self.unwrapped += 1
        await self._answer(organization_id)
        return await super().unwrap(organization_id, wrapped)

    async def _answer(self, organization_id: str) -> None:
        if organization_id == ORGANIZATION:
            await self.answers.wait()
        if self.fails:
            raise KeysUnavailable("KMS did not give a data key: DisabledException")


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def counted(table_name: str, aws: Aws) -> CountedTable:
    return CountedTable(table_name, aws)


@pytest.fixture
def service() -> CountedService:
    return CountedService()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def process(counted: CountedTable, service: CountedService, clock: Clock) -> Callable[[], Keyrings]:
    """Keyrings as another process has them: nothing is kept yet."""
    return lambda: Keyrings(counted, service, clock)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not true():
            await asyncio.sleep(0.001)


async def of(keyrings: Keyrings, organization_id: str = ORGANIZATION) -> Keyring:
    keyring = await keyrings.of(organization_id)
    assert keyring is not None
    return keyring


async def erase(table: DynamoTable) -> None:
    key = keys.organization_key(ORGANIZATION)
    await table.transact([Put(table.name, tombstone(key, ORGANIZATION, NOW))])


async def test_an_organization_without_keys_has_no_keyring_and_gets_none_by_being_asked_for(
    process: Callable[[], Keyrings], service: CountedService
) -> None:
    assert await process().of(ORGANIZATION) is None
    assert await process().opened(ORGANIZATION, lambda _: "read") is None
    assert service.generated == 0


async def test_what_one_process_seals_another_opens(table: DynamoTable, content_key: str, aws: Aws) -> None:
    one, other = (Keyrings(table, KeyService(content_key, aws)) for _ in range(2))
    sealed = (await one.of_or_new(ORGANIZATION)).seal(b"content", *PLACE)
    assert await other.opened(ORGANIZATION, lambda keyring: keyring.open(sealed, *PLACE)) == b"content"


async def test_many_readers_at_once_cost_one_get_item_and_one_decrypt_for_each_key(
    process: Callable[[], Keyrings], counted: CountedTable, service: CountedService
) -> None:
    await process().of_or_new(ORGANIZATION)
    assert await process().rotate(ORGANIZATION) == 2
    counted.gets = service.unwrapped = 0
    reader = process()
    keyrings = await asyncio.gather(*(of(reader) for _ in range(MANY)))
    await of(reader)
    assert len({id(keyring) for keyring in keyrings}) == 1
    assert (counted.gets, service.unwrapped) == (1, 2)


async def test_many_who_ask_for_an_unknown_organization_at_once_cost_one_get_item(
    process: Callable[[], Keyrings], counted: CountedTable
) -> None:
    reader = process()
    assert await asyncio.gather(*(reader.of(ORGANIZATION) for _ in range(MANY))) == [None] * MANY
    assert counted.gets == 1


async def test_many_readers_share_one_failure_of_kms_and_one_recovery(
    process: Callable[[], Keyrings], service: CountedService
) -> None:
    await process().of_or_new(ORGANIZATION)
    reader = process()
    service.fails = True
    failures = await asyncio.gather(*(reader.of(ORGANIZATION) for _ in range(MANY)), return_exceptions=True)
    assert {type(failure) for failure in failures} == {KeysUnavailable}
    assert service.unwrapped == 1
    service.fails = False
    assert await of(reader)
    assert service.unwrapped == 2


async def test_a_caller_who_gives_up_takes_nothing_from_those_who_wait(
    process: Callable[[], Keyrings], service: CountedService
) -> None:
    await process().of_or_new(ORGANIZATION)
    reader = process()
    service.answers.clear()
    first, *others = (asyncio.create_task(of(reader)) for _ in range(5))
    await until(lambda: service.unwrapped == 1)
    first.cancel()
    await asyncio.wait([first])
    service.answers.set()
    assert len(await asyncio.gather(*others)) == 4
    assert first.cancelled()
    assert service.unwrapped == 1


async def test_what_all_gave_up_waiting_for_is_there_for_the_next(
    process: Callable[[], Keyrings], counted: CountedTable, service: CountedService
) -> None:
    await process().of_or_new(ORGANIZATION)
    reader = process()
    counted.gets = 0
    service.answers.clear()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await of(reader)
    service.answers.set()
    assert await of(reader)
    assert (counted.gets, service.unwrapped) == (1, 1)


async def test_a_silent_kms_for_one_organization_keeps_no_other_waiting(
    process: Callable[[], Keyrings], service: CountedService
) -> None:
    known = process()
    others = [str(uuid4()) for _ in range(50)]
    for organization_id in (ORGANIZATION, *others):
        await known.of_or_new(organization_id)
    reader = process()
    service.answers.clear()
    stuck = asyncio.create_task(of(reader))
    await until(lambda: service.unwrapped == 1)
    await asyncio.gather(*(of(reader, organization_id) for organization_id in others))
    assert not stuck.done()
    service.answers.set()
    await stuck


async def test_keys_are_read_again_once_their_time_is_over_and_not_before(
    process: Callable[[], Keyrings], counted: CountedTable, clock: Clock
) -> None:
    await process().of_or_new(ORGANIZATION)
    reader = process()
    first = await of(reader)
    counted.gets = 0
    clock.now += CACHE_SECONDS / 2
    assert await of(reader) is first
    clock.now += CACHE_SECONDS / 2
    assert await of(reader) is not first
    assert counted.gets == 1


async def test_keys_of_an_erased_organization_serve_no_longer_than_was_said(
    process: Callable[[], Keyrings], counted: CountedTable, clock: Clock
) -> None:
    reader = process()
    await reader.of_or_new(ORGANIZATION)
    await erase(counted)
    assert await of(reader)
    clock.now += CACHE_SECONDS
    for ask in (reader.of, reader.of_or_new, reader.newest, reader.rotate):
        with pytest.raises(Erased):
            await ask(ORGANIZATION)
    with pytest.raises(Erased):
        await reader.begin(ORGANIZATION, hashes_names=True)


async def test_keys_that_were_read_before_a_process_was_frozen_do_not_serve_after_it(
    process: Callable[[], Keyrings], counted: CountedTable, service: CountedService, clock: Clock
) -> None:
    await process().of_or_new(ORGANIZATION)
    reader = process()
    service.answers.clear()
    before = asyncio.create_task(reader.of(ORGANIZATION))
    await until(lambda: service.unwrapped == 1)
    await erase(counted)
    clock.now += 3600
    service.answers.set()
    with pytest.raises(Erased):
        await before
    with pytest.raises(Erased):
        await reader.of(ORGANIZATION)


async def test_a_process_that_learns_of_the_erasure_forgets_the_keys_at_once(
    process: Callable[[], Keyrings], counted: CountedTable
) -> None:
    reader = process()
    await reader.of_or_new(ORGANIZATION)
    await erase(counted)
    with pytest.raises(Erased):
        await reader.newest(ORGANIZATION)
    with pytest.raises(Erased):
        await reader.of(ORGANIZATION)


async def test_the_organization_that_was_longest_not_asked_for_is_let_go(
    process: Callable[[], Keyrings], counted: CountedTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lead_memory.adapters.keyrings.KEPT", 2)
    reader = process()
    one, another, third = (str(uuid4()) for _ in range(3))
    for organization_id in (one, another, third):
        await reader.of_or_new(organization_id)
    counted.gets = 0
    await of(reader, another)
    await of(reader, third)
    assert counted.gets == 0
    await of(reader, one)
    assert counted.gets == 1


async def test_processes_that_make_the_first_key_at_once_all_have_the_one_that_was_written(
    process: Callable[[], Keyrings],
) -> None:
    made = await asyncio.gather(*(process().of_or_new(ORGANIZATION) for _ in range(8)), return_exceptions=True)
    keyrings = [keyring for keyring in made if isinstance(keyring, Keyring)]
    # One who lost, and did not yet find what won, tries again as after every conflict.
    assert all(isinstance(each, Keyring | Conflict) for each in made)
    assert keyrings
    sealed = (await of(process())).seal(b"content", *PLACE)
    assert {keyring.open(sealed, *PLACE) for keyring in keyrings} == {b"content"}


async def test_first_events_of_an_organization_in_two_processes_at_once_are_both_recorded(
    counted: CountedTable, process: Callable[[], Keyrings]
) -> None:
    stores = [EventStore(counted, process(), PayloadBucket("none"), lambda: NOW) for _ in range(4)]
    declared = {"memory_type": "fact", "key": "allergy", "value": {"to": "nuts"}}
    results = await asyncio.gather(
        *(
            Recorder(store).record([event("memory.declared", declared, event_id=f"e{number}")])
            for number, store in enumerate(stores)
        )
    )
    assert results == [[Outcome.RECORDED]] * len(stores)
    assert len(await EventStore(counted, process(), PayloadBucket("none"), lambda: NOW).log(SOMEBODY)) == len(stores)


async def test_a_rotation_adds_a_key_that_seals_and_the_old_one_still_opens(process: Callable[[], Keyrings]) -> None:
    keyrings = process()
    before = (await keyrings.of_or_new(ORGANIZATION)).seal(b"content", *PLACE)
    assert await keyrings.rotate(ORGANIZATION) == 2
    for some in (keyrings, process()):
        keyring = await of(some)
        assert keyring.open(before, *PLACE) == b"content"
        assert key_version(keyring.seal(b"content", *PLACE)) == 2


async def test_a_process_with_older_keys_reads_them_again_once_for_all_its_readers(
    process: Callable[[], Keyrings], counted: CountedTable, service: CountedService
) -> None:
    old, new = process(), process()
    await old.of_or_new(ORGANIZATION)
    await new.rotate(ORGANIZATION)
    sealed = (await of(new)).seal(b"content", *PLACE)
    counted.gets = service.unwrapped = 0
    opened = await asyncio.gather(
        *(old.opened(ORGANIZATION, lambda keyring: keyring.open(sealed, *PLACE)) for _ in range(MANY))
    )
    assert opened == [b"content"] * MANY
    assert (counted.gets, service.unwrapped) == (1, 2)


async def test_a_read_that_began_before_the_rotation_is_not_taken_for_the_newest(
    process: Callable[[], Keyrings], counted: CountedTable, service: CountedService
) -> None:
    await process().of_or_new(ORGANIZATION)
    old = process()
    service.answers.clear()
    waits = asyncio.create_task(of(old))
    await until(lambda: service.unwrapped == 1)
    # Meanwhile another process rotates, and seals something that this one then reads.
    other = Keyrings(counted, FakeKeyService())
    await other.rotate(ORGANIZATION)
    sealed = (await of(other)).seal(b"content", *PLACE)
    reads = asyncio.create_task(old.opened(ORGANIZATION, lambda keyring: keyring.open(sealed, *PLACE)))
    service.answers.set()
    assert (await waits).newest_version == 1
    assert await reads == b"content"


async def test_content_of_a_key_that_does_not_exist_is_an_error_with_a_name(process: Callable[[], Keyrings]) -> None:
    keyrings = process()
    await keyrings.of_or_new(ORGANIZATION)
    forged = bytes([1, 0, 0, 0, 9]) + bytes(40)
    with pytest.raises(KeyUnknown):
        await keyrings.opened(ORGANIZATION, lambda keyring: keyring.open(forged, *PLACE))


async def test_of_two_rotations_at_once_one_adds_a_key_and_the_other_is_told(process: Callable[[], Keyrings]) -> None:
    await process().of_or_new(ORGANIZATION)
    results = await asyncio.gather(*(process().rotate(ORGANIZATION) for _ in range(2)), return_exceptions=True)
    versions = sorted(result for result in results if isinstance(result, int))
    refused = [result for result in results if isinstance(result, Conflict)]
    assert len(versions) + len(refused) == 2
    assert versions in ([2], [2, 3])
    assert (await of(process())).newest_version == versions[-1]


async def test_an_organization_without_keys_has_none_to_rotate(process: Callable[[], Keyrings]) -> None:
    with pytest.raises(Conflict, match="no keys yet"):
        await process().rotate(ORGANIZATION)


async def test_names_are_hashed_from_the_start_or_never(process: Callable[[], Keyrings]) -> None:
    other = str(uuid4())
    await process().begin(ORGANIZATION, hashes_names=True)
    await process().of_or_new(other)
    assert (await of(process())).hashes_names
    for organization_id in (ORGANIZATION, other):
        with pytest.raises(Conflict, match="has keys already"):
            await process().begin(organization_id, hashes_names=True)
    assert not (await of(process(), other)).hashes_names


async def test_whether_names_are_hashed_is_one_answer_though_the_first_event_comes_at_that_moment(
    process: Callable[[], Keyrings], counted: CountedTable
) -> None:
    for _ in range(10):
        organization_id = str(uuid4())
        begun, first = await asyncio.gather(
            process().begin(organization_id, hashes_names=True),
            process().of_or_new(organization_id),
            return_exceptions=True,
        )
        written = await of(process(), organization_id)
        if isinstance(begun, Keyring):
            assert written.hashes_names
        else:
            assert isinstance(begun, Conflict)
        if isinstance(first, Keyring):
            assert first.hashes_names == written.hashes_names
        else:
            assert isinstance(first, Conflict)


async def test_an_event_waits_out_a_kms_that_fails_and_nothing_of_it_is_written(
    counted: CountedTable, process: Callable[[], Keyrings], service: CountedService
) -> None:
    recorder = Recorder(EventStore(counted, process(), PayloadBucket("none"), lambda: NOW))
    declared = event("memory.declared", {"memory_type": "fact", "key": "allergy", "value": {"to": "nuts"}})
    service.fails = True
    [result] = await recorder.record([declared])
    assert isinstance(result, KeysUnavailable)
    assert boto3.client("dynamodb").scan(TableName=counted.name)["Count"] == 0
    service.fails = False
    assert await recorder.record([declared]) == [Outcome.RECORDED]


async def test_a_template_says_unavailable_while_kms_fails_and_is_whole_afterwards(
    counted: CountedTable, process: Callable[[], Keyrings], service: CountedService
) -> None:
    declared = event("memory.declared", {"memory_type": "fact", "key": "allergy", "value": {"to": "nuts"}})
    await Recorder(EventStore(counted, process(), PayloadBucket("none"), lambda: NOW)).record([declared])
    resolver = Resolver(MemoryReader(counted, process()), None, patience_seconds=5)

    async def answer() -> LeadAnswer:
        template = {"text": parse("Not with {{fact.allergy.to}}")}
        [answer] = await resolver.resolve(
            Question(ORGANIZATION, (LEAD,), template, (), OnMissing.FAIL, Escape.NONE), NOW
        )
        return answer

    service.fails = True
    failed = await answer()
    assert (failed.status, failed.texts) == (Status.UNAVAILABLE, None)
    assert [missing.reason for missing in failed.missing] == [Reason.MEMORY_UNAVAILABLE]
    service.fails = False
    assert (await answer()).texts == {"text": "Not with nuts"}


async def test_a_memory_of_the_same_lead_is_not_opened_for_another_organization(
    counted: CountedTable, process: Callable[[], Keyrings]
) -> None:
    other = str(uuid4())
    declared = event("memory.declared", {"memory_type": "fact", "key": "allergy", "value": {"to": "nuts"}})
    await Recorder(EventStore(counted, process(), PayloadBucket("none"), lambda: NOW)).record([declared])
    await process().of_or_new(other)
    reader = MemoryReader(counted, process())
    assert await read_memory(reader, SOMEBODY, ALLERGY) is not None
    assert await read_memory(reader, SOMEBODY._replace(organization_id=other), ALLERGY) is None


async def found_due(due: DueIndex) -> list[DueMemory]:
    return [each for shard in due.due(NOW, page=10) async for page in shard for each in page]


async def test_a_sweep_asks_a_failing_kms_once_for_a_page_and_finds_what_is_due_afterwards(
    counted: CountedTable, process: Callable[[], Keyrings], service: CountedService, caplog: pytest.LogCaptureFixture
) -> None:
    ended = {"memory_type": "fact", "value": {"until": "Monday"}, "expires_at": "2026-01-02T00:00:00Z"}
    events = [event("memory.declared", {**ended, "key": f"k{n}"}, event_id=f"e{n}") for n in range(5)]
    await Recorder(EventStore(counted, process(), PayloadBucket("none"), lambda: NOW)).record(events)
    due = DueIndex(counted, process(), OrganizationSettings(counted))
    service.unwrapped = 0
    service.fails = True
    assert await found_due(due) == []
    assert service.unwrapped == 1
    assert len(caplog.records) >= len(events)
    service.fails = False
    found = await found_due(due)
    assert {each.name.key for each in found} == {f"k{n}" for n in range(5)}


async def test_a_sweep_passes_over_the_memories_of_an_erased_organization(
    counted: CountedTable, process: Callable[[], Keyrings], caplog: pytest.LogCaptureFixture
) -> None:
    ended = {"memory_type": "fact", "key": "k", "value": {"until": "Monday"}, "expires_at": "2026-01-02T00:00:00Z"}
    store = EventStore(counted, process(), PayloadBucket("none"), lambda: NOW)
    await Recorder(store).record([event("memory.declared", ended)])
    await erase(counted)
    assert await found_due(DueIndex(counted, process(), OrganizationSettings(counted))) == []
    assert not [record for record in caplog.records if record.name.startswith("lead_memory")]
