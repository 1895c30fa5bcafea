"""The functions: what each is told and what each may do."""

import msgspec
from aws_cdk import Duration
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as targets
from aws_cdk.aws_lambda_event_sources import SqsEventSource
from constructs import Construct

from infra.extraction import Extraction
from infra.ingest import Ingest
from infra.lambda_function import Function
from infra.models import allow_model
from infra.permissions import (
    LEASES_AND_BUDGETS,
    OBJECTS,
    RECORDING,
    allow_content_key,
    allow_payloads,
    allow_publishing,
)
from infra.rebuild import Rebuild
from infra.recall import RecallQueues
from infra.stages import Stage
from infra.storage import Storage
from lead_memory.settings import (
    CleanupSettings,
    ContextSettings,
    ExtractorSettings,
    PrivacySettings,
    RebuilderSettings,
    ResolverSettings,
    UpdaterSettings,
)

UPDATER_TIMEOUT = Duration.seconds(30)
REBUILDER_TIMEOUT = Duration.minutes(2)
EXTRACTOR_TIMEOUT = Duration.minutes(5)
PRIVACY_TIMEOUT = Duration.minutes(15)
"""The most there is: a lead is erased in one call, however much there is of it."""
REBUILT_AT_ONCE = 10
"""Leads in one batch."""
JOBS_AT_ONCE = 10
"""In one batch."""
CLEANUP_MIB = 512


def updater(scope: Construct, *, stage: Stage, storage: Storage, ingest: Ingest) -> Function:
    """Records the events of the queue."""
    function = Function(
        scope,
        "Updater",
        stage=stage,
        package="memory_updater",
        description="Records events and the memories derived from them",
        settings=UpdaterSettings(
            stage=stage.name,
            table_name=storage.table.table_name,
            rejected_queue_url=ingest.rejected.queue_url,
            payload_bucket=storage.payloads.bucket_name,
            content_key=storage.content_key.key_arn,
        ),
        timeout=UPDATER_TIMEOUT,
        memory_mib=1024,
    )
    function.allow(*RECORDING, on=storage.table.table_arn)
    allow_payloads(function, storage, *OBJECTS)
    allow_content_key(function, storage, "kms:Decrypt", "kms:GenerateDataKey")
    function.allow("sqs:SendMessage", on=ingest.rejected.queue_arn)
    function.alias.add_event_source(
        SqsEventSource(
            ingest.queue,
            batch_size=stage.batch_size,
            max_batching_window=Duration.seconds(stage.batching_window_seconds),
            max_concurrency=stage.max_concurrency,
            report_batch_item_failures=True,
        )
    )
    return function


def rebuilder(scope: Construct, *, stage: Stage, storage: Storage, rebuild: Rebuild, recall: RecallQueues) -> Function:
    """Makes the memories of the leads of its queue, or of the one that a call names, from their events again."""
    function = Function(
        scope,
        "Rebuilder",
        stage=stage,
        package="rebuilder",
        description="Folds the memories of leads again from their events",
        settings=RebuilderSettings(
            stage=stage.name,
            table_name=storage.table.table_name,
            payload_bucket=storage.payloads.bucket_name,
            content_key=storage.content_key.key_arn,
            vectors_queue_url=recall.vectors.queue_url,
        ),
        timeout=REBUILDER_TIMEOUT,
        memory_mib=1024,
    )
    function.allow(*RECORDING, on=storage.table.table_arn)
    allow_payloads(function, storage, *OBJECTS)
    allow_content_key(function, storage, "kms:Decrypt")
    function.allow("sqs:SendMessage", on=recall.vectors.queue_arn)
    function.alias.add_event_source(
        SqsEventSource(
            rebuild.queue,
            batch_size=REBUILT_AT_ONCE,
            max_concurrency=stage.rebuilders,
            report_batch_item_failures=True,
        )
    )
    return function


def resolver(scope: Construct, *, stage: Stage, storage: Storage) -> Function:
    """Renders templates: it can read memories by their keys, and nothing more."""
    profiles = stage.profiles
    settings = ResolverSettings(
        stage=stage.name, table_name=storage.table.table_name, content_key=storage.content_key.key_arn
    )
    if profiles:
        settings = msgspec.structs.replace(
            settings,
            profile_cluster_arn=profiles.cluster_arn,
            profile_secret_arn=profiles.secret_arn,
            profile_database=profiles.database,
            profile_table=profiles.table,
            profile_id_column=profiles.id_column,
            profile_organization_column=profiles.organization_column,
            profile_fields=",".join(profiles.fields),
        )
    function = Function(
        scope,
        "Resolver",
        stage=stage,
        package="resolver",
        description="Resolves the variables of message templates",
        settings=settings,
        timeout=Duration.seconds(30),
        memory_mib=1024,
    )
    function.allow("dynamodb:BatchGetItem", "dynamodb:GetItem", on=storage.table.table_arn)
    allow_content_key(function, storage, "kms:Decrypt")
    if profiles:
        function.allow("rds-data:ExecuteStatement", on=profiles.cluster_arn)
        function.allow("secretsmanager:GetSecretValue", on=profiles.secret_arn)
    return function


def context(scope: Construct, *, stage: Stage, storage: Storage) -> Function:
    """Tells agents what to know: it reads one lead's memories, and writes nothing."""
    function = Function(
        scope,
        "Context",
        stage=stage,
        package="context",
        description="Assembles what an agent should know of a lead and a thread",
        settings=ContextSettings(
            stage=stage.name, table_name=storage.table.table_name, content_key=storage.content_key.key_arn
        ),
        timeout=Duration.seconds(30),
        memory_mib=1024,
    )
    function.allow("dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query", on=storage.table.table_arn)
    allow_content_key(function, storage, "kms:Decrypt")
    return function


