"""The extractor's queue, and where requests wait for a person that failed every time."""

from collections.abc import Mapping, Sequence
from itertools import batched
from uuid import UUID

import msgspec

from lead_memory.adapters.aws import Aws, AwsError
from lead_memory.domain.errors import Unavailable
from lead_memory.services.extraction_queue import Request
from lead_memory.services.sweep import through

ENTRIES_A_CALL = 10
"""The most that SQS takes."""
REQUEST_SECONDS = 8
_HEADERS = {"Content-Type": "application/x-amz-json-1.0"}


class _Failed(msgspec.Struct, rename="pascal"):
    id: str


class _Answer(msgspec.Struct, rename="pascal"):
    failed: list[_Failed] = []


class SqsExtractionQueue:
    """`lead_memory.services.extraction_queue.ExtractionQueue`."""

    def __init__(self, queue_url: str, aws: Aws, dead_letter_queue_url: str = "") -> None:
        """The dead-letter queue is for those who give requests up."""
        self._queue_url = queue_url
        self._dead_letter_queue_url = dead_letter_queue_url
        self._aws = aws

    async def send(self, requests: Sequence[Request], delay_seconds: int = 0) -> int:
        delay = {"DelaySeconds": delay_seconds} if delay_seconds else {}
        calls = batched(requests, ENTRIES_A_CALL, strict=False)
        return sum(await through(self._sent(some, delay) for some in calls))

    async def _sent(self, requests: Sequence[Request], delay: Mapping[str, int]) -> int:
        entries = [{"Id": str(n), "MessageBody": _body(request), **delay} for n, request in enumerate(requests)]
        answer = await self._ask("SendMessageBatch", {"QueueUrl": self._queue_url, "Entries": entries})
        return len(requests) - len(answer.failed)

    async def give_up(self, request: Request, reason: str) -> None:
        given = {"reason": {"DataType": "String", "StringValue": reason}}
        asked = {"QueueUrl": self._dead_letter_queue_url, "MessageBody": _body(request), "MessageAttributes": given}
        await self._ask("SendMessage", asked)

    async def _ask(self, operation: str, asked: Mapping[str, object]) -> _Answer:
        headers = {**_HEADERS, "X-Amz-Target": f"AmazonSQS.{operation}"}
        try:
            return await self._aws.ask(
                "sqs", msgspec.json.encode(asked), _Answer, seconds=REQUEST_SECONDS, headers=headers
            )
        except AwsError as error:
            raise Unavailable(f"the extractor's queue did not answer: {error.code}") from None


def _body(request: Request) -> str:
    return msgspec.json.encode(request).decode()


class _Metadata(msgspec.Struct):
    organization_id: str
    lead_organization_id: str
    event_id: str


class _Detail(msgspec.Struct):
    metadata: _Metadata


class _OfBus(msgspec.Struct):
    source: str
    detail: _Detail


def request_of(body: str) -> Request:
    """Of what the bus's rule puts into the queue, or we did. Raises `msgspec.DecodeError` for anything else."""
    try:
        said = msgspec.json.decode(body, type=_OfBus)
    except msgspec.ValidationError:
        return msgspec.json.decode(body, type=Request)
    metadata = said.detail.metadata
    try:
        # The log has them in one spelling, whatever the integration wrote.
        organization_id, lead_id = UUID(metadata.organization_id), UUID(metadata.lead_organization_id)
    except ValueError:
        raise msgspec.ValidationError("an event names its organization and its lead by UUIDs") from None
    return Request(
        organization_id=str(organization_id),
        lead_id=str(lead_id),
        ref=f"{said.source}/{metadata.event_id}",
    )
