"""Leads' profiles, in an Aurora PostgreSQL table that is read through the RDS Data API."""

import logging
import re
from collections.abc import Mapping, Sequence
from typing import Self

import msgspec

from lead_memory.adapters.aws import Aws, AwsError
from lead_memory.domain import canonical
from lead_memory.domain.errors import LeadMemoryError, Unavailable
from lead_memory.domain.templates.variables import Reason
from lead_memory.services.resolve import Profile, ProfilesRefused, ProfilesTooLarge
from lead_memory.settings import ResolverSettings

REQUEST_SECONDS = 8

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
}
"""Besides those that pass at any service."""
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


class _Cell(msgspec.Struct, rename="camel"):
    string_value: str | None = None


class _Rows(msgspec.Struct):
    records: list[tuple[_Cell, _Cell]]
    """The lead's id, and its fields as an array of JSON."""


class RdsProfiles:
    def __init__(self, table: ProfileTable, fields: Sequence[str], aws: Aws) -> None:
        """Raises `ValueError` for a table or column that is no plain identifier, and where there is no field."""
        if not fields:
            raise ValueError("a profile table without a field: name the columns that templates may read")
        self._aws = aws
        self._table = table
        self._columns = {field: _quoted(field) for field in fields}
        self._names: dict[str, str | int] = {
            "table": ".".join(map(_quoted, table.table.split("."))),
            "id_column": _quoted(table.id_column),
            "organization_column": _quoted(table.organization_column),
            "max_bytes": PROFILE_MAX_BYTES,
        }

    @classmethod
    def of(cls, settings: ResolverSettings, aws: Aws) -> Self | None:
        """None where the stage has no profile database. Raises `msgspec.ValidationError` where half is set."""
        prefix = "profile_"
        given = {
            name.removeprefix(prefix): value
            for name, value in msgspec.structs.asdict(settings).items()
            if name.startswith(prefix) and value is not None
        }
        return cls(msgspec.convert(given, ProfileTable), settings.profile_field_names(), aws) if given else None

    async def profiles(
        self, organization_id: str, lead_ids: Sequence[str], fields: Sequence[str]
    ) -> Mapping[str, Profile]:
        """Ids are UUIDs as PostgreSQL writes them. Raises `Unavailable`, `ProfilesRefused` or `ProfilesTooLarge`."""
        statement = _STATEMENT.format(
            columns=", ".join(f"lead.{self._columns[field]}" for field in fields), **self._names
        )
        leads = canonical.encode([{self._table.id_column: lead_id} for lead_id in lead_ids]).decode()
        asked = {
            "resourceArn": self._table.cluster_arn,
            "secretArn": self._table.secret_arn,
            "database": self._table.database,
            "sql": statement,
            "parameters": [
                {"name": "leads", "value": {"stringValue": leads}},
                {"name": "organization_id", "value": {"stringValue": organization_id}},
            ],
        }
        try:
            answer = await self._aws.ask(
                "rds-data",
                msgspec.json.encode(asked),
                _Rows,
                seconds=REQUEST_SECONDS,
                path="/Execute",
                headers={"Content-Type": "application/json"},
                region=self._table.cluster_arn.split(":")[3],
            )
        except AwsError as error:
            raise _translated(error) from None
        return {lead_id.string_value or "": _profile(fields, cells.string_value) for lead_id, cells in answer.records}


def _profile(fields: Sequence[str], cells: str | None) -> Profile:
    if cells is None:
        _logger.error("profile refused", extra={"reason": f"more than {PROFILE_MAX_BYTES} bytes"})
        return Reason.PROFILE_REFUSED
    try:
        return dict(zip(fields, canonical.decode(cells), strict=True))
    except (msgspec.DecodeError, ValueError, TypeError) as error:  # the other leads' rows are still an answer
        _logger.error("profile unreadable", extra={"reason": type(error).__name__})
        return Reason.PROFILE_UNAVAILABLE


def _translated(error: AwsError) -> LeadMemoryError:
    """Messages of the database may quote content, so only codes are told."""
    if error.code == "BadRequestException" and "response size limit" in error.message:
        return ProfilesTooLarge()
    state = re.search(r"SQLState: (\w{5})", error.message)
    if error.passing or error.code in _PASSING_ERRORS or (state and state[1].startswith(_PASSING_SQL_STATES)):
        return Unavailable(f"the profile database did not answer: {error.code}")
    return ProfilesRefused(f"{error.code}, SQLState {state[1]}" if state else error.code)


def _quoted(identifier: str) -> str:
    if not _IDENTIFIER.fullmatch(identifier):
        raise ValueError(f"{identifier!r} is not a column or table name of letters, digits and underscores")
    return f'"{identifier}"'
