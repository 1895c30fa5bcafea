"""Rebuild memories from the log: one lead by a call, many through the rebuilder's queue."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from itertools import batched
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import uuid4

import msgspec

from lead_memory.adapters import keys
from lead_memory.adapters.rebuild_runs import LEADS, MEMORIES
from lead_memory.domain.memories import Lead
from lead_memory.services.rebuild import Report
from lead_memory_client import queues
from lead_memory_client.errors import AwsRefused, translated
from lead_memory_client.functions import invoke
from lead_memory_client.stage import Stage

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

CHECKED_AT_ONCE = 8
PARTITIONS_AT_ONCE = 16
SENT_AT_ONCE = 10
"""SQS's limit."""
SEND_ATTEMPTS = 4


class NotChecked(msgspec.Struct, frozen=True):
    lead_id: str
    reason: str


class Run(NamedTuple):
    """Many leads that were sent to the rebuilder's queue."""

    run_id: str
    leads: int
    dead_letters_before: int


class Progress(msgspec.Struct, frozen=True):
    leads: int
    """Done."""
    memories: int
    """Rewritten."""
    failed: int
    """Leads in the dead-letter queue that were not there when the run began."""
    queued: int
    """Leads that wait or are worked on; SQS's estimate."""


class Rebuilds:
    """Every method raises `AwsRefused` where AWS does not answer."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._resources = stage.resources

    def lead(self, lead: Lead, *, derivation: str | None, check: bool) -> Report:
        """Waits until the lead is rebuilt; with `check`, changes nothing. Raises `AwsRefused` with the reason."""
        request = {**lead._asdict(), "derivation": derivation, "check": check}
        called = invoke(self._lambda, self._resources.rebuilder_function, request, called="rebuilder")
        answer = msgspec.json.decode(called)
        if reason := answer.get("error"):
            raise AwsRefused(
                f"The lead {lead.lead_id} could not be looked at: {reason}; the rebuilder's log may say more."
            )
        return msgspec.convert(answer["report"], Report)

    def check(self, leads: Iterable[Lead], *, derivation: str | None) -> Iterator[Report | NotChecked]:
        """Some leads at a time, in their order; nothing is changed."""

        def check(lead: Lead) -> Report | NotChecked:
            try:
                return self.lead(lead, derivation=derivation, check=True)
            except AwsRefused as refusal:
                return NotChecked(lead.lead_id, str(refusal))

        with ThreadPoolExecutor(CHECKED_AT_ONCE) as pool:
            for some in batched(leads, CHECKED_AT_ONCE * 8, strict=False):
                yield from pool.map(check, some)

    def organizations(self) -> list[str]:
        return [item[keys.GSI1_SK] for item in self._registered(keys.ORGANIZATIONS)]

    def leads(self, organization_ids: Iterable[str]) -> Iterator[Lead]:
        """From the registry, partition by partition: nothing is scanned."""
        for organization_id in organization_ids:
            for partition in keys.registries(organization_id):
                yield from self._leads_of(organization_id, partition)

    def start(
        self, organization_ids: Sequence[str], *, derivation: str | None, sent: Callable[[int], None] = lambda _: None
    ) -> Run:
        """Sends every lead of the organizations to the queue, many partitions of the registry at once.

        `sent` hears how many more leads are in the queue. A run that ends early may be started again: a lead that is
        rebuilt twice is written once.
        """
        run_id = str(uuid4())
        dead = self._depth(self._resources.rebuild_dead_letter_queue_url)

        def send(partition: tuple[str, str]) -> int:
            count = 0
            for some in batched(self._leads_of(*partition), SENT_AT_ONCE, strict=False):
                self._send([{**lead._asdict(), "derivation": derivation, "run_id": run_id} for lead in some])
                sent(len(some))
                count += len(some)
            return count

        partitions = [(each, partition) for each in organization_ids for partition in keys.registries(each)]
        with ThreadPoolExecutor(PARTITIONS_AT_ONCE) as pool:
            return Run(run_id, sum(pool.map(send, partitions)), dead)

    def progress(self, run: Run) -> Progress:
        with translated("read the rebuild's progress"):
            answer = self._dynamodb.get_item(
                TableName=self._resources.table_name,
                Key={name: {"S": text} for name, text in keys.rebuild_key(run.run_id)._asdict().items()},
                ConsistentRead=True,
            )
        numbers = {name: int(answer.get("Item", {}).get(name, {"N": "0"})["N"]) for name in (LEADS, MEMORIES)}
        dead = self._depth(self._resources.rebuild_dead_letter_queue_url)
        return Progress(
            leads=numbers[LEADS],
            memories=numbers[MEMORIES],
            failed=max(0, dead - run.dead_letters_before),
            queued=self._depth(self._resources.rebuild_queue_url),
        )

    def _leads_of(self, organization_id: str, partition: str) -> Iterator[Lead]:
        for item in self._registered(partition):
            yield Lead(organization_id, item[keys.GSI1_SK])

    def _registered(self, partition: str) -> Iterator[dict[str, str]]:
        with translated("read the registry"):
            pages = self._dynamodb.get_paginator("query").paginate(
                TableName=self._resources.table_name,
                IndexName=keys.GSI1,
                KeyConditionExpression=f"{keys.GSI1_PK} = :partition",
                ExpressionAttributeValues={":partition": {"S": partition}},
                ProjectionExpression=keys.GSI1_SK,
            )
            for page in pages:
                for item in page["Items"]:
                    yield {name: value["S"] for name, value in item.items()}

    def _send(self, requests: Sequence[dict[str, Any]]) -> None:
        left: list[SendMessageBatchRequestEntryTypeDef] = [
            {"Id": str(number), "MessageBody": json.dumps(request)} for number, request in enumerate(requests)
        ]
        for _ in range(SEND_ATTEMPTS):
            with translated("send leads to the rebuilder's queue"):
                answer = self._sqs.send_message_batch(QueueUrl=self._resources.rebuild_queue_url, Entries=left)
            failed = {entry["Id"] for entry in answer.get("Failed", [])}
            left = [entry for entry in left if entry["Id"] in failed]
            if not left:
                return
        raise AwsRefused(f"The rebuilder's queue did not take {len(left)} leads: start the rebuild again.")

    def _depth(self, url: str) -> int:
        with translated("ask the rebuilder's queues"):
            depth = queues.depth(self._sqs, url)
        return depth.waiting + depth.in_flight

    @cached_property
    def _dynamodb(self) -> "DynamoDBClient":
        return self._stage.client("dynamodb")  # type: ignore[no-any-return]

    @cached_property
    def _lambda(self) -> "LambdaClient":
        return self._stage.client("lambda")  # type: ignore[no-any-return]

    @cached_property
    def _sqs(self) -> "SQSClient":
        return self._stage.client("sqs")  # type: ignore[no-any-return]
