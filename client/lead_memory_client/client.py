"""A stage, from Python: publish events, resolve templates, read what is remembered."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

from lead_memory.domain.memories import Environment, Lead, MemoryType
from lead_memory_client import publishing, queues
from lead_memory_client.answers import (
    Exported,
    QueueReport,
    Redriven,
    Rejection,
    ResolvedLead,
    StageStatus,
    TemplatePlan,
)
from lead_memory_client.entries import Entry
from lead_memory_client.errors import translated
from lead_memory_client.functions import ask
from lead_memory_client.keeping import Keeping
from lead_memory_client.queues import CLOCK_DIFFERENCE, OF_EVENTS, TROUBLES, Trouble, waiting_queue
from lead_memory_client.recalled import Recall
from lead_memory_client.resolving import ResolverFunction
from lead_memory_client.stage import LOCAL, find_stage

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_sqs import SQSClient

LOOKED_AT = 100
"""Messages of a queue, unless the caller wants more."""


class LeadMemory(Keeping):
    """Every method raises `AwsRefused` where AWS does not answer; retries of the SDK come before that.

    What reads a lead raises `Erased` for one that was erased, or whose organization was.
    """

    @classmethod
    def connect(cls, stage: str = LOCAL, *, profile: str | None = None, region: str | None = None) -> Self:
        """Finds the stage by its stack's outputs. Raises `StageNotFound`."""
        return cls(find_stage(stage, profile=profile, region=region))

    def publish(self, entries: Iterable[Entry]) -> None:
        """Puts the entries on the bus. Raises `NotPublished` once all have been tried."""
        publishing.publish(self._events, self._resources.bus_name, entries)

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
        return self._resolver.resolve(request, list(dict.fromkeys(map(str, leads))))

    def plan(self, template: str) -> TemplatePlan:
        """What the template reads. Raises `RequestRefused` where it can never be rendered."""
        plan = self._resolver.ask({"template": template, "plan": True}).plan
        assert plan is not None  # noqa: S101 - it was asked for
        return plan

    def recall(
        self,
        lead_id: str | UUID,
        organization_id: str | UUID,
        query: str,
        *,
        k: int = 10,
        tags: Collection[str] = (),
        types: Collection[MemoryType] = (),
        event_types: Collection[str] = (),
        environments: Collection[Environment] = (Environment.PRODUCTION,),
        project_id: str | None = None,
        min_score: float = 0,
        as_of: datetime | None = None,
        include_cold: bool = False,
    ) -> Recall:
        """The `k` memories that answer a question best, at most 40.

        Of each filter one is enough, and an empty one leaves nothing out. As of a time (with its zone): only what has
        not changed since. Raises `RequestRefused`.
        """
        request = {
            "organization_id": str(organization_id),
            "lead_id": str(lead_id),
            "query": query,
            "k": k,
            "tags": list(tags),
            "types": list(types),
            "event_types": list(event_types),
            "environments": list(environments),
            "project_id": project_id,
            "min_score": min_score,
            "as_of": as_of,
            "include_cold": include_cold,
        }
        return ask(self._functions, self._resources.recall_function, request, Recall, called="recall function")

    def export_lead(
        self,
        lead_id: str | UUID,
        organization_id: str | UUID,
        folder: str | Path,
        *,
        progress: Callable[[str, int], None] = lambda _doing, _records: None,
    ) -> Exported:
        """Everything that is held of a lead, for a person who asks for it: `lead.json` and `lead.html` in a new folder.

        Strongly consistent. Raises `NotWritten`, `NothingHeld`, and `Erased`, also for a lead that is erased meanwhile.
        """
        from lead_memory_client import export

        holdings = export.Holdings(
            stage=self._stage.name,
            region=self._stage.region,
            table=self._table,
            sqs=self._sqs,
            queues={name: waiting_queue(self._resources, name) for name in TROUBLES},
            profile=self._profile,
        )
        with translated("read what is held of the lead"):
            return export.export_lead(
                holdings, Lead(str(organization_id).lower(), str(lead_id).lower()), Path(folder), progress
            )

    def rejections(self, *, limit: int = 100) -> list[Rejection]:
        """What is in the rejected queue, oldest first and about `limit` at most; all of it stays there."""
        with translated("look into the rejected queue"):
            return queues.peek(self._sqs, waiting_queue(self._resources, "rejected"), limit)

    def queues(self, *, look_at: int = LOOKED_AT) -> dict[str, QueueReport]:
        """By name: how deep, how old, and of those in which messages wait for a person, why.

        Looks at about `look_at` messages of each of those, and leaves all there.
        """

        def measured(url: str) -> QueueReport:
            return queues.report_by_metric(self._sqs, self._cloudwatch, url)

        def looked_at(queue: Trouble) -> QueueReport:
            return queues.report_by_looking(self._sqs, waiting_queue(self._resources, queue), look_at)

        with translated("look into the queues"):
            return {
                "ingest": measured(self._resources.ingest_queue_url),
                "dead_letters": looked_at("dead_letters"),
                "rejected": looked_at("rejected"),
                "rebuild": measured(self._resources.rebuild_queue_url),
                "rebuild_dead_letters": looked_at("rebuild_dead_letters"),
                "extraction": measured(self._resources.extraction_queue_url),
                "extraction_dead_letters": looked_at("extraction_dead_letters"),
                "vectors": measured(self._resources.vectors_queue_url),
                "vectors_dead_letters": looked_at("vectors_dead_letters"),
                "uses": measured(self._resources.uses_queue_url),
                "uses_dead_letters": looked_at("uses_dead_letters"),
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
        """Sends what waits there, or what waits for one reason, back to the queue it came from.

        Events go in the order of `occurred_at` and are watched for `patience_seconds`; what becomes of leads to
        rebuild and of jobs, `queues` shows. Takes 20,000 messages at most; call it again for more.
        """
        from lead_memory_client import redrive

        waiting = waiting_queue(self._resources, queue)
        with translated("send messages back"):
            if dry_run:
                return Redriven(found=redrive.count(self._sqs, waiting, reason), sent=0)
            since = datetime.now(UTC) - CLOCK_DIFFERENCE
            sent, found = redrive.send(self._sqs, waiting, reason, progress)
        if queue not in OF_EVENTS:
            return Redriven(found=found, sent=len(sent))
        watch = redrive.Watch(sent, datetime.now(UTC))
        watch.look(
            self.content_hashes,
            lambda: [each for each in self.rejections(limit=1000) if each.rejected_at >= since],
            patience_seconds=patience_seconds,
        )
        return Redriven(
            found=found,
            sent=len(sent),
            watched=True,
            recorded=watch.recorded,
            rejected_again=watch.rejected_again,
            unseen=watch.unseen,
        )

    def status(self) -> StageStatus:
        urls = {
            "ingest": self._resources.ingest_queue_url,
            "dead_letters": self._resources.dead_letter_queue_url,
            "rejected": self._resources.rejected_queue_url,
            "rebuild": self._resources.rebuild_queue_url,
            "rebuild_dead_letters": self._resources.rebuild_dead_letter_queue_url,
            "extraction": self._resources.extraction_queue_url,
            "extraction_dead_letters": self._resources.extraction_dead_letter_queue_url,
            "vectors": self._resources.vectors_queue_url,
            "vectors_dead_letters": self._resources.vectors_dead_letter_queue_url,
            "uses": self._resources.uses_queue_url,
            "uses_dead_letters": self._resources.uses_dead_letter_queue_url,
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
            profile_fields=self._profile_fields,
            queues=depths,
        )

    def _profile(self, lead: Lead) -> ResolvedLead | None:
        variables = [f"lead.{field}" for field in self._profile_fields]
        if not variables:
            return None
        [answer] = self.resolve([lead.lead_id], organization_id=lead.organization_id, variables=variables)
        return answer

    @property
    def _profile_fields(self) -> tuple[str, ...]:
        return tuple(filter("-".__ne__, self._resources.profile_fields.split(",")))

    @cached_property
    def _events(self) -> "EventBridgeClient":
        return self._stage.client("events")  # type: ignore[no-any-return]

    @cached_property
    def _cloudwatch(self) -> Any:
        return self._stage.client("cloudwatch")

    @cached_property
    def _resolver(self) -> ResolverFunction:
        return ResolverFunction(self._functions, self._resources.resolver_function)

    @cached_property
    def _sqs(self) -> "SQSClient":
        return self._stage.client("sqs")  # type: ignore[no-any-return]
