"""Have the embedder look at all memories of leads again, and see what recalls know of them."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from itertools import batched
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from lead_memory.domain.errors import Erased, LeadMemoryError
from lead_memory.domain.memories import Lead
from lead_memory.services.index_queue import Request
from lead_memory_client import queues
from lead_memory_client.client import LeadMemory
from lead_memory_client.errors import translated
from lead_memory_client.registry import Registry
from lead_memory_client.sending import SENT_AT_ONCE, send
from lead_memory_client.stage import Stage

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

CHECKED_AT_ONCE = 8


class Depth(NamedTuple):
    """Of the vectors' queue and its dead letters; SQS's estimates."""

    queued: int
    put_off: int
    dead_letters: int


class Run(NamedTuple):
    """Leads that were sent to the vectors' queue."""

    leads: int
    before: Depth


class Progress(NamedTuple):
    queued: int
    """Requests that wait, are worked on, or were put off since the run began."""
    failed: int
    """In the dead-letter queue, and not there when the run began."""


class Indexed(msgspec.Struct, frozen=True, kw_only=True):
    """What recalls know of a lead's memories."""

    embedding_versions: dict[str, int] = {}
    """By the model that made the vectors, of how many memories."""
    without_vector: int = 0
    missing: int = 0
    """That recalls do not find."""


class Reembeds:
    """Every method raises `AwsRefused`."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._resources = stage.resources
        self._memory = LeadMemory(stage)

    def organizations(self) -> list[str]:
        return self._registry.organizations()

    def leads(self, organization_ids: Iterable[str]) -> Iterator[Lead]:
        return self._registry.leads(organization_ids)

    def lead(self, lead: Lead) -> Run:
        before = self._depth()
        self._send([lead])
        return Run(1, before)

    def start(self, organization_ids: Sequence[str], sent: Callable[[int], None] = lambda _: None) -> Run:
        """`sent` hears how many more leads are in the queue. A run can be started again: what is right stays."""
        before = self._depth()

        def take(leads: Sequence[Lead]) -> None:
            self._send(leads)
            sent(len(leads))

        return Run(self._registry.hand_on(organization_ids, SENT_AT_ONCE, take), before)

    def progress(self, run: Run) -> Progress:
        now, before = self._depth(), run.before
        put_off = max(0, now.put_off - before.put_off)
        return Progress(queued=now.queued + put_off, failed=max(0, now.dead_letters - before.dead_letters))

    def check(self, leads: Iterable[Lead]) -> Iterator[Indexed | None]:
        """Of each lead, some at a time; nothing is changed. None for one that could not be read."""
        with ThreadPoolExecutor(CHECKED_AT_ONCE) as pool:
            for some in batched(leads, CHECKED_AT_ONCE * 8, strict=False):
                yield from pool.map(self._check, some)

    def _check(self, lead: Lead) -> Indexed | None:
        try:
            entries = self._memory.indexed(lead.lead_id, lead.organization_id).values()
        except Erased:
            return Indexed()
        except LeadMemoryError:
            return None
        versions = Counter(each.embedding_version for each in entries if each)
        return Indexed(
            without_vector=versions.pop(None, 0),
            embedding_versions={version: count for version, count in versions.items() if version},
            missing=sum(each is None for each in entries),
        )

    def _send(self, leads: Sequence[Lead]) -> None:
        requests = [Request(organization_id=lead.organization_id, lead_id=lead.lead_id) for lead in leads]
        send(self._sqs, self._resources.vectors_queue_url, requests, to="embedder")

    def _depth(self) -> Depth:
        with translated("ask the vectors' queue"):
            queue = queues.depth(self._sqs, self._resources.vectors_queue_url)
            dead = queues.depth(self._sqs, self._resources.vectors_dead_letter_queue_url)
        return Depth(queue.waiting + queue.in_flight, queue.delayed, dead.waiting)

    @cached_property
    def _registry(self) -> Registry:
        return Registry(self._stage.client("dynamodb"), self._resources.table_name)

    @cached_property
    def _sqs(self) -> "SQSClient":
        return self._stage.client("sqs")  # type: ignore[no-any-return]
