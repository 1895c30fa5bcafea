"""What can be read in the table and in the bucket without an organization's keys, and what a moved item is worth."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from aiodynamo.expressions import F
from aiodynamo.operations import Put

from lead_memory.adapters import keys
from lead_memory.adapters.event_items import CONTENT_HASHES, TOUCHED_NAMES
from lead_memory.adapters.keyrings import Keyrings
from lead_memory.adapters.large_payloads import LARGE_CONTENT
from lead_memory.adapters.memory_items import ANNOTATIONS, CONTENT, LAST_ACCESSED_AT, NAME, ORGANIZATION, VERSION
from lead_memory.adapters.memory_reader import MemoryReader
from lead_memory.adapters.organization_items import HASHES_NAMES
from lead_memory.adapters.sealing import Unreadable, key_version
from lead_memory.adapters.store import EventStore
from lead_memory.adapters.table import DynamoTable
from lead_memory.domain.conversation.notes import Priority
from lead_memory.domain.events import Event
from lead_memory.domain.memories import Lead, MemoryKey, MemoryType
from lead_memory.services.record import Outcome, Recorder
from tests.events import SOMEBODY, START, all_samples, event
from tests.raw_items import attributes_with, raw_items, raw_objects, sealed, texts
from tests.stage import read_memory

DECISION = Path(__file__).parents[2] / "docs" / "decisions" / "0008-sealing.md"
SEALED = {ANNOTATIONS, CONTENT, NAME, CONTENT_HASHES, TOUCHED_NAMES}
IDS = {
    *("pk", "gsi1pk", "gsi1sk", "organization_id", "source", "type", "correlation_id", "causation_id"),
    *("source_event_ids", "newest", "large_content", "extraction_attempt_id", "retention"),
}
"""In clear: what the publisher named the event and its lead, and when it happened; the type of an event."""
NAMES = {"sk", "touches"}
"""In clear where names are not hashed: the memories' types and keys."""
HASHED = re.compile(rf"({'|'.join(MemoryType)})#~[0-9a-f]{{32}}")

ALLERGY, DIET = (MemoryKey(MemoryType.FACT, key) for key in ("allergy", "diet"))
OTHER = Lead("0190d0c6-0000-7000-8000-000000000002", "99999999-2222-4333-8444-555555555555")


@dataclass
class Stored:
    """Every sample and a large event, recorded."""

    table: DynamoTable
    keyrings: Keyrings
    store: EventStore
    bucket: str
    events: list[Event]

    @property
    def items(self) -> list[dict[str, Any]]:
        return raw_items(self.table.name)

    @property
    def words(self) -> set[str]:
        """Every text of every event's data and raw payload, but a note's priority, for a tier's name has one of them,
        and from when a policy counts, which is when the memory changed.
        """
        documents = [part for each in self.events for part in (each.data_json, each.raw_payload_json) if part]
        since = {json.loads(each.data_json).get("since") for each in self.events}
        return {word for document in documents for word in texts(json.loads(document))} - set(Priority) - since


@pytest.fixture(params=[False, True], ids=["names in clear", "names hashed"])
async def stored(
    request: pytest.FixtureRequest, table: DynamoTable, keyrings: Keyrings, store: EventStore, bucket: str
) -> Stored:
    noise = "".join(f"noise-{number:x}" for number in Random(0).choices(range(2**40), k=60_000))
    raw = event("lead.identified", {"name": "A. Lead"}, event_id="large", at=START)
    large = msgspec.structs.replace(raw, raw_payload_json=json.dumps({"note": f"a large one {noise}"}).encode())
    events = [*all_samples(), large]
    for organization_id in {each.organization_id for each in events}:
        if request.param:
            await keyrings.begin(organization_id, hashes_names=True)
    by_lead: dict[Lead, list[Event]] = {}
    for each in events:
        by_lead.setdefault(each.lead, []).append(each)
    for of_lead in by_lead.values():
        assert set(await Recorder(store).record(of_lead)) == {Outcome.RECORDED}
    return Stored(table, keyrings, store, bucket, events)


def hashes_names(stored: Stored) -> bool:
    return any(item.get(HASHES_NAMES) for item in stored.items)


