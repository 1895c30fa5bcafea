"""The table of leads that stands for Aurora's, with the demo's people."""

from pathlib import Path

import psycopg

DATABASE = "leads"
PEOPLE = Path(__file__).parent / "leads.json"

_TABLE = """
create table leads (
    id uuid primary key,
    organization_id uuid not null,
    name text,
    first_name text,
    email text,
    phone text,
    city text,
    country text,
    locale text
)
"""


def load(postgres_url: str) -> int:
    """Creates the database and its table, and returns how many leads it holds."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"create database {DATABASE}")
    with psycopg.connect(postgres_url, dbname=DATABASE) as connection:
        connection.execute(_TABLE)
        people = "select * from jsonb_populate_recordset(null::leads, %s::jsonb)"
        return connection.execute(f"insert into leads {people}", [PEOPLE.read_text("utf-8")]).rowcount
