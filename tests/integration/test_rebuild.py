"""The rebuilder's handler on a table."""

import asyncio
import json
from collections.abc import Callable
from types import ModuleType
from typing import Any
from uuid import uuid4

import boto3
import msgspec
import pytest

from lead_memory.adapters import keys
from lead_memory.adapters.aws import Aws
from lead_memory.adapters.event_items import tombstone
from lead_memory.adapters.keyrings import Keyrings
from lead_memory.adapters.kms import KeyService
from lead_memory.adapters.large_payloads import PayloadBucket
from lead_memory.adapters.store import EventStore
from lead_memory.adapters.table import DynamoTable
from lead_memory.domain.memories import Lead
from lead_memory.services.record import Outcome, Recorder
from lead_memory.settings import RebuilderSettings
from tests.events import NOW, ORGANIZATION, all_samples
from tests.fakes import canonical_bytes

type OnStore = Callable[[Callable[[EventStore], Any]], Any]
type Handler = Callable[[dict[str, Any], object], dict[str, Any]]


@pytest.fixture
def vectors(table_name: str) -> str:
    """The queue of what is to be embedded."""
    return str(boto3.client("sqs").create_queue(QueueName=f"vectors-{table_name}")["QueueUrl"])


@pytest.fixture
def handler(
    table_name: str,
    content_key: str,
    vectors: str,
    import_handler: Callable[[str], ModuleType],
    monkeypatch: pytest.MonkeyPatch,
) -> Handler:
    settings = RebuilderSettings(
        stage="test", table_name=table_name, content_key=content_key, payload_bucket="none", vectors_queue_url=vectors
    )
    for name, value in settings.as_environment().items():
        monkeypatch.setenv(name, value)
    return import_handler("rebuilder").handler  # type: ignore[no-any-return]


@pytest.fixture
def on_store(table_name: str, content_key: str, environment: dict[str, str]) -> OnStore:
    def on_store(use: Callable[[EventStore], Any]) -> Any:
        async def run() -> Any:
            aws = Aws(environment)
            table = DynamoTable(table_name, aws)
            keyrings = Keyrings(table, KeyService(content_key, aws))
            try:
                return await use(EventStore(table, keyrings, PayloadBucket("none"), lambda: NOW))
            finally:
                await aws.close()

        return asyncio.run(run())

    return on_store


@pytest.fixture
def leads(on_store: OnStore) -> dict[str, str]:
    """The organization of every sample's lead, recorded."""
    of = {sample.lead_organization_id: sample.organization_id for sample in all_samples()}

    async def record(store: EventStore) -> None:
        for lead in of:
            events = [sample for sample in all_samples() if sample.lead_organization_id == lead]
            assert set(await Recorder(store).record(events)) == {Outcome.RECORDED}

    on_store(record)
    return of


def memories(on_store: OnStore, lead: Lead) -> dict[str, bytes]:
    snapshot = on_store(lambda store: store.all_memories(lead))
    return canonical_bytes({name: stored.memory for name, stored in snapshot.memories.items()})


def sqs(*requests: Any) -> dict[str, Any]:
    return {"Records": [{"messageId": f"m{n}", "body": json.dumps(each)} for n, each in enumerate(requests)]}


def test_leads_of_the_queue_are_rebuilt_and_counted_and_what_fails_is_given_back_alone(
    handler: Handler, leads: dict[str, str], on_store: OnStore, table_name: str
) -> None:
    before = {lead: memories(on_store, Lead(leads[lead], lead)) for lead in leads}
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
    assert {lead: memories(on_store, Lead(leads[lead], lead)) for lead in leads} == before
    counted = table.get_item(Key=keys.rebuild_key("run")._asdict())["Item"]
    assert (counted["leads"], counted["memories"]) == (len(leads), spoiled)
    assert spoiled > 0


def test_a_lead_that_was_erased_meanwhile_is_done(handler: Handler, leads: dict[str, str], table_name: str) -> None:
    lead, organization = next(iter(leads.items()))
    stone = tombstone(keys.head_key(lead), organization, NOW)
    boto3.resource("dynamodb").Table(table_name).put_item(Item=stone)
    assert handler(sqs({"lead_id": lead, "organization_id": organization}), None) == {"batchItemFailures": []}


def test_a_call_checks_one_lead_and_changes_nothing_until_it_is_asked_to(
    handler: Handler, leads: dict[str, str], table_name: str, vectors: str
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
        assert "Messages" not in boto3.client("sqs").receive_message(QueueUrl=vectors)
        assert handler({**request, **asked}, None)["report"]["differences"] == drift
    [embed] = boto3.client("sqs").receive_message(QueueUrl=vectors)["Messages"]
    assert json.loads(embed["Body"]) == request
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


def test_an_organization_that_another_process_wrote_is_no_conflict(leads: dict[str, str], on_store: OnStore) -> None:
    """A second process does not know what the first has written."""
    sample = all_samples()[0]

    async def record(store: EventStore) -> None:
        event = msgspec.structs.replace(sample, lead_organization_id="aaaaaaaa-0000-4000-8000-000000000000")
        assert await Recorder(store).record([event]) == [Outcome.RECORDED]

    on_store(record)


def test_a_rebuild_finds_nothing_different_in_what_each_sample_made(handler: Handler, on_store: OnStore) -> None:
    each_of_a_lead = [msgspec.structs.replace(each, lead_organization_id=str(uuid4())) for each in all_samples()]

    async def record(store: EventStore) -> None:
        for event in each_of_a_lead:
            assert await Recorder(store).record([event]) == [Outcome.RECORDED]

    on_store(record)
    for event in each_of_a_lead:
        checked = {"lead_id": event.lead_organization_id, "organization_id": event.organization_id, "check": True}
        assert handler(checked, None)["report"]["differences"] == []
