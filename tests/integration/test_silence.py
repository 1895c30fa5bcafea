"""What functions say when a service that they need fails: never content, whatever the service's own error says."""

import asyncio
import gc
import json
import logging
import threading
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from types import ModuleType
from typing import Any

import boto3
import pytest
from aiodynamo.models import DecorelatedJitterRetry

from lead_memory.adapters import table as table_module
from lead_memory.adapters.aws import Aws
from lead_memory.adapters.keyrings import Keyrings
from lead_memory.adapters.kms import KeyService
from lead_memory.adapters.large_payloads import PayloadBucket
from lead_memory.adapters.store import EventStore
from lead_memory.adapters.table import DynamoTable
from lead_memory.domain.events import parse
from lead_memory.services.record import Outcome, Recorder
from lead_memory.settings import (
    CleanupSettings,
    PrivacySettings,
    RebuilderSettings,
    ResolverSettings,
    Settings,
    UpdaterSettings,
)
from tests.events import LEAD, NOW, ORGANIZATION, body, entry

CANARY = "zqxcanary7431"
BUCKET, BUS = "payloads", "events"
ENDED_AT = "2020-01-02T00:00:00Z"
LARGE = Random(1).randbytes(400_000).hex()
"""What no compression makes small enough for an item."""


class Context:
    def get_remaining_time_in_millis(self) -> int:
        return 30_000


def message(event_type: str, data: dict[str, Any], **metadata: Any) -> str:
    return body(entry(event_type, data, **metadata))


def order(event_id: str, *, filling: str = "") -> str:
    product = {"sku": CANARY, "price": "1.00", "name": CANARY}
    data = {"order_id": CANARY + event_id, "total": "1.00", "currency": "BRL", "products": [product], "x": filling}
    return message("order.paid", data, event_id=CANARY + event_id, correlation_id=CANARY)


ENDED = message(
    "memory.declared",
    {"memory_type": "fact", "key": CANARY, "value": {"says": CANARY}, "expires_at": ENDED_AT},
    at=datetime(2020, 1, 1, tzinfo=UTC),
)
RECORDED = [
    order("1"),
    order("2", filling=CANARY + LARGE),
    ENDED,
]
UNRECORDED = [
    order("3"),
    order("4", filling=CANARY + LARGE),
    order("1", filling="another"),  # a conflict
    message(CANARY, {}),
    message("order.paid", {"total": CANARY}),
    message("order.paid", {}, occurred_at=CANARY),
    f"{CANARY} is not JSON",
]


def records(bodies: list[str]) -> dict[str, Any]:
    return {"Records": [{"messageId": f"m{number}", "body": each} for number, each in enumerate(bodies)]}


def asked(template: str) -> dict[str, Any]:
    return {"organization_id": ORGANIZATION, "leads": [LEAD], "template": template}


LEAD_OF_OURS = {"organization_id": ORGANIZATION, "lead_id": LEAD}
LINKED = {"cross_channel": "link", "cohorts": {"full": 100}}
REQUESTS: dict[str, list[dict[str, Any]]] = {
    "memory_updater": [records(UNRECORDED)],
    "resolver": [asked(f"{{{{lead.name}}}} {{{{fact.{CANARY}.says}}}}"), asked(f"{CANARY} {{{{ {CANARY} | }}}}")],
    "rebuilder": [LEAD_OF_OURS, records([json.dumps(LEAD_OF_OURS), CANARY]), {"lead_id": [CANARY]}],
    "cleanup": [{}],
    "privacy": [
        {"operation": "erase_event", **LEAD_OF_OURS, "ref": "test/none", "asked_by": "somebody"},
        {"operation": "erase_lead", **LEAD_OF_OURS, "asked_by": "somebody"},
        {"operation": "rotate_key", "organization_id": ORGANIZATION},
        {"operation": "reseal", "organization_id": ORGANIZATION},
        {"operation": "configure_conversations", "organization_id": ORGANIZATION, **LINKED},
        {"operation": "erase_lead", "lead_id": CANARY},
    ],
}
NEEDS = {
    "memory_updater": ("dynamodb", "kms", "s3", "sqs"),
    "resolver": ("dynamodb", "kms", "rds-data"),
    "rebuilder": ("dynamodb", "kms", "s3"),
    "cleanup": ("dynamodb", "kms", "eventbridge"),
    "privacy": ("dynamodb", "kms", "s3", "sqs"),
}
FAILURES = {"AccessDeniedException": 400, "ThrottlingException": 400, "InternalError": 500}


