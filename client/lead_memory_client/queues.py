"""A stage's queues, looked at without taking anything from them."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import batched
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, get_args

import msgspec

from lead_memory.adapters.packed_bodies import unpacked
from lead_memory.domain.memories import Lead
from lead_memory_client.answers import QueueDepth, QueueReport, Rejection, Sample
from lead_memory_client.entries import EventName
from lead_memory_client.stage import Resources

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

MESSAGES_PER_CALL = 10
"""SQS's limit."""
LOOK_SECONDS = 10
"""For how long others do not see a message that is looked at, if the process dies meanwhile."""
SAMPLES = 5
CLOCK_DIFFERENCE = timedelta(seconds=5)
"""How far a queue's clock may be behind ours."""
MEASURED_WITHIN = timedelta(minutes=10)
"""CloudWatch measures a queue each minute, some minutes late, while it is in use."""


class GivenUp(NamedTuple):
    """Why a message waits that does not say it: SQS gave up on it."""

    reason: str
    detail: str


NOT_RECORDED = GivenUp("not_recorded", "no delivery ended with a result; the updater's log says why")
NOT_REBUILT = GivenUp("not_rebuilt", "no delivery rebuilt the lead; the rebuilder's log says why")
NOT_EXTRACTED = GivenUp("not_extracted", "no delivery ended with a result; the extractor's log says why")
NOT_EMBEDDED = GivenUp("not_embedded", "no delivery ended with a result; the embedder's log says why")
NOT_COUNTED = GivenUp("not_counted", "no delivery counted the uses; the embedder's log says why")


def _as_it_is(body: str) -> str:
    return body


def _from_the_first_attempt(body: str) -> str:
    """A job's message counts how often it was tried and put off, from zero."""
    try:
        job = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeError):
        return body
    return msgspec.json.encode({name: job[name] for name in job if name not in ("attempt", "waits")}).decode()


class WaitingQueue(NamedTuple):
    """A queue in which messages wait for a person."""

    url: str
    origin_url: str
    """Of the queue that they go back to."""
    given_up: GivenUp = NOT_RECORDED
    renewed: Callable[[str], str] = _as_it_is
    """A body as it goes back."""


type Trouble = Literal[
    "dead_letters",
    "rejected",
    "rebuild_dead_letters",
    "extraction_dead_letters",
    "vectors_dead_letters",
    "uses_dead_letters",
]
"""A waiting queue's name."""
TROUBLES: tuple[Trouble, ...] = get_args(Trouble.__value__)
OF_EVENTS: tuple[Trouble, ...] = ("dead_letters", "rejected")
"""From which events go to be recorded."""


