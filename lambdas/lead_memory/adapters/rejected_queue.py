"""The queue of what can never succeed: the original body, with the reason beside it."""

import asyncio
import base64
import gzip
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lead_memory.domain.errors import Rejected
from lead_memory.services.ingest import Message

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient

BODY_BYTES = 1_000_000
"""SQS takes 1 MiB with the attributes; what is longer is packed, and says so in `encoding`."""


class SqsRejectedQueue:
    """`lead_memory.services.ingest.RejectedQueue`."""

    def __init__(self, queue_url: str) -> None:
        self._queue_url = queue_url
        self._client: SQSClient | None = None

    async def send(self, rejected: Sequence[tuple[Message, Rejected]]) -> set[str]:
        sent = await asyncio.gather(
            *(asyncio.to_thread(self._send, message, rejection) for message, rejection in rejected),
            return_exceptions=True,
        )
        return {
            message.message_id
            for (message, _), result in zip(rejected, sent, strict=True)
            if isinstance(result, BaseException)
        }

    def _send(self, message: Message, rejection: Rejected) -> None:
        body, encoding = message.body, "text"
        if len(body.encode()) > BODY_BYTES:
            body, encoding = base64.b64encode(gzip.compress(body.encode())).decode(), "gzip+base64"
        attributes = {"reason": rejection.reason, "detail": rejection.detail[:1000], "encoding": encoding}
        self._sqs().send_message(
            QueueUrl=self._queue_url,
            MessageBody=body,
            MessageAttributes={name: {"DataType": "String", "StringValue": text} for name, text in attributes.items()},
        )

    def _sqs(self) -> "SQSClient":
        if self._client is None:
            # Rejections are rare and the SDK costs half a second, so nobody else waits for it.
            import boto3  # noqa: PLC0415

            self._client = boto3.client("sqs")
        return self._client
