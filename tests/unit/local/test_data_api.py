import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from mypy_boto3_rds_data import RDSDataServiceClient

from local.data_api import bind

ANA = "7b1f6c1e-0d5e-4a53-9a53-2f0e6d2f9a11"


def execute(data_api: RDSDataServiceClient, sql: str, *parameters: Any, **options: Any) -> dict[str, Any]:
    return dict(
        data_api.execute_statement(
            resourceArn="arn:aws:rds:us-east-1:000000000000:cluster:leads",
            secretArn="arn:aws:secretsmanager:us-east-1:000000000000:secret:leads",
            **{"sql": sql, "parameters": parameters, "database": "leads"} | options,
        )
    )


def parameter(value: dict[str, Any], **more: str) -> dict[str, Any]:
    return {"name": "it", "value": value, **more}


@pytest.mark.parametrize(
    ("sql_type", "value"),
    [
        ("text", {"stringValue": "São Paulo, 100% :name $1 'quoted'"}),
        ("bigint", {"longValue": 2**53 + 1}),
        ("double precision", {"doubleValue": 0.1}),
        ("boolean", {"booleanValue": False}),
        ("bytea", {"blobValue": b"\x00\xff"}),
        ("text", {"isNull": True}),
    ],
)
def test_a_value_goes_to_the_database_and_comes_back(
    data_api: RDSDataServiceClient, sql_type: str, value: dict[str, Any]
) -> None:
    answer = execute(data_api, f"select cast(:it as {sql_type})", parameter(value))
    assert answer["records"] == [[value]]


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("189.90::numeric", "189.90"),
        (f"'{ANA}'::uuid", ANA),
        ("'2026-02-03 14:05:11+03'::timestamptz at time zone 'utc'", "2026-02-03 11:05:11"),
        ("""'{"a": [1]}'::jsonb""", '{"a": [1]}'),
    ],
)
def test_what_json_has_no_type_for_comes_as_text(data_api: RDSDataServiceClient, expression: str, text: str) -> None:
    assert execute(data_api, f"select {expression}")["records"] == [[{"stringValue": text}]]


def test_many_ids_go_as_one_json_parameter(data_api: RDSDataServiceClient) -> None:
    sql = """
        select id, name, phone from leads
        where id::text in (select jsonb_array_elements_text(cast(:it as jsonb))) order by name
    """
    ids = json.dumps([ANA, "ee1faebd-92a4-4358-b8f6-8790e469a1e4", "no-uuid"])
    records = execute(data_api, sql, parameter({"stringValue": ids}))["records"]
    assert [record[1] for record in records] == [{"stringValue": "Ana Souza"}, {"stringValue": "Martin"}]
    assert records[1][2] == {"isNull": True}


def test_a_text_compared_with_a_uuid_needs_a_type_hint(data_api: RDSDataServiceClient) -> None:
    sql = "select name from leads where id = :it"
    with pytest.raises(data_api.exceptions.DatabaseErrorException, match="SQLState: 42883"):
        execute(data_api, sql, parameter({"stringValue": ANA}))
    answer = execute(data_api, sql, parameter({"stringValue": ANA}, typeHint="UUID"))
    assert answer["records"] == [[{"stringValue": "Ana Souza"}]]


def test_a_statement_that_changes_rows_says_how_many_and_is_committed(
    data_api: RDSDataServiceClient,
) -> None:
    execute(data_api, "create table numbers (n int)")
    changed = execute(data_api, "insert into numbers values (1), (2)")
    assert changed["numberOfRecordsUpdated"] == 2
    assert execute(data_api, "select sum(n) from numbers")["records"] == [[{"longValue": 3}]]


def test_records_come_as_json_where_asked_for(data_api: RDSDataServiceClient) -> None:
    answer = execute(data_api, "select 1 as one, null as nothing, true as yes", formatRecordsAs="JSON")
    assert json.loads(answer["formattedRecords"]) == [{"one": 1, "nothing": None, "yes": True}]
    assert "records" not in answer


def test_a_client_keeps_its_connection_also_after_a_refusal_and_a_changed_table(data_api: RDSDataServiceClient) -> None:
    def connection() -> Any:
        return execute(data_api, "select pg_backend_pid()")["records"]

    execute(data_api, "create table words (n int)")
    before = connection()
    for _ in range(10):
        execute(data_api, "select * from words")
    execute(data_api, "alter table words alter n type text")
    execute(data_api, "select * from words")
    with pytest.raises(data_api.exceptions.DatabaseErrorException):
        execute(data_api, "select nothing from nowhere")
    assert connection() == before


def test_a_connection_that_was_lost_is_made_again(data_api: RDSDataServiceClient) -> None:
    with pytest.raises(data_api.exceptions.DatabaseErrorException, match="57P01"):
        execute(data_api, "select pg_terminate_backend(pg_backend_pid())")
    assert execute(data_api, "select 1")["records"] == [[{"longValue": 1}]]


def test_columns_are_described_where_asked_for(data_api: RDSDataServiceClient) -> None:
    answer = execute(data_api, "select 1 as one, 'x'::text as two", includeResultMetadata=True)
    described = [(column["label"], column["typeName"]) for column in answer["columnMetadata"]]
    assert described == [("one", "int4"), ("two", "text")]


@pytest.mark.parametrize(
    ("sql", "parameters", "error", "message"),
    [
        ("select nothing from nowhere", [], "DatabaseErrorException", 'relation "nowhere" does not exist'),
        ("select :missing", [], "BadRequestException", "Cannot find parameter: missing"),
        ("select 1; select 2", [], "BadRequestException", "Multistatements"),
        ("select :it", [parameter({"arrayValue": {"longValues": [1]}})], "BadRequestException", "Array"),
        ("select :it", [parameter({"longValue": 1}, typeHint="int; drop")], "BadRequestException", "hint"),
        ("select array[1]", [], "UnsupportedResultException", "array"),
        ("select repeat('x', 65537)", [], "BadRequestException", "Packet for query is too large"),
        ("select repeat('x', 65000) from generate_series(1, 17)", [], "BadRequestException", "response size limit"),
    ],
)
def test_a_refusal_is_the_exception_of_the_real_service(
    data_api: RDSDataServiceClient, sql: str, parameters: list[Any], error: str, message: str
) -> None:
    with pytest.raises(getattr(data_api.exceptions, error), match=message):
        execute(data_api, sql, *parameters)


def test_an_unknown_database_is_not_found(data_api: RDSDataServiceClient) -> None:
    with pytest.raises(data_api.exceptions.DatabaseNotFoundException):
        execute(data_api, "select 1", database="elsewhere")


def test_an_operation_that_is_not_there_says_so(data_api: RDSDataServiceClient) -> None:
    with pytest.raises(ClientError, match="/BeginTransaction is not available locally"):
        data_api.begin_transaction(resourceArn="arn:aws:rds:x", secretArn="arn:aws:secretsmanager:x")


def test_a_colon_in_a_text_a_name_a_comment_or_a_cast_starts_no_parameter() -> None:
    sql = """select ':a', ":a", 'it''s :a', :a::text, :b /* :a */, :a -- :a"""
    parameters = [{"name": name, "value": {"longValue": 1}} for name in "ab"]
    bound, arguments = bind(sql, parameters)
    assert bound == """select ':a', ":a", 'it''s :a', $1::text, $2 /* :a */, $1 -- :a"""
    assert arguments == [1, 1]
