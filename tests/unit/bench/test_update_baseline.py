"""The updater's baseline keeps what the product keeps, or comparing the two would say nothing."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from bench.baseline.update import SafeUpdater, Updater, changed, memory_name
from bench.campaign import LARGE, records
from lead_memory.domain.derivations import touched
from lead_memory.domain.events import parse
from lead_memory.domain.fold import refold
from tests.events import LEAD, NOW, ORGANIZATION


@pytest.fixture
def dynamodb(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        client = boto3.client("dynamodb")
        client.create_table(
            TableName="memories",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        )
        yield client


def bodies(number: int = 0, **options: Any) -> list[str]:
    return [record["body"] for record in records(ORGANIZATION, [LEAD], number, **options)]


def opened(dynamodb: Any) -> int:
    item = dynamodb.get_item(
        TableName="memories", Key={"pk": {"S": LEAD}, "sk": {"S": "campaign#campaign:whey_again"}}
    )["Item"]
    counts: dict[str, int] = json.loads(item["value"]["S"])["message_counts"]
    return counts["opened"]


def test_it_keeps_the_values_that_the_fold_gives() -> None:
    said = [*bodies(), *bodies(1), *bodies(2, payloads=LARGE)]
    log = [parse(body, NOW) for body in said]
    folded = refold(log, {name for event in log for name in touched(event)})

    by_hand: dict[str, Any] = {}
    for event in map(json.loads, said):
        name = memory_name(event)
        by_hand[name] = changed(event, by_hand.get(name))

    assert by_hand == {f"{name.memory_type}#{name.key}": memory.value for name, memory in folded.items()}


def test_each_event_of_the_workload_changes_one_memory() -> None:
    assert [len(touched(parse(body, NOW))) for body in bodies()] == [1] * 5


@pytest.mark.parametrize(("updater", "counted"), [(Updater, 2), (SafeUpdater, 1)])
def test_made_safe_it_counts_an_event_once_that_is_delivered_twice(
    dynamodb: Any, updater: type[Updater], counted: int
) -> None:
    batch = {"Records": records(ORGANIZATION, [LEAD])}
    for _ in range(2):
        updater(dynamodb, "memories").handler(batch)
    assert opened(dynamodb) == counted
