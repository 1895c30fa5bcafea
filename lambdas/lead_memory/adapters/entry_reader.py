"""All of a lead's entries, with one Query.

The answer is decoded as it comes: DynamoDB's JSON as Python objects first would cost more than all else of a recall.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from lead_memory.adapters import keys
from lead_memory.adapters.aws import Aws, AwsError
from lead_memory.adapters.keyrings import Keyrings
from lead_memory.adapters.large_payloads import GONE, PayloadBucket
from lead_memory.adapters.memory_items import ORGANIZATION
from lead_memory.adapters.sealing import Keyring, Unreadable
from lead_memory.adapters.table import DynamoTable
from lead_memory.adapters.vector_items import Stored, indexed
from lead_memory.domain.errors import Unavailable
from lead_memory.domain.memories import Lead
from lead_memory.domain.recall.entry import Indexed
from lead_memory.services.recall import Entries

REQUEST_SECONDS = 4
_HEADERS = {
    "Content-Type": "application/x-amz-json-1.0",
    "X-Amz-Target": "DynamoDB_20120810.Query",
    # What is sealed does not get smaller, and to unpack it takes longer than to read it.
    "Accept-Encoding": "identity",
}


class _Text(msgspec.Struct, rename="upper", gc=False):
    s: str


class _Number(msgspec.Struct, rename="upper", gc=False):
    n: int


class _Binary(msgspec.Struct, rename="upper", gc=False):
    b: bytes


class _Item(msgspec.Struct, gc=False):
    """The attributes that are read."""

    sk: _Text
    storage_tier: _Text
    memory_version: _Number
    vector_id: _Text | None = None
    embedding_version: _Text | None = None
    usage_count: _Number | None = None
    last_accessed_at: _Text | None = None
    content: _Binary | None = None
    large_content: _Text | None = None

    def stored(self, lead_id: str, content: bytes) -> Stored:
        return Stored(
            keys.Key(lead_id, self.sk.s),
            content,
            self.storage_tier.s,
            self.memory_version.n,
            self.vector_id.s if self.vector_id else None,
            self.embedding_version.s if self.embedding_version else None,
            self.usage_count.n if self.usage_count else None,
            self.last_accessed_at.s if self.last_accessed_at else None,
        )


class _Page(msgspec.Struct):
    items: list[_Item] = msgspec.field(name="Items")
    last: Any = msgspec.field(name="LastEvaluatedKey", default=None)


_PAGE = msgspec.json.Decoder(_Page, strict=False)
"""Not strict, because DynamoDB writes numbers as texts."""


class EntryReader:
    """The organization's own alone; one that does not open is left out. Every method raises `Unavailable`, `Erased`."""

    def __init__(self, table: DynamoTable, keyrings: Keyrings, payloads: PayloadBucket, aws: Aws) -> None:
        self._table = table
        self._keyrings = keyrings
        self._payloads = payloads
        self._aws = aws

    async def entries(self, lead: Lead, *, include_cold: bool = False, consistent: bool = False) -> Entries:
        items = await self._items(lead, consistent=consistent)
        found = [item.stored(lead.lead_id, item.content.b) for item in items if item.content]
        cold = [item for item in items if item.large_content]
        if include_cold:
            places = [item.large_content.s for item in cold if item.large_content]
            contents = await self._payloads.get(places, if_gone=GONE)
            found += [item.stored(lead.lead_id, content) for item, content in zip(cold, contents, strict=True)]

        def opened(keyring: Keyring) -> list[Indexed]:
            return list(_opened(found, keyring))

        entries = await self._keyrings.opened(lead.organization_id, opened) or []
        return Entries(entries, 0 if include_cold else len(cold))

    async def _items(self, lead: Lead, *, consistent: bool) -> list[_Item]:
        values = {":lead": lead.lead_id, ":entries": keys.VECTOR_SK_PREFIX, ":organization": lead.organization_id}
        asked = {
            "TableName": self._table.name,
            "KeyConditionExpression": f"{keys.PK} = :lead AND begins_with({keys.SK}, :entries)",
            "FilterExpression": f"{ORGANIZATION} = :organization",
            "ProjectionExpression": ",".join(_Item.__struct_fields__),
            "ExpressionAttributeValues": {name: {"S": value} for name, value in values.items()},
            "ConsistentRead": consistent,
        }
        items: list[_Item] = []
        while True:
            page = await self._page(msgspec.json.encode(asked))
            items += page.items
            if page.last is None:
                return items
            asked["ExclusiveStartKey"] = page.last

    async def _page(self, asked: bytes) -> _Page:
        try:
            answer = await self._aws.ask("dynamodb", asked, msgspec.Raw, seconds=REQUEST_SECONDS, headers=_HEADERS)
        except AwsError as error:
            raise Unavailable(f"DynamoDB did not answer: {error.code}") from None
        return _PAGE.decode(answer)


def _opened(found: Iterable[Stored], keyring: Keyring) -> Iterator[Indexed]:
    for each in found:
        try:
            yield indexed(each, keyring)
        except Unreadable:
            continue