async def test_no_text_of_any_sample_can_be_read_but_ids_and_names(stored: Stored) -> None:
    allowed = IDS if hashes_names(stored) else IDS | NAMES
    # What hashed names and other sort keys show, the next tests say.
    hidden = {"sk": "", "touches": []} if hashes_names(stored) else {}
    items = [item | hidden | {VERSION: 0} for item in stored.items]  # a random number, long enough to have any in it
    found = attributes_with(stored.words, items)
    assert found <= allowed
    assert found & IDS, "the search finds nothing at all"
    assert hashes_names(stored) or found >= NAMES, "the search does not find the names that are there"


async def test_no_text_of_any_sample_can_be_read_in_an_object_or_its_key(stored: Stored) -> None:
    [(key, content)] = raw_objects(stored.bucket).items()
    assert key_version(content) == 1
    assert not attributes_with(stored.words, [{"content": content}])
    assert re.fullmatch(f"events/{SOMEBODY.lead_id}/[0-9a-f/]+", key)


async def test_the_key_of_an_event_shows_its_source_and_nothing_of_its_id(stored: Stored) -> None:
    of_events = [item for item in stored.items if item["sk"].startswith(keys.EVENT_SK_PREFIX)]
    assert len(of_events) == len(stored.events)
    for item in of_events:
        source = keys.timeline_position(item["gsi1sk"]).source
        assert re.fullmatch(f"event#{re.escape(source)}#[0-9a-f]{{32}}", item["sk"])


async def test_hashed_names_show_a_memorys_type_and_nothing_else(stored: Stored) -> None:
    memories = [item for item in stored.items if item["sk"].partition("#")[0] in set(MemoryType)]
    shown = {item["sk"] for item in memories} | {sk for item in stored.items for sk in item.get("touches", ())}
    hashed = {sk for sk in shown if HASHED.fullmatch(sk)}
    assert hashed == (shown if hashes_names(stored) else set())
    assert shown
    assert {NAME in item for item in memories} == {hashes_names(stored)}


async def test_what_stands_in_clear_is_what_the_decision_lists(stored: Stored) -> None:
    listed = {
        name
        for row in re.findall(r"^\| (`.*?) \|", DECISION.read_text(), re.MULTILINE)
        for name in re.findall(r"`(\w+)`", row)
    }
    found = {name for item in stored.items for name in item}
    expected_sealed = SEALED if hashes_names(stored) else {ANNOTATIONS, CONTENT, CONTENT_HASHES}
    assert {name for item in stored.items for name in sealed(item)} == expected_sealed
    assert found - expected_sealed <= listed
    # No sample has these: an order of more memories than a transaction holds, and what optional metadata says.
    assert listed - found <= {
        "unsettled",
        "sequence",
        "correlation_id",
        "causation_id",
        "ends_at",
        "expires_at",
        LAST_ACCESSED_AT,
    }


async def test_every_binary_opens_in_its_place_and_only_with_its_organizations_keys(stored: Stored) -> None:
    foreign = await stored.keyrings.of_or_new(OTHER.organization_id)
    opened = 0
    for item in stored.items:
        for name, content in sealed(item).items():
            keyring = await stored.keyrings.of(item[ORGANIZATION])
            assert keyring is not None
            keyring.open(content, item["pk"], item["sk"], name)
            with pytest.raises(Unreadable):
                foreign.open(content, item["pk"], item["sk"], name)
            opened += 1
    assert opened > 2 * len(stored.events)


@pytest.fixture
async def two(store: EventStore, keyrings: Keyrings) -> None:
    """The same two memories of a lead, and of another organization's lead."""
    for lead in (SOMEBODY, OTHER):
        for number, name in enumerate((ALLERGY, DIET)):
            said = {"memory_type": name.memory_type, "key": name.key, "value": {"of": f"{lead.lead_id}/{name.key}"}}
            declared = event(
                "memory.declared",
                said,
                event_id=f"e{number}",
                organization_id=lead.organization_id,
                lead_organization_id=lead.lead_id,
            )
            assert await Recorder(store).record([declared]) == [Outcome.RECORDED]


type Move = Callable[[dict[str, Any], dict[str, Any], dict[str, Any]], dict[str, Any]]
"""(the memory, another of the lead, the same of another organization's lead) -> what stands in the first's place."""

