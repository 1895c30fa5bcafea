"""A stage, from Python: publish events, resolve templates, read what is remembered."""

import random
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from itertools import batched
from typing import TYPE_CHECKING, Any, Literal, Self
from uuid import UUID

import msgspec

from lead_memory.adapters import keys
from lead_memory.adapters.memory_items import ORGANIZATION, memory_of
from lead_memory.domain.memories import Memory, MemoryKey, MemoryType
from lead_memory_client import queues
from lead_memory_client.answers import (
    Explanation,
    Lineage,
    QueueReport,
    RecordedEvent,
    Redriven,
    Rejection,
    ResolvedLead,
    ResolverAnswer,
    StageStatus,
    TemplatePlan,
)
from lead_memory_client.contents import LargeContents
from lead_memory_client.entries import Entry, EventName, batches
from lead_memory_client.errors import AwsRefused, NotPublished, RequestRefused, translated
from lead_memory_client.items import recorded_event
from lead_memory_client.lineage import read_page
from lead_memory_client.stage import LOCAL, Stage, find_stage
from lead_memory_client.table import LeadTable

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sqs import SQSClient

LEADS_PER_CALL = 500
"""The resolver's limit."""
PUBLISH_ATTEMPTS = 4
LOOKED_AT = 100
"""Messages of a queue, unless the caller wants more."""
CLOCK_DIFFERENCE = timedelta(seconds=5)
"""How far a queue's clock may be behind ours."""

type Trouble = Literal["dead_letters", "rejected"]
"""A queue in which messages wait for a person."""

_ANSWERS = msgspec.json.Decoder(ResolverAnswer, float_hook=Decimal)


