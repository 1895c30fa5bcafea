"""Leads' profiles, in an Aurora PostgreSQL table that is read through the RDS Data API."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import msgspec

from lead_memory.domain import canonical
from lead_memory.domain.errors import Unavailable
from lead_memory.settings import ResolverSettings

if TYPE_CHECKING:
    from mypy_boto3_rds_data import RDSDataServiceClient

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")

# The ids take the column's own type from the table's, so that its index serves whatever that type is.
_STATEMENT = """
select cast(lead.{id_column} as text), cast(json_build_array({columns}) as text)
from jsonb_populate_recordset(cast(null as {table}), cast(:leads as jsonb)) as asked
join {table} as lead on lead.{id_column} = asked.{id_column}
where cast(lead.{organization_column} as text) = :organization_id
"""


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
        """Raises `ValueError` for a table or column that is no plain identifier."""
        self._table = table
        self._columns = {field: _quoted(field) for field in fields}
        self._names = {
            "table": ".".join(map(_quoted, table.table.split("."))),
            "id_column": _quoted(table.id_column),
            "organization_column": _quoted(table.organization_column),
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
    ) -> Mapping[str, Mapping[str, Any]]:
        """Ids are UUIDs as PostgreSQL writes them. The Data API refuses, as `Unavailable`, an answer over 1 MB."""
        rows = await asyncio.to_thread(self._execute, organization_id, lead_ids, fields)
        return {lead_id: dict(zip(fields, canonical.decode(cells), strict=True)) for lead_id, cells in rows}

    def _execute(self, organization_id: str, lead_ids: Sequence[str], fields: Sequence[str]) -> list[tuple[str, str]]:
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
            raise Unavailable(f"the profile database refused: {error.response['Error']['Code']}") from error
        except BotoCoreError as error:
            raise Unavailable(f"the profile database did not answer: {type(error).__name__}") from error
        return [(lead_id["stringValue"], cells["stringValue"]) for lead_id, cells in answer["records"]]

    @cached_property
    def _client(self) -> "RDSDataServiceClient":
        import boto3  # noqa: PLC0415 - half a second to load, and most templates' reads are memories
        from botocore.config import Config  # noqa: PLC0415

        patience = Config(connect_timeout=2, read_timeout=8, retries={"mode": "standard", "total_max_attempts": 2})
        region = self._table.cluster_arn.split(":")[3]
        return boto3.client("rds-data", region_name=region, config=patience)


def _quoted(identifier: str) -> str:
    if not _IDENTIFIER.fullmatch(identifier):
        raise ValueError(f"{identifier!r} is not a column or table name of letters, digits and underscores")
    return f'"{identifier}"'
