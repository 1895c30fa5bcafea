"""A CRM's entities, as the client reads them and an operator's commands merge and split them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from lead_memory.adapters.event_items import tombstone
from lead_memory.adapters.keys import head_key
from lead_memory.domain.errors import Erased
from lead_memory.domain.events import Event
from lead_memory_client import LeadMemory
from tests.events import LEAD, NOW, ORGANIZATION, START, event
from tests.unit.client.conftest import DeployedStage, Ran

pytestmark = pytest.mark.usefixtures("hurry")

type Command = Callable[..., Ran]

OF = ("--lead", LEAD, "--organization", ORGANIZATION)
OTHER_ORGANIZATION = "99999999-7a55-4d0c-9a8e-1f6a1b9f7c01"


def said(minutes: int, kind: str, key: str, relations: dict[str, Any] | None = None, **record: str) -> Event:
    data = {"kind": kind, "key": key, "record": record, "relations": relations or {}}
    at = START + timedelta(minutes=minutes)
    return event("crm.entity_extracted", data, event_id=f"e{minutes}", at=at)


SAID = [
    said(1, "account", "acme", name="Acme", id="001234"),
    said(2, "account", "acme_holding", name="Acme Holding", status="customer"),
    said(3, "opportunity", "premium", {"account": {"kind": "account", "key": "acme"}}, name="Premium", amount="99.50"),
    said(4, "account", "acme", name="Acme Foods"),
]


@pytest.fixture
def known(stage: DeployedStage) -> DeployedStage:
    """No updater takes in what is published."""
    stage.take_in(*SAID)
    return stage


def test_entities_are_listed_by_kind_the_newest_first(client: LeadMemory, command: Command, known: Any) -> None:
    found = client.entities(LEAD, ORGANIZATION)
    assert [(each.kind, each.key, each.name, each.id) for each in found] == [
        ("account", "acme", "Acme", "001234"),
        ("account", "acme_holding", "Acme Holding", None),
        ("opportunity", "premium", "Premium", None),
    ]
    told = command("entities", *OF, "--json").json["entities"]
    assert told[0]["other_names"] == ["Acme Foods"]
    assert told[2]["relations"] == {"account": {"kind": "account", "key": "acme"}}
    shown = command("entities", *OF).out
    assert "001234" in shown
    assert "account acme" in shown


def test_of_another_organizations_lead_nothing_is_known(client: LeadMemory, known: Any) -> None:
    assert client.entities(LEAD, OTHER_ORGANIZATION) == []
    assert client.entity(LEAD, "account", "acme", OTHER_ORGANIZATION) is None


def test_the_entities_of_an_erased_lead_say_so(client: LeadMemory, stage: DeployedStage) -> None:
    stage.table.put_item(Item=tombstone(head_key(LEAD), ORGANIZATION, NOW))
    with pytest.raises(Erased):
        client.entities(LEAD, ORGANIZATION)
    with pytest.raises(Erased):
        client.entity(LEAD, "account", "acme", ORGANIZATION)


def test_an_entity_is_shown_with_what_was_said_under_which_name(command: Command, known: Any) -> None:
    shown = command("entity", "show", "account", "acme", *OF)
    assert [line.strip() for line in shown.out.splitlines() if line.startswith("Said")] == [
        "Said under acme",
        "Said under acme_foods",
    ]
    assert command("entity", "show", "opportunity", "premium", *OF, "--json").json["value"]["amount"] == 99.5


def test_an_operator_merges_two_and_splits_them_again(command: Command, known: DeployedStage) -> None:
    command("entity", "merge", "account", "acme", "acme_holding", "--author", "Rui", *OF)
    event_type, data, _ = known.published_by("operator")
    assert event_type == "crm.entities_merged"
    assert data["author"] == "Rui"
    assert [record["name"] for record in data["records"]] == ["Acme Holding"]
    merged = event(event_type, data, event_id="m", at=START + timedelta(hours=1), source="operator")
    known.take_in(*SAID, merged)
    assert command("entity", "show", "account", "acme", *OF, "--json").json["value"]["status"] == "customer"
    merged_into = [each["merged_into"] for each in command("entities", *OF, "--json").json["entities"]]
    assert merged_into == [None, "acme", None]
    again = command("entity", "merge", "account", "premium", "acme_holding", *OF)
    assert (again.code, known.published()) == (1, [])
    again = command("entity", "merge", "account", "acme_holding", "acme", *OF)
    assert again.code == 2
    assert again.err.startswith("The account acme_holding was merged into acme: name that one")

    command("entity", "split", "account", "acme", "acme_holding", *OF)
    event_type, data, _ = known.published_by("operator")
    split = event(event_type, data, event_id="s", at=START + timedelta(hours=2))
    known.take_in(*SAID, merged, split)
    value = command("entity", "show", "account", "acme", *OF, "--json").json["value"]
    assert "status" not in value
    assert value["separate_from"] == ["acme_holding"]


def test_what_was_said_under_another_name_is_split_off_with_its_records(command: Command, known: DeployedStage) -> None:
    command("entity", "split", "account", "acme", "acme_foods", "--author", "Rui", *OF)
    event_type, data, _ = known.published_by("operator")
    assert (event_type, data["key"], data["name_key"]) == ("crm.entity_split", "acme", "acme_foods")
    known.take_in(*SAID, event(event_type, data, event_id="s", at=START + timedelta(hours=1)))
    told = {each["key"]: each["name"] for each in command("entities", *OF, "--json").json["entities"]}
    assert told == {
        "acme": "Acme",
        "acme_foods": "Acme Foods",
        "acme_holding": "Acme Holding",
        "premium": "Premium",
    }


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("show", "account", "no-such"), "There is no account no-such: `lead-memory entities` shows"),
        (("show", "contact", "acme"), "There is no contact acme"),
        (("merge", "account", "acme", "no-such"), "There is no account no-such"),
        (("split", "account", "no-such", "acme"), "There is no account no-such"),
        (("split", "account", "acme", "no-such"), "Nothing of the account acme was said under no-such"),
    ],
)
def test_what_is_not_there_is_said_and_nothing_is_published(
    command: Command, known: DeployedStage, arguments: tuple[str, ...], complaint: str
) -> None:
    ran = command("entity", *arguments, *OF)
    assert (ran.code, ran.out, known.published()) == (1, "", [])
    assert ran.err.startswith(complaint)


@pytest.mark.parametrize(
    "arguments", [("merge", "account", "acme", "acme"), ("split", "account", "acme", "acme"), ("show", "firm", "acme")]
)
def test_what_makes_no_sense_is_not_published(
    command: Command, known: DeployedStage, arguments: tuple[str, ...]
) -> None:
    ran = command("entity", *arguments, *OF)
    assert (ran.code, ran.out, known.published()) == (2, "", [])


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("merge", "account", "acme", "acme"), "acme is named twice"),
        (("split", "account", "acme", "acme"), "acme is the account itself"),
    ],
)
def test_an_entity_is_neither_merged_into_itself_nor_split_off_from_itself(
    command: Command, known: DeployedStage, arguments: tuple[str, ...], complaint: str
) -> None:
    ran = command("entity", *arguments, *OF)
    assert (ran.code, ran.out, known.published()) == (2, "", [])
    assert ran.err.startswith(complaint)


def test_a_key_is_listed_whole_to_be_copied(command: Command, known: DeployedStage) -> None:
    key = "northern_logistics_and_freight"
    known.take_in(*SAID, said(5, "account", key, name="Northern Logistics and Freight", id="001-88213"))
    listed = command("entities", *OF)
    assert key in listed.out
    assert f"lead-memory entity show account {key}" in listed.err
