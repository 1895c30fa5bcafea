"""The three functions: what each is told and what each may do."""

from aws_cdk import Duration
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as targets
from aws_cdk.aws_lambda_event_sources import SqsEventSource
from constructs import Construct

from infra.function import Function
from infra.ingest import Ingest
from infra.stages import Stage
from infra.storage import Storage
from lead_memory.settings import CleanupSettings, ResolverSettings, UpdaterSettings

UPDATER_TIMEOUT = Duration.seconds(30)


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
        ),
        timeout=UPDATER_TIMEOUT,
        memory_mib=1024,
    )
    function.allow(
        "dynamodb:BatchGetItem",
        "dynamodb:ConditionCheckItem",
        "dynamodb:DeleteItem",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "dynamodb:UpdateItem",
        on=storage.table.table_arn,
    )
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


def resolver(scope: Construct, *, stage: Stage, storage: Storage) -> Function:
    """Renders templates: it can read one memory by its key, and nothing more."""
    profiles = stage.profiles
    settings = ResolverSettings(stage=stage.name, table_name=storage.table.table_name)
    if profiles:
        settings = ResolverSettings(
            stage=stage.name,
            table_name=storage.table.table_name,
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
    if profiles:
        function.allow("rds-data:ExecuteStatement", on=profiles.cluster_arn)
        function.allow("secretsmanager:GetSecretValue", on=profiles.secret_arn)
    return function


def cleanup(scope: Construct, *, stage: Stage, storage: Storage, ingest: Ingest) -> Function:
    """Finds what is due, every few minutes."""
    function = Function(
        scope,
        "Cleanup",
        stage=stage,
        package="cleanup",
        description="Publishes what time decided about memories",
        settings=CleanupSettings(
            stage=stage.name, table_name=storage.table.table_name, bus_name=ingest.bus.event_bus_name
        ),
        timeout=Duration.minutes(1),
        memory_mib=512,
    )
    function.allow("dynamodb:BatchGetItem", "dynamodb:GetItem", on=storage.table.table_arn)
    function.allow("dynamodb:Query", on=storage.index_arn)
    function.allow("events:PutEvents", on=ingest.bus.event_bus_arn)
    scheduler.Schedule(
        scope,
        "CleanupSchedule",
        description="Runs the cleanup",
        schedule=scheduler.ScheduleExpression.rate(Duration.minutes(stage.cleanup_every_minutes)),
        # What this run leaves is due at the next one, so a failed run is not tried again.
        target=targets.LambdaInvoke(function.alias, retry_attempts=0),
    )
    return function
