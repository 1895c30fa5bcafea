"""Queues that a process sends to, over SQS's protocol of JSON."""

from collections.abc import Mapping, Sequence
from itertools import batched

import msgspec

from lead_memory.adapters.aws import Aws, AwsError
from lead_memory.domain.errors import Unavailable
from lead_memory.services.sweep import through

ENTRIES_A_CALL = 10
"""The most that SQS takes."""
REQUEST_SECONDS = 8
_HEADERS = {"Content-Type": "application/x-amz-json-1.0"}


class _Failed(msgspec.Struct, rename="pascal"):
    id: str


class _Answer(msgspec.Struct, rename="pascal"):
    failed: list[_Failed] = []


class SqsQueue:
    """Every method raises `Unavailable`."""

    def __init__(self, url: str, aws: Aws, name: str) -> None:
        """`name` is what errors call it."""
        self._url = url
        self._aws = aws
        self._name = name

    async def send(self, bodies: Sequence[str], delay_seconds: int = 0) -> int:
        """How many it took."""
        delay = {"DelaySeconds": delay_seconds} if delay_seconds else {}
        calls = batched(bodies, ENTRIES_A_CALL, strict=False)
        return sum(await through(self._sent(some, delay) for some in calls))

    async def send_with(self, body: str, texts: Mapping[str, str]) -> None:
        """One message, with texts beside it."""
        attributes = {name: {"DataType": "String", "StringValue": text} for name, text in texts.items()}
        await self._ask("SendMessage", {"MessageBody": body, "MessageAttributes": attributes})

    async def _sent(self, bodies: Sequence[str], delay: Mapping[str, int]) -> int:
        entries = [{"Id": str(n), "MessageBody": body, **delay} for n, body in enumerate(bodies)]
        answer = await self._ask("SendMessageBatch", {"Entries": entries})
        return len(bodies) - len(answer.failed)

    async def _ask(self, operation: str, asked: Mapping[str, object]) -> _Answer:
        headers = {**_HEADERS, "X-Amz-Target": f"AmazonSQS.{operation}"}
        body = msgspec.json.encode({"QueueUrl": self._url, **asked})
        try:
            return await self._aws.ask("sqs", body, _Answer, seconds=REQUEST_SECONDS, headers=headers)
        except AwsError as error:
            raise Unavailable(f"{self._name} did not answer: {error.code}") from None
