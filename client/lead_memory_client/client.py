"""A stage, from Python: publish events, resolve templates, read what is remembered."""

import random
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from itertools import batched
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

import msgspec

from lead_memory.adapters import keys
from lead_memory.adapters.memory_items import ORGANIZATION, memory_of
from lead_memory.domain.memories import Memory, MemoryKey, MemoryType
from lead_memory_client import queues
from lead_memory_client.answers import (
    RecordedEvent,
    Rejection,
    ResolvedLead,
    ResolverAnswer,
    StageStatus,
    TemplatePlan,
)
from lead_memory_client.entries import Entry, EventName, batches
from lead_memory_client.errors import AwsRefused, NotPublished, RequestRefused, translated
from lead_memory_client.items import plain_item, recorded_event
from lead_memory_client.stage import LOCAL, Stage, find_stage

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import KeysAndAttributesTypeDef
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sqs import SQSClient

LEADS_PER_CALL = 500
"""The resolver's limit."""
KEYS_PER_CALL = 100
"""BatchGetItem's limit."""
PUBLISH_ATTEMPTS = 4

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
            answer
            for some in batched(ids, LEADS_PER_CALL, strict=False)
            for answer in self._ask({**request, "leads": some}).leads
        ]

    def plan(self, template: str) -> TemplatePlan:
        """What the template reads. Raises `RequestRefused` where it can never be rendered."""
        plan = self._ask({"template": template, "plan": True}).plan
        assert plan is not None  # noqa: S101 - it was asked for
        return plan

    def memories(self, lead_id: str | UUID, organization_id: str | UUID) -> list[Memory]:
        """What is remembered now, by type and key; none for a lead of another organization.

        Strongly consistent: one Query for each memory type, so that the log, which is larger, is not read.
        """
        now = datetime.now(UTC)
        items = [item for memory_type in sorted(MemoryType) for item in self._items_of_type(lead_id, memory_type)]
        memories = [memory_of(item) for item in items if item[ORGANIZATION] == str(organization_id)]
        return [memory for memory in memories if not memory.expired(now)]

    def events(self, lead_id: str | UUID, organization_id: str | UUID, *, limit: int = 50) -> list[RecordedEvent]:
        """The last that occurred, newest first; none for a lead of another organization.

        The timeline is an index: an event may show there a moment after its memories do.
        """
        with translated("read the lead's timeline"):
            pages = self._dynamodb.get_paginator("query").paginate(
                TableName=self._resources.table_name,
                IndexName=keys.GSI1,
                KeyConditionExpression=f"{keys.GSI1_PK} = :timeline",
                ExpressionAttributeValues={":timeline": {"S": keys.timeline(str(lead_id))}},
                ScanIndexForward=False,
                PaginationConfig={"MaxItems": limit, "PageSize": limit},
            )
            wanted = [{name: item[name] for name in (keys.PK, keys.SK)} for page in pages for item in page["Items"]]
            found = {item[keys.SK]: item for item in self._batch_get(wanted)}
        ordered = [found[key[keys.SK]["S"]] for key in wanted if key[keys.SK]["S"] in found]
        return [recorded_event(item) for item in ordered if item[ORGANIZATION] == str(organization_id)]

    def recorded(self, names: Collection[EventName]) -> set[EventName]:
        """Which of the events are in the log, by a strongly consistent read."""
        by_key = {keys.event_key(*name): name for name in names}
        wanted = [{attribute: {"S": text} for attribute, text in key._asdict().items()} for key in by_key]
        with translated("read the log"):
            return {
                by_key[keys.Key(item[keys.PK], item[keys.SK])] for item in self._batch_get(wanted, [keys.PK, keys.SK])
            }

    def rejections(self, *, limit: int = 100) -> list[Rejection]:
        """What is in the rejected queue, oldest first and about `limit` at most; all of it stays there."""
        with translated("look into the rejected queue"):
            return queues.peek(self._sqs, self._resources.rejected_queue_url, limit)

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

    def _items_of_type(self, lead_id: str | UUID, memory_type: MemoryType) -> Iterator[dict[str, Any]]:
        prefix = keys.memory_key(str(lead_id), MemoryKey(memory_type, ""))
        with translated("read the lead's memories"):
            pages = self._dynamodb.get_paginator("query").paginate(
                TableName=self._resources.table_name,
                KeyConditionExpression=f"{keys.PK} = :lead and begins_with({keys.SK}, :prefix)",
                ExpressionAttributeValues={":lead": {"S": prefix.pk}, ":prefix": {"S": prefix.sk}},
                ConsistentRead=True,
            )
            for page in pages:
                yield from map(plain_item, page["Items"])

    def _batch_get(self, wanted: Sequence[Mapping[str, Any]], only: Sequence[str] = ()) -> Iterator[dict[str, Any]]:
        """Strongly consistent, in no order; `only` names the attributes to read, by default all."""
        table = self._resources.table_name
        left = list(wanted)
        while left:
            asked: KeysAndAttributesTypeDef = {"Keys": left[:KEYS_PER_CALL], "ConsistentRead": True}
            if only:
                asked["ProjectionExpression"] = ", ".join(only)
            answer = self._dynamodb.batch_get_item(RequestItems={table: asked})
            yield from map(plain_item, answer["Responses"].get(table, []))
            unprocessed = answer["UnprocessedKeys"].get(table)
            left = left[KEYS_PER_CALL:] + (list(unprocessed["Keys"]) if unprocessed else [])

    @cached_property
    def _events(self) -> "EventBridgeClient":
        return self._stage.client("events")  # type: ignore[no-any-return]

    @cached_property
    def _lambda(self) -> "LambdaClient":
        return self._stage.client("lambda")  # type: ignore[no-any-return]

    @cached_property
    def _dynamodb(self) -> "DynamoDBClient":
        return self._stage.client("dynamodb")  # type: ignore[no-any-return]

    @cached_property
    def _sqs(self) -> "SQSClient":
        return self._stage.client("sqs")  # type: ignore[no-any-return]
