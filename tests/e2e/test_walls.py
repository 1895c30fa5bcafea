"""No way to ask, of the client, the command or a function, leads from one organization to another's lead."""

import json
from collections.abc import Iterator
from inspect import getmembers, isfunction, ismethod
from typing import Any
from uuid import uuid4

import pytest
from boto3.dynamodb.conditions import Key
from cyclopts import App

from infra.assets import RECIPES
from lead_memory.adapters import keys
from lead_memory.adapters.memory_items import CONTENT, ORGANIZATION
from lead_memory.domain.conversation import names
from lead_memory.domain.intelligence.jobs import Job
from lead_memory.domain.memories import Lead
from lead_memory_client import LeadMemory
from lead_memory_client.cli import app
from lead_memory_client.entries import EventName
from lead_memory_client.rebuild import Rebuilds
from lead_memory_client.stage import Stage
from tests.e2e.test_recall import until
from tests.e2e.test_silence import drained
from tests.e2e.ways import (
    CLIENT,
    CLIENT_OF_THE_ORGANIZATION,
    CLIENT_OF_THE_STAGE,
    COMMANDS,
    COMMANDS_OF_THE_ORGANIZATION,
    COMMANDS_OF_THE_STAGE,
    COMMANDS_THAT_PUBLISH,
    EVENT,
    FUNCTIONS,
    FUNCTIONS_OF_THE_STAGE,
    REBUILDS,
    REBUILDS_OF_THE_STAGE,
    SECRET,
    THREAD,
    WAYS,
    Asked,
    Way,
    answer,
    known_lead,
    order,
    publish,
)


@pytest.fixture(scope="module")
def ours(memory: LeadMemory) -> Lead:
    lead = known_lead(memory)
    drained(memory)
    until(lambda: memory.status().queues["vectors"], lambda queue: not queue.waiting + queue.in_flight)
    return lead


@pytest.fixture(scope="module")
def theirs(memory: LeadMemory) -> Lead:
    """Of an organization with keys and a lead of its own."""
    return known_lead(memory)


def items(table: Any, lead_id: str) -> list[dict[str, Any]]:
    return table.query(KeyConditionExpression=Key(keys.PK).eq(lead_id), ConsistentRead=True)["Items"]  # type: ignore[no-any-return]


def recorded(table: Any, lead_id: str) -> list[dict[str, Any]]:
    """Without the entries that recalls read: they follow what is recorded, and count their uses, by themselves."""
    return [item for item in items(table, lead_id) if not item[keys.SK].startswith(keys.VECTOR_SK_PREFIX)]


OF_ANYBODY = [way for way in WAYS if way.startswith("client ")]
"""Tried for an organization that is not known, too."""


@pytest.mark.parametrize("way", WAYS)
def test_a_lead_of_another_organization_is_as_one_that_does_not_exist(
    way: str, stage: Stage, memory: LeadMemory, table: Any, ours: Lead, theirs: Lead
) -> None:
    def said(organization_id: str, lead_id: str) -> str:
        return answer(Asked(stage, memory, Lead(organization_id, lead_id)), WAYS[way])

    before = recorded(table, ours.lead_id)
    nothing = said(theirs.organization_id, str(uuid4()))
    assert said(theirs.organization_id, ours.lead_id) == nothing
    if way in OF_ANYBODY:
        assert said(str(uuid4()), ours.lead_id) == said(str(uuid4()), str(uuid4()))
    assert recorded(table, ours.lead_id) == before
    assert said(*ours) != nothing


def test_every_way_to_ask_is_tried() -> None:
    tried = {surface: {name.partition(",")[0] for name in ways} for surface, ways in _surfaces().items()}
    assert tried["client"] | CLIENT_OF_THE_ORGANIZATION | CLIENT_OF_THE_STAGE == _public(LeadMemory)
    assert tried["rebuilds"] | REBUILDS_OF_THE_STAGE == _public(Rebuilds)
    named_otherwise = COMMANDS_THAT_PUBLISH | COMMANDS_OF_THE_ORGANIZATION | COMMANDS_OF_THE_STAGE
    assert tried["commands"] | named_otherwise == set(_commands(app))
    assert tried["functions"] | FUNCTIONS_OF_THE_STAGE == set(RECIPES)


