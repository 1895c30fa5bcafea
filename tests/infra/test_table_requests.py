"""What the functions' own code asks of the table and its index is what their roles allow, no more and no less."""

import importlib
import json
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import pytest
from aiodynamo.http.aiohttp import AIOHTTP
from aws_cdk.assertions import Template
from moto.server import ThreadedMotoServer

from infra.stack import LeadMemoryStack
from infra.stages import LOCAL
from lead_memory.adapters import keys, table
from lead_memory.settings import CleanupSettings, RebuilderSettings, ResolverSettings, Settings, UpdaterSettings
from tests.events import LEAD, ORGANIZATION, SAMPLES, body, entry
from tests.infra.conftest import new_app
from tests.infra.test_permissions import INDEX, TABLE, granted

pytestmark = pytest.mark.xdist_group("infra")

type Requests = defaultdict[str, set[str]]
"""IAM's actions by resource."""
type Call = Callable[..., list[Any]]

NAME = "asked-for"
ORDERS = sorted(SAMPLES.glob("segment/order.*.json"), reverse=True)
"""They arrive in an order that makes the updater do all it can: a refund takes back a memory of its order."""


class Context:
    def get_remaining_time_in_millis(self) -> int:
        return 30_000


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
    """The template's table, and a bus, of a local AWS that answers over HTTP."""
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

    with patch.context() as patched:
        patched.setattr(table, "AIOHTTP", Recording)
        yield


@pytest.fixture(scope="session")
def asked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Requests]:
    """What each function asked for, by role."""
    of_roles: dict[str, Requests] = {}

    def call(role: str, package: str, settings: Settings, *events: Any) -> list[Any]:
        of_roles[role] = defaultdict(set)
        for name, value in settings.as_environment().items():
            patch.setenv(name, value)
        sys.modules.pop(f"{package}.handler", None)
        module: ModuleType = importlib.import_module(f"{package}.handler")
        try:
            with recorded(of_roles[role], patch):
                return [module.handler(event, Context()) for event in events]
        finally:
            module._loop.run(module._table.close())
            module._loop.close()

    with pytest.MonkeyPatch.context() as patch, aws(patch, tmp_path_factory.mktemp("requests")):
        work(call)
    return of_roles


def work(call: Call) -> None:
    """Has each function do all that it can."""
    messages = [on_holiday(), *(body(json.loads(path.read_text())) for path in ORDERS)]
    updater = UpdaterSettings(stage="test", table_name=NAME, rejected_queue_url="none", payload_bucket="none")
    assert given_back(call("UpdaterRole", "memory_updater", updater, *map(sqs, messages))) == []

    spoil()
    lead = json.loads(ORDERS[0].read_text())["Detail"]["metadata"]
    request = {"lead_id": lead["lead_organization_id"], "organization_id": lead["organization_id"], "run_id": "run"}
    rebuilder = RebuilderSettings(stage="test", table_name=NAME, payload_bucket="none")
    assert given_back(call("RebuilderRole", "rebuilder", rebuilder, sqs(json.dumps(request)))) == []

    cleanup = CleanupSettings(stage="test", table_name=NAME, bus_name=NAME)
    assert call("CleanupRole", "cleanup", cleanup, {}) == [{"published": 1, "finished": True}]

    resolver = ResolverSettings(stage="test", table_name=NAME)
    template = {"organization_id": ORGANIZATION, "leads": [LEAD], "template": "{{purchase.summary.order_count}}"}
    (answer,) = call("ResolverRole", "resolver", resolver, template)
    assert answer["reads"]["get_item"] == 1


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


def spoil() -> None:
    """Takes rows away, leaves one that no event supports, and breaks the links of events, for the rebuilder to mend."""
    spoiled: Any = boto3.resource("dynamodb").Table(NAME)
    for item in spoiled.scan()["Items"]:
        key = {name: item[name] for name in (keys.PK, keys.SK)}
        if item[keys.SK].startswith("purchase#product:"):
            spoiled.delete_item(Key=key)
            spoiled.put_item(Item={**item, keys.SK: "purchase#product:nobody-bought-this"})
        if keys.TOUCHES in item:
            spoiled.update_item(
                Key=key, UpdateExpression=f"SET {keys.TOUCHES} = :none", ExpressionAttributeValues={":none": []}
            )


@pytest.mark.parametrize("role", ["UpdaterRole", "RebuilderRole", "CleanupRole", "ResolverRole"])
def test_a_role_allows_of_the_table_what_its_function_asks_for(
    template: Template, asked: dict[str, Requests], role: str
) -> None:
    allowed = granted(template, role)
    assert {resource: allowed[resource] for resource in (TABLE, INDEX) if resource in allowed} == asked[role]
