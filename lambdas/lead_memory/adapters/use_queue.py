"""The queue of what was recalled, and what comes out of both of the embedder's."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime

import msgspec

from lead_memory.adapters.aws import Aws
from lead_memory.adapters.keyrings import Keyrings
from lead_memory.adapters.named_events import named_event
from lead_memory.adapters.sqs import SqsQueue
from lead_memory.domain.errors import Unavailable
from lead_memory.domain.memories import Lead, MemoryKey, StorageTier
from lead_memory.services.index_queue import Request
from lead_memory.services.uses import Uses


class UseQueue:
    """`lead_memory.services.recall.UseCounter`."""

    def __init__(self, url: str, keyrings: Keyrings, aws: Aws) -> None:
        self._queue = SqsQueue(url, aws, "the uses' queue")
        self._keyrings = keyrings

    async def used(self, lead: Lead, memories: Mapping[MemoryKey, StorageTier], at: datetime) -> None:
        """By rows: where names are hashed, no name leaves the table."""
        keyring = await self._keyrings.of_or_new(lead.organization_id)
        rows = {keyring.memory_key(lead.lead_id, name).sk: tier for name, tier in memories.items()}
        uses = Uses(organization_id=lead.organization_id, lead_id=lead.lead_id, used_at=at, rows=rows)
        if not await self._queue.send([msgspec.json.encode(uses).decode()]):
            raise Unavailable("the uses' queue did not take a message")


def message_of(body: str) -> Request | Uses:
    """Of what the bus's rule puts into a queue, or we did. Raises `msgspec.DecodeError` for anything else."""
    with suppress(msgspec.ValidationError):
        return msgspec.json.decode(body, type=Uses)
    with suppress(msgspec.ValidationError):
        return msgspec.json.decode(body, type=Request)
    lead, ref = named_event(body)
    return Request(organization_id=lead.organization_id, lead_id=lead.lead_id, ref=ref)
