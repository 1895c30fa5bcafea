"""The contents of events that their items cannot hold, as objects in S3 (decision 0007)."""

import asyncio
import hashlib
from collections.abc import Callable, Iterable, Sequence
from itertools import batched
from typing import TYPE_CHECKING, Any

from lead_memory.adapters.memory_items import CONTENT
from lead_memory.adapters.sdk import ONE_RETRY, SdkClient, failures_named
from lead_memory.domain.errors import Unavailable

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

LARGE_CONTENT = "large_content"
"""In an event's item, the key of the object with the whole content; `content` then lacks the raw payload, or is absent.
"""
PREFIX = "events/"
OBJECTS_AT_ONCE = 8
DELETED_AT_ONCE = 1_000
"""S3's limit."""
GONE = b""
"""In the place of an object that is not there: it opens as little as what was damaged, and is made again as that is."""
_OTHER_MEANWHILE = frozenset({"NoSuchKey", "PreconditionFailed", "ConditionalRequestConflict"})


def object_key(lead_id: str, ref: str, fingerprint: str) -> str:
    """The same event with the same content has the same key, so that a retry writes the same object."""
    return f"{objects_of(lead_id, ref)}{fingerprint}"


def objects_of(lead_id: str, ref: str | None = None) -> str:
    """What the keys of a lead's objects begin with, or of one event's, so that they are found to be erased."""
    return f"{PREFIX}{lead_id}/{hashlib.sha256(ref.encode()).hexdigest()}/" if ref else f"{PREFIX}{lead_id}/"


class PayloadBucket:
    """Every method raises `Unavailable`."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._at_once = asyncio.Semaphore(OBJECTS_AT_ONCE)
        self._client: SdkClient[S3Client] = SdkClient(
            "s3", connect_timeout=2, read_timeout=4, retries=ONE_RETRY, max_pool_connections=OBJECTS_AT_ONCE
        )

    async def put(self, key: str, content: bytes) -> None:
        async with self._at_once:
            await asyncio.to_thread(self._put, key, content)

    async def get(self, object_keys: Iterable[str], *, if_gone: bytes | None = None) -> list[bytes]:
        """With `if_gone` in the place of an object that is not there; without, that is `Unavailable`."""
        return await asyncio.gather(*(self._get_one(key, if_gone) for key in object_keys))

    async def bring_contents(self, items: Iterable[dict[str, Any]]) -> None:
        """Into the items that only point to theirs; where it is gone, what does not open."""
        without = [item for item in items if CONTENT not in item]
        contents = await self.get((item[LARGE_CONTENT] for item in without), if_gone=GONE)
        for item, content in zip(without, contents, strict=True):
            item[CONTENT] = content

    async def replace(self, key: str, changed: Callable[[bytes], bytes | None]) -> bool:
        """Whether the object is now what `changed` made of it; None lets it be.

        An object that was put anew or deleted meanwhile stays so.
        """
        async with self._at_once:
            return await asyncio.to_thread(self._replace, key, changed)

    async def find(self, prefix: str) -> list[str]:
        """The keys of all objects that begin so."""
        async with self._at_once:
            return await asyncio.to_thread(self._find, prefix)

    async def delete(self, object_keys: Sequence[str]) -> None:
        async with self._at_once:
            await asyncio.to_thread(self._delete, object_keys)

    async def _get_one(self, key: str, if_gone: bytes | None) -> bytes:
        async with self._at_once:
            return await asyncio.to_thread(self._get, key, if_gone)

    def _put(self, key: str, content: bytes) -> None:
        with failures_named("S3 did not take a payload"):
            self._client().put_object(Bucket=self._name, Key=key, Body=content)

    def _get(self, key: str, if_gone: bytes | None) -> bytes:
        from botocore.exceptions import ClientError  # noqa: PLC0415

        with failures_named("S3 did not give a payload"):
            try:
                return self._client().get_object(Bucket=self._name, Key=key)["Body"].read()
            except ClientError as error:
                if if_gone is None or error.response["Error"]["Code"] != "NoSuchKey":
                    raise
                return if_gone

    def _replace(self, key: str, changed: Callable[[bytes], bytes | None]) -> bool:
        from botocore.exceptions import ClientError  # noqa: PLC0415

        with failures_named("S3 did not replace a payload"):
            try:
                found = self._client().get_object(Bucket=self._name, Key=key)
                new = changed(found["Body"].read())
                if new is not None:
                    self._client().put_object(Bucket=self._name, Key=key, Body=new, IfMatch=found["ETag"])
            except ClientError as error:
                if error.response["Error"]["Code"] in _OTHER_MEANWHILE:
                    return False
                raise
        return new is not None

    def _find(self, prefix: str) -> list[str]:
        with failures_named("S3 did not list payloads"):
            pages = self._client().get_paginator("list_objects_v2").paginate(Bucket=self._name, Prefix=prefix)
            return [found["Key"] for page in pages for found in page.get("Contents", [])]

    def _delete(self, object_keys: Sequence[str]) -> None:
        with failures_named("S3 did not delete payloads"):
            for some in batched(object_keys, DELETED_AT_ONCE, strict=False):
                answer = self._client().delete_objects(
                    Bucket=self._name, Delete={"Objects": [{"Key": key} for key in some], "Quiet": True}
                )
                if answer.get("Errors"):
                    raise Unavailable(f"S3 did not delete {len(answer['Errors'])} payloads")
