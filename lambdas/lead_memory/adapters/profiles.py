"""Leads' profiles, in an Aurora PostgreSQL table that is read through the RDS Data API."""

import asyncio
import logging
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, Self

import msgspec

from lead_memory.domain import canonical
from lead_memory.domain.errors import LeadMemoryError, Unavailable
from lead_memory.domain.templates.variables import Reason
from lead_memory.services.resolve import Profile, ProfilesRefused, ProfilesTooLarge
from lead_memory.settings import ResolverSettings

if TYPE_CHECKING:
    from botocore.exceptions import ClientError
    from mypy_boto3_rds_data import RDSDataServiceClient

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")

PROFILE_MAX_BYTES = 60_000
"""The Data API refuses a whole answer for one row of more than 64 KB, so such a profile stays where it is.

https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/data-api.limitations.html
"""

# The ids take the column's own type from the table's, so that its index serves whatever that type is.
_STATEMENT = """
select cast(lead.{id_column} as text), case when octet_length(profile.cells) <= {max_bytes} then profile.cells end
from jsonb_populate_recordset(cast(null as {table}), cast(:leads as jsonb)) as asked
join {table} as lead on lead.{id_column} = asked.{id_column}
cross join lateral (select cast(json_build_array({columns}) as text) as cells) as profile
where cast(lead.{organization_column} as text) = :organization_id
"""

_PASSING_ERRORS = {
    "DatabaseResumingException",
    "DatabaseUnavailableException",
    "RequestTimeout",
    "StatementTimeoutException",
    "ThrottlingException",
    "TooManyRequestsException",
}
"""Besides those that answer with a status of 500 and above."""
_PASSING_SQL_STATES = ("08", "40", "53", "55", "57", "58")
"""Classes of PostgreSQL's: connection lost, deadlock, out of resources, locked, shutting down, disk."""

_logger = logging.getLogger(__name__)


class ProfileTable(msgspec.Struct, frozen=True, kw_only=True):
    cluster_arn: str
    secret_arn: str
    database: str
    table: str
    """May be qualified by its schema."""
    id_column: str
    organization_column: str


class RdsProfiles:
    def __init__(self, table: ProfileTable, fields: Sequence[str]) -> None:
        """Raises `ValueError` for a table or column that is no plain identifier, and where there is no field."""
        if not fields:
            raise ValueError("a profile table without a field: name the columns that templates may read")
        self._table = table
        self._columns = {field: _quoted(field) for field in fields}
        self._names: dict[str, str | int] = {
            "table": ".".join(map(_quoted, table.table.split("."))),
            "id_column": _quoted(table.id_column),
            "organization_column": _quoted(table.organization_column),
            "max_bytes": PROFILE_MAX_BYTES,
        }

    @classmethod
    def of(cls, settings: ResolverSettings) -> Self | None:
        """None where the stage has no profile database. Raises `msgspec.ValidationError` where half is set."""
        prefix = "profile_"
        given = {
            name.removeprefix(prefix): value
            for name, value in msgspec.structs.asdict(settings).items()
            if name.startswith(prefix) and value is not None
        }
        return cls(msgspec.convert(given, ProfileTable), settings.profile_field_names()) if given else None

    async def profiles(
        self, organization_id: str, lead_ids: Sequence[str], fields: Sequence[str]
    ) -> Mapping[str, Profile]:
        """Ids are UUIDs as PostgreSQL writes them. Raises `Unavailable`, `ProfilesRefused` or `ProfilesTooLarge`."""
        rows = await asyncio.to_thread(self._execute, organization_id, lead_ids, fields)
        return {lead_id: _profile(fields, cells) for lead_id, cells in rows}

    def _execute(
        self, organization_id: str, lead_ids: Sequence[str], fields: Sequence[str]
    ) -> list[tuple[str, str | None]]:
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - slow to load, seldom needed

        columns = ", ".join(f"lead.{self._columns[field]}" for field in fields)
        asked = [{self._table.id_column: lead_id} for lead_id in lead_ids]
        try:
            answer = self._client.execute_statement(
                resourceArn=self._table.cluster_arn,
                secretArn=self._table.secret_arn,
                database=self._table.database,
                sql=_STATEMENT.format(columns=columns, **self._names),
                parameters=[
                    {"name": "leads", "value": {"stringValue": canonical.encode(asked).decode()}},
                    {"name": "organization_id", "value": {"stringValue": organization_id}},
                ],
            )
        except ClientError as error:
            raise _translated(error) from error
        except BotoCoreError as error:
            raise Unavailable(f"the profile database did not answer: {type(error).__name__}") from error
        return [(lead_id["stringValue"], cells.get("stringValue")) for lead_id, cells in answer["records"]]

    @cached_property
    def _client(self) -> "RDSDataServiceClient":
        import boto3  # noqa: PLC0415 - half a second to load, and most templates' reads are memories
        from botocore.config import Config  # noqa: PLC0415

        patience = Config(connect_timeout=2, read_timeout=8, retries={"mode": "standard", "total_max_attempts": 2})
        region = self._table.cluster_arn.split(":")[3]
        return boto3.client("rds-data", region_name=region, config=patience)


def _profile(fields: Sequence[str], cells: str | None) -> Profile:
    if cells is None:
        _logger.error("profile refused", extra={"reason": f"more than {PROFILE_MAX_BYTES} bytes"})
        return Reason.PROFILE_REFUSED
    try:
        return dict(zip(fields, canonical.decode(cells), strict=True))
    except (msgspec.DecodeError, ValueError, TypeError) as error:  # the other leads' rows are still an answer
        _logger.error("profile unreadable", extra={"reason": type(error).__name__})
        return Reason.PROFILE_UNAVAILABLE


def _translated(error: "ClientError") -> LeadMemoryError:
    """Messages of the database may quote content, so only codes are told."""
    code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
    if code == "BadRequestException" and "response size limit" in message:
        return ProfilesTooLarge()
    state = re.search(r"SQLState: (\w{5})", message)
    failed = error.response["ResponseMetadata"]["HTTPStatusCode"] >= HTTPStatus.INTERNAL_SERVER_ERROR
    if failed or code in _PASSING_ERRORS or (state and state[1].startswith(_PASSING_SQL_STATES)):
        return Unavailable(f"the profile database did not answer: {code}")
    return ProfilesRefused(f"{code}, SQLState {state[1]}" if state else code)


def _quoted(identifier: str) -> str:
    if not _IDENTIFIER.fullmatch(identifier):
        raise ValueError(f"{identifier!r} is not a column or table name of letters, digits and underscores")
    return f'"{identifier}"'
