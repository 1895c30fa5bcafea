"""Aurora's RDS Data API, `ExecuteStatement` only, over a local PostgreSQL.

Run as `python -m local.data_api PORT POSTGRES_URL`.
"""

import base64
import json
import re
import sys
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import psycopg
from psycopg.types.numeric import Int8
from psycopg.types.string import StrDumperVarchar

ANSWER_MAX_BYTES = 1024 * 1024
ROW_MAX_BYTES = 64 * 1024
STATEMENT_TIMEOUT_SECONDS = 45
TYPE_HINTS = {"DATE", "DECIMAL", "JSON", "TIME", "TIMESTAMP", "UUID"}
_INTEGERS, _FLOATS, _BOOLEAN, _BYTES = {20, 21, 23}, {700, 701}, 16, 17  # type oids of PostgreSQL
_PARAMETER = re.compile(
    r"""(?P<verbatim> '(?:[^']|'')*' | "(?:[^"]|"")*" | --[^\n]* | /\*.*?\*/ | :: ) | :(?P<name>[A-Za-z_]\w*)""",
    re.VERBOSE | re.DOTALL,
)

type Json = dict[str, Any]


class DataApiError(Exception):
    """An error of the real service, by its name; botocore raises the exception class of that name."""

    def __init__(self, name: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.name = name
        self.status = status


class DataApiServer(ThreadingHTTPServer):
    def __init__(self, port: int, postgres_url: str) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.postgres_url = postgres_url


class Databases:
    """A client's connections, one to each database and kept open: to make one takes longer than most statements."""

    def __init__(self, postgres_url: str) -> None:
        self._postgres_url = postgres_url
        self._connections: dict[str | None, psycopg.Connection[Any]] = {}

    def connection(self, name: str | None) -> psycopg.Connection[Any]:
        """Raises `DataApiError`."""
        kept = self._connections.get(name)
        if kept is None or kept.closed:
            kept = self._connections[name] = self._connect(name)
        return kept

    def close(self) -> None:
        for connection in self._connections.values():
            connection.close()

    def _connect(self, name: str | None) -> psycopg.Connection[Any]:
        try:
            connection = psycopg.connect(
                self._postgres_url,
                dbname=name,
                options=f"-c timezone=UTC -c statement_timeout={STATEMENT_TIMEOUT_SECONDS}s",
                # A prepared statement fails once its table has changed.
                prepare_threshold=None,
            )
        except psycopg.OperationalError as error:
            if "does not exist" in str(error):
                raise DataApiError("DatabaseNotFoundException", "The database does not exist.", 404) from error
            raise DataApiError("DatabaseUnavailableException", "The database is unavailable.", 504) from error
        # As the service sends them: a text compared with a uuid is an error without a cast or a type hint.
        connection.adapters.register_dumper(str, StrDumperVarchar)
        return connection


class _Handler(BaseHTTPRequestHandler):
    """One for each connection of a client."""

    server: DataApiServer
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # Headers and body leave in one segment: apart, each answer waits 40 ms for an ACK.

    def setup(self) -> None:
        super().setup()
        self._databases = Databases(self.server.postgres_url)

    def finish(self) -> None:
        self._databases.close()
        super().finish()

    def do_GET(self) -> None:
        """Says that the server is ready."""
        self._answer(200, {})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            if self.path != "/Execute":
                raise DataApiError("NotFoundException", f"{self.path} is not available locally.", 404)
            self._answer(200, execute(self._databases, json.loads(body)))
        except DataApiError as error:
            self._answer(error.status, {"message": str(error)}, error.name)

    def log_message(self, *_: object) -> None:
        """Nothing: statements and their parameters are content."""

    def _answer(self, status: int, answer: Json, error_name: str | None = None) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        if error_name:
            self.send_header("x-amzn-ErrorType", error_name)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def execute(databases: Databases, request: Json) -> Json:
    """The answer of `ExecuteStatement`. Raises `DataApiError`."""
    sql, arguments = bind(request["sql"], request.get("parameters", []))
    connection = databases.connection(request.get("database"))
    try:
        with connection.transaction(), psycopg.RawCursor(connection) as cursor:
            cursor.execute(sql, arguments)
            if cursor.nextset():
                raise DataApiError("BadRequestException", "Multistatements aren't supported.")
            return _result(cursor, request)
    except psycopg.errors.QueryCanceled as error:
        raise DataApiError("StatementTimeoutException", "Request timed out") from error
    except psycopg.Error as error:
        message = f"ERROR: {error.diag.message_primary}; SQLState: {error.sqlstate}"
        raise DataApiError("DatabaseErrorException", message) from error


def bind(sql: str, parameters: list[Json]) -> tuple[str, list[Any]]:
    """`:name` becomes `$n`, with a cast where the parameter has a type hint. Raises `DataApiError`."""
    given = {parameter["name"]: parameter for parameter in parameters}
    positions: dict[str, int] = {}

    def placeholder(match: re.Match[str]) -> str:
        name = match["name"]
        if name is None:
            return match[0]
        if name not in given:
            raise DataApiError("BadRequestException", f"Cannot find parameter: {name}")
        position = positions.setdefault(name, len(positions) + 1)
        hint = given[name].get("typeHint")
        if hint and hint not in TYPE_HINTS:
            raise DataApiError("BadRequestException", f"The type hint of parameter {name} is not valid.")
        return f"${position}::{hint}" if hint else f"${position}"

    bound = _PARAMETER.sub(placeholder, sql)
    return bound, [_argument(given[name].get("value", {})) for name in positions]


def _argument(value: Mapping[str, Any]) -> Any:
    match value:
        case {"isNull": True}:
            return None
        case {"longValue": number}:
            return Int8(number)
        case {"blobValue": encoded}:
            return base64.b64decode(encoded)
        case {"stringValue": scalar} | {"booleanValue": scalar} | {"doubleValue": scalar}:
            return scalar
        case {"arrayValue": _}:
            raise DataApiError("BadRequestException", "Array parameters are not supported.")
    raise DataApiError("BadRequestException", "A parameter has no value.")


def _result(cursor: psycopg.RawCursor[Any], request: Json) -> Json:
    columns = cursor.description or []
    if not columns:
        return {"numberOfRecordsUpdated": max(cursor.rowcount, 0), "generatedFields": []}
    result = cursor.pgresult
    assert result is not None  # noqa: S101 - there are columns
    rows = [[result.get_value(row, at) for at in range(len(columns))] for row in range(result.ntuples)]
    if any(sum(len(value or b"") for value in row) > ROW_MAX_BYTES for row in rows):
        raise DataApiError("BadRequestException", "Packet for query is too large")
    records = [
        [_field(value, column, cursor.adapters.types) for value, column in zip(row, columns, strict=True)]
        for row in rows
    ]
    answer: Json = {"numberOfRecordsUpdated": 0}
    if request.get("formatRecordsAs") == "JSON":
        names = [column.name for column in columns]
        objects = [dict(zip(names, map(_plain, record), strict=True)) for record in records]
        answer["formattedRecords"] = json.dumps(objects, ensure_ascii=False)
    else:
        answer |= {"records": records, "generatedFields": []}
        if request.get("includeResultMetadata"):
            answer["columnMetadata"] = [
                {"name": column.name, "label": column.name, "typeName": column.type_display} for column in columns
            ]
    if len(json.dumps(answer)) > ANSWER_MAX_BYTES:
        raise DataApiError("BadRequestException", "Database returned more than the allowed response size limit")
    return answer


def _field(value: bytes | None, column: psycopg.Column, types: psycopg.types.TypesRegistry) -> Json:
    """PostgreSQL's text of a value as the service's field."""
    if value is None:
        return {"isNull": True}
    text = value.decode()
    if column.type_code in _INTEGERS:
        return {"longValue": int(text)}
    if column.type_code in _FLOATS:
        return {"doubleValue": float(text)}
    if column.type_code == _BOOLEAN:
        return {"booleanValue": text == "t"}
    if column.type_code == _BYTES:
        return {"blobValue": base64.b64encode(bytes.fromhex(text.removeprefix(r"\x"))).decode()}
    described = types.get(column.type_code)
    if described and described.array_oid == column.type_code:
        raise DataApiError("UnsupportedResultException", "An array in a result is not available locally.")
    return {"stringValue": text}


def _plain(field: Json) -> Any:
    return None if "isNull" in field else next(iter(field.values()))


if __name__ == "__main__":
    DataApiServer(int(sys.argv[1]), sys.argv[2]).serve_forever()
