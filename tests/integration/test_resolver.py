"""The resolver's handler over a DynamoDB that answers over HTTP."""

import importlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from lead_memory.adapters import keys
from lead_memory.adapters.memory_items import memory_item
from lead_memory.settings import ResolverSettings
from tests.unit.resolve.fakes import ANA, BRUNO, ORGANIZATION, memory

type Handler = Callable[[object, object], dict[str, Any]]

TABLE = "memories"
MEMORIES = [
    memory(ANA, "purchase", "last_transaction", {"amount": Decimal("189.90"), "product_name": "Whey Protein 1kg"}),
    memory(ANA, "form", "sat_survey_2026:how_did_you_find_us", {"answer": "Instagram"}),
]
SLOW_TO_LOAD = ("pydantic", "babel", "boto3", "botocore", "difflib")


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = ResolverSettings(stage="local", table_name=TABLE).as_environment()
    credentials = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    for name, value in (settings | credentials | {"AWS_REGION": "us-east-1"}).items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def server(environment: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[ThreadedMotoServer]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    table = boto3.resource("dynamodb", region_name="us-east-1").create_table(
        TableName=TABLE,
        KeySchema=[
            {"AttributeName": keys.PK, "KeyType": "HASH"},
            {"AttributeName": keys.SK, "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in (keys.PK, keys.SK)],
        BillingMode="PAY_PER_REQUEST",
    )
    for remembered in MEMORIES:
        table.put_item(Item=memory_item(remembered, 1))
    yield server
    server.stop()


@pytest.fixture
def handler(environment: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Handler]:
    """Imported anew, because it reads the environment when it is."""
    module = importlib.import_module("resolver.handler")
    yield module.handler
    module._loop.run(module._table.close())
    module._loop.close()
    del sys.modules["resolver.handler"]


@pytest.mark.usefixtures("server")
def test_the_handler_answers_each_lead_in_plain_json_call_after_call(
    handler: Handler, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (
        "You purchased {{purchase.last_transaction.product_name}} for R${{purchase.last_transaction.amount}}. "
        "You found us through {{form.sat_survey_2026:how_did_you_find_us.answer}}, right?"
    )
    asked = {"organization_id": ORGANIZATION, "leads": [ANA, BRUNO], "template": text}
    answer = handler(asked, None)
    assert json.loads(json.dumps(answer)) == answer
    ana, bruno = answer["leads"]
    assert ana["text"] == "You purchased Whey Protein 1kg for R$189.90. You found us through Instagram, right?"
    assert (bruno["status"], bruno["text"]) == ("missing", None)
    assert {missing["reason"] for missing in bruno["missing"]} == {"never_seen"}
    assert answer["reads"] == {"get_item": 4, "sql": 0}
    assert handler(asked, None)["leads"][0]["text"] == ana["text"]
    metrics, _ = map(json.loads, capsys.readouterr().out.splitlines())
    assert (metrics["leads"], metrics["leads_missing"], metrics["get_items"]) == (2, 1, 4)


def test_a_mistake_is_an_answer_and_a_plan_reads_nothing(handler: Handler) -> None:
    mistake = handler({"plan": True, "template": "Hi {{leed.name}}"}, None)["error"]
    assert (mistake["code"], mistake["column"], mistake["nearest"]) == ("unknown_namespace", 6, "lead")
    plan = handler({"plan": True, "template": "Hi {{lead.name}} {{fact.pet.name}}"}, None)["plan"]
    assert plan["reads"] == {"get_item": 1, "sql": 0}


@pytest.mark.usefixtures("environment")
def test_the_handler_starts_without_what_is_slow_to_load() -> None:
    program = f"import resolver.handler, sys; print([m for m in {SLOW_TO_LOAD} if m in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert loaded.stdout == "[]\n"
