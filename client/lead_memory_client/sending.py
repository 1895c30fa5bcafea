"""Requests on their way to a queue of the stage's."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from lead_memory_client.errors import AwsRefused, translated

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

SENT_AT_ONCE = 10
"""SQS's limit."""
ATTEMPTS = 4


def send(sqs: "SQSClient", queue_url: str, requests: Sequence[Any], *, to: str) -> None:
    """At most `SENT_AT_ONCE`; `to` is what people call whose queue it is. Raises `AwsRefused`."""
    left: list[SendMessageBatchRequestEntryTypeDef] = [
        {"Id": str(number), "MessageBody": msgspec.json.encode(request).decode()}
        for number, request in enumerate(requests)
    ]
    for _ in range(ATTEMPTS):
        with translated(f"send leads to the {to}'s queue"):
            answer = sqs.send_message_batch(QueueUrl=queue_url, Entries=left)
        failed = {entry["Id"] for entry in answer.get("Failed", [])}
        left = [entry for entry in left if entry["Id"] in failed]
        if not left:
            return
    raise AwsRefused(f"The {to}'s queue did not take {len(left)} leads: do the same again.")
