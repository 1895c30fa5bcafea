"""Events into memories with boto3: put the event, get its memory, change it, put it.

`Updater` loses a change when two run at once, and counts an event twice that is delivered twice. `SafeUpdater` does
neither: the event and its memory are one transaction, on condition that both are as they were read.
"""

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

ATTEMPTS = 12

type Event = dict[str, Any]
"""As the bus gives it: `source`, `detail-type` and `detail`."""
type Value = dict[str, Any]


class Updater:
    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def handler(self, batch: dict[str, Any]) -> None:
        for record in batch["Records"]:
            self.record(json.loads(record["body"]))

    def record(self, event: Event) -> None:
        self._dynamodb.put_item(TableName=self._table, Item=event_item(event))
        value, version = self.memory(event)
        self._dynamodb.put_item(TableName=self._table, Item=memory_item(event, changed(event, value), version + 1))

    def memory(self, event: Event) -> tuple[Value | None, int]:
        """The value and the version; None and 0 where there is none yet."""
        answer = self._dynamodb.get_item(TableName=self._table, Key=memory_key(event), ConsistentRead=True)
        if item := answer.get("Item"):
            return json.loads(item["value"]["S"]), int(item["version"]["N"])
        return None, 0


class SafeUpdater(Updater):
    def record(self, event: Event) -> None:
        for _ in range(ATTEMPTS):
            value, version = self.memory(event)
            try:
                self._write(event, changed(event, value), version)
            except self._dynamodb.exceptions.TransactionCanceledException as cancelled:
                of_event, _ = cancelled.response["CancellationReasons"]
                if of_event["Code"] == "ConditionalCheckFailed":
                    return  # it was delivered before
            else:
                return
        raise RuntimeError("other writers kept winning this memory")

    def _write(self, event: Event, value: Value, version: int) -> None:
        self._dynamodb.transact_write_items(
            TransactItems=[
                {
                    "Put": {
                        "TableName": self._table,
                        "Item": event_item(event),
                        "ConditionExpression": "attribute_not_exists(pk)",
                    }
                },
                {
                    "Put": {
                        "TableName": self._table,
                        "Item": memory_item(event, value, version + 1),
                        "ConditionExpression": "attribute_not_exists(pk) or version = :version",
                        "ExpressionAttributeValues": {":version": {"N": str(version)}},
                    }
                },
            ]
        )


def event_item(event: Event) -> dict[str, Any]:
    metadata = event["detail"]["metadata"]
    return {
        "pk": {"S": metadata["lead_organization_id"]},
        "sk": {"S": f"event#{event['source']}#{metadata['event_id']}"},
        "organization_id": {"S": metadata["organization_id"]},
        "event_type": {"S": event["detail-type"]},
        "occurred_at": {"S": metadata["occurred_at"]},
        "data": {"S": json.dumps(event["detail"]["data"])},
        "raw_payload": {"S": json.dumps(event["detail"]["raw_payload"])},
    }


def memory_item(event: Event, value: Value, version: int) -> dict[str, Any]:
    metadata = event["detail"]["metadata"]
    return {
        **memory_key(event),
        "organization_id": {"S": metadata["organization_id"]},
        "value": {"S": json.dumps(value)},
        "version": {"N": str(version)},
        "updated_at": {"S": metadata["occurred_at"]},
        "last_event_id": {"S": metadata["event_id"]},
    }


def memory_key(event: Event) -> dict[str, Any]:
    lead = event["detail"]["metadata"]["lead_organization_id"]
    return {"pk": {"S": lead}, "sk": {"S": memory_name(event)}}


def memory_name(event: Event) -> str:
    data = event["detail"]["data"]
    match event["detail-type"]:
        case "preference.expressed":
            return f"preference#{data['name']}"
        case "product_list.viewed":
            return f"interest#category:{data['category'].lower()}"
        case _:
            return f"campaign#campaign:{data['campaign_id']}"


def changed(event: Event, value: Value | None) -> Value:
    data, at = event["detail"]["data"], event["detail"]["metadata"]["occurred_at"]
    match event["detail-type"]:
        case "preference.expressed":
            return {"value": data["value"]}
        case "product_list.viewed":
            before = value or {"score": 0, "view_count": 0}
            return {
                "name": data["category"],
                "score": before["score"] + 1,
                "view_count": before["view_count"] + 1,
                "last_seen_at": at,
            }
        case event_type:
            happened = event_type.removeprefix("campaign.message_")
            before = value or {"bounced": False, "message_counts": {}}
            counts = before["message_counts"]
            return {
                **before,
                "name": data["campaign_name"],
                "channel": data["channel"],
                f"{happened}_at": at,
                "message_counts": {**counts, happened: counts.get(happened, 0) + 1},
            }
