"""What waits in queues for a person: the messages about what is erased are deleted there, and no others."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import batched
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from lead_memory.adapters.packed_bodies import unpacked
from lead_memory.adapters.sdk import SdkClient, failures_named
from lead_memory.domain.errors import Unavailable
from lead_memory.services.erase import Subject

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

MESSAGES_PER_CALL = 10
"""SQS's limit."""
HELD_AT_ONCE = 100_000
"""SQS hides 120,000 messages of a queue at once."""
HELD_SECONDS = 600
"""For how long others do not see what was looked at, if the process dies meanwhile."""
WAITING_MESSAGES = "waiting_messages"


class WaitingMessages:
    """`lead_memory.services.erase.Place`: queues of which none gives up on what is received too often.

    Raises `Unavailable`, also where somebody else holds messages, which cannot be looked at meanwhile.
    """

    def __init__(self, queue_urls: Sequence[str]) -> None:
        self._queue_urls = queue_urls
        self._client: SdkClient[SQSClient] = SdkClient(
            "sqs", connect_timeout=2, read_timeout=10, retries={"mode": "standard"}
        )

    async def clear(self, subject: Subject, *, remove: bool) -> Counter[str]:
        found = await asyncio.gather(
            *(asyncio.to_thread(self._clear, url, subject, remove=remove) for url in self._queue_urls)
        )
        return +Counter({WAITING_MESSAGES: sum(found)})

    def _clear(self, url: str, subject: Subject, *, remove: bool) -> int:
        with failures_named("SQS did not answer"):
            about: dict[str, str] = {}
            others: dict[str, str] = {}
            held_elsewhere = self._held(url) if remove else 0
            try:
                for message in self._received(url):
                    of = about if names(_body(message), subject) else others
                    of[message["MessageId"]] = message["ReceiptHandle"]
                if remove:
                    self._delete(url, about)
            finally:
                self._give_back(url, others if remove else about | others)
            if held_elsewhere:
                raise Unavailable(f"somebody else holds {held_elsewhere} messages of a queue, which were not looked at")
            return len(about)

    def _held(self, url: str) -> int:
        answer = self._client().get_queue_attributes(
            QueueUrl=url, AttributeNames=["ApproximateNumberOfMessagesNotVisible"]
        )
        return int(answer["Attributes"]["ApproximateNumberOfMessagesNotVisible"])

    def _received(self, url: str) -> Iterator["MessageTypeDef"]:
        """Every message once. The wait makes SQS ask all of its servers, so that none is missed."""
        seen: set[str] = set()
        seen_again_at = time.monotonic() + HELD_SECONDS
        while len(seen) < HELD_AT_ONCE:
            if time.monotonic() >= seen_again_at:
                raise Unavailable("more messages wait in one queue than can be looked at before the first come again")
            answer = self._client().receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=MESSAGES_PER_CALL,
                VisibilityTimeout=HELD_SECONDS,
                WaitTimeSeconds=1,
                MessageAttributeNames=["encoding"],
            )
            messages = answer.get("Messages", [])
            if not messages:
                return
            seen.update(message["MessageId"] for message in messages)
            yield from messages
        raise Unavailable(f"more than {HELD_AT_ONCE:,} messages wait in one queue, which is more than can be looked at")

    def _delete(self, url: str, handles: dict[str, str]) -> None:
        for entries in _entries(handles):
            answer = self._client().delete_message_batch(
                QueueUrl=url, Entries=[{"Id": id_, "ReceiptHandle": handle} for id_, handle in entries]
            )
            if answer.get("Failed"):
                raise Unavailable(f"SQS did not delete {len(answer['Failed'])} messages")

    def _give_back(self, url: str, handles: dict[str, str]) -> None:
        for entries in _entries(handles):
            self._client().change_message_visibility_batch(
                QueueUrl=url,
                Entries=[{"Id": id_, "ReceiptHandle": handle, "VisibilityTimeout": 0} for id_, handle in entries],
            )


class _Metadata(msgspec.Struct):
    organization_id: UUID
    lead_organization_id: UUID
    event_id: str


class _Detail(msgspec.Struct):
    metadata: _Metadata


class _Body(msgspec.Struct):
    source: str
    detail: _Detail


def names(body: str, subject: Subject) -> bool:
    """By the envelope; a body that has none names what its text contains the id of."""
    try:
        envelope = msgspec.json.decode(body.encode(errors="backslashreplace"), type=_Body)
    except (msgspec.DecodeError, RecursionError):
        return _contains(body, subject)
    metadata = envelope.detail.metadata
    return (
        str(metadata.organization_id) == subject.organization_id
        and subject.lead_id in (None, str(metadata.lead_organization_id))
        and (not subject.refs or f"{envelope.source}/{metadata.event_id}" in subject.refs)
    )


def _contains(body: str, subject: Subject) -> bool:
    """An event's id alone, which may be as short as `1`, says nothing without its lead's."""
    text = body.lower()
    id_ = subject.lead_id or subject.organization_id
    return (id_ in text or UUID(id_).hex in text) and (
        not subject.refs or any(_has_word(body, ref.partition("/")[2]) for ref in subject.refs)
    )


def _has_word(text: str, word: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) is not None


def _body(message: "MessageTypeDef") -> str:
    encoding = message.get("MessageAttributes", {}).get("encoding")
    return unpacked(message["Body"], encoding.get("StringValue") if encoding else None)


def _entries(handles: dict[str, str]) -> Iterator[list[tuple[str, str]]]:
    for some in batched(handles.values(), MESSAGES_PER_CALL, strict=False):
        yield [(str(number), handle) for number, handle in enumerate(some)]
