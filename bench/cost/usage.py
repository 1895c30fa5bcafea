"""What is billed for one event, one call of the resolver, one stored or rebuilt lead, and one month."""

import math
from collections.abc import Mapping

from bench.capacity import READ_BYTES
from bench.cost.measured import Work
from bench.cost.priced import Assumptions, Usage, times, together
from infra.assets import Architecture
from lead_memory.adapters.keyrings import CACHE_SECONDS, LOAD_SECONDS

GB = 1_000_000_000
MONTH_DAYS = 365 / 12
MONTH_SECONDS = MONTH_DAYS * 86_400
QUEUE_BATCH = 10
"""Messages that one request to a queue sends, receives or deletes at most, also for Lambda's mapping."""
CHUNK_BYTES = 64 * 1024
"""EventBridge and SQS bill what is larger as so many events and requests."""
MIB_IN_GB = 1_024
GB_SECONDS: Mapping[Architecture, str] = {"arm64": "lambda.gb_second", "x86_64": "lambda.x86_gb_second"}
KEY_SECONDS = CACHE_SECONDS - LOAD_SECONDS
"""How long a process keeps an organization's key."""


def event(batch: Work, *, events: int, event_bytes: float, archive_days: int, assumed: Assumptions) -> Usage:
    """One of `events` in a batch of the updater."""
    chunks = 1 + assumed.large_payload_share * (math.ceil(assumed.large_payload_bytes / CHUNK_BYTES) - 1)
    receives = deletes = math.ceil(events / QUEUE_BATCH) / events
    archived_gb = (event_bytes + assumed.large_payload_share * assumed.large_payload_bytes) / GB
    return together(
        {
            "eventbridge.event": chunks,
            "eventbridge.archived_gb": archived_gb,
            "eventbridge.archive_gb_month": archived_gb * archive_days / MONTH_DAYS,
            "sqs.request": chunks + receives + (chunks - 1) + deletes,
            "s3.put": assumed.large_payload_share,
        },
        times(1 / events, invocation(batch, assumed)),
        opened_keys(assumed, assumed.events_per_second, assumed.updaters),
    )


def message(batch: Work, *, messages: int, assumed: Assumptions) -> Usage:
    """One of `messages` in a batch of the extractor. The bus takes nothing for a second delivery in the same account.

    https://aws.amazon.com/eventbridge/pricing/
    """
    receives = deletes = math.ceil(messages / QUEUE_BATCH) / messages
    return together(
        {"sqs.request": 1 + receives + deletes},
        times(1 / messages, invocation(batch, assumed)),
        opened_keys(assumed, assumed.messages_per_second, assumed.extractors),
    )


def indexed(batch: Work, *, events: int, queued: float, assumed: Assumptions) -> Usage:
    """One of `events`, of which `queued` are in a batch of the embedder."""
    receives = deletes = math.ceil(queued / QUEUE_BATCH) / events
    share = queued / events
    return together(
        {"sqs.request": share + receives + deletes},
        times(1 / events, invocation(batch, assumed)),
        times(share, opened_keys(assumed, share * assumed.events_per_second, assumed.embedders)),
    )


def recall(call: Work, counting: Work, *, recalls: int, assumed: Assumptions) -> Usage:
    """One of `recalls` whose uses are counted in a batch."""
    receives = deletes = math.ceil(recalls / QUEUE_BATCH) / recalls
    return together(
        {"sqs.request": 1 + receives + deletes},
        invocation(call, assumed),
        times(1 / recalls, invocation(counting, assumed)),
        opened_keys(assumed, assumed.recalls_per_second, assumed.recallers),
    )


def model_call(*, input_tokens: float, output_tokens: float, memory_mib: int, assumed: Assumptions) -> Usage:
    """The extractor is billed while it waits: here, for each answer by itself."""
    return {
        "model.input_token": input_tokens,
        "model.output_token": output_tokens,
        "lambda.gb_second": assumed.model_seconds * memory_mib / MIB_IN_GB,
    }


def call(resolve: Work, *, reads_profile: bool, assumed: Assumptions) -> Usage:
    return together(
        invocation(resolve, assumed),
        {"rds.request": int(reads_profile)},
        opened_keys(assumed, assumed.resolves_per_second, assumed.resolvers),
    )


def stored_month(*, table_bytes: float, index_bytes: float, events: float, assumed: Assumptions) -> Usage:
    """One lead; the index is not part of a backup."""
    return {
        "dynamodb.gb_month": (table_bytes + index_bytes) / GB,
        "dynamodb.backup_gb_month": table_bytes / GB,
        "s3.gb_month": events * assumed.large_payload_share * assumed.large_payload_bytes / GB,
    }


def rebuilt(batch: Work, *, entry_bytes: float, rebuilders: int, leads: int, assumed: Assumptions) -> Usage:
    """`leads` of them, of which the registry holds `entry_bytes` each; each process opens each organization once."""
    return together(
        times(leads / QUEUE_BATCH, invocation(batch, assumed)),
        {
            "sqs.request": 3 * leads / QUEUE_BATCH,
            "dynamodb.read_unit": leads * entry_bytes / READ_BYTES / 2,
            "kms.request": rebuilders * assumed.organizations,
        },
    )


def month(
    resources: Mapping[str, int],
    *,
    functions_gb: float,
    metrics: int,
    cleanup: Work,
    cleanup_every_minutes: int,
    assumed: Assumptions,
) -> Usage:
    """What a stage costs though nothing happens; `resources` are counted by CloudFormation's type."""
    cleanups = MONTH_DAYS * 24 * 60 / cleanup_every_minutes
    functions = resources["AWS::Lambda::Function"]
    pollers = resources["AWS::Lambda::EventSourceMapping"] * assumed.idle_pollers
    return together(
        times(cleanups, invocation(cleanup, assumed)),
        {
            "scheduler.invocation": cleanups,
            "sqs.request": pollers * MONTH_SECONDS / assumed.poll_seconds,
            "lambda.snapshot_gb_second": functions_gb * MONTH_SECONDS,
            "lambda.restored_gb": assumed.restores_per_month * functions_gb / functions,
            "kms.key_month": resources["AWS::KMS::Key"] * assumed.key_versions,
            "secrets.secret_month": 1,
            "cloudwatch.metric_month": metrics,
            "cloudwatch.alarm_month": resources["AWS::CloudWatch::Alarm"],
            "cloudwatch.dashboard_month": resources["AWS::CloudWatch::Dashboard"],
        },
    )


def invocation(work: Work, assumed: Assumptions) -> Usage:
    logged_gb = (work.log_bytes + assumed.platform_log_bytes) / GB
    return {
        "lambda.request": 1,
        GB_SECONDS[work.architecture]: work.billed_seconds * work.memory_mib / MIB_IN_GB,
        "dynamodb.read_unit": work.read_units,
        "dynamodb.write_unit": work.write_units,
        "logs.gb": logged_gb,
        "logs.gb_month": logged_gb * assumed.logs_compressed_to * assumed.logs_kept_days / MONTH_DAYS,
    }


def opened_keys(assumed: Assumptions, per_second: float, processes: int) -> Usage:
    """Of one event or call: a process reads and unwraps an organization's key once in a while, if it meets it then.

    Organizations are equally busy, and so are processes.
    """
    of_a_process = max(1, per_second * KEY_SECONDS / processes)
    met = assumed.organizations * (1 - (1 - 1 / assumed.organizations) ** of_a_process)
    opened = met / of_a_process
    return {"kms.request": opened, "dynamodb.read_unit": opened}
