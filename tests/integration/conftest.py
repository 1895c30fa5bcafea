"""DynamoDB, SQS and EventBridge by moto's server: aiodynamo is no boto3, so it needs a real socket."""

import copy
import importlib
import json
import os
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import count
from types import ModuleType
from typing import Any

import boto3
import pytest
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.table import Table
from moto.server import ThreadedMotoServer

from lead_memory.adapters import keys
from lead_memory.adapters.aws import Aws
from lead_memory.adapters.keyrings import Keyrings
from lead_memory.adapters.kms import KeyService
from lead_memory.adapters.large_payloads import PayloadBucket
from lead_memory.adapters.store import EventStore
from lead_memory.adapters.table import DynamoTable
from tests.events import NOW
from tests.integration.extraction_stage import ExtractionStage
from tests.integration.recalling import Recalling
from tests.openai_server import OpenAiServer, openai_server

REGION = "us-east-1"
BUS = "events"
_numbers = count()


@pytest.fixture(scope="session", autouse=True)
def _backups() -> Iterator[None]:
    """moto copies a whole table for each operation of a transaction, in case that it is cancelled. An update changes an
    item where it is, so it gets a copy of its item; of the table it is enough then to note which items it had.
    """
    update = DynamoDBBackend.update_item

    def noted(table: Table, memo: object) -> Table:
        backup = copy.copy(table)
        backup.items = defaultdict(dict, {partition: dict(rows) for partition, rows in table.items.items()})
        return backup

    def update_copy(self: DynamoDBBackend, table_name: str, key: dict[str, Any], *how: Any, **more: Any) -> Any:
        if item := self.get_item(table_name, key):
            table = self.get_table(table_name)
            table.items[item.hash_key][item.range_key] = copy.deepcopy(item)
        return update(self, table_name, key, *how, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Table, "__deepcopy__", noted, raising=False)
        patch.setattr(DynamoDBBackend, "update_item", update_copy)
        yield


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def environment(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    variables = {
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_ENDPOINT_URL": endpoint,
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return variables


@pytest.fixture
def table_name(environment: dict[str, str]) -> str:
    name = f"memories-{next(_numbers)}"
    attributes = (keys.PK, keys.SK, keys.GSI1_PK, keys.GSI1_SK)
    dynamodb: Any = boto3.client("dynamodb")
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in attributes],
        KeySchema=_schema(keys.PK, keys.SK),
        GlobalSecondaryIndexes=[
            {
                "IndexName": keys.GSI1,
                "KeySchema": _schema(keys.GSI1_PK, keys.GSI1_SK),
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": [keys.TOUCHES]},
            }
        ],
    )
    return name


@pytest.fixture
def content_key(environment: dict[str, str]) -> str:
    return boto3.client("kms").create_key()["KeyMetadata"]["Arn"]


@pytest.fixture
def announced(environment: dict[str, str]) -> Iterator[str]:
    """The URL of a queue that gets what is put on the bus."""
    sqs, events = boto3.client("sqs"), boto3.client("events")
    url = sqs.create_queue(QueueName="announced")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.create_event_bus(Name=BUS)
    events.put_rule(Name="all", EventBusName=BUS, EventPattern=json.dumps({"source": [{"prefix": ""}]}))
    events.put_targets(Rule="all", EventBusName=BUS, Targets=[{"Id": "queue", "Arn": arn}])
    yield url
    events.remove_targets(Rule="all", EventBusName=BUS, Ids=["queue"])
    events.delete_rule(Name="all", EventBusName=BUS)
    events.delete_event_bus(Name=BUS)
    sqs.delete_queue(QueueUrl=url)


@pytest.fixture
def extraction(
    environment: dict[str, str],
    table_name: str,
    content_key: str,
    announced: str,
    import_handler: Callable[[str], ModuleType],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[ExtractionStage]:
    names = {"table_name": table_name, "content_key": content_key, "bus_name": BUS, "announced": announced}
    with ExtractionStage(environment, import_handler, monkeypatch, **names) as stage:
        yield stage


@pytest.fixture
def model_server() -> Iterator[OpenAiServer]:
    with openai_server() as server:
        yield server


@pytest.fixture
async def aws(environment: dict[str, str]) -> AsyncIterator[Aws]:
    aws = Aws(os.environ)
    yield aws
    await aws.close()


@pytest.fixture
def table(table_name: str, aws: Aws) -> DynamoTable:
    return DynamoTable(table_name, aws)


@pytest.fixture
def keyrings(table: DynamoTable, content_key: str, aws: Aws) -> Keyrings:
    return Keyrings(table, KeyService(content_key, aws))


@pytest.fixture
def bucket(environment: dict[str, str]) -> str:
    name = f"payloads-{next(_numbers)}"
    boto3.client("s3").create_bucket(Bucket=name)
    return name


@pytest.fixture
def store(table: DynamoTable, keyrings: Keyrings, bucket: str) -> EventStore:
    return EventStore(table, keyrings, PayloadBucket(bucket), lambda: NOW)


@pytest.fixture
def recalling(table: DynamoTable, keyrings: Keyrings, bucket: str, aws: Aws) -> Iterator[Recalling]:
    sqs: Any = boto3.client("sqs")
    uses_url = sqs.create_queue(QueueName=f"uses-{table.name}")["QueueUrl"]
    yield Recalling(table, keyrings, bucket, aws, uses_url)
    sqs.delete_queue(QueueUrl=uses_url)


@pytest.fixture
def import_handler(environment: dict[str, str]) -> Iterator[Callable[[str], ModuleType]]:
    """Imports `<package>.handler` anew, because a handler reads its environment when it is imported."""
    imported: list[ModuleType] = []

    def import_anew(package: str) -> ModuleType:
        sys.modules.pop(f"{package}.handler", None)
        imported.append(importlib.import_module(f"{package}.handler"))
        return imported[-1]

    yield import_anew
    for module in imported:
        if aws := getattr(module, "_aws", None):
            module._loop.run(aws.close())
        module._loop.close()
        del sys.modules[module.__name__]


def _schema(partition: str, sort: str) -> list[dict[str, str]]:
    return [{"AttributeName": partition, "KeyType": "HASH"}, {"AttributeName": sort, "KeyType": "RANGE"}]
