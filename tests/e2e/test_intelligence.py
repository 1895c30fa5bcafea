"""What models are asked about a conversation on the deployed local stage, from what is said to what commands show."""

import json
import shlex
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from lead_memory.adapters import keys
from lead_memory.domain import canonical
from lead_memory_client import LeadMemory
from lead_memory_client.cli import main
from lead_memory_client.stage import Resources
from tests.e2e.test_silence import drained
from tests.raw_items import raw_items

PATIENCE_SECONDS = 60
PERSON, ACCOUNT, ID, BUDGET = "John Smith", "Acme Corp", "001234", "R$ 1,500 to 2,000 a month"
SAID = (
    f"say 'I spoke with {PERSON} from {ACCOUNT}. Our budget is {BUDGET}.' --thread wa-1",
    f"say 'I found the {ACCOUNT} account with ID {ID}. Is the price within your budget?' --from us --thread wa-1",
)

type Command = Callable[[str], Any]


@pytest.fixture
def lead() -> str:
    return str(uuid4())


@pytest.fixture
def text(lead: str, stack: object, capsys: pytest.CaptureFixture[str]) -> Callable[[str], str]:
    """Runs a line of `lead-memory` for the lead."""

    def run(line: str) -> str:
        assert main([*shlex.split(line), "--lead", lead]) == 0
        return capsys.readouterr().out

    return run


@pytest.fixture
def command(text: Callable[[str], str]) -> Command:
    return lambda line: json.loads(text(f"{line} --json"))


def until(command: Command, line: str, holds: Callable[[Any], bool]) -> Any:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds(answer := command(line)):
        assert time.monotonic() < deadline, answer
        time.sleep(0.2)
    return answer


def processed(answer: Any) -> set[str]:
    return {each["job"] for each in answer["jobs"] if each["status"] == "processed"}


def test_what_is_said_becomes_a_profile_and_entities_that_the_commands_show(
    text: Callable[[str], str], command: Command
) -> None:
    assert command("intelligence")["jobs"] == []
    for line in SAID:
        text(line)
    until(command, "intelligence", lambda answer: {"facts", "entities"} <= processed(answer))
    entities = until(command, "entities", lambda answer: len(answer["entities"]) == 2)["entities"]
    account, person = sorted(entities, key=lambda each: each["kind"])
    assert (account["kind"], account["name"], account["id"]) == ("account", ACCOUNT, ID)
    assert (person["kind"], person["name"]) == ("contact", PERSON)
    assert person["relations"] == {"account": {"kind": "account", "key": account["key"]}}
    assert command(f"entity show account {account['key']}")["value"]["id"] == ID
    context = until(command, "context --thread wa-1", lambda answer: BUDGET in answer["text"].partition("## Recent")[0])

    told = text("context --thread wa-1")
    for part in (f"Budget: {BUDGET}", f"Known accounts: {ACCOUNT}\n", f"Known contacts: {PERSON}\n"):
        assert part in context["text"]
        assert part.strip() in told
    shown = text("entities")
    assert all(part in shown for part in (ACCOUNT, ID, PERSON))
    asked = text("intelligence")
    assert all(part in asked for part in ("facts", "entities", "processed", "offline", "The organization, today: $"))


def test_an_extraction_that_is_asked_for_is_done_of_messages_that_would_ask_for_none(command: Command) -> None:
    command(f"say 'I spoke with {PERSON} from {ACCOUNT}.' --thread wa-1")
    command("say 'Thank you!' --from us --thread wa-1")
    assert command("intelligence")["jobs"] == []
    command("thread extract --thread wa-1")
    jobs = until(command, "intelligence", lambda answer: {"facts", "entities"} <= processed(answer))["jobs"]
    assert {(each["importance_score"], each["thread_id"], *each["triggers"]) for each in jobs} == {
        (100, "wa-1", "thread.extraction_requested")
    }
    until(command, "entities", lambda answer: {each["name"] for each in answer["entities"]} == {ACCOUNT, PERSON})


def test_what_models_said_is_in_the_export_and_goes_with_its_lead_and_never_comes_back(
    command: Command, text: Callable[[str], str], memory: LeadMemory, lead: str, resources: Resources, tmp_path: Path
) -> None:
    for line in SAID:
        text(line)
    until(command, "entities", lambda answer: len(answer["entities"]) == 2)
    drained(memory)
    text(f"export lead --out {tmp_path}/lead")
    exported = canonical.decode((tmp_path / "lead" / "lead.json").read_bytes())
    made = {each["event_type"] for each in exported["events"] if each["source"] == "extractor"}
    assert made == {"memory.inferred", "crm.entity_extracted", "intelligence.evaluated"}
    names = {f"{each['memory_type']}.{each['key']}" for each in exported["memories"]}
    assert {"fact.contact_profile", "conversation.entities", "conversation.intelligence"} <= names

    # The extractor is at this while the lead is erased.
    text(f"say 'Our budget is {BUDGET}, or more.' --thread wa-1")
    text("say 'I will tell them the price of the premium plan.' --from us --thread wa-1")
    text("erase lead --yes --no-wait")
    drained(memory)
    left = [item for item in raw_items(resources.table_name) if lead in str(item)]
    assert [(item[keys.PK], item[keys.SK]) for item in left] == [(lead, keys.HEAD_SK)]
    # What came too late was rejected, and goes with a second look.
    text("erase lead --yes --no-wait")
    assert lead not in str([queue.samples for queue in memory.queues().values()])