class LeadMemory:
    """Every method raises `AwsRefused` where AWS does not answer; retries of the SDK come before that."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._resources = stage.resources

    @classmethod
    def connect(cls, stage: str = LOCAL, *, profile: str | None = None, region: str | None = None) -> Self:
        """Finds the stage by its stack's outputs. Raises `StageNotFound`."""
        return cls(find_stage(stage, profile=profile, region=region))

    def publish(self, entries: Iterable[Entry]) -> None:
        """Puts the entries on the bus. Raises `NotPublished` once all have been tried."""
        sent, failed = 0, []
        for batch in batches(entries):
            sent += len(batch)
            failed += self._put(batch)
        if failed:
            raise NotPublished(failed, of=sent)

    def resolve(
        self,
        leads: Sequence[str | UUID],
        *,
        organization_id: str | UUID,
        template: str | None = None,
        templates: Mapping[str, str] | None = None,
        variables: Sequence[str] | None = None,
        on_missing: str = "fail",
        escape: str = "none",
    ) -> list[ResolvedLead]:
        """Exactly one of `template`, `templates` and `variables`; one answer for each lead, in order.

        `on_missing` is `fail`, `blank` or `keep`; `escape` is `none` or `html`. Raises `RequestRefused`.
        """
        request = {
            "organization_id": str(organization_id),
            "template": template,
            "templates": templates,
            "variables": variables,
            "on_missing": on_missing,
            "escape": escape,
        }
        ids = list(dict.fromkeys(map(str, leads)))
        return [
            answer for some in batched(ids, LEADS_PER_CALL, strict=False) for answer in self._resolve(request, some)
        ]

    def plan(self, template: str) -> TemplatePlan:
        """What the template reads. Raises `RequestRefused` where it can never be rendered."""
        plan = self._ask({"template": template, "plan": True}).plan
        assert plan is not None  # noqa: S101 - it was asked for
        return plan

    def memories(
        self, lead_id: str | UUID, organization_id: str | UUID, *, as_of: datetime | None = None
    ) -> list[Memory]:
        """What is remembered, by type and key; none for a lead of another organization.

        Now: strongly consistent, one Query for each memory type, so that the log, which is larger, is not read.
        As of a time (with its zone): what the events that were recorded by then give, from the whole log.
        """
        if as_of is not None:
            from lead_memory_client import history

            with translated("read the lead's log"):
                log = history.read_log(self._table, str(lead_id), str(organization_id))
            return history.known_at(as_of, log)
        now = datetime.now(UTC)
        prefixes = [keys.memory_sk(MemoryKey(memory_type, "")) for memory_type in sorted(MemoryType)]
        with translated("read the lead's memories"):
            items = [item for prefix in prefixes for item in self._table.items(str(lead_id), prefix)]
        memories = [memory_of(item) for item in items if item[ORGANIZATION] == str(organization_id)]
        return [memory for memory in memories if not memory.expired(now)]

    def explain(
        self, lead_id: str | UUID, memory_type: MemoryType, key: str, organization_id: str | UUID
    ) -> Explanation:
        """A memory's value, and what each of its events made of it; nothing for a lead of another organization.

        Reads the lead's whole log, strongly consistent.
        """
        from lead_memory_client import history

        with translated("read the lead's log"):
            return history.explain(self._table, str(lead_id), MemoryKey(memory_type, key), str(organization_id))

    def lineage(
        self,
        lead_id: str | UUID,
        memory_type: MemoryType,
        key: str,
        organization_id: str | UUID,
        *,
        limit: int = 1000,
        after: str | None = None,
    ) -> Lineage:
        """A page of the events that have a part in a memory, newest first; `after` is the `next` of the page before.

        A page costs bounded reads, so it may hold fewer than `limit`, or none, and still have a `next`. None for a
        lead of another organization. The timeline is an index: an event may show there a moment after its memories
        do. Raises `CursorUnknown`.
        """
        with translated("read the lead's timeline"):
            if self._table.organization_id(str(lead_id)) != str(organization_id):
                return Lineage((), None)
            return read_page(self._table, str(lead_id), MemoryKey(memory_type, key), limit, after)

    def events(self, lead_id: str | UUID, organization_id: str | UUID, *, limit: int = 50) -> list[RecordedEvent]:
        """The last that occurred, newest first; none for a lead of another organization.

        The timeline is an index: an event may show there a moment after its memories do.
        """
        with translated("read the lead's timeline"):
            found = self._table.last_events(str(lead_id), limit)
            own = self._contents.whole(item for item in found if item[ORGANIZATION] == str(organization_id))
        return [recorded_event(item) for item in own]

    def recorded(self, names: Collection[EventName]) -> set[EventName]:
        """Which of the events are in the log, by a strongly consistent read."""
        with translated("read the log"):
            return set(self._table.in_log(names))

    def content_hashes(self, names: Collection[EventName]) -> dict[EventName, tuple[str, ...]]:
        """Of those events that are in the log, by a strongly consistent read."""
        from lead_memory.adapters.event_items import CONTENT_HASHES

        with translated("read the log"):
            found = self._table.in_log(names, CONTENT_HASHES)
        return {name: tuple(item[CONTENT_HASHES]) for name, item in found.items()}

    def rejections(self, *, limit: int = 100) -> list[Rejection]:
        """What is in the rejected queue, oldest first and about `limit` at most; all of it stays there."""
        with translated("look into the rejected queue"):
            return queues.peek(self._sqs, self._resources.rejected_queue_url, limit)

    def queues(self, *, look_at: int = LOOKED_AT) -> dict[str, QueueReport]:
        """By name: how deep, how old, and of the two in which messages wait for a person, why.

        Looks at about `look_at` messages of each of those two, and leaves all there.
        """
        with translated("look into the queues"):
            return {
                "ingest": queues.report_by_metric(self._sqs, self._cloudwatch, self._resources.ingest_queue_url),
                "dead_letters": queues.report_by_looking(self._sqs, self._trouble_url("dead_letters"), look_at),
                "rejected": queues.report_by_looking(self._sqs, self._trouble_url("rejected"), look_at),
            }

    def redrive(
        self,
        queue: Trouble,
        *,
        reason: str | None = None,
        dry_run: bool = False,
        patience_seconds: float = 30,
        progress: Callable[[int, int], None] = lambda _sent, _of: None,
    ) -> Redriven:
        """Sends what waits there, or what waits for one reason, back to the ingest queue in the order of `occurred_at`.

        Then watches for `patience_seconds` what becomes of it. Takes 20,000 messages at most; call it again for more.
        """
        from lead_memory_client import redrive

        url = self._trouble_url(queue)
        with translated("send messages back to the ingest queue"):
            if dry_run:
                found = redrive.count(self._sqs, url, reason)
                return Redriven(found=found, sent=0, recorded=0, rejected_again={}, unseen=0)
            since = datetime.now(UTC) - CLOCK_DIFFERENCE
            sent, found = redrive.send(self._sqs, url, self._resources.ingest_queue_url, reason, progress)
        watch = redrive.Watch(sent, datetime.now(UTC))
        watch.look(
            self.content_hashes,
            lambda: [each for each in self.rejections(limit=1000) if each.rejected_at >= since],
            patience_seconds=patience_seconds,
        )
        return Redriven(
            found=found,
            sent=len(sent),
            recorded=watch.recorded,
            rejected_again=watch.rejected_again,
            unseen=watch.unseen,
        )

    def status(self) -> StageStatus:
        urls = {
            "ingest": self._resources.ingest_queue_url,
            "dead_letters": self._resources.dead_letter_queue_url,
            "rejected": self._resources.rejected_queue_url,
        }
        with translated("ask the queues"):
            depths = {name: queues.depth(self._sqs, url) for name, url in urls.items()}
        return StageStatus(
            stage=self._stage.name,
            region=self._stage.region,
            endpoint=self._sqs.meta.endpoint_url,
            stack_status=self._stage.stack_status,
            deployed_at=self._stage.deployed_at,
            table=self._resources.table_name,
            bus=self._resources.bus_name,
            profile_fields=tuple(filter("-".__ne__, self._resources.profile_fields.split(","))),
            queues=depths,
        )

    def _resolve(self, request: Mapping[str, Any], leads: Sequence[str]) -> Sequence[ResolvedLead]:
        """In two halves where the answers of all are more than one call can bring."""
        try:
            return self._ask({**request, "leads": leads}).leads
        except RequestRefused as refusal:
            if refusal.mistake.code != "answer_too_large" or len(leads) == 1:
                raise
        half = len(leads) // 2
        return [*self._resolve(request, leads[:half]), *self._resolve(request, leads[half:])]

    def _put(self, batch: Sequence[Entry]) -> list[tuple[Entry, str]]:
        """Those that the bus did not take, after some attempts, with its error code."""
        failed = [(entry, "") for entry in batch]
        for attempt in range(PUBLISH_ATTEMPTS):
            time.sleep(random.uniform(0, 0.2 * attempt**2))  # noqa: S311 - jitter between attempts
            entries = [entry for entry, _ in failed]
            with translated("publish"):
                answer = self._events.put_events(
                    Entries=[
                        {
                            "EventBusName": self._resources.bus_name,
                            "Source": entry.source,
                            "DetailType": entry.detail_type,
                            "Detail": entry.detail_json(),
                        }
                        for entry in entries
                    ]
                )
            results = zip(entries, answer["Entries"], strict=True)
            failed = [(entry, result["ErrorCode"]) for entry, result in results if "ErrorCode" in result]
            if not failed:
                break
        return failed

    def _ask(self, request: Mapping[str, Any]) -> ResolverAnswer:
        given = {name: value for name, value in request.items() if value is not None}
        with translated("ask the resolver"):
            response = self._lambda.invoke(
                FunctionName=self._resources.resolver_function, Payload=msgspec.json.encode(given)
            )
            payload = response["Payload"].read()
        if "FunctionError" in response:
            failure = msgspec.json.decode(payload).get("errorType", "an unknown error")
            raise AwsRefused(f"The resolver failed with {failure}: its log says why.")
        answer = _ANSWERS.decode(payload)
        if answer.error is not None:
            raise RequestRefused(answer.error, given.get("template"))
        return answer

    def _trouble_url(self, queue: Trouble) -> str:
        resources = self._resources
        return resources.dead_letter_queue_url if queue == "dead_letters" else resources.rejected_queue_url

    @cached_property
    def _events(self) -> "EventBridgeClient":
        return self._stage.client("events")  # type: ignore[no-any-return]

    @cached_property
    def _cloudwatch(self) -> Any:
        return self._stage.client("cloudwatch")

    @cached_property
    def _lambda(self) -> "LambdaClient":
        return self._stage.client("lambda")  # type: ignore[no-any-return]

    @cached_property
    def _table(self) -> LeadTable:
        return LeadTable(self._stage.client("dynamodb"), self._resources.table_name, self._contents)

    @cached_property
    def _contents(self) -> LargeContents:
        return LargeContents(lambda: self._stage.client("s3"), self._resources.payload_bucket)

    @cached_property
    def _sqs(self) -> "SQSClient":
        return self._stage.client("sqs")  # type: ignore[no-any-return]
