"""The profile adapter over a real PostgreSQL, through the RDS Data API that the local stack speaks."""

import asyncio
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from threading import Thread
from typing import Any

import msgspec
import psycopg
import pytest
from psycopg import conninfo

from lead_memory.adapters.aws import Aws
from lead_memory.adapters.profiles import PROFILE_MAX_BYTES, RdsProfiles
from lead_memory.domain.errors import Unavailable
from lead_memory.domain.templates.variables import Reason
from lead_memory.services.resolve import Profile, ProfilesRefused, ProfilesTooLarge
from lead_memory.settings import ResolverSettings
from local import data_api, deployment, postgres
from local.data_api import DataApiError, DataApiServer

ORGANIZATION = "3f0c1b52-7a55-4d0c-9a8e-1f6a1b9f7c01"
OTHER_ORGANIZATION = "3f0c1b52-7a55-4d0c-9a8e-1f6a1b9f7c02"
ANA, BRUNO, STRANGER = (f"00000000-0000-4000-8000-00000000000{n}" for n in (1, 2, 3))
AWS = Aws({"AWS_REGION": "us-east-1"})
FIELDS = ("name", "visits", "credit", "vip", "born", "joined_at", "tags", "address", "Shoe_Size")

TABLE = """
create table {name} (
    id {id_type} primary key, organization_id {id_type} not null, name text, visits bigint, credit numeric,
    vip boolean, born date, joined_at timestamptz, tags text[], address jsonb, "Shoe_Size" double precision
);
insert into {name} values
    ('{ana}', '{organization}', 'Ana "Aninha" O''Souza {{{{lead.x}}}}', 12345678901, 189.90, true, '1990-02-03',
     '2026-02-03 14:05:11+00', '{{a,b}}', '{{"city": "Recife"}}', 37.5),
    ('{bruno}', '{organization}', null, null, null, null, null, null, null, null, null),
    ('{stranger}', '{other}', 'Stranger', null, null, null, null, null, null, null, null);
"""

settings = ResolverSettings(
    stage="local",
    table_name="memories",
    content_key="none",
    profile_cluster_arn="arn:aws:rds:us-east-1:000000000000:cluster:leads",
    profile_secret_arn="arn:aws:secretsmanager:us-east-1:000000000000:secret:leads",
    profile_database="postgres",
    profile_table="people",
    profile_id_column="id",
    profile_organization_column="organization_id",
    profile_fields=",".join(FIELDS),
)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    directory = tmp_path_factory.mktemp("profiles")
    (directory / "tmp").mkdir()
    environment = deployment.environment("http://127.0.0.1", directory)
    server = postgres.start(directory / "postgres", log=directory / "log", environment=environment)
    try:
        with psycopg.connect(server.url) as connection:
            for name, id_type in (("people", "uuid"), ("people_with_text_ids", "text")):
                connection.execute(
                    TABLE.format(
                        name=name,
                        id_type=id_type,
                        ana=ANA,
                        bruno=BRUNO,
                        stranger=STRANGER,
                        organization=ORGANIZATION,
                        other=OTHER_ORGANIZATION,
                    ).encode()
                )
        yield server.url
    finally:
        server.process.stop()


