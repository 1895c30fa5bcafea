"""The rebuilder's handler on a table."""

import asyncio
import importlib
import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import msgspec
import pytest

from lead_memory.adapters import keys
from lead_memory.adapters.large_payloads import PayloadBucket
from lead_memory.adapters.store import EventStore
from lead_memory.adapters.table import DynamoTable
from lead_memory.services.record import Outcome, Recorder
from lead_memory.settings import RebuilderSettings
from tests.events import NOW, ORGANIZATION, all_samples
from tests.fakes import canonical_bytes

type Handler = Callable[[dict[str, Any], object], dict[str, Any]]


@pytest.fixture
def handler(table_name: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Handler]:
    settings = RebuilderSettings(stage="test", table_name=table_name, payload_bucket="none")
    for name, value in settings.as_environment().items():
        monkeypatch.setenv(name, value)
    sys.modules.pop("rebuilder.handler", None)
    module = importlib.import_module("rebuilder.handler")
    yield module.handler
    module._loop.run(module._table.close())
    module._loop.close()


@pytest.fixture
def leads(table_name: str, environment: dict[str, str]) -> dict[str, str]:
    """The organization of every sample's lead, recorded."""
    of = {sample.lead_organization_id: sample.organization_id for sample in all_samples()}

    async def record(store: EventStore) -> None:
        for lead in of:
            events = [sample for sample in all_samples() if sample.lead_organization_id == lead]
            assert set(await Recorder(store).record(events)) == {Outcome.RECORDED}

    on(table_name, environment, record)
    return of


def on(table_name: str, environment: dict[str, str], use: Callable[[EventStore], Any]) -> Any:
    async def run() -> Any:
        table = DynamoTable.open(table_name, environment)
        try:
            return await use(EventStore(table, PayloadBucket("none"), lambda: NOW))
        finally:
            await table.close()

    return asyncio.run(run())


def memories(table_name: str, environment: dict[str, str], lead: str) -> dict[str, bytes]:
    snapshot = on(table_name, environment, lambda store: store.all_memories(lead))
    return canonical_bytes({name: stored.memory for name, stored in snapshot.memories.items()})


def sqs(*requests: Any) -> dict[str, Any]:
    return {"Records": [{"messageId": f"m{n}", "body": json.dumps(each)} for n, each in enumerate(requests)]}


def test_leads_of_the_queue_are_rebuilt_and_counted_and_what_fails_is_given_back_alone(
    handler: Handler, leads: dict[str, str], table_name: str, environment: dict[str, str]
) -> None:
    before = {lead: memories(table_name, environment, lead) for lead in leads}
    table: Any = boto3.resource("dynamodb").Table(table_name)
    spoiled = 0
    for item in table.scan()["Items"]:
        if item[keys.SK].startswith("purchase#"):
            table.delete_item(Key={keys.PK: item[keys.PK], keys.SK: item[keys.SK]})
            spoiled += 1

    requests = [{"lead_id": lead, "organization_id": of, "run_id": "run"} for lead, of in leads.items()]
    nobody = {"lead_id": "nobody", "organization_id": ORGANIZATION, "run_id": "run"}
    answer = handler(sqs(nobody, *requests), None)

    assert answer == {"batchItemFailures": [{"itemIdentifier": "m0"}]}
    assert {lead: memories(table_name, environment, lead) for lead in leads} == before
    counted = table.get_item(Key=keys.rebuild_key("run")._asdict())["Item"]
    assert (counted["leads"], counted["memories"]) == (len(leads), spoiled)
    assert spoiled > 0


def test_a_call_checks_one_lead_and_changes_nothing_until_it_is_asked_to(
    handler: Handler, leads: dict[str, str], table_name: str, environment: dict[str, str]
) -> None:
    table: Any = boto3.resource("dynamodb").Table(table_name)
    item = next(item for item in table.scan()["Items"] if item[keys.SK] == "purchase#last_transaction")
    table.update_item(
        Key={keys.PK: item[keys.PK], keys.SK: item[keys.SK]},
        UpdateExpression="SET content = :other",
        ExpressionAttributeValues={":other": b'{"amount":1}'},
    )
    request = {"lead_id": item[keys.PK], "organization_id": leads[item[keys.PK]]}
    drift = [{"memory_type": "purchase", "key": "last_transaction", "kind": "different"}]
    for asked in ({"check": True}, {"check": True}, {"check": False}):
        assert handler({**request, **asked}, None)["report"]["differences"] == drift
    assert handler({**request, "check": True}, None)["report"]["differences"] == []


def test_a_call_for_a_lead_of_another_organization_says_that_it_has_none(
    handler: Handler, leads: dict[str, str]
) -> None:
    other = "99999999-0000-4000-8000-000000000000"
    answer = handler({"lead_id": next(iter(leads)), "organization_id": other}, None)
    assert answer == {"error": "unknown_lead: the organization has no such lead"}


def test_every_lead_and_organization_is_in_the_registry_once(leads: dict[str, str], table_name: str) -> None:
    dynamodb: Any = boto3.client("dynamodb")

    def registered(partition: str) -> list[str]:
        found = dynamodb.query(
            TableName=table_name,
            IndexName=keys.GSI1,
            KeyConditionExpression=f"{keys.GSI1_PK} = :p",
            ExpressionAttributeValues={":p": {"S": partition}},
        )
        return [item[keys.GSI1_SK]["S"] for item in found["Items"]]

    organizations = registered(keys.ORGANIZATIONS)
    assert sorted(organizations) == sorted(set(leads.values()))
    found = [(lead, of) for of in organizations for part in keys.registries(of) for lead in registered(part)]
    assert sorted(found) == sorted(leads.items())


def test_an_organization_that_another_process_wrote_is_no_conflict(
    leads: dict[str, str], table_name: str, environment: dict[str, str]
) -> None:
    """A second process does not know what the first has written."""
    sample = all_samples()[0]

    async def record(store: EventStore) -> None:
        event = msgspec.structs.replace(sample, lead_organization_id="aaaaaaaa-0000-4000-8000-000000000000")
        assert await Recorder(store).record([event]) == [Outcome.RECORDED]

    on(table_name, environment, record)
