"""Resolve a template by hand: one GetItem for each variable, in turn, and a statement for a field of the profile."""

import json
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import boto3
from botocore.config import Config

THREADS = 32
PROFILE_FIELDS = frozenset({"name", "first_name", "email", "phone", "city", "country", "locale"})
_VARIABLE = re.compile(r"{{\s*([^{}]+?)\s*}}")


class TemplateResolver:
    """The table has `pk`, the lead; `sk`, `<memory type>#<key>`; and `value`, JSON."""

    def __init__(self, table_name: str, *, cluster_arn: str, secret_arn: str, database: str) -> None:
        config = Config(max_pool_connections=THREADS)
        self._dynamodb = boto3.client("dynamodb", config=config)
        self._rds_data = boto3.client("rds-data", config=config)
        self._table_name = table_name
        self._cluster_arn = cluster_arn
        self._secret_arn = secret_arn
        self._database = database

    def resolve(self, template: str, lead_id: str) -> str:
        return _VARIABLE.sub(lambda tag: str(self._value(lead_id, tag[1])), template)

    def resolve_all(self, template: str, lead_ids: Sequence[str]) -> list[str]:
        with ThreadPoolExecutor(THREADS) as pool:
            return list(pool.map(lambda lead_id: self.resolve(template, lead_id), lead_ids))

    def _value(self, lead_id: str, variable: str) -> Any:
        namespace, _, rest = variable.partition(".")
        if namespace == "lead":
            return self._profile_field(lead_id, rest)
        key, *path = rest.split(".")
        value = self._memory(lead_id, namespace, key)
        for name in path:
            value = value[name]
        return value

    def _memory(self, lead_id: str, memory_type: str, key: str) -> Any:
        item = self._dynamodb.get_item(
            TableName=self._table_name, Key={"pk": {"S": lead_id}, "sk": {"S": f"{memory_type}#{key}"}}
        )["Item"]
        return json.loads(item["value"]["S"], parse_float=Decimal)

    def _profile_field(self, lead_id: str, field: str) -> str:
        if field not in PROFILE_FIELDS:
            raise ValueError(f"a profile has no field {field!r}")
        answer = self._rds_data.execute_statement(
            resourceArn=self._cluster_arn,
            secretArn=self._secret_arn,
            database=self._database,
            sql=f"select {field} from leads where id = :id",  # noqa: S608 - one of the fields above
            parameters=[{"name": "id", "value": {"stringValue": lead_id}, "typeHint": "UUID"}],
        )
        return answer["records"][0][0]["stringValue"]
