"""The bus that events come in by."""

from collections.abc import Sequence
from itertools import batched

import msgspec

from lead_memory.adapters.aws import Aws, AwsError
from lead_memory.domain.errors import Unavailable
from lead_memory.services.bus import Entry
from lead_memory.services.sweep import through

ENTRIES_A_CALL = 10
"""The most that EventBridge takes."""
REQUEST_SECONDS = 8
PATIENCE_SECONDS = 20
"""Within which a page is taken or the bus is given up: two requests, the pause between them, and some."""
_HEADERS = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "AWSEvents.PutEvents"}


class _Answer(msgspec.Struct, rename="pascal"):
    failed_entry_count: int


class EventBus:
    """`lead_memory.services.bus.Bus`."""

    def __init__(self, name: str, aws: Aws) -> None:
        self._name = name
        self._aws = aws

    async def publish(self, entries: Sequence[Entry]) -> int:
        """In calls of `ENTRIES_A_CALL`, all at once; gives up within `PATIENCE_SECONDS`."""
        return sum(await through(map(self._taken, batched(entries, ENTRIES_A_CALL, strict=False))))

    async def _taken(self, entries: Sequence[Entry]) -> int:
        asked = {
            "Entries": [
                {
                    "EventBusName": self._name,
                    "Source": entry.source,
                    "DetailType": entry.detail_type,
                    "Detail": entry.detail,
                }
                for entry in entries
            ]
        }
        body = msgspec.json.encode(asked)
        try:
            answer = await self._aws.ask("events", body, _Answer, seconds=REQUEST_SECONDS, headers=_HEADERS)
        except AwsError as error:
            # Without the cause: nobody else catches this, so Lambda logs it.
            raise Unavailable(f"the bus did not answer: {error.code}") from None
        return len(entries) - answer.failed_entry_count
