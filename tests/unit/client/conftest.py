"""A stage on moto, found by its stack's outputs, with a resolver that answers over HTTP as Lambda does."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import boto3
import pytest
from moto import mock_aws

from lead_memory.adapters import keys
from lead_memory.adapters.event_items import head_item, packed_event
from lead_memory.adapters.large_payloads import LARGE_CONTENT
from lead_memory.adapters.memory_items import memory_item
from lead_memory.adapters.organization_items import organization_item
from lead_memory.adapters.sealing import Keyring, encryption_context
from lead_memory.domain.amendments import Cases
from lead_memory.domain.derivations import derive
from lead_memory.domain.events import Event
from lead_memory.domain.fold import refold
from lead_memory.domain.memories import Memory
from lead_memory.services.resolve import Resolver
from lead_memory_client import LeadMemory, recording
from lead_memory_client.cli import main
from resolver.messages import BadRequest, Request, planned, refused
from tests.events import NOW
from tests.unit.resolve.fakes import ANA, FakeMemories, FakeProfiles, memory

TABLE, BUCKET, BUS, REGION = "lead-memory", "lead-memory-payloads", "lead-memory-bus", "us-east-1"
QUEUES = (
    "ingest",
    "dead-letters",
    "rejected",
    "rebuild",
    "rebuild-dead-letters",
    "extraction",
    "extraction-dead-letters",
    "vectors",
    "vectors-dead-letters",
    "uses",
    "uses-dead-letters",
)


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("AWS_PROFILE", "AWS_DEFAULT_REGION", "LEAD_MEMORY_STAGE", "LEAD_MEMORY_ORGANIZATION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_REGION", REGION)
    monkeypatch.setenv("COLUMNS", "200")
    return monkeypatch


class DeployedStage:
    """What tests put into the stage, and take out of it, behind the client's back."""

    def __init__(self, content_key: str) -> None:
        self._content_key = content_key
        self._kms = boto3.client("kms", REGION)
        self._keyrings: dict[str, Keyring] = {}
        self.table = boto3.resource("dynamodb", REGION).Table(TABLE)
        self.sqs = boto3.client("sqs", REGION)
        self.s3 = boto3.client("s3", REGION)

    def keyring(self, organization_id: str) -> Keyring:
        """The organization's, which it gets when it is first asked for."""
        if organization_id not in self._keyrings:
            made = self._kms.generate_data_key(
                KeyId=self._content_key, KeySpec="AES_256", EncryptionContext=encryption_context(organization_id)
            )
            item = organization_item(organization_id, [made["CiphertextBlob"]], hashes_names=False)
            self.table.put_item(Item=item)
            self._keyrings[organization_id] = Keyring(organization_id, [made["Plaintext"]])
        return self._keyrings[organization_id]

    def remember(self, *memories: Memory) -> None:
        for each in memories:
            self.table.put_item(Item=memory_item(each, 1, self.keyring(each.organization_id)))

    def record(self, *events: Event) -> None:
        for each in events:
            keyring = self.keyring(each.organization_id)
            item, large_content = packed_event(each, (), keyring, recorded_at=NOW, settled=True)
            self.table.put_item(Item=item)
            if large_content is not None:
                self.s3.put_object(Bucket=BUCKET, Key=item[LARGE_CONTENT], Body=large_content)

    def take_in(self, *events: Event, recorded_at: datetime = NOW) -> None:
        """What the updater leaves once it has all of one lead's events: head, events and memories."""
        cases = Cases(events)
        touches = {each.ref: {change.name for change in derive(each, cases.of(each))} for each in events}
        keyring = self.keyring(events[0].organization_id)
        with self.table.batch_writer() as batch:
            batch.put_item(head_item(events[0].lead, recorded_at))
            for each in events:
                packed = packed_event(each, touches[each.ref], keyring, recorded_at=recorded_at, settled=True)
                batch.put_item(packed.item)
        self.remember(*refold(events, set().union(*touches.values())).values())

    def url(self, queue: str) -> str:
        return self.sqs.get_queue_url(QueueName=queue)["QueueUrl"]

    def reject(self, body: str, *, reason: str, encoding: str = "text") -> None:
        attributes = {"reason": reason, "detail": "why", "encoding": encoding}
        self.sqs.send_message(
            QueueUrl=self.url("rejected"),
            MessageBody=body,
            MessageAttributes={name: {"DataType": "String", "StringValue": text} for name, text in attributes.items()},
        )

    def published(self) -> list[Any]:
        """What the bus delivered to the ingest queue."""
        return [json.loads(body) for body in self.bodies("ingest")]

    def published_by(self, source: str) -> tuple[str, dict[str, Any], dict[str, Any]]:
        """The type, the data and the metadata of the only event."""
        [body] = self.published()
        assert body["source"] == source
        return body["detail-type"], body["detail"]["data"], body["detail"]["metadata"]

    def bodies(self, queue: str) -> list[str]:
        bodies: list[str] = []
        while messages := self.sqs.receive_message(QueueUrl=self.url(queue), MaxNumberOfMessages=10).get("Messages"):
            bodies += [message["Body"] for message in messages]
        return bodies