MOVES: dict[str, Move] = {
    "content of another memory": lambda own, another, _: own | {CONTENT: another[CONTENT]},
    "content of another organization": lambda own, _, foreign: own | {CONTENT: foreign[CONTENT]},
    "a whole item of another organization": lambda own, _, foreign: (
        foreign | {"pk": own["pk"], ORGANIZATION: own[ORGANIZATION]}
    ),
    "a whole other memory": lambda own, another, _: another | {"sk": own["sk"]},
    "content that lost its end": lambda own, _, __: own | {CONTENT: own[CONTENT][:-1]},
    "content in clear": lambda own, _, __: own | {CONTENT: b'{"of":"nobody"}'},
}


@pytest.mark.parametrize("move", MOVES.values(), ids=MOVES)
async def test_a_memory_that_was_moved_is_an_error_with_a_name_and_no_memory_to_fold_on(
    two: None, table: DynamoTable, store: EventStore, keyrings: Keyrings, move: Move
) -> None:
    own, another, foreign = [
        await _item(table, keys.memory_key(lead.lead_id, name))
        for lead, name in ((SOMEBODY, ALLERGY), (SOMEBODY, DIET), (OTHER, ALLERGY))
    ]
    await table.transact([Put(table.name, move(own, another, foreign), F(keys.PK).exists())])
    with pytest.raises(Unreadable):
        await read_memory(MemoryReader(table, keyrings), SOMEBODY, ALLERGY)
    for snapshot in (await store.snapshot(SOMEBODY, [ALLERGY, DIET]), await store.all_memories(SOMEBODY)):
        assert snapshot.memories[ALLERGY].memory is None
        intact = snapshot.memories[DIET].memory
        assert intact is not None
        assert intact.value == {"of": f"{SOMEBODY.lead_id}/diet"}


@pytest.mark.parametrize("attribute", [CONTENT, CONTENT_HASHES])
async def test_an_event_with_another_events_attribute_is_an_error_with_a_name(
    two: None, table: DynamoTable, store: EventStore, attribute: str
) -> None:
    own, another = [await _item(table, keys.event_key(SOMEBODY.lead_id, f"test/e{number}")) for number in range(2)]
    await table.transact([Put(table.name, own | {attribute: another[attribute]}, F(keys.PK).exists())])
    with pytest.raises(Unreadable):
        await store.log(SOMEBODY)
    if attribute == CONTENT_HASHES:
        with pytest.raises(Unreadable):
            await store.known(SOMEBODY, ["test/e0"])


async def test_sealed_attributes_of_one_item_are_not_taken_for_each_other(
    two: None, table: DynamoTable, store: EventStore
) -> None:
    own = await _item(table, keys.event_key(SOMEBODY.lead_id, "test/e0"))
    swapped = own | {CONTENT: own[CONTENT_HASHES], CONTENT_HASHES: own[CONTENT]}
    await table.transact([Put(table.name, swapped, F(keys.PK).exists())])
    with pytest.raises(Unreadable):
        await store.log(SOMEBODY)


async def test_an_item_that_says_it_is_another_organizations_opens_for_nobody(
    two: None, table: DynamoTable, store: EventStore, keyrings: Keyrings
) -> None:
    own = await _item(table, keys.memory_key(SOMEBODY.lead_id, ALLERGY))
    stolen = own | {ORGANIZATION: OTHER.organization_id}
    await table.transact([Put(table.name, stolen, F(keys.PK).exists())])
    reader = MemoryReader(table, keyrings)
    assert await read_memory(reader, SOMEBODY, ALLERGY) is None
    with pytest.raises(Unreadable):
        await read_memory(reader, SOMEBODY._replace(organization_id=OTHER.organization_id), ALLERGY)


async def test_the_content_hashes_say_nothing_without_the_key(two: None, table: DynamoTable, store: EventStore) -> None:
    [of_event] = [each for each in await store.log(SOMEBODY) if each.event_id == "e0"]
    assert not attributes_with(set(of_event.content_hashes), raw_items(table.name))


async def _item(table: DynamoTable, key: keys.Key) -> dict[str, Any]:
    item = await table.get(key, consistent=True)
    assert item is not None
    assert LARGE_CONTENT not in item
    return item
