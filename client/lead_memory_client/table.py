"""A stage's table, read. Strongly consistent, but for the timeline, which is an index."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lead_memory.adapters import keys
from lead_memory.adapters.memory_items import ORGANIZATION, VERSION, Item, memory_of
from lead_memory.domain.memories import Memory, MemoryKey
from lead_memory_client.contents import LargeContents
from lead_memory_client.entries import EventName
from lead_memory_client.items import plain_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import KeysAndAttributesTypeDef

KEYS_PER_CALL = 100
"""BatchGetItem's limit."""


class LeadTable:
    def __init__(self, dynamodb: "DynamoDBClient", name: str, contents: LargeContents) -> None:
        self._dynamodb = dynamodb
        self._name = name
        self._contents = contents

    def memory(self, lead_id: str, name: MemoryKey) -> tuple[Memory | None, int | None]:
        """As it is stored, with its row's version."""
        answer = self._dynamodb.get_item(
            TableName=self._name, Key=_attributes(keys.memory_key(lead_id, name)), ConsistentRead=True
        )
        if "Item" not in answer:
            return None, None
        item = plain_item(answer["Item"])
        return memory_of(item), item[VERSION]

    def items(self, lead_id: str, prefix: str) -> Iterator[Item]:
        """Those whose sort key begins so, in its order."""
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._name,
            KeyConditionExpression=f"{keys.PK} = :lead and begins_with({keys.SK}, :prefix)",
            ExpressionAttributeValues={":lead": {"S": lead_id}, ":prefix": {"S": prefix}},
            ConsistentRead=True,
        )
        for page in pages:
            yield from map(plain_item, page["Items"])

    def log(self, lead_id: str) -> list[Item]:
        """The lead's events; large raw payloads are left out."""
        return self._contents.to_fold(self.items(lead_id, keys.EVENT_SK_PREFIX))

    def last_events(self, lead_id: str, limit: int) -> list[Item]:
        """Newest first."""
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._name,
            IndexName=keys.GSI1,
            KeyConditionExpression=f"{keys.GSI1_PK} = :timeline",
            ExpressionAttributeValues={":timeline": {"S": keys.timeline(lead_id)}},
            ScanIndexForward=False,
            PaginationConfig={"MaxItems": limit, "PageSize": limit},
        )
        wanted = [{name: item[name] for name in (keys.PK, keys.SK)} for page in pages for item in page["Items"]]
        found = {item[keys.SK]: item for item in self._batch_get(wanted)}
        return [found[key[keys.SK]["S"]] for key in wanted if key[keys.SK]["S"] in found]

    def in_log(self, names: Collection[EventName], *attributes: str) -> dict[EventName, Item]:
        """Of those events that are in the log, the attributes."""
        by_key = {keys.event_key(*name): name for name in names}
        found = self._batch_get([_attributes(key) for key in by_key], [keys.PK, keys.SK, *attributes])
        return {by_key[keys.Key(item[keys.PK], item[keys.SK])]: item for item in found}

    def _batch_get(self, wanted: Sequence[Mapping[str, Any]], only: Sequence[str] = ()) -> Iterator[Item]:
        """In no order; `only` names the attributes to read, by default all."""
        left = list(wanted)
        while left:
            asked: KeysAndAttributesTypeDef = {"Keys": left[:KEYS_PER_CALL], "ConsistentRead": True}
            if only:
                asked["ProjectionExpression"] = ", ".join(only)
            answer = self._dynamodb.batch_get_item(RequestItems={self._name: asked})
            yield from map(plain_item, answer["Responses"].get(self._name, []))
            unprocessed = answer["UnprocessedKeys"].get(self._name)
            left = left[KEYS_PER_CALL:] + (list(unprocessed["Keys"]) if unprocessed else [])

    def lineage(self, lead_id: str, name: MemoryKey, start: str | None, limit: int) -> tuple[list[str], str | None]:
        """Places on the timeline of events with a part in the memory, newest first, and where the next read starts.

        Reads `limit` entries of the timeline, whatever they have a part in.
        """
        request: dict[str, Any] = {
            "TableName": self._name,
            "IndexName": keys.GSI1,
            "KeyConditionExpression": f"{keys.GSI1_PK} = :timeline",
            "FilterExpression": f"contains({keys.TOUCHES}, :memory)",
            "ExpressionAttributeValues": {
                ":timeline": {"S": keys.timeline(lead_id)},
                ":memory": {"S": keys.memory_sk(name)},
            },
            "ProjectionExpression": keys.GSI1_SK,
            "ScanIndexForward": False,
            "Limit": limit,
        }
        if start is not None:
            request["ExclusiveStartKey"] = {
                **_attributes(keys.event_key(lead_id, keys.timeline_ref(start))),
                keys.GSI1_PK: {"S": keys.timeline(lead_id)},
                keys.GSI1_SK: {"S": start},
            }
        page = self._dynamodb.query(**request)
        last = page.get("LastEvaluatedKey")
        return [item[keys.GSI1_SK]["S"] for item in page["Items"]], last[keys.GSI1_SK]["S"] if last else None

    def organization_id(self, lead_id: str) -> str | None:
        """Whose lead it is; None for a lead that is not known."""
        head = self._dynamodb.get_item(
            TableName=self._name, Key=_attributes(keys.head_key(lead_id)), ConsistentRead=True
        )
        return plain_item(head["Item"])[ORGANIZATION] if "Item" in head else None


def _attributes(key: keys.Key) -> dict[str, Any]:
    return {attribute: {"S": text} for attribute, text in key._asdict().items()}