def extractor(scope: Construct, *, stage: Stage, storage: Storage, ingest: Ingest, extraction: Extraction) -> Function:
    """Asks a model about conversations. What it answers goes to the bus, so this writes no memories."""
    function = Function(
        scope,
        "Extractor",
        stage=stage,
        package="extractor",
        description="Asks a model about conversations and publishes what it says",
        settings=ExtractorSettings(
            stage=stage.name,
            table_name=storage.table.table_name,
            content_key=storage.content_key.key_arn,
            bus_name=ingest.bus.event_bus_name,
            queue_url=extraction.queue.queue_url,
            dead_letter_queue_url=extraction.dead_letters.queue_url,
            model=stage.model.name,
            model_base_url=stage.model.base_url,
            model_secret_arn=stage.model.secret_arn,
            input_token_price=stage.model.input_token_price,
            output_token_price=stage.model.output_token_price,
            recording_seconds=stage.recording_seconds,
            pause_seconds=stage.pause_seconds,
        ),
        timeout=EXTRACTOR_TIMEOUT,
        memory_mib=1024,
    )
    table = storage.table.table_arn
    function.allow("dynamodb:BatchGetItem", "dynamodb:GetItem", on=table)
    function.allow("dynamodb:Query", on=storage.index_arn)
    function.allow("dynamodb:UpdateItem", on=table, condition=LEASES_AND_BUDGETS)
    allow_content_key(function, storage, "kms:Decrypt")
    allow_publishing(function, ingest, "extractor")
    for queue in (extraction.queue, extraction.dead_letters):
        function.allow("sqs:SendMessage", on=queue.queue_arn)
    allow_model(function, stage.model)
    function.alias.add_event_source(
        SqsEventSource(
            extraction.queue,
            batch_size=JOBS_AT_ONCE,
            max_batching_window=Duration.seconds(stage.batching_window_seconds),
            max_concurrency=stage.extractors,
            report_batch_item_failures=True,
        )
    )
    return function


def cleanup(scope: Construct, *, stage: Stage, storage: Storage, ingest: Ingest, extraction: Extraction) -> Function:
    """Finds what is due, every few minutes."""
    function = Function(
        scope,
        "Cleanup",
        stage=stage,
        package="cleanup",
        description="Publishes what time decided about memories",
        settings=CleanupSettings(
            stage=stage.name,
            table_name=storage.table.table_name,
            content_key=storage.content_key.key_arn,
            bus_name=ingest.bus.event_bus_name,
            extraction_queue_url=extraction.queue.queue_url,
        ),
        # Where there is a backlog, until the next run begins.
        timeout=Duration.minutes(stage.cleanup_every_minutes),
        memory_mib=CLEANUP_MIB,
    )
    function.allow("dynamodb:BatchGetItem", "dynamodb:GetItem", on=storage.table.table_arn)
    function.allow("dynamodb:Query", on=storage.index_arn)
    allow_content_key(function, storage, "kms:Decrypt")
    allow_publishing(function, ingest, "cleanup")
    function.allow("sqs:SendMessage", on=extraction.queue.queue_arn)
    scheduler.Schedule(
        scope,
        "CleanupSchedule",
        description="Runs the cleanup",
        schedule=scheduler.ScheduleExpression.rate(Duration.minutes(stage.cleanup_every_minutes)),
        # What this run leaves is due at the next one, so a failed run is not tried again.
        target=targets.LambdaInvoke(function.alias, retry_attempts=0),
    )
    return function


def privacy(
    scope: Construct,
    *,
    stage: Stage,
    storage: Storage,
    ingest: Ingest,
    rebuild: Rebuild,
    extraction: Extraction,
    recall: RecallQueues,
) -> Function:
    """Erases what a person asks for, and looks after the organizations' keys."""
    function = Function(
        scope,
        "Privacy",
        stage=stage,
        package="privacy",
        description="Erases events, leads and organizations, and rotates keys",
        settings=PrivacySettings(
            stage=stage.name,
            table_name=storage.table.table_name,
            content_key=storage.content_key.key_arn,
            payload_bucket=storage.payloads.bucket_name,
            rejected_queue_url=ingest.rejected.queue_url,
            dead_letter_queue_url=ingest.dead_letters.queue_url,
            rebuild_dead_letter_queue_url=rebuild.dead_letters.queue_url,
            extraction_dead_letter_queue_url=extraction.dead_letters.queue_url,
            vectors_dead_letter_queue_url=recall.vectors_dead_letters.queue_url,
            uses_dead_letter_queue_url=recall.uses_dead_letters.queue_url,
            vectors_queue_url=recall.vectors.queue_url,
            archive_days=stage.archive_days,
            point_in_time_recovery=stage.keeps_data,
        ),
        timeout=PRIVACY_TIMEOUT,
        memory_mib=1024,
    )
    function.allow(*RECORDING, "dynamodb:BatchWriteItem", on=storage.table.table_arn)
    function.allow("dynamodb:Query", on=storage.index_arn)
    allow_payloads(function, storage, *OBJECTS)
    allow_content_key(function, storage, "kms:Decrypt", "kms:GenerateDataKey")
    function.allow("sqs:SendMessage", on=recall.vectors.queue_arn)
    for queue in (
        ingest.rejected,
        ingest.dead_letters,
        rebuild.dead_letters,
        extraction.dead_letters,
        recall.vectors_dead_letters,
        recall.uses_dead_letters,
    ):
        function.allow(
            "sqs:ChangeMessageVisibility",
            "sqs:DeleteMessage",
            "sqs:GetQueueAttributes",
            "sqs:ReceiveMessage",
            on=queue.queue_arn,
        )
    return function
