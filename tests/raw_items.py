"""A table and a bucket as whoever may read them sees them, without keys."""

from collections.abc import Iterator, Mapping
from typing import Any

import boto3

from lead_memory_client.items import plain_item

LONG_ENOUGH = 5
"""Characters of a text that is not found by chance."""


def raw_items(table: str) -> list[dict[str, Any]]:
    pages = boto3.client("dynamodb").get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    return [plain_item(item) for page in pages for item in page["Items"]]


def raw_objects(bucket: str) -> dict[str, bytes]:
    s3 = boto3.client("s3")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    found = [each["Key"] for page in pages for each in page.get("Contents", ())]
    return {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in found}


def sealed(item: Mapping[str, Any]) -> dict[str, bytes]:
    """Binary attributes by name; an organization's keys are in a list."""
    return {name: value for name, value in item.items() if isinstance(value, bytes)}


def texts(document: Any) -> Iterator[str]:
    """Every text in a JSON document that is long enough to be looked for, names of fields included."""
    match document:
        case str():
            if len(document) >= LONG_ENOUGH:
                yield document
        case list():
            for each in document:
                yield from texts(each)
        case dict():
            for name, value in document.items():
                yield from texts(name)
                yield from texts(value)


def attributes_with(words: set[str], items: list[dict[str, Any]]) -> set[str]:
    """Names of the attributes in which one of the words stands in clear."""
    values: dict[str, set[bytes]] = {}
    for item in items:
        for name, value in item.items():
            values.setdefault(name, set()).update(_bytes(value))
    joined = {name: b"\n".join(each) for name, each in values.items()}
    return {name for name, text in joined.items() if any(word.encode() in text for word in words)}


def _bytes(value: Any) -> Iterator[bytes]:
    match value:
        case bytes():
            yield value
        case list():
            for each in value:
                yield from _bytes(each)
        case _:
            yield str(value).encode()
