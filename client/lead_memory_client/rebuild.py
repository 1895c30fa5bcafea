"""Rebuild memories from the log: one lead by a call, many through the rebuilder's queue."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from itertools import batched
from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

import msgspec

from lead_memory.adapters import keys
from lead_memory.adapters.rebuild_runs import LEADS, MEMORIES
from lead_memory.domain.memories import Lead
from lead_memory.services.rebuild import Report
from lead_memory_client import queues
from lead_memory_client.errors import AwsRefused, translated
from lead_memory_client.functions import invoke
from lead_memory_client.registry import Registry
from lead_memory_client.sending import SENT_AT_ONCE, send
from lead_memory_client.stage import Stage

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sqs import SQSClient

CHECKED_AT_ONCE = 8


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
        return self._registry.organizations()

    def leads(self, organization_ids: Iterable[str]) -> Iterator[Lead]:
        return self._registry.leads(organization_ids)

    def start(
        self, organization_ids: Sequence[str], *, derivation: str | None, sent: Callable[[int], None] = lambda _: None
    ) -> Run:
        """Sends every lead of the organizations to the queue, many partitions of the registry at once.

        `sent` hears how many more leads are in the queue. A run that ends early may be started again: a lead that is
        rebuilt twice is written once.
        """
        run_id = str(uuid4())
        dead = self._depth(self._resources.rebuild_dead_letter_queue_url)

        def take(leads: Sequence[Lead]) -> None:
            requests = [{**lead._asdict(), "derivation": derivation, "run_id": run_id} for lead in leads]
            send(self._sqs, self._resources.rebuild_queue_url, requests, to="rebuilder")
            sent(len(leads))

        return Run(run_id, self._registry.hand_on(organization_ids, SENT_AT_ONCE, take), dead)

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

    def _depth(self, url: str) -> int:
        with translated("ask the rebuilder's queues"):
            depth = queues.depth(self._sqs, url)
        return depth.waiting + depth.in_flight

    @cached_property
    def _registry(self) -> Registry:
        return Registry(self._dynamodb, self._resources.table_name)

    @cached_property
    def _dynamodb(self) -> "DynamoDBClient":
        return self._stage.client("dynamodb")  # type: ignore[no-any-return]

    @cached_property
    def _lambda(self) -> "LambdaClient":
        return self._stage.client("lambda")  # type: ignore[no-any-return]

    @cached_property
    def _sqs(self) -> "SQSClient":
        return self._stage.client("sqs")  # type: ignore[no-any-return]
