"""The functions of recalls: what each is told and what each may do."""

from aws_cdk import Duration
from aws_cdk.aws_lambda_event_sources import SqsEventSource
from constructs import Construct

from infra.ingest import Ingest
from infra.lambda_function import Function
from infra.models import allow_bedrock
from infra.permissions import LEADS, OBJECTS, allow_content_key, allow_payloads, allow_publishing
from infra.recall import RecallQueues
from infra.stages import Stage
from infra.storage import Storage
from lead_memory.settings import EmbedderSettings, RecallSettings

EMBEDDER_TIMEOUT = Duration.minutes(5)
"""For all memories of a large lead."""
USES_AT_ONCE = 1_000
"""In one batch: the more there are, the more of them are one write."""
USE_COUNTERS = 2
"""At once, the fewest that SQS takes."""
ONE_PROCESSOR_MIB = 1769
"""Lambda gives processors by memory: with this a function has a whole one, which is what its model makes use of.
https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
"""


def recall(scope: Construct, *, stage: Stage, storage: Storage, queues: RecallQueues) -> Function:
    """Answers questions about a lead with memories; it writes nothing but that they were used."""
    function = Function(
        scope,
        "Recall",
        stage=stage,
        package="recall",
        description="Recalls the memories of a lead that a question is about",
        settings=RecallSettings(
            stage=stage.name,
            table_name=storage.table.table_name,
            content_key=storage.content_key.key_arn,
            payload_bucket=storage.payloads.bucket_name,
            uses_queue_url=queues.uses.queue_url,
            embedder=stage.embedder,
        ),
        timeout=Duration.seconds(30),
        memory_mib=ONE_PROCESSOR_MIB,
    )
    function.allow("dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query", on=storage.table.table_arn)
    allow_payloads(function, storage, "s3:GetObject")
    allow_content_key(function, storage, "kms:Decrypt")
    function.allow("sqs:SendMessage", on=queues.uses.queue_arn)
    allow_bedrock(function, stage.embedder)
    return function


def embedder(scope: Construct, *, stage: Stage, storage: Storage, ingest: Ingest, queues: RecallQueues) -> Function:
    """Keeps beside each memory what finds it, and counts its uses."""
    function = Function(
        scope,
        "Embedder",
        stage=stage,
        package="embedder",
        description="Keeps the vectors of memories, and counts their uses",
        settings=EmbedderSettings(
            stage=stage.name,
            table_name=storage.table.table_name,
            content_key=storage.content_key.key_arn,
            payload_bucket=storage.payloads.bucket_name,
            bus_name=ingest.bus.event_bus_name,
            queue_url=queues.vectors.queue_url,
            recording_seconds=stage.recording_seconds,
            embedder=stage.embedder,
        ),
        timeout=EMBEDDER_TIMEOUT,
        memory_mib=ONE_PROCESSOR_MIB,
    )
    table = storage.table.table_arn
    function.allow("dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query", on=table)
    function.allow(
        "dynamodb:ConditionCheckItem",
        "dynamodb:DeleteItem",
        "dynamodb:UpdateItem",
        on=table,
        condition=LEADS,
    )
    allow_payloads(function, storage, *OBJECTS)
    allow_content_key(function, storage, "kms:Decrypt")
    allow_publishing(function, ingest, "embedder")
    function.allow("sqs:SendMessage", on=queues.vectors.queue_arn)
    allow_bedrock(function, stage.embedder)
    function.alias.add_event_source(
        SqsEventSource(
            queues.vectors,
            batch_size=stage.batch_size,
            max_batching_window=Duration.seconds(stage.batching_window_seconds),
            max_concurrency=stage.embedders,
            report_batch_item_failures=True,
        )
    )
    function.alias.add_event_source(
        SqsEventSource(
            queues.uses,
            batch_size=USES_AT_ONCE,
            max_batching_window=Duration.seconds(stage.uses_window_seconds),
            max_concurrency=USE_COUNTERS,
            report_batch_item_failures=True,
        )
    )
    return function