def waiting_queue(of: Resources, name: Trouble) -> WaitingQueue:
    match name:
        case "dead_letters":
            return WaitingQueue(of.dead_letter_queue_url, of.ingest_queue_url)
        case "rejected":
            return WaitingQueue(of.rejected_queue_url, of.ingest_queue_url)
        case "rebuild_dead_letters":
            return WaitingQueue(of.rebuild_dead_letter_queue_url, of.rebuild_queue_url, NOT_REBUILT)
        case "extraction_dead_letters":
            return WaitingQueue(
                of.extraction_dead_letter_queue_url, of.extraction_queue_url, NOT_EXTRACTED, _from_the_first_attempt
            )
        case "vectors_dead_letters":
            return WaitingQueue(
                of.vectors_dead_letter_queue_url, of.vectors_queue_url, NOT_EMBEDDED, _from_the_first_attempt
            )
        case "uses_dead_letters":
            return WaitingQueue(of.uses_dead_letter_queue_url, of.uses_queue_url, NOT_COUNTED)


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A message of a queue in which messages wait for a person."""

    message_id: str
    receipt_handle: str
    reason: str
    detail: str
    sent_at: datetime
    """A dead letter keeps the time at which it came to the queue before."""
    body: str
    """As it was delivered."""


class _Metadata(msgspec.Struct):
    event_id: str
    organization_id: str
    lead_organization_id: str
    occurred_at: Annotated[datetime, msgspec.Meta(tz=True)]


class _Detail(msgspec.Struct):
    metadata: _Metadata


class _Body(msgspec.Struct):
    source: str
    detail: _Detail

    @property
    def name(self) -> EventName:
        metadata = self.detail.metadata
        return EventName(
            Lead(metadata.organization_id, metadata.lead_organization_id), f"{self.source}/{metadata.event_id}"
        )


class _ToRebuild(msgspec.Struct):
    lead_id: str


def read_body(letter: Letter | Rejection) -> _Body | None:
    """None where it does not say which event it is."""
    try:
        return msgspec.json.decode(letter.body, type=_Body)
    except (msgspec.DecodeError, UnicodeError):
        return None


def depth(sqs: "SQSClient", url: str) -> QueueDepth:
    answer = sqs.get_queue_attributes(
        QueueUrl=url,
        AttributeNames=[
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesDelayed",
            "ApproximateNumberOfMessagesNotVisible",
        ],
    )
    counts = answer["Attributes"]
    return QueueDepth(
        waiting=int(counts["ApproximateNumberOfMessages"]),
        in_flight=int(counts["ApproximateNumberOfMessagesNotVisible"]),
        delayed=int(counts["ApproximateNumberOfMessagesDelayed"]),
    )


@contextmanager
def held(
    sqs: "SQSClient", queue: WaitingQueue, limit: int, *, seconds: int, patient: bool = False
) -> Iterator[dict[str, Letter]]:
    """About `limit` messages by their id, which nobody else sees meanwhile, `seconds` at the longest.

    What is still in the dictionary at the end is seen by others again. `patient` asks every server of the queue, so
    that none is missed, and takes a second more. Never for a queue that gives up on what was received too often.
    """
    letters: dict[str, Letter] = {}
    try:
        while len(letters) < limit:
            answer = sqs.receive_message(
                QueueUrl=queue.url,
                MaxNumberOfMessages=MESSAGES_PER_CALL,
                VisibilityTimeout=seconds,
                WaitTimeSeconds=int(patient),
                MessageSystemAttributeNames=["SentTimestamp"],
                MessageAttributeNames=["All"],
            )
            known = len(letters)
            letters.update((each["MessageId"], _letter(each, queue.given_up)) for each in answer.get("Messages", []))
            if len(letters) == known:
                break
        yield letters
    finally:
        for some in batched(letters.values(), MESSAGES_PER_CALL, strict=False):
            sqs.change_message_visibility_batch(
                QueueUrl=queue.url,
                Entries=[
                    {"Id": str(number), "ReceiptHandle": letter.receipt_handle, "VisibilityTimeout": 0}
                    for number, letter in enumerate(some)
                ],
            )


def peek(sqs: "SQSClient", queue: WaitingQueue, limit: int) -> list[Rejection]:
    with held(sqs, queue, limit, seconds=LOOK_SECONDS) as letters:
        found = sorted(letters.values(), key=lambda letter: letter.sent_at)
    return [Rejection(letter.reason, letter.detail, letter.sent_at, letter.body) for letter in found]


def report_by_looking(sqs: "SQSClient", queue: WaitingQueue, limit: int) -> QueueReport:
    counts = depth(sqs, queue.url)
    with held(sqs, queue, limit, seconds=LOOK_SECONDS, patient=bool(counts.waiting)) as letters:
        found = sorted(letters.values(), key=lambda letter: letter.sent_at)
    return QueueReport(
        waiting=counts.waiting,
        in_flight=counts.in_flight,
        delayed=counts.delayed,
        oldest_seconds=(datetime.now(UTC) - found[0].sent_at).total_seconds() if found else None,
        looked_at=len(found),
        reasons=dict(Counter(letter.reason for letter in found).most_common()),
        samples=tuple(map(_sample, _one_of_each_reason_first(found)[:SAMPLES])),
    )


def report_by_metric(sqs: "SQSClient", cloudwatch: Any, url: str) -> QueueReport:
    """Without a look: each would count as a delivery, and the queue gives up on a message after some."""
    counts = depth(sqs, url)
    now = datetime.now(UTC)
    answer = cloudwatch.get_metric_statistics(
        Namespace="AWS/SQS",
        MetricName="ApproximateAgeOfOldestMessage",
        Dimensions=[{"Name": "QueueName", "Value": url.rsplit("/", 1)[-1]}],
        StartTime=now - MEASURED_WITHIN,
        EndTime=now,
        Period=60,
        Statistics=["Maximum"],
    )
    measured = sorted(answer["Datapoints"], key=lambda point: point["Timestamp"])
    return QueueReport(
        waiting=counts.waiting,
        in_flight=counts.in_flight,
        delayed=counts.delayed,
        oldest_seconds=measured[-1]["Maximum"] if measured else None,
        looked_at=0,
        reasons={},
        samples=(),
    )


def _letter(message: "MessageTypeDef", given_up: GivenUp) -> Letter:
    attributes = {
        name: value["StringValue"]
        for name, value in message.get("MessageAttributes", {}).items()
        if "StringValue" in value
    }
    reason, detail = _why(attributes, given_up)
    return Letter(
        message_id=message["MessageId"],
        receipt_handle=message["ReceiptHandle"],
        reason=reason,
        detail=detail,
        sent_at=datetime.fromtimestamp(int(message["Attributes"]["SentTimestamp"]) / 1000, UTC),
        body=unpacked(message["Body"], attributes.get("encoding")),
    )


def _why(attributes: Mapping[str, str], given_up: GivenUp) -> tuple[str, str]:
    """In turn: the function's own words, the bus's where it could not reach the queue, and none where SQS gave up."""
    if "reason" in attributes:
        return attributes["reason"], attributes.get("detail", "")
    if "ERROR_CODE" in attributes:
        return attributes["ERROR_CODE"], attributes.get("ERROR_MESSAGE", "the bus could not deliver it")
    return given_up


def _sample(letter: Letter) -> Sample:
    body = read_body(letter)
    return Sample(
        reason=letter.reason,
        detail=letter.detail,
        sent_at=letter.sent_at,
        event=body.name.ref if body else None,
        lead=body.name.lead.lead_id if body else _lead_to_rebuild(letter),
    )


def _lead_to_rebuild(letter: Letter) -> str | None:
    try:
        return msgspec.json.decode(letter.body, type=_ToRebuild).lead_id
    except (msgspec.DecodeError, UnicodeError):
        return None


def _one_of_each_reason_first(letters: Iterable[Letter]) -> list[Letter]:
    seen: Counter[str] = Counter()
    turns = []
    for letter in letters:
        turns.append((seen[letter.reason], letter))
        seen[letter.reason] += 1
    return [letter for _, letter in sorted(turns, key=lambda turn: turn[0])]
