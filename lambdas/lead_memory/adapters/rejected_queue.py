"""The queue of what can never succeed: the body, with the reason beside it."""

import asyncio
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lead_memory.adapters.packed_bodies import PACKED, packed
from lead_memory.adapters.sdk import ONE_RETRY, SdkClient, failures_named
from lead_memory.domain.errors import Rejected, Unavailable
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
        self._client: SdkClient[SQSClient] = SdkClient("sqs", connect_timeout=2, read_timeout=4, retries=ONE_RETRY)

    async def send(self, rejected: Sequence[tuple[Message, Rejected]], patience_seconds: float) -> set[str]:
        unsent = {message.message_id for message, _ in rejected}

        async def send(message: Message, rejection: Rejected) -> None:
            if await asyncio.to_thread(self._send, message, rejection):
                unsent.remove(message.message_id)

        try:
            async with asyncio.timeout(patience_seconds):
                await asyncio.gather(*(send(message, rejection) for message, rejection in rejected))
        except TimeoutError:
            logger.warning("%d rejected messages were not sent in time", len(unsent))
        return unsent

    def _send(self, message: Message, rejection: Rejected) -> bool:
        # Half of a surrogate pair cannot be sent. Its escape can, and means the same in JSON.
        body, encoding = message.body.encode(errors="backslashreplace").decode(), "text"
        if len(body.encode()) > BODY_BYTES:
            body, encoding = packed(body), PACKED
        attributes = {"reason": rejection.reason, "detail": rejection.detail[:1000], "encoding": encoding}
        try:
            with failures_named("a rejected message was not sent"):
                self._client().send_message(
                    QueueUrl=self._queue_url,
                    MessageBody=body,
                    MessageAttributes={
                        name: {"DataType": "String", "StringValue": text} for name, text in attributes.items()
                    },
                )
        except Unavailable as unsent:
            logger.warning("%s", unsent)
            return False
        return True
