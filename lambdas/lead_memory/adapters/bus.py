"""The bus that events come in by."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from lead_memory.domain.errors import Unavailable
from lead_memory.services.sweep import Entry

if TYPE_CHECKING:
    from mypy_boto3_events.client import EventBridgeClient

ENTRIES_A_CALL = 10
CONNECT_SECONDS = 2
READ_SECONDS = 8
ATTEMPTS = 2


class EventBus:
    """`lead_memory.services.sweep.Bus`."""

    def __init__(self, name: str, client: "EventBridgeClient") -> None:
        self._name = name
        self._client = client

    @classmethod
    def open(cls, name: str) -> Self:
        """No connection is made before the first call, which answers or fails in 20 seconds."""
        retries = Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        )
        return cls(name, boto3.client("events", config=retries))

    async def publish(self, entries: Sequence[Entry]) -> None:
        for start in range(0, len(entries), ENTRIES_A_CALL):
            await asyncio.to_thread(self._put, entries[start : start + ENTRIES_A_CALL])

    def _put(self, entries: Sequence[Entry]) -> None:
        try:
            answer = self._client.put_events(
                Entries=[
                    {
                        "EventBusName": self._name,
                        "Source": entry.source,
                        "DetailType": entry.detail_type,
                        "Detail": entry.detail,
                    }
                    for entry in entries
                ]
            )
        except (BotoCoreError, ClientError) as error:
            # Without the cause, whose message quotes the bus's: nobody else catches this, so Lambda logs it.
            raise Unavailable(f"the bus did not answer: {type(error).__name__}") from None
        if answer["FailedEntryCount"]:
            raise Unavailable(f"the bus refused {answer['FailedEntryCount']} of {len(entries)} entries")
