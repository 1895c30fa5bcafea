"""A stage's table, read and opened. Strongly consistent, but for the timeline, which is an index.

Of a lead of another organization nothing is there; one that was erased raises `Erased`, or nothing of it is left.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import batched
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from lead_memory.adapters import keys
from lead_memory.adapters.memory_items import (
    ERASED_AT,
    LAST_ACCESSED_AT,
    ORGANIZATION,
    VERSION,
    Item,
    memory_of,
    time,
)
from lead_memory.adapters.sealing import Keyring
from lead_memory.domain.errors import Erased
from lead_memory.domain.memories import Lead, Memory, MemoryKey, MemoryType
from lead_memory_client.answers import RecordedEvent
from lead_memory_client.contents import LargeContents
from lead_memory_client.entries import EventName
from lead_memory_client.items import attributes, plain_item, recorded_event
from lead_memory_client.kept import InIndex

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import KeysAndAttributesTypeDef

    from lead_memory.domain.events import Event

KEYS_PER_CALL = 100
"""BatchGetItem's limit."""
OPENED_AT_ONCE = 32
"""Events of a whole partition: each may be 1 MB."""


class Recorded(NamedTuple):
    event: "Event"
    recorded_at: datetime


class LeadTable:
    def __init__(
        self,
        dynamodb: "DynamoDBClient",
        name: str,
        contents: LargeContents,
        keyring: Callable[[str], Keyring | None],
    ) -> None:
        self._dynamodb = dynamodb
        self._name = name
        self._contents = contents
        self._keyring = keyring

    def has(self, lead: Lead) -> bool:
        """Whether the organization has the lead. Raises `Erased` where it had."""
        self._keyring(lead.organization_id)
        head = self._item(keys.head_key(lead.lead_id), lead.organization_id)
        if head is not None and ERASED_AT in head:
            raise Erased(f"the lead was erased at {time(head[ERASED_AT]):%Y-%m-%d %H:%M:%S} UTC")
        return head is not None

    def memory(self, lead: Lead, name: MemoryKey) -> tuple[Memory | None, int | None]:
        """As it is stored, with its row's version."""
        keyring = self._keyring(lead.organization_id)
        item = self._item(keyring.memory_key(lead.lead_id, name), lead.organization_id) if keyring else None
        keyring = self._keyring(lead.organization_id)  # a newer key may have sealed the item
        if item is None or keyring is None:
            return None, None
        [whole] = self._contents.to_fold([item])
        return memory_of(whole, keyring), whole[VERSION]

    def memories(self, lead: Lead) -> list[Memory]:
        """As they are stored, by type: one Query for each, so that the log, which is larger, is not read."""
        prefixes = [keys.memory_sk(MemoryKey(memory_type, "")) for memory_type in sorted(MemoryType)]
        items = self._contents.to_fold(item for prefix in prefixes for item in self._items(lead, prefix))
        keyring = self._keyring(lead.organization_id)
        return [memory_of(item, keyring) for item in items] if keyring else []

    def in_index(self, lead: Lead, names: Collection[MemoryKey]) -> dict[MemoryKey, InIndex]:
        """What recalls know of these memories, where they know them."""
        from lead_memory.adapters.vector_items import EMBEDDING_VERSION, USAGE_COUNT, VECTOR_ID

        only = (keys.SK, ORGANIZATION, USAGE_COUNT, LAST_ACCESSED_AT, VECTOR_ID, EMBEDDING_VERSION)
        found = {item.pop(keys.SK): item for item in self._items(lead, keys.VECTOR_SK_PREFIX, only)}
        keyring = self._keyring(lead.organization_id)
        places = {name: keys.vector_key(keyring.memory_key(lead.lead_id, name)).sk for name in names} if keyring else {}
        return {name: msgspec.convert(found[sk], InIndex) for name, sk in places.items() if sk in found}

    def log(self, lead: Lead) -> list[Recorded]:
        """The lead's events; large raw payloads are left out."""
        from lead_memory.adapters.event_items import recorded_at

        own = (item for item in self._items(lead, keys.EVENT_SK_PREFIX) if ERASED_AT not in item)
        items = self._contents.to_fold(own)
        keyring = self._keyring(lead.organization_id)
        return [Recorded(_event_of(item, keyring), recorded_at(item)) for item in items] if keyring else []

    def partition(self, lead: Lead) -> Iterator[tuple[Item, Keyring | None]]:
        """All that stands of the lead, of whatever kind, by sort key: each with what opens it, each event whole."""
        for some in batched(self._items(lead), OPENED_AT_ONCE, strict=False):
            items = self._contents.whole(some)
            keyring = self._keyring(lead.organization_id)
            yield from ((item, keyring) for item in items)

    def last_events(self, lead: Lead, limit: int) -> list[RecordedEvent]:
        """Newest first."""
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._name,
            IndexName=keys.GSI1,
            KeyConditionExpression=f"{keys.GSI1_PK} = :timeline",
            ExpressionAttributeValues={":timeline": {"S": keys.timeline(lead.lead_id)}},
            ScanIndexForward=False,
            PaginationConfig={"MaxItems": limit, "PageSize": limit},
        )
        wanted = [{name: item[name] for name in (keys.PK, keys.SK)} for page in pages for item in page["Items"]]
        found = {item[keys.SK]: item for item in self._batch_get(wanted) if _holds(item, lead.organization_id)}
        in_order = [found[key[keys.SK]["S"]] for key in wanted if key[keys.SK]["S"] in found]
        keyring = self._keyring(lead.organization_id)
        return [recorded_event(item, keyring) for item in self._contents.whole(in_order)] if keyring else []

    def recorded(self, names: Collection[EventName]) -> set[EventName]:
        """Those that are in the log."""
        return set(self._in_log(names, ORGANIZATION, ERASED_AT))

    def content_hashes(self, names: Collection[EventName]) -> dict[EventName, tuple[str, ...]]:
        """Of those that are in the log."""
        from lead_memory.adapters.event_items import CONTENT_HASHES, content_hashes

        found = self._in_log(names, ORGANIZATION, ERASED_AT, CONTENT_HASHES)
        keyrings = {of: self._keyring(of) for of in {name.lead.organization_id for name in found}}
        opened = ((name, item, keyrings[name.lead.organization_id]) for name, item in found.items())
        return {name: content_hashes(item, keyring) for name, item, keyring in opened if keyring}

    def lineage(self, lead: Lead, name: MemoryKey, start: str | None, limit: int) -> tuple[list[str], str | None]:
        """Places on the timeline of events with a part in the memory, newest first, and where the next read starts.

        Reads `limit` entries of the timeline, whatever they have a part in.
        """
        keyring = self._keyring(lead.organization_id)
        if keyring is None:
            return [], None
        timeline = {"S": keys.timeline(lead.lead_id)}
        request: dict[str, Any] = {
            "TableName": self._name,
            "IndexName": keys.GSI1,
            "KeyConditionExpression": f"{keys.GSI1_PK} = :timeline",
            "FilterExpression": f"contains({keys.TOUCHES}, :memory)",
            "ExpressionAttributeValues": {
                ":timeline": timeline,
                ":memory": {"S": keyring.memory_key(lead.lead_id, name).sk},
            },
            "ProjectionExpression": keys.GSI1_SK,
            "ScanIndexForward": False,
            "Limit": limit,
        }
        if start is not None:
            request["ExclusiveStartKey"] = {
                **attributes(keys.event_key(lead.lead_id, keys.timeline_position(start).ref)),
                keys.GSI1_PK: timeline,
                keys.GSI1_SK: {"S": start},
            }
        page = self._dynamodb.query(**request)
        last = page.get("LastEvaluatedKey")
        return [item[keys.GSI1_SK]["S"] for item in page["Items"]], last[keys.GSI1_SK]["S"] if last else None

    def _item(self, key: keys.Key, organization_id: str) -> Item | None:
        answer = self._dynamodb.get_item(TableName=self._name, Key=attributes(key), ConsistentRead=True)
        item = plain_item(answer["Item"]) if "Item" in answer else None
        return item if item and item[ORGANIZATION] == organization_id else None

    def _items(self, lead: Lead, prefix: str | None = None, only: Sequence[str] = ()) -> Iterator[Item]:
        """The organization's, in the order of their sort keys: all, or those whose sort key begins so.

        `only` names the attributes to read, by default all.
        """
        begins = "" if prefix is None else f" and begins_with({keys.SK}, :prefix)"
        projection: dict[str, Any] = {"ProjectionExpression": ", ".join(only)} if only else {}
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._name,
            KeyConditionExpression=f"{keys.PK} = :lead{begins}",
            ExpressionAttributeValues={
                ":lead": {"S": lead.lead_id},
                **({} if prefix is None else {":prefix": {"S": prefix}}),
            },
            ConsistentRead=True,
            **projection,
        )
        for page in pages:
            yield from (item for item in map(plain_item, page["Items"]) if item[ORGANIZATION] == lead.organization_id)

    def _in_log(self, names: Collection[EventName], *only: str) -> dict[EventName, Item]:
        # Two organizations may claim one lead: then one key has several names.
        by_name = {name: keys.event_key(name.lead.lead_id, name.ref) for name in names}
        wanted = [attributes(key) for key in set(by_name.values())]
        found = {
            keys.Key(item[keys.PK], item[keys.SK]): item for item in self._batch_get(wanted, [keys.PK, keys.SK, *only])
        }
        return {
            name: found[key]
            for name, key in by_name.items()
            if key in found and _holds(found[key], name.lead.organization_id)
        }

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


def _holds(item: Item, organization_id: str) -> bool:
    return item[ORGANIZATION] == organization_id and ERASED_AT not in item


def _event_of(item: Item, keyring: Keyring) -> "Event":
    from lead_memory.adapters.event_items import event_of

    return event_of(item, keyring)
