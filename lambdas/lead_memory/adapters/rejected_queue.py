"""The queue of what can never succeed: the body, with the reason beside it."""

import asyncio
import logging
from collections.abc import Sequence

import msgspec

from lead_memory.adapters.aws import Aws, AwsError
from lead_memory.adapters.packed_bodies import PACKED, packed
from lead_memory.domain.errors import Rejected
from lead_memory.services.ingest import Message

logger = logging.getLogger(__name__)

BODY_BYTES = 1_000_000
"""SQS takes 1 MiB with the attributes; what is longer is packed, and says so in `encoding`."""
SENT_AT_ONCE = 8
"""Each is in memory a second time, as its request."""
REQUEST_SECONDS = 2.5
"""Two of them fit into what a batch keeps for this."""
_HEADERS = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "AmazonSQS.SendMessage"}


class _Sent(msgspec.Struct, rename="pascal"):
    message_id: str


class SqsRejectedQueue:
    """`lead_memory.services.ingest.RejectedQueue`."""

    def __init__(self, queue_url: str, aws: Aws) -> None:
        self._queue_url = queue_url
        self._aws = aws
        self._at_once = asyncio.Semaphore(SENT_AT_ONCE)

    async def send(self, rejected: Sequence[tuple[Message, Rejected]], patience_seconds: float) -> set[str]:
        unsent = {message.message_id for message, _ in rejected}

        async def send(message: Message, rejection: Rejected) -> None:
            async with self._at_once:
                if await self._sent(message, rejection):
                    unsent.discard(message.message_id)

        try:
            async with asyncio.timeout(patience_seconds):
                await asyncio.gather(*(send(message, rejection) for message, rejection in rejected))
        except TimeoutError:
            logger.warning("%d rejected messages were not sent in time", len(unsent))
        return unsent

    async def _sent(self, message: Message, rejection: Rejected) -> bool:
        request = msgspec.json.encode(_asked(self._queue_url, message, rejection))
        try:
            await self._aws.ask("sqs", request, _Sent, seconds=REQUEST_SECONDS, headers=_HEADERS)
        except AwsError as error:
            logger.warning("a rejected message was not sent: %s", error.code)
            return False
        return True


def _asked(queue_url: str, message: Message, rejection: Rejected) -> dict[str, object]:
    # Half of a surrogate pair cannot be sent. Its escape can, and means the same in JSON.
    body, encoding = message.body.encode(errors="backslashreplace").decode(), "text"
    if len(body.encode()) > BODY_BYTES:
        body, encoding = packed(body), PACKED
    attributes = {"reason": rejection.reason, "detail": rejection.detail[:1000], "encoding": encoding}
    return {
        "QueueUrl": queue_url,
        "MessageBody": body,
        "MessageAttributes": {name: {"DataType": "String", "StringValue": text} for name, text in attributes.items()},
    }