@pytest.fixture
def aurora(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with DataApiServer(0, database) as server:
        Thread(target=server.serve_forever).start()
        use_endpoint(monkeypatch, server.server_port)
        yield
        server.shutdown()


@pytest.fixture
def people_of(database: str, aurora: None) -> Iterator[Callable[[Mapping[str, str]], None]]:
    """Puts leads of long names into the table."""

    def insert(names: Mapping[str, str]) -> None:
        with psycopg.connect(database) as connection:
            for lead_id, name in names.items():
                connection.execute(
                    "insert into people (id, organization_id, name) values (%s, %s, %s)", [lead_id, ORGANIZATION, name]
                )

    yield insert
    with psycopg.connect(database) as connection:
        connection.execute("delete from people where id not in (%s, %s, %s)", [ANA, BRUNO, STRANGER])


def use_endpoint(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_RDS_DATA", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")


def read(
    leads: Sequence[str], fields: Sequence[str] = FIELDS, *, table: str = "people", organization: str = ORGANIZATION
) -> Mapping[str, Profile]:
    async def profiles() -> Mapping[str, Profile]:
        aws = Aws({"AWS_REGION": "us-east-1", **os.environ})
        reader = RdsProfiles.of(
            msgspec.structs.replace(settings, profile_table=table, profile_fields=",".join(fields)), aws
        )
        assert reader
        try:
            return await reader.profiles(organization, leads, fields)
        finally:
            await aws.close()

    return asyncio.run(profiles())


@pytest.mark.usefixtures("aurora")
@pytest.mark.parametrize("table", ["people", "public.people", "people_with_text_ids"])
def test_cells_of_any_type_become_plain_values_and_numbers_keep_their_digits(table: str) -> None:
    assert read([ANA, BRUNO], table=table) == {
        ANA: {
            "name": 'Ana "Aninha" O\'Souza {{lead.x}}',
            "visits": 12345678901,
            "credit": Decimal("189.90"),
            "vip": True,
            "born": "1990-02-03",
            "joined_at": "2026-02-03T14:05:11+00:00",
            "tags": ["a", "b"],
            "address": {"city": "Recife"},
            "Shoe_Size": Decimal("37.5"),
        },
        BRUNO: dict.fromkeys(FIELDS),
    }
    profile = read([ANA], ["credit"], table=table)[ANA]
    assert isinstance(profile, Mapping)
    assert str(profile["credit"]) == "189.90"


@pytest.mark.usefixtures("aurora")
def test_a_lead_of_another_organization_or_of_none_has_no_profile() -> None:
    unknown = "00000000-0000-4000-8000-000000000009"
    assert set(read([ANA, STRANGER, unknown], ["name"])) == {ANA}
    assert read([ANA], ["name"], organization="x' or 'a' = 'a") == {}


@pytest.mark.usefixtures("aurora")
def test_five_hundred_leads_are_read_with_one_statement() -> None:
    leads = [f"00000000-0000-4000-8000-{n:012}" for n in range(500)]
    assert set(read(leads, ["name", "visits"])) == {ANA, BRUNO}


@pytest.mark.usefixtures("aurora")
def test_a_column_that_the_table_lacks_is_refused_and_says_so_without_content() -> None:
    with pytest.raises(ProfilesRefused, match=r"^DatabaseErrorException, SQLState 42703$"):
        read([ANA], ["shoe_colour"])


@pytest.mark.parametrize(
    ("code", "message", "status", "failure"),
    [
        ("AccessDeniedException", "not authorized to perform: rds-data:ExecuteStatement", 403, ProfilesRefused),
        ("BadRequestException", "HttpEndpoint is not enabled", 400, ProfilesRefused),
        ("DatabaseErrorException", "ERROR: permission denied for table leads; SQLState: 42501", 400, ProfilesRefused),
        ("DatabaseErrorException", "FATAL: too many connections; SQLState: 53300", 400, Unavailable),
        ("DatabaseResumingException", "The database is resuming", 400, Unavailable),
        ("StatementTimeoutException", "Request timed out", 400, Unavailable),
        ("ServiceUnavailableError", "", 503, Unavailable),
    ],
)
def test_what_passes_is_told_apart_from_what_an_operator_must_mend(
    monkeypatch: pytest.MonkeyPatch, code: str, message: str, status: int, failure: type[Exception]
) -> None:
    def refuse(*_: object) -> Any:
        raise DataApiError(code, message, status)

    monkeypatch.setattr(data_api, "execute", refuse)
    with DataApiServer(0, "unused") as server:
        Thread(target=server.serve_forever).start()
        use_endpoint(monkeypatch, server.server_port)
        with pytest.raises(failure, match=code):
            read([ANA], ["name"])
        server.shutdown()


def test_a_profile_that_is_too_large_or_unreadable_is_that_leads_trouble_alone(
    people_of: Callable[[Mapping[str, str]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    large, largest = (f"00000000-0000-4000-8000-00000000001{n}" for n in (1, 2))
    brackets_and_quotes = len('[""]')
    people_of({large: "x" * (PROFILE_MAX_BYTES - brackets_and_quotes), largest: "é" * (PROFILE_MAX_BYTES // 2)})
    profiles = read([ANA, large, largest], ["name"])
    assert [len(profile) if isinstance(profile, Mapping) else profile for profile in profiles.values()] == [
        1,
        1,
        Reason.PROFILE_REFUSED,
    ]

    def execute(*_: object) -> Any:
        rows = [(ANA, '["Ana"]'), (BRUNO, '["Bruno", 1]'), (STRANGER, '["\\ud800"]')]
        return {"records": [[{"stringValue": cell} for cell in row] for row in rows]}

    monkeypatch.setattr(data_api, "execute", execute)
    unreadable = Reason.PROFILE_UNAVAILABLE
    assert read([ANA, BRUNO, STRANGER], ["name"]) == {ANA: {"name": "Ana"}, BRUNO: unreadable, STRANGER: unreadable}


def test_profiles_that_are_more_than_an_answer_holds_are_too_large_together(
    people_of: Callable[[Mapping[str, str]], None],
) -> None:
    leads = [f"00000000-0000-4000-8000-{n:012}" for n in range(100, 120)]
    people_of(dict.fromkeys(leads, "x" * 59_000))
    with pytest.raises(ProfilesTooLarge):
        read(leads, ["name"])
    assert set(read(leads[:10], ["name"])) == set(leads[:10])


def test_a_user_who_may_read_only_the_columns_that_the_runbook_grants_reads_profiles(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("create role resolver login")
        connection.execute("grant select (id, organization_id, name) on people to resolver")
    with DataApiServer(0, conninfo.make_conninfo(database, user="resolver")) as server:
        Thread(target=server.serve_forever).start()
        use_endpoint(monkeypatch, server.server_port)
        names = read([ANA], ["name"])
        with pytest.raises(ProfilesRefused, match="SQLState 42501"):
            read([ANA], ["name", "credit"])
        server.shutdown()
    assert set(names) == {ANA}


def test_a_database_that_is_away_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    with DataApiServer(0, "unused") as server:
        closed_port = server.server_port
    use_endpoint(monkeypatch, closed_port)
    with pytest.raises(Unavailable, match="the profile database did not answer"):
        read([ANA], ["name"])


@pytest.mark.parametrize("name", ['leads"; drop table leads; --', "", "a.b c", "leads.", "a-b"])
def test_a_table_or_column_that_is_no_identifier_is_refused_at_start(name: str) -> None:
    for setting in ("profile_table", "profile_id_column", "profile_organization_column"):
        with pytest.raises((ValueError, msgspec.ValidationError)):
            RdsProfiles.of(msgspec.structs.replace(settings, **{setting: name}), AWS)
    with pytest.raises(ValueError, match="is not a column"):
        RdsProfiles.of(msgspec.structs.replace(settings, profile_fields=f"name,{name or '1'}"), AWS)


def test_a_stage_without_profile_settings_has_no_profiles_and_half_of_them_is_an_error() -> None:
    without = ResolverSettings(stage="dev", table_name="memories", content_key="none")
    assert RdsProfiles.of(without, AWS) is None
    with pytest.raises(msgspec.ValidationError, match="missing required field"):
        RdsProfiles.of(msgspec.structs.replace(without, profile_table="leads"), AWS)


def test_a_profile_table_without_a_field_is_an_error() -> None:
    with pytest.raises(ValueError, match="without a field"):
        RdsProfiles.of(msgspec.structs.replace(settings, profile_fields=None), AWS)