@pytest.fixture
def stage(environment: pytest.MonkeyPatch) -> Iterator[DeployedStage]:
    with mock_aws():
        content_key = boto3.client("kms", REGION).create_key()["KeyMetadata"]["Arn"]
        boto3.client("cloudformation", REGION).create_stack(
            StackName="LeadMemory-dev", TemplateBody=json.dumps(_template(content_key))
        )
        yield DeployedStage(content_key)


@pytest.fixture
def hurry(environment: pytest.MonkeyPatch) -> None:
    """No updater takes in what is published on this stage."""
    environment.setattr(recording, "PATIENCE_SECONDS", 0.1)


@pytest.fixture
def client(stage: DeployedStage) -> LeadMemory:
    return LeadMemory.connect("dev")


class Ran(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def command(stage: DeployedStage, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Runs `lead-memory` with the arguments, on the stage `dev`."""

    def run(*arguments: str, stage: str = "dev") -> Ran:
        code = main([*arguments, "--stage", stage])
        printed = capsys.readouterr()
        return Ran(code, printed.out, printed.err)

    return run


@pytest.fixture
def resolver(environment: pytest.MonkeyPatch) -> Iterator[None]:
    """The resolver's own parsing and rendering, over one lead that is known."""
    known = FakeMemories(memory(ANA, "purchase", "last_transaction", {"product_name": "Whey Protein 1kg"}))
    service = Resolver(known, FakeProfiles({ANA: {"name": "Ana Souza"}}), patience_seconds=5)

    def handler(event: object) -> Any:
        try:
            request = Request.read(event)
            question = request.question(("name",))
        except BadRequest as refusal:
            return refused(refusal.mistake)
        if request.plan:
            return planned(question, has_profiles=True)
        return request.answered(asyncio.run(service.resolve(question, NOW)))

    with lambda_of(handler) as endpoint:
        environment.setenv("AWS_ENDPOINT_URL_LAMBDA", endpoint)
        yield


@contextmanager
def lambda_of(handler: Callable[[object], Any], *, failing: bool = False) -> Iterator[str]:
    """The endpoint of a Lambda whose every function is the handler, or one that ends in the handler's error."""

    class Invoke(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = json.dumps(handler(event)).encode()
            self.send_response(200)
            if failing:
                self.send_header("X-Amz-Function-Error", "Unhandled")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Invoke)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _template(content_key: str) -> dict[str, Any]:
    names = (keys.PK, keys.SK, keys.GSI1_PK, keys.GSI1_SK)
    queues = {
        name.title().replace("-", ""): {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": name}} for name in QUEUES
    }
    outputs = {
        "TableName": TABLE,
        "PayloadBucket": BUCKET,
        "ContentKey": content_key,
        "BusName": BUS,
        "IngestQueueUrl": {"Ref": "Ingest"},
        "DeadLetterQueueUrl": {"Ref": "DeadLetters"},
        "RejectedQueueUrl": {"Ref": "Rejected"},
        "RebuildQueueUrl": {"Ref": "Rebuild"},
        "RebuildDeadLetterQueueUrl": {"Ref": "RebuildDeadLetters"},
        "ExtractionQueueUrl": {"Ref": "Extraction"},
        "ExtractionDeadLetterQueueUrl": {"Ref": "ExtractionDeadLetters"},
        "VectorsQueueUrl": {"Ref": "Vectors"},
        "VectorsDeadLetterQueueUrl": {"Ref": "VectorsDeadLetters"},
        "UsesQueueUrl": {"Ref": "Uses"},
        "UsesDeadLetterQueueUrl": {"Ref": "UsesDeadLetters"},
        "ResolverFunction": "resolver:live",
        "ContextFunction": "context:live",
        "ExtractorFunction": "extractor:live",
        "CleanupFunction": "cleanup:live",
        "RebuilderFunction": "rebuilder:live",
        "PrivacyFunction": "privacy:live",
        "RecallFunction": "recall:live",
        "EmbedderFunction": "embedder:live",
        "ProfileFields": "name,email",
    }
    return {
        "Resources": {
            **queues,
            "Bus": {"Type": "AWS::Events::EventBus", "Properties": {"Name": BUS}},
            "Payloads": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": BUCKET}},
            "Rule": {
                "Type": "AWS::Events::Rule",
                "DependsOn": "Bus",
                "Properties": {
                    "EventBusName": BUS,
                    "EventPattern": {"account": ["123456789012"]},
                    "Targets": [{"Id": "ingest", "Arn": {"Fn::GetAtt": ["Ingest", "Arn"]}}],
                },
            },
            "Table": {
                "Type": "AWS::DynamoDB::Table",
                "Properties": {
                    "TableName": TABLE,
                    "BillingMode": "PAY_PER_REQUEST",
                    "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in names],
                    "KeySchema": _key(keys.PK, keys.SK),
                    "GlobalSecondaryIndexes": [
                        {
                            "IndexName": keys.GSI1,
                            "KeySchema": _key(keys.GSI1_PK, keys.GSI1_SK),
                            "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": [keys.TOUCHES]},
                        }
                    ],
                },
            },
        },
        "Outputs": {name: {"Value": value} for name, value in outputs.items()},
    }


def _key(hash_name: str, range_name: str) -> list[dict[str, str]]:
    return [
        {"AttributeName": hash_name, "KeyType": "HASH"},
        {"AttributeName": range_name, "KeyType": "RANGE"},
    ]
