"""What the functions' own code asks of the table, its index and the content key is what their roles allow, no more and
no less.
"""

import importlib
import json
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import uuid4

import boto3
import pytest
from aiodynamo.http.aiohttp import AIOHTTP
from aws_cdk.assertions import Template
from boto3.dynamodb.conditions import Key
from moto.server import ThreadedMotoServer

from infra.stack import LeadMemoryStack
from infra.stages import LOCAL
from lead_memory.adapters import erasure, keys, table
from lead_memory.adapters.aws import Aws
from lead_memory.domain.events import parse
from lead_memory.settings import (
    CleanupSettings,
    ContextSettings,
    EmbedderSettings,
    ExtractorSettings,
    PrivacySettings,
    RebuilderSettings,
    RecallSettings,
    ResolverSettings,
    Settings,
    UpdaterSettings,
)
from tests.events import ORGANIZATION, SAMPLES, body, entry
from tests.infra.conftest import new_app
from tests.infra.test_permissions import CONTENT_KEY, INDEX, TABLE, granted

pytestmark = pytest.mark.xdist_group("infra")

type Requests = defaultdict[str, set[str]]
"""IAM's actions by resource."""
type Call = Callable[..., list[Any]]

NAME = "asked-for"
ALIAS = f"alias/{NAME}"
VECTORS, USES = "vectors", "uses"
ORDERS = sorted(SAMPLES.glob("segment/order.*.json"), reverse=True)
"""They arrive in an order that makes the updater do all it can: a refund takes back a memory of its order."""


ANSWERED = SAMPLES / "survey" / "form.response_submitted.json"
"""The one event behind its answers."""


class Context:
    def get_remaining_time_in_millis(self) -> int:
        return 60_000


def actions(request: Any) -> Iterator[tuple[str, str]]:
    """The resources and actions that IAM checks for a request to DynamoDB."""
    operation = request.headers["X-Amz-Target"].partition(".")[2]
    asked = json.loads(request.body)
    if operation == "TransactWriteItems":
        yield from ((TABLE, f"dynamodb:{kind}Item") for each in asked["TransactItems"] for kind in each)
    else:
        yield INDEX if "IndexName" in asked else TABLE, f"dynamodb:{operation}"


