"""The queue of what can never succeed: the original body, with the reason beside it."""

import asyncio
import base64
import gzip
import logging
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from lead_memory.domain.errors import Rejected
from lead_memory.services.ingest import Message

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient

logger = logging.getLogger(__name__)

BODY_BYTES = 1_000_000
"""SQS takes 1 MiB with the attributes; what is longer is packed, and says so in `encoding`."""


class SqsRejectedQueue:
    """`lead_memory.services.ingest.RejectedQueue`."""

    def __init__(self, queue_url: str) -> None:
        self._queue_url = queue_url

    async def send(self, rejected: Sequence[tuple[Message, Rejected]]) -> set[str]:
        return await asyncio.to_thread(self._send_all, rejected)

    def _send_all(self, rejected: Sequence[tuple[Message, Rejected]]) -> set[str]:
        """The ids of those that could not be sent."""
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

        unsent = set()
        for message, rejection in rejected:
            try:
                self._send(message, rejection)
            except (BotoCoreError, ClientError) as error:
                logger.warning("a rejected message was not sent: %s", type(error).__name__)
                unsent.add(message.message_id)
        return unsent

    def _send(self, message: Message, rejection: Rejected) -> None:
        body, encoding = message.body, "text"
        if len(body.encode()) > BODY_BYTES:
            body, encoding = base64.b64encode(gzip.compress(body.encode())).decode(), "gzip+base64"
        attributes = {"reason": rejection.reason, "detail": rejection.detail[:1000], "encoding": encoding}
        self._sqs.send_message(
            QueueUrl=self._queue_url,
            MessageBody=body,
            MessageAttributes={name: {"DataType": "String", "StringValue": text} for name, text in attributes.items()},
        )

    @cached_property
    def _sqs(self) -> "SQSClient":
        # Rejections are rare and the SDK costs half a second, so nobody else waits for it.
        import boto3  # noqa: PLC0415
        from botocore.config import Config  # noqa: PLC0415

        patience = Config(connect_timeout=2, read_timeout=4, retries={"mode": "standard", "total_max_attempts": 2})
        return boto3.client("sqs", config=patience)
