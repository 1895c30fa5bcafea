"""One more process of the updater: what the Lambda service does with a queue, on the function's own handler.

Run as `python -m tests.prove.updater QUEUE_URL`, with the function's environment.
"""

import sys

import boto3

from memory_updater.handler import handler

BATCH_SIZE = 10
WAIT_SECONDS = 1
TIMEOUT_MILLISECONDS = 30_000


class _Context:
    def get_remaining_time_in_millis(self) -> int:
        return TIMEOUT_MILLISECONDS


def main(queue_url: str) -> None:
    sqs = boto3.client("sqs")
    while True:
        answer = sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=BATCH_SIZE, WaitTimeSeconds=WAIT_SECONDS)
        messages = answer.get("Messages", [])
        if not messages:
            continue
        records = [{"messageId": message["MessageId"], "body": message["Body"]} for message in messages]
        failures = handler({"Records": records}, _Context())["batchItemFailures"]
        given_back = {failure["itemIdentifier"] for failure in failures}
        done = [message for message in messages if message["MessageId"] not in given_back]
        if done:
            sqs.delete_message_batch(
                QueueUrl=queue_url,
                Entries=[{"Id": each["MessageId"], "ReceiptHandle": each["ReceiptHandle"]} for each in done],
            )


if __name__ == "__main__":
    main(sys.argv[1])