class Quoting(BaseHTTPRequestHandler):
    """A service that refuses every request, and says what it was asked and more."""

    code: str
    status: int
    asked: list[str]

    def do_POST(self) -> None:
        request = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode(errors="replace")
        self.asked.append(self.path)
        said = f"{CANARY} SQLState: 42703 {request[:2_000]}"
        if "json" in self.headers.get("Content-Type", ""):
            answer = json.dumps({"__type": self.code, "message": said})
        else:
            answer = f"<Error><Code>{self.code}</Code><Message>{CANARY}</Message></Error>"
        self.send_response(self.status)
        self.send_header("X-Amzn-ErrorType", self.code)
        self.send_header("Content-Length", str(len(answer.encode())))
        self.end_headers()
        self.wfile.write(answer.encode())

    do_GET = do_PUT = do_POST  # noqa: N815

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture(params=FAILURES)
def quoting_service(request: pytest.FixtureRequest) -> Iterator[tuple[str, list[str]]]:
    """Its address, and what it is asked."""
    asked: list[str] = []
    handler = type("Handler", (Quoting,), {"code": request.param, "status": FAILURES[request.param], "asked": asked})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def functions(
    table_name: str,
    content_key: str,
    environment: dict[str, str],
    import_handler: Callable[[str], ModuleType],
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[str], ModuleType]:
    """Starts a function anew, in the environment as it is then. What it needs is there, and holds canaries."""
    monkeypatch.setattr(table_module, "DecorelatedJitterRetry", _short_retries)
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    boto3.client("events").create_event_bus(Name=f"{BUS}-{table_name}")
    queue = boto3.client("sqs").create_queue(QueueName=f"rejected-{table_name}")["QueueUrl"]
    given: dict[str, Any] = {"stage": "test", "table_name": table_name, "content_key": content_key}
    profiles = {
        "profile_cluster_arn": "arn:aws:rds:us-east-1:000000000000:cluster:leads",
        "profile_secret_arn": "arn:aws:secretsmanager:us-east-1:000000000000:secret:leads",
        "profile_database": "leads",
        "profile_table": "leads",
        "profile_id_column": "id",
        "profile_organization_column": "organization_id",
        "profile_fields": "name",
    }
    settings: dict[str, Settings] = {
        "memory_updater": UpdaterSettings(**given, rejected_queue_url=queue, payload_bucket=BUCKET),
        "resolver": ResolverSettings(**given, **profiles),
        "rebuilder": RebuilderSettings(**given, payload_bucket=BUCKET, vectors_queue_url=queue),
        "privacy": PrivacySettings(
            **given,
            payload_bucket=BUCKET,
            rejected_queue_url=queue,
            dead_letter_queue_url=queue,
            rebuild_dead_letter_queue_url=queue,
            extraction_dead_letter_queue_url=queue,
            vectors_dead_letter_queue_url=queue,
            uses_dead_letter_queue_url=queue,
            vectors_queue_url=queue,
            point_in_time_recovery=False,
        ),
        "cleanup": CleanupSettings(**given, bus_name=f"{BUS}-{table_name}", extraction_queue_url=queue),
    }

    def start(name: str) -> ModuleType:
        for variable, value in settings[name].as_environment().items():
            monkeypatch.setenv(variable, value)
        return import_handler(name)

    asyncio.run(_record(table_name, content_key, environment))
    return start


async def _record(table_name: str, content_key: str, environment: dict[str, str]) -> None:
    aws = Aws(environment)
    table = DynamoTable(table_name, aws)
    store = EventStore(table, Keyrings(table, KeyService(content_key, aws)), PayloadBucket(BUCKET), lambda: NOW)
    results = await Recorder(store).record([parse(each, NOW) for each in RECORDED])
    await aws.close()
    assert results == [Outcome.RECORDED] * len(RECORDED)


def _short_retries(time_limit_secs: float) -> DecorelatedJitterRetry:
    return DecorelatedJitterRetry(time_limit_secs=0.2)


@pytest.mark.parametrize(("function", "service"), [(name, each) for name, needs in NEEDS.items() for each in needs])
def test_a_service_that_fails_and_quotes_brings_no_content_into_answers_errors_logs_or_metrics(
    function: str,
    service: str,
    quoting_service: tuple[str, list[str]],
    functions: Callable[[str], ModuleType],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    endpoint, refused = quoting_service
    monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service.upper().replace('-', '_')}", endpoint)
    handler = functions(function).handler
    # What a function's log shows on Lambda: INFO and above, of every library.
    caplog.set_level(logging.INFO)
    said: list[str] = []
    for request in REQUESTS[function]:
        try:
            answer = handler(request, Context())
        except Exception as error:
            said += traceback.format_exception(error)
        else:
            # What was found is for the caller, and so is what is wrong with the caller's own template.
            said.append("" if function == "resolver" else json.dumps(answer))
    gc.collect()  # a task whose failure nobody asked for says so when it goes
    said += [_line(record) for record in caplog.records if record.name != "werkzeug"]
    said += capfd.readouterr()
    assert [line for line in said if CANARY in line] == []
    assert refused


def _line(record: logging.LogRecord) -> str:
    """All that a structured log would show of it."""
    trace = "".join(traceback.format_exception(*record.exc_info)) if record.exc_info else ""
    fields = {name: value for name, value in vars(record).items() if name not in ("args", "exc_info", "msg")}
    return f"{record.getMessage()} {fields} {trace}"
