"""A recall on the deployed local stage: from what is published to what answers a question, and what no more does."""

import json
import shlex
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from boto3.dynamodb.conditions import Key

from lead_memory.adapters import keys
from lead_memory.domain.memories import MemoryKey, MemoryType
from lead_memory_client import Entry, LeadMemory, RecalledMemory
from lead_memory_client.cli import main
from tests import events
from tests.e2e import ways
from tests.e2e.test_silence import drained
from tests.events import ORGANIZATION

PATIENCE_SECONDS = 60
OUTREACH, PET = MemoryKey(MemoryType.PREFERENCE, "outreach"), MemoryKey(MemoryType.FACT, "pet")
SAID = {OUTREACH: "Reach out via WhatsApp before noon; they dislike phone calls", PET: "Has a dog named Rex"}
CONTACTED = "como eles querem ser contatados?"
IN_PORTUGUESE = {CONTACTED: OUTREACH, "eles têm algum animal em casa?": PET}
VISITS = {
    MemoryKey(MemoryType.FACT, f"visit_{month}"): f"Came to the store in Recife on a Saturday in {month} to try shoes"
    for month in ("March", "April", "May")
}

type Command = Callable[[str], Any]


@pytest.fixture
def lead() -> str:
    return str(uuid4())


@pytest.fixture
def command(lead: str, stack: object, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs a line of `lead-memory` for the lead."""

    def run(line: str) -> Any:
        assert main([*shlex.split(line), "--lead", lead, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    return run


def declared(lead: str, name: MemoryKey, text: str) -> Entry:
    data = {**name._asdict(), "value": {"said": text}, "text": text}
    return msgspec.convert(events.entry("memory.declared", data, event_id=name.key, lead_organization_id=lead), Entry)


def until[Answer](ask: Callable[[], Answer], holds: Callable[[Answer], Any]) -> Answer:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds(answer := ask()):
        assert time.monotonic() < deadline, answer
        time.sleep(0.2)
    return answer


def test_what_was_said_is_recalled_by_its_meaning_until_it_is_deleted_and_forgotten(
    memory: LeadMemory, command: Command, table: Any, lead: str
) -> None:
    def ask(question: str) -> list[RecalledMemory]:
        found = memory.recall(lead, ORGANIZATION, question)
        assert (found.similarity, found.waiting, found.uses_counted) == ("included", 0, True)
        return list(found.memories)

    def embedded() -> set[MemoryKey]:
        indexed = memory.indexed(lead, ORGANIZATION)
        return {name for name, each in indexed.items() if each and each.embedding_version}

    def of_outreach(field: str) -> Any:
        [record] = [each for each in memory.records(lead, ORGANIZATION) if each["key"] == OUTREACH.key]
        return record[field]

    def items() -> list[dict[str, Any]]:
        return table.query(KeyConditionExpression=Key(keys.PK).eq(lead), ConsistentRead=True)["Items"]  # type: ignore[no-any-return]

    ways.publish(memory, *(declared(lead, name, text) for name, text in (SAID | VISITS).items()))
    until(embedded, (SAID | VISITS).keys().__le__)
    assert of_outreach("usage_count") == 0
    for question, name in IN_PORTUGUESE.items():
        best = ask(question)[0]
        assert (best.name, best.text) == (str(name), SAID[name])
    until(lambda: of_outreach("usage_count"), len(IN_PORTUGUESE).__eq__)

    command("memory delete preference outreach")
    assert str(OUTREACH) not in [each.name for each in ask(CONTACTED)]
    command("memory restore preference outreach")
    until(embedded, lambda names: OUTREACH in names)
    assert ask(CONTACTED)[0].name == str(OUTREACH)

    [summary] = until(lambda: [name for name in embedded() if name.key.startswith("cluster:")], bool)
    told = {each.name: each for each in ask("When did they try on shoes?")}
    of_visits = told.keys() & {*map(str, VISITS)}
    # Of a summary and what it sums up, the better one alone is told.
    assert (str(summary) in told) is not bool(of_visits)
    assert {told[name].summarized_in for name in of_visits} <= {str(summary)}

    entries = [item for item in items() if item[keys.SK].startswith(keys.VECTOR_SK_PREFIX)]
    [entry] = [item for item in entries if OUTREACH.key in item[keys.SK]]
    table.delete_item(Key={name: entry[name] for name in (keys.PK, keys.SK)})
    assert OUTREACH not in embedded()
    command("reembed")
    assert command("reembed --check")["missing"] == 0

    memory.erase_lead(lead, ORGANIZATION, settle_seconds=0)
    drained(memory)
    until(lambda: memory.status().queues["vectors"], lambda queue: not queue.waiting + queue.in_flight)
    assert [item[keys.SK] for item in items()] == [keys.HEAD_SK]
