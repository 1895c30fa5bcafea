"""The contents of events that their items cannot hold, as objects in S3 (decision 0007)."""

import asyncio
import hashlib
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING

from lead_memory.domain.errors import Unavailable

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

LARGE_CONTENT = "large_content"
"""In an event's item, the key of the object with the whole content; `content` then lacks the raw payload, or is absent.
"""
PREFIX = "events/"
OBJECTS_AT_ONCE = 8


def object_key(lead_id: str, ref: str, content: bytes) -> str:
    """The same event with the same content has the same key, so that a retry writes the same object."""
    return f"{PREFIX}{lead_id}/{hashlib.sha256(ref.encode() + b'\0' + content).hexdigest()}"


class PayloadBucket:
    """Every method raises `Unavailable`. The SDK, half a second, is loaded with the first large payload."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._at_once = asyncio.Semaphore(OBJECTS_AT_ONCE)
        self._opening = threading.Lock()
        self._opened: S3Client | None = None

    async def put(self, key: str, content: bytes) -> None:
        async with self._at_once:
            await asyncio.to_thread(self._put, key, content)

    async def get(self, object_keys: Iterable[str]) -> list[bytes]:
        return await asyncio.gather(*map(self._get_one, object_keys))

    async def _get_one(self, key: str) -> bytes:
        async with self._at_once:
            return await asyncio.to_thread(self._get, key)

    def _put(self, key: str, content: bytes) -> None:
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

        try:
            self._client().put_object(Bucket=self._name, Key=key, Body=content)
        except (BotoCoreError, ClientError) as error:
            raise Unavailable(f"S3 did not take a payload: {type(error).__name__}") from error

    def _get(self, key: str) -> bytes:
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

        try:
            return self._client().get_object(Bucket=self._name, Key=key)["Body"].read()
        except (BotoCoreError, ClientError) as error:
            raise Unavailable(f"S3 did not give a payload: {type(error).__name__}") from error

    def _client(self) -> "S3Client":
        with self._opening:
            if self._opened is None:
                import boto3  # noqa: PLC0415
                from botocore.config import Config  # noqa: PLC0415

                patience = Config(
                    connect_timeout=2,
                    read_timeout=4,
                    retries={"mode": "standard", "total_max_attempts": 2},
                    max_pool_connections=OBJECTS_AT_ONCE,
                )
                self._opened = boto3.client("s3", config=patience)
            return self._opened