@contextmanager
def aws(patch: pytest.MonkeyPatch, directory: Path) -> Iterator[None]:
    """The template's table, a bus, a queue, a bucket and a key, of a local AWS that answers over HTTP."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        patch.setenv(name, "us-east-1")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        patch.setenv(name, "test")
    patch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    template = Template.from_stack(LeadMemoryStack(new_app(directory), stage=LOCAL))
    (resource,) = template.find_resources("AWS::DynamoDB::GlobalTable").values()
    copied = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
    boto3.client("dynamodb").create_table(TableName=NAME, **{name: resource["Properties"][name] for name in copied})
    boto3.client("events").create_event_bus(Name=NAME)
    boto3.client("s3").create_bucket(Bucket=NAME)
    for queue in (NAME, VECTORS, USES):
        boto3.client("sqs").create_queue(QueueName=queue)
    kms = boto3.client("kms")
    kms.create_alias(AliasName=ALIAS, TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])
    try:
        yield
    finally:
        server.stop()


@contextmanager
def recorded(requests: Requests, patch: pytest.MonkeyPatch) -> Iterator[None]:
    class Recording(AIOHTTP):
        async def __call__(self, request: Any) -> Any:
            for resource, action in actions(request):
                requests[resource].add(action)
            return await super().__call__(request)

    ask = Aws.ask

    async def recording(self: Aws, service: str, *asked: Any, headers: Mapping[str, str], **more: Any) -> Any:
        if service == "dynamodb":
            asked_for = headers["X-Amz-Target"].partition(".")[2]
            requests[TABLE].add(f"dynamodb:{asked_for}")
        if service == "kms":
            requests[CONTENT_KEY].add(f"kms:{headers['X-Amz-Target'].partition('.')[2]}")
        return await ask(self, service, *asked, headers=headers, **more)

    with patch.context() as patched:
        patched.setattr(table, "AIOHTTP", Recording)
        patched.setattr(Aws, "ask", recording)
        yield


@pytest.fixture(scope="session")
def asked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Requests]:
    """What each function asked for, by role."""
    of_roles: dict[str, Requests] = {}

    def call(role: str, package: str, settings: Settings, *events: Any) -> list[Any]:
        requests = of_roles.setdefault(role, defaultdict(set))
        for name, value in settings.as_environment().items():
            patch.setenv(name, value)
        sys.modules.pop(f"{package}.handler", None)
        module: ModuleType = importlib.import_module(f"{package}.handler")
        try:
            with recorded(requests, patch):
                return [module.handler(event, Context()) for event in events]
        finally:
            module._loop.run(module._aws.close())
            module._loop.close()

    with pytest.MonkeyPatch.context() as patch, aws(patch, tmp_path_factory.mktemp("requests")):
        work(call)
    return of_roles


def work(call: Call) -> None:
    """Has each function do all that it can."""
    first, *others = [on_holiday(), said(), *(body(json.loads(path.read_text())) for path in (*ORDERS, ANSWERED))]
    updater = UpdaterSettings(
        stage="test", table_name=NAME, content_key=ALIAS, rejected_queue_url="none", payload_bucket="none"
    )
    assert given_back(call("UpdaterRole", "memory_updater", updater, sqs(first))) == []
    # Another process, which does not know the key that the first one made.
    assert given_back(call("UpdaterRole", "memory_updater", updater, *map(sqs, others))) == []

    url = queue_url(NAME)
    cleanup = CleanupSettings(stage="test", table_name=NAME, content_key=ALIAS, bus_name=NAME, extraction_queue_url=url)
    assert call("CleanupRole", "cleanup", cleanup, {}) == [{"published": 3, "threads": 1, "finished": True}]

    extractor = ExtractorSettings(
        stage="test",
        table_name=NAME,
        content_key=ALIAS,
        bus_name=NAME,
        queue_url=url,
        dead_letter_queue_url=url,
        pause_seconds=1,
        recording_seconds=1,
    )
    (due,) = boto3.client("sqs").receive_message(QueueUrl=url)["Messages"]
    boto3.client("sqs").delete_message(QueueUrl=url, ReceiptHandle=due["ReceiptHandle"])
    assert given_back(call("ExtractorRole", "extractor", extractor, sqs(said()), sqs(due["Body"]))) == []

    spoil()
    lead, other = (json.loads(path.read_text())["Detail"]["metadata"] for path in (ORDERS[0], ANSWERED))
    rebuilds = [
        {"lead_id": each["lead_organization_id"], "organization_id": each["organization_id"], "run_id": "run"}
        for each in (lead, other)
    ]
    rebuilder = RebuilderSettings(
        stage="test", table_name=NAME, content_key=ALIAS, payload_bucket="none", vectors_queue_url=queue_url(VECTORS)
    )
    assert given_back(call("RebuilderRole", "rebuilder", rebuilder, *map(sqs, map(json.dumps, rebuilds)))) == []

    resolver = ResolverSettings(stage="test", table_name=NAME, content_key=ALIAS)
    template = {
        "organization_id": lead["organization_id"],
        "leads": [lead["lead_organization_id"]],
        "template": "{{purchase.summary.order_count}}",
    }
    (answer,) = call("ResolverRole", "resolver", resolver, template)
    assert answer["leads"][0]["missing"] == []

    context = ContextSettings(stage="test", table_name=NAME, content_key=ALIAS)
    of_lead = {"organization_id": lead["organization_id"], "lead_id": lead["lead_organization_id"], "thread_id": "t"}
    (answer,) = call("ContextRole", "context", context, of_lead)
    assert answer["layers"]["L4"]["included"]

    recall(call)
    forget(call, lead)


def recall(call: Call) -> None:
    """Has a memory embedded and recalled, its use counted, and its entry removed once it is gone."""
    settings: dict[str, Any] = {"stage": "test", "table_name": NAME, "content_key": ALIAS, "payload_bucket": NAME}
    updater = UpdaterSettings(**settings, rejected_queue_url="none")
    embedder = EmbedderSettings(**settings, bus_name=NAME, queue_url=queue_url(VECTORS), recording_seconds=1)
    of_lead = {"organization_id": ORGANIZATION, "lead_id": str(uuid4())}
    data = {"name": "channel", "value": "sms"}
    likes = body(entry("preference.expressed", data, event_id="e3", lead_organization_id=of_lead["lead_id"]))
    assert given_back(call("UpdaterRole", "memory_updater", updater, sqs(likes))) == []
    assert given_back(call("EmbedderRole", "embedder", embedder, sqs(likes))) == []

    uses_url = queue_url(USES)
    query = {**of_lead, "query": "How do they want to be reached?"}
    (answer,) = call("RecallRole", "recall", RecallSettings(**settings, uses_queue_url=uses_url), query)
    assert [each["name"] for each in answer["memories"]] == ["preference.channel"]

    (used,) = boto3.client("sqs").receive_message(QueueUrl=uses_url)["Messages"]
    gone: Any = boto3.resource("dynamodb").Table(NAME)
    gone.delete_item(Key={keys.PK: of_lead["lead_id"], keys.SK: "preference#channel"})
    assert given_back(call("EmbedderRole", "embedder", embedder, sqs(used["Body"]), sqs(json.dumps(of_lead)))) == []
    left = gone.query(KeyConditionExpression=Key(keys.PK).eq(of_lead["lead_id"]))["Items"]
    assert not [item for item in left if item[keys.SK].startswith(keys.VECTOR_SK_PREFIX)]


def forget(call: Call, lead: dict[str, str]) -> None:
    """Erases events, also one that never came, a lead, and the organization, once it rotated its keys and chose."""
    of_lead = {"lead_id": lead["lead_organization_id"], "asked_by": "me"}
    event_ids = [json.loads(path.read_text())["Detail"]["metadata"]["event_id"] for path in ORDERS]
    operations: list[dict[str, Any]] = [
        {"operation": "begin_organization", "organization_id": str(uuid4()), "hash_names": True},
        {"operation": "rotate_key"},
        {"operation": "reseal"},
        {
            "operation": "configure_conversations",
            "cross_channel": "join",
            "cohorts": {"full": 100},
            "daily_budget_micros": 1_000_000,
        },
        {"operation": "erase_event", "ref": "segment/never-came", **of_lead},
        *({"operation": "erase_event", "ref": f"segment/{event_id}", **of_lead} for event_id in event_ids),
        {"operation": "erase_lead", **of_lead},
        {"operation": "erase_organization", "asked_by": "me"},
    ]
    url = queue_url(NAME)
    privacy = PrivacySettings(
        stage="test",
        table_name=NAME,
        content_key=ALIAS,
        payload_bucket=NAME,
        rejected_queue_url=url,
        dead_letter_queue_url=url,
        rebuild_dead_letter_queue_url=url,
        extraction_dead_letter_queue_url=url,
        vectors_dead_letter_queue_url=url,
        uses_dead_letter_queue_url=url,
        vectors_queue_url=queue_url(VECTORS),
        point_in_time_recovery=False,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(erasure, "ORGANIZATION_SETTLES", timedelta(0))
        requests = [{"organization_id": lead["organization_id"], **operation} for operation in operations]
        begun, rotated, resealed, configured, *erased = call("PrivacyRole", "privacy", privacy, *requests)
    assert (begun, rotated, configured) == ({"version": 1}, {"version": 2}, {})
    assert resealed["page"]["items"] > 0
    assert {each["receipt"]["found_again"] for each in erased} == {0}
    assert [each["receipt"]["removed"].get("events", 0) for each in erased[: 1 + len(ORDERS)]] == [0] + [1] * len(
        ORDERS
    )
    assert erased[-1]["receipt"]["finished"]


def queue_url(name: str) -> str:
    return boto3.client("sqs").get_queue_url(QueueName=name)["QueueUrl"]


def sqs(message: str) -> dict[str, Any]:
    return {"Records": [{"messageId": "m", "body": message}]}


def given_back(answers: list[Any]) -> list[Any]:
    return [failure for answer in answers for failure in answer["batchItemFailures"]]


def on_holiday() -> str:
    declared = {
        "memory_type": "fact",
        "key": "on_holiday",
        "value": {"until": "Monday"},
        "expires_at": "2020-01-02T00:00:00Z",
    }
    return body(entry("memory.declared", declared, at=datetime(2020, 1, 1, tzinfo=UTC)))


def said() -> str:
    """In a thread that fell silent since: it is to be summarized."""
    data = {"thread_id": "t", "channel": "sms", "text": "Do you ship to Recife?"}
    return body(entry("conversation.message_received", data, event_id="e2", at=datetime(2020, 1, 1, tzinfo=UTC)))


def spoil() -> None:
    """Takes away a row, and the event that alone supports another, and breaks the links of events, for the rebuilder to
    mend.
    """
    spoiled: Any = boto3.resource("dynamodb").Table(NAME)
    answered = parse(body(json.loads(ANSWERED.read_text())), datetime.now(UTC))
    lost = (keys.event_key(answered.lead_organization_id, answered.ref).sk, "purchase#summary")
    for item in spoiled.scan()["Items"]:
        key = {name: item[name] for name in (keys.PK, keys.SK)}
        if item[keys.SK] in lost:
            spoiled.delete_item(Key=key)
        elif keys.TOUCHES in item:
            spoiled.update_item(
                Key=key, UpdateExpression=f"SET {keys.TOUCHES} = :none", ExpressionAttributeValues={":none": []}
            )


@pytest.mark.parametrize(
    "role",
    [
        "UpdaterRole",
        "RebuilderRole",
        "CleanupRole",
        "ExtractorRole",
        "EmbedderRole",
        "ResolverRole",
        "ContextRole",
        "RecallRole",
        "PrivacyRole",
    ],
)
def test_a_role_allows_of_the_table_and_the_key_what_its_function_asks_for(
    template: Template, asked: dict[str, Requests], role: str
) -> None:
    allowed = granted(template, role)
    named = (TABLE, INDEX, CONTENT_KEY)
    assert {resource: allowed[resource] for resource in named if resource in allowed} == asked[role]
