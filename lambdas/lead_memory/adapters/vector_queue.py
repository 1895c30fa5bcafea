"""The queue of what may have to be embedded."""

from collections.abc import Sequence

import msgspec

from lead_memory.adapters.aws import Aws
from lead_memory.adapters.sqs import SqsQueue
from lead_memory.services.index_queue import Request


class VectorQueue:
    """`lead_memory.services.index_queue.Queue`."""

    def __init__(self, url: str, aws: Aws) -> None:
        self._queue = SqsQueue(url, aws, "the vectors' queue")

    async def send(self, requests: Sequence[Request], delay_seconds: int = 0) -> int:
        return await self._queue.send([msgspec.json.encode(each).decode() for each in requests], delay_seconds)
