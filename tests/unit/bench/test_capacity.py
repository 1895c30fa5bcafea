"""What requests consume, by the rules that DynamoDB bills by."""

from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from bench.capacity import index_units, item_bytes, metered, read_units, write_units

LEAD = {"pk": {"S": "lead"}, "sk": {"S": "head"}}
SHIRT = {"Shirt Color": {"S": "R"}, "Shirt Size": {"S": "M"}}
DUE = {**LEAD, "due": {"S": "2026-01-01"}}
bytes_of_items = st.integers(0, 400_000)


@pytest.fixture
def dynamodb(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """With a table `leads`, whose index `due` holds keys alone."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        client = boto3.client("dynamodb")
        client.create_table(
            TableName="leads",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "due")],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "due",
                    "KeySchema": [{"AttributeName": "due", "KeyType": "HASH"}],
                    "Projection": {"ProjectionType": "KEYS_ONLY"},
                }
            ],
        )
        yield client


def test_an_item_weighs_what_the_documentation_says_of_its_example() -> None:
    assert item_bytes(SHIRT) == 23


@given(st.text(), st.binary())
def test_texts_weigh_their_bytes_and_binary_values_the_same_with_and_without_base64(text: str, value: bytes) -> None:
    assert item_bytes({"name": {"S": text}, "b": {"B": value}}) == 5 + len(text.encode()) + len(value)
    assert item_bytes({"b": {"B": value}}) == item_bytes({"b": {"B": b64encode(value).decode()}})


def test_lists_and_maps_weigh_their_parts_and_a_byte_for_each() -> None:
    assert item_bytes({"l": {"L": [{"S": "ab"}, {"BOOL": True}]}}) == 1 + 3 + (1 + 2) + (1 + 1)
    assert item_bytes({"m": {"M": {"key": {"N": "-12345"}}}}) == 1 + 3 + (1 + 3) + (3 + 1 + 1)


@given(bytes_of_items, bytes_of_items)
def test_a_write_costs_what_its_larger_side_fills_and_at_least_one_unit(old: int, new: int) -> None:
    units = write_units(old, new)
    assert units >= 1
    assert units * 1_024 >= max(old, new)
    assert units == 1 or (units - 1) * 1_024 < max(old, new)


@given(bytes_of_items)
def test_an_eventually_consistent_read_costs_half(size: int) -> None:
    assert read_units(size, consistent=False) * 2 == read_units(size, consistent=True) >= 1


def test_an_index_costs_nothing_where_its_entry_stays_and_two_writes_where_its_key_changes() -> None:
    assert index_units(DUE, DUE, ["due"]) == 0
    assert index_units({}, DUE, ["due"]) == 1
    assert index_units(DUE, {}, ["due"]) == 1
    assert index_units(DUE, {**DUE, "due": {"S": "2026-02-02"}}, ["due"]) == 2
    assert index_units(DUE, {**DUE, "more": {"S": "x"}}, ["due"]) == 1


def test_a_client_is_metered_with_its_table_and_index(dynamodb: Any) -> None:
    large = {**DUE, "content": {"B": b"x" * 1_500}}
    with metered(dynamodb) as consumed:
        dynamodb.put_item(TableName="leads", Item=large)
        assert (dict(consumed.requests), consumed.write_units) == ({"PutItem": 1}, 2 + 1)
        consumed.taken()
        dynamodb.transact_write_items(TransactItems=[{"Put": {"TableName": "leads", "Item": large}}])
        assert consumed.taken().write_units == 2 * 2
        dynamodb.delete_item(TableName="leads", Key=LEAD)
        assert consumed.taken().write_units == 2 + 1
        dynamodb.get_item(TableName="leads", Key=LEAD, ConsistentRead=True)
        dynamodb.get_item(TableName="leads", Key=LEAD)
        assert consumed.taken().read_units == 1.5
    dynamodb.get_item(TableName="leads", Key=LEAD)
    assert not consumed.requests


def test_a_request_that_fails_is_counted(dynamodb: Any) -> None:
    with metered(dynamodb) as consumed:
        with pytest.raises(dynamodb.exceptions.ConditionalCheckFailedException):
            dynamodb.delete_item(TableName="leads", Key=LEAD, ConditionExpression="attribute_exists(pk)")
        assert (consumed.requests["DeleteItem"], consumed.write_units) == (1, 1)