def _surfaces() -> dict[str, dict[str, Way]]:
    return {"client": CLIENT, "rebuilds": REBUILDS, "commands": COMMANDS, "functions": FUNCTIONS}


def _commands(of: App, group: str = "") -> Iterator[str]:
    for name in of:
        if not name.startswith("-"):
            yield from list(_commands(of[name], f"{group}{name} ")) or [group + name]


def _public(of: type) -> set[str]:
    methods = getmembers(of, lambda member: isfunction(member) or ismethod(member))
    return {name for name, _ in methods if not name.startswith("_")}


def test_a_lead_that_two_organizations_claim_stays_the_firsts(
    stage: Stage, memory: LeadMemory, table: Any, ours: Lead
) -> None:
    before = recorded(table, ours.lead_id)
    claimed = Lead(known_lead(memory).organization_id, ours.lead_id)
    delivery = publish(memory, order(claimed, "claim", note=""))
    [rejection] = delivery.rejected.values()
    assert rejection.reason == "wrong_organization"
    assert ours.organization_id not in rejection.detail
    assert recorded(table, ours.lead_id) == before
    assert ours.lead_id not in [lead.lead_id for lead in Rebuilds(stage).leads([claimed.organization_id])]
    assert memory.recorded([EventName(ours, EVENT), EventName(claimed, EVENT)]) == {EventName(ours, EVENT)}


def test_what_the_extractor_is_asked_about_anothers_lead_comes_to_nothing(
    stage: Stage, memory: LeadMemory, table: Any, ours: Lead, theirs: Lead
) -> None:
    row = keys.memory_sk(names.thread(THREAD))
    before, lead = recorded(table, ours.lead_id), Lead(theirs.organization_id, ours.lead_id)
    asked = Asked(stage, memory, lead)
    request = {**lead._asdict(), "row": row, "jobs": list(Job)}
    records = {"Records": [{"messageId": "m", "body": json.dumps(request)}]}
    assert row in [item[keys.SK] for item in before]
    assert asked.invoke(stage.resources.extractor_function, records) == {"batchItemFailures": []}
    drained(memory)
    assert recorded(table, ours.lead_id) == before
    assert memory.intelligence(ours.lead_id, theirs.organization_id).jobs == ()


def test_what_another_organization_erases_is_its_own(memory: LeadMemory, table: Any, ours: Lead) -> None:
    before = recorded(table, ours.lead_id)
    organization_id = known_lead(memory).organization_id

    for lead_id in (ours.lead_id, str(uuid4())):
        assert not memory.erase_event(lead_id, EVENT, organization_id, settle_seconds=0).receipt.removed
    for lead_id in (ours.lead_id, str(uuid4())):
        assert not memory.erase_lead(lead_id, organization_id, settle_seconds=0).receipt.removed
    memory.erase_organization(organization_id, settle_seconds=0)
    assert recorded(table, ours.lead_id) == before
    assert memory.memories(*reversed(ours))


@pytest.fixture
def taken(memory: LeadMemory, table: Any, theirs: Lead) -> Iterator[Lead]:
    """A lead all of whose items say that they are of another organization than sealed them: no filter minds them."""
    lead = known_lead(memory)
    for item in items(table, lead.lead_id):
        table.put_item(Item=item | {ORGANIZATION: theirs.organization_id})
    yield Lead(theirs.organization_id, lead.lead_id)
    for item in items(table, lead.lead_id):
        table.delete_item(Key={name: item[name] for name in (keys.PK, keys.SK)})


def test_content_does_not_open_for_another_organization_though_no_filter_minds_it(
    stage: Stage, memory: LeadMemory, table: Any, taken: Lead
) -> None:
    sealed = {item[keys.SK]: item[CONTENT] for item in items(table, taken.lead_id) if CONTENT in item}
    said = {way: answer(Asked(stage, memory, taken), WAYS[way]) for way in WAYS}
    assert not [way for way, text in said.items() if SECRET in text]
    assert "not sealed for this organization" in said["client memories"]
    assert "memory_unavailable" in said["function resolver"]
    # A rebuild that cannot read the log has written nothing over what it could not read.
    assert {item[keys.SK]: item[CONTENT] for item in items(table, taken.lead_id) if CONTENT in item} == sealed
