"""The extractor's queue, and where requests wait for a person that failed every time."""

from collections.abc import Sequence

import msgspec

from lead_memory.adapters.aws import Aws
from lead_memory.adapters.named_events import named_event
from lead_memory.adapters.sqs import SqsQueue
from lead_memory.services.extraction_queue import Request


class SqsExtractionQueue:
    """`lead_memory.services.extraction_queue.ExtractionQueue`."""

    def __init__(self, queue_url: str, aws: Aws, dead_letter_queue_url: str = "") -> None:
        """The dead-letter queue is for those who give requests up."""
        self._queue = SqsQueue(queue_url, aws, "the extractor's queue")
        self._dead_letters = SqsQueue(dead_letter_queue_url, aws, "the extractor's dead-letter queue")

    async def send(self, requests: Sequence[Request], delay_seconds: int = 0) -> int:
        return await self._queue.send(list(map(_body, requests)), delay_seconds)

    async def give_up(self, request: Request, reason: str) -> None:
        await self._dead_letters.send_with(_body(request), {"reason": reason})


def _body(request: Request) -> str:
    return msgspec.json.encode(request).decode()


def request_of(body: str) -> Request:
    """Of what the bus's rule puts into the queue, or we did. Raises `msgspec.DecodeError` for anything else."""
    try:
        lead, ref = named_event(body)
    except msgspec.ValidationError:
        return msgspec.json.decode(body, type=Request)
    return Request(organization_id=lead.organization_id, lead_id=lead.lead_id, ref=ref)
