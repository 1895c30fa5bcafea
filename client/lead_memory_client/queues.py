"""A stage's queues, looked at without taking anything from them."""

import base64
import gzip
from datetime import UTC, datetime
from itertools import batched
from typing import TYPE_CHECKING

from lead_memory_client.answers import QueueDepth, Rejection

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

HIDDEN_SECONDS = 10


def depth(sqs: "SQSClient", url: str) -> QueueDepth:
    answer = sqs.get_queue_attributes(
        QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    )
    counts = answer["Attributes"]
    return QueueDepth(
        waiting=int(counts["ApproximateNumberOfMessages"]),
        in_flight=int(counts["ApproximateNumberOfMessagesNotVisible"]),
    )


def peek(sqs: "SQSClient", url: str, limit: int) -> list[Rejection]:
    """Nobody else sees the messages meanwhile, `HIDDEN_SECONDS` at the longest."""
    messages: list[MessageTypeDef] = []
    try:
        while len(messages) < limit:
            answer = sqs.receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=10,
                VisibilityTimeout=HIDDEN_SECONDS,
                MessageSystemAttributeNames=["SentTimestamp"],
                MessageAttributeNames=["All"],
            )
            received = answer.get("Messages", [])
            if not received:
                break
            messages += received
    finally:
        for some in batched(messages, 10, strict=False):
            sqs.change_message_visibility_batch(
                QueueUrl=url,
                Entries=[
                    {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": 0}
                    for number, message in enumerate(some)
                ],
            )
    return sorted(map(_rejection, messages), key=lambda rejection: rejection.rejected_at)


def _rejection(message: "MessageTypeDef") -> Rejection:
    attributes = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    body = message["Body"]
    if attributes["encoding"] == "gzip+base64":
        body = gzip.decompress(base64.b64decode(body)).decode()
    return Rejection(
        reason=attributes["reason"],
        detail=attributes["detail"],
        rejected_at=datetime.fromtimestamp(int(message["Attributes"]["SentTimestamp"]) / 1000, UTC),
        body=body,
    )
