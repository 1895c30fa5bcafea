"""Recall over a DynamoDB that answers over HTTP: what is told still stands, and its use is counted."""

import json
from collections.abc import Callable
from datetime import timedelta
from itertools import count
from types import ModuleType
from typing import Any
from uuid import uuid4

import boto3
import msgspec
import pytest

from lead_memory.adapters.aws import Aws
from lead_memory.adapters.keyrings import Keyrings
from lead_memory.adapters.kms import KeyService
from lead_memory.adapters.organization_settings import OrganizationSettings
from lead_memory.adapters.sealed_contents import SealedContents
from lead_memory.adapters.sealing import key_version
from lead_memory.adapters.table import DynamoTable
from lead_memory.adapters.vector_index import VectorIndex
from lead_memory.domain.errors import Erased
from lead_memory.domain.events import parse
from lead_memory.domain.intelligence import cluster
from lead_memory.domain.memories import Environment, Lead, MemoryKey, MemoryType, StorageTier
from lead_memory.domain.memory_settings import MemorySettings
from lead_memory.domain.recall.weights import Weights
from lead_memory.services.recall import SPARE
from lead_memory.settings import EmbedderSettings, RecallSettings
from tests.events import LEAD, ORGANIZATION, SOMEBODY, START, body, entry
from tests.integration.conftest import BUS
from tests.integration.recalling import LATER, Recalling, fact, of_fact
from tests.integration.test_erasure import Ground

PET, MAIL = fact("pet", "a dog named Rex"), fact("contact", "prefers mail in the morning")
HOUR = timedelta(hours=1)
type Functions = dict[str, Callable[[object, object], Any]]
_numbers = count()


def hidden(key: str) -> Any:
    return of_fact("memory.soft_deleted", key, 1, source="operator")


# What is told still stands


async def test_what_was_hidden_since_it_was_indexed_leaves_room_for_others(recalling: Recalling) -> None:
    many = SPARE + 3
    await recalling.say(*(fact(f"dog {n}", f"a dog named Rex the {n}") for n in range(many)), MAIL)
    await recalling.record(*(hidden(f"dog {n}") for n in range(many - 1)))
    assert await recalling.keys("dog Rex", k=2) == [f"dog {many - 1}", "contact"]


async def test_what_changed_since_it_was_indexed_is_told_as_it_is_where_it_still_passes(recalling: Recalling) -> None:
    await recalling.say(PET, MAIL)
    await recalling.record(fact("pet", "a cat named Tom", 1), of_fact("memory.annotated", "contact", 1, tags=["new"]))
    [told, _] = (await recalling.recall("dog")).recalled
    assert told.memory.value == {"says": "a cat named Tom"}
    await recalling.record(of_fact("memory.annotated", "pet", 2, environment="staging"))
    assert await recalling.keys("dog") == ["contact"]
    await recalling.make_right()
    assert await recalling.keys("dog", tags=("new",)) == ["contact"]
    assert await recalling.keys("dog", environments=(Environment.STAGING,)) == ["pet"]


async def test_a_fragment_is_told_as_long_as_what_it_is_part_of_is_not_hidden(recalling: Recalling) -> None:
    parent = {"memory_type": "fact", "key": "contact"}
    await recalling.say(PET, MAIL, of_fact("memory.annotated", "pet", 1, parent=parent))
    assert await recalling.keys("dog") == ["pet", "contact"]
    await recalling.record(hidden("contact"))
    assert await recalling.keys("dog") == []


async def test_a_summary_of_something_that_was_hidden_since_leaves_what_is_left_to_be_told(
    recalling: Recalling,
) -> None:
    dogs = [MemoryKey(MemoryType.FACT, f"dog {n}") for n in range(3)]
    summary = cluster.name(dogs)
    said: dict[str, Any] = {"value": cluster.value("dogs dogs named Rex", dogs), "confidence": 0.9}
    await recalling.say(*(fact(name.key, f"a dog named Rex {name.key}") for name in dogs))
    await recalling.say(of_fact("memory.inferred", summary.key, 1, **said))
    assert await recalling.keys("dogs named Rex") == [summary.key]
    await recalling.record(hidden("dog 1"))
    assert sorted(await recalling.keys("dogs named Rex")) == ["dog 0", "dog 2"]


async def test_as_of_a_time_nothing_is_told_that_was_said_after_it(recalling: Recalling) -> None:
    await recalling.say(PET, fact("car", "a red Fiat"), fact("house", "a house in Olinda", 5))
    await recalling.record(fact("car", "a blue Fiat", 5))
    answer = await recalling.recall("dog car house", as_of=START + HOUR)
    assert [each.memory.key for each in answer.recalled] == ["pet"]
    assert answer.changed_since == 1
    await recalling.make_right()
    assert (await recalling.recall("dog car house", as_of=START + HOUR)).changed_since == 2
    [told] = answer.recalled
    assert told.scores["freshness"] > (await recalling.recall("dog", k=1)).recalled[0].scores["freshness"]


async def test_an_erased_lead_is_said_to_be_erased_to_its_organization_alone(recalling: Recalling) -> None:
    another = Lead(str(uuid4()), str(uuid4()))
    await recalling.say(PET)
    await recalling.say(fact("own", "of another", lead=another))
    ground = Ground(recalling.table, recalling.keyrings, recalling.bucket, queue_urls=[])
    await ground.eraser.lead(SOMEBODY, asked_by="me", dry_run=False)
    with pytest.raises(Erased, match="the lead was erased"):
        await recalling.recall("dog")
    for lead in (Lead(another.organization_id, LEAD), Lead(another.organization_id, str(uuid4()))):
        answer = await recalling.recall("dog", lead=lead)
        assert (answer.recalled, answer.lead_known) == ([], False)


async def test_an_organization_chooses_what_counts_how_much(recalling: Recalling) -> None:
    await recalling.say(PET, MAIL, of_fact("memory.annotated", "contact", 1, importance=1.0))
    assert await recalling.keys("dog", k=1) == ["pet"]
    only_importance = Weights(similarity=0, keywords=0, importance=1, freshness=0, decay=0, confidence=0)
    await OrganizationSettings(recalling.table).set(ORGANIZATION, MemorySettings(weights=only_importance))
    assert await recalling.keys("dog", k=1) == ["contact"]


async def test_after_a_rotation_what_was_sealed_before_and_what_is_sealed_anew_is_told(
    recalling: Recalling, content_key: str, aws: Aws
) -> None:
    async def told() -> list[str]:
        return sorted(await recalling.keys("dog", cold=True))

    await recalling.say(PET, MAIL)
    await recalling.say(of_fact("memory.tiered", "contact", 1, source="cleanup", storage_tier="cold"))
    # Of another process than the one that reads.
    keyrings = Keyrings(recalling.table, KeyService(content_key, aws))
    assert await keyrings.rotate(ORGANIZATION) == 2
    assert await told() == ["contact", "pet"]
    await keyrings.newest(ORGANIZATION)
    resealed = await SealedContents(recalling.table, keyrings, recalling.payloads).reseal(SOMEBODY)
    assert resealed.unreadable == 0
    assert resealed.objects == 2
    assert key_version(recalling.items()["vector#fact#pet"]["content"]) == 2
    assert await told() == ["contact", "pet"]
    recalling.keyrings = keyrings
    recalling.index = VectorIndex(recalling.table, keyrings, recalling.payloads, aws)
    assert (await recalling.make_right()).counts["written"] == 0


# Its use is counted


async def test_uses_are_counted_together_with_one_write_for_each_memory(
    recalling: Recalling, monkeypatch: pytest.MonkeyPatch
) -> None:
    await recalling.say(PET, MAIL)
    for _ in range(3):
        await recalling.recall("dog", k=1)
    recalling.now = LATER + HOUR
    await recalling.recall("dog")
    written: list[object] = []
    monkeypatch.setattr(DynamoTable, "update", _counting(DynamoTable.update, written))
    assert await recalling.count_uses() == set()
    assert len(written) == 2
    pet, mail = (recalling.items()[f"vector#fact#{key}"] for key in ("pet", "contact"))
    assert (pet["usage_count"], mail["usage_count"]) == (4, 1)
    [told, _] = (await recalling.recall("dog")).recalled
    assert (told.ranked.indexed.use.usage_count, told.ranked.indexed.use.last_accessed_at) == (4, LATER + HOUR)
    assert recalling.bus.published == []


async def test_a_change_keeps_the_count_and_a_use_that_comes_late_does_not_set_the_time_back(
    recalling: Recalling,
) -> None:
    await recalling.say(PET)
    for recalling.now in (LATER + HOUR, LATER):
        await recalling.recall("dog")
        await recalling.count_uses()
    await recalling.say(fact("pet", "a cat", 1))
    item = recalling.items()["vector#fact#pet"]
    assert (item["usage_count"], item["last_accessed_at"]) == (2, (LATER + HOUR).isoformat())


async def test_a_use_of_what_is_gone_makes_nothing(recalling: Recalling) -> None:
    await recalling.say(PET)
    await recalling.recall("dog")
    await recalling.say(hidden("pet"))
    assert await recalling.count_uses() == set()
    assert recalling.items() == {}


async def test_what_was_warm_is_hot_after_it_was_used(recalling: Recalling) -> None:
    await recalling.say(PET)
    await recalling.say(of_fact("memory.tiered", "pet", 1, source="cleanup", storage_tier="warm"))
    await recalling.recall("dog")
    await recalling.count_uses()
    await recalling.look_at(*await recalling.record_published())
    [told] = (await recalling.recall("dog")).recalled
    assert (told.memory.storage_tier, told.memory.last_accessed_at) == (StorageTier.HOT, LATER)
    assert recalling.items()["vector#fact#pet"]["storage_tier"] == "hot"
    await recalling.count_uses()
    assert recalling.bus.published == []


async def test_what_could_not_be_told_to_the_bus_is_counted_when_it_can(recalling: Recalling) -> None:
    await recalling.say(PET, of_fact("memory.tiered", "pet", 1, source="cleanup", storage_tier="warm"))
    await recalling.recall("dog")
    recalling.bus.takes = False
    assert await recalling.count_uses() == {0}
    assert "usage_count" not in recalling.items()["vector#fact#pet"]


async def test_a_queue_that_is_away_loses_uses_and_no_answer(recalling: Recalling) -> None:
    await recalling.say(PET)
    recalling.uses_url = "http://127.0.0.1:9/1/none"
    answer = await recalling.recall("dog")
    assert ([each.memory.key for each in answer.recalled], answer.counted) == (["pet"], False)


def _counting(update: Callable[..., Any], written: list[object]) -> Callable[..., Any]:
    async def counting(*given: Any) -> None:
        written.append(given)
        await update(*given)

    return counting


async def test_entries_of_many_pages_are_all_read(recalling: Recalling) -> None:
    """DynamoDB answers with a megabyte at a time."""
    many = 12
    long = "w".join(str(n) for n in range(30_000))
    events = [fact(f"k{n}", "x", lead=SOMEBODY) for n in range(many)]
    await recalling.say(*events)
    client = boto3.client("dynamodb")
    for sk in recalling.items():
        client.update_item(
            TableName=recalling.table.name,
            Key={"pk": {"S": LEAD}, "sk": {"S": sk}},
            UpdateExpression="SET embedding_version = :long",
            ExpressionAttributeValues={":long": {"S": long}},
        )
    assert (await recalling.recall("x")).entries == many


# The functions


@pytest.fixture
def functions(
    recalling: Recalling,
    content_key: str,
    announced: str,
    monkeypatch: pytest.MonkeyPatch,
    import_handler: Callable[[str], ModuleType],
) -> Functions:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    vectors_url = boto3.client("sqs").create_queue(QueueName=f"vectors-{next(_numbers)}")["QueueUrl"]
    given = {
        "stage": "test",
        "table_name": recalling.table.name,
        "content_key": content_key,
        "payload_bucket": recalling.bucket,
    }
    settings = {
        "embedder": EmbedderSettings(**given, bus_name=BUS, queue_url=vectors_url, recording_seconds=20),
        "recall": RecallSettings(**given, uses_queue_url=recalling.uses_url),
    }
    for each in settings.values():
        for name, value in each.as_environment().items():
            monkeypatch.setenv(name, value)
    return {package: import_handler(package).handler for package in settings}


ASKED = {"organization_id": ORGANIZATION, "lead_id": LEAD, "query": "How do they want to be contacted?"}


def delivered(*bodies: str) -> dict[str, Any]:
    return {"Records": [{"messageId": f"m{n}", "body": each} for n, each in enumerate(bodies)]}


@pytest.fixture
async def told(recalling: Recalling) -> list[str]:
    """What is recorded, as the bus's rule names it in the queue."""
    said = {
        "contact": "Prefiro que falem comigo por e-mail, nunca por telefone",
        "pet": "They have a dog named Rex",
        "car": "Dirige um Fiat Uno vermelho",
    }
    entries = [
        entry("memory.declared", {"memory_type": "fact", "key": key, "value": {"text": text}}, event_id=key)
        for key, text in said.items()
    ]
    await recalling.record(*(parse(body(each), LATER) for each in entries))
    return [body({**each, "Detail": {"metadata": each["Detail"]["metadata"]}}) for each in entries]


@pytest.mark.parametrize("query", [ASKED["query"], "Como prefere ser contatado, por telefone?"])
def test_what_was_embedded_is_recalled_in_two_languages(functions: Functions, told: list[str], query: str) -> None:
    assert functions["embedder"](delivered(*told), None) == {"batchItemFailures": []}
    answer = functions["recall"](ASKED | {"query": query}, None)
    assert json.loads(json.dumps(answer)) == answer
    assert answer["memories"][0]["name"] == "fact.contact"
    assert answer["memories"][0]["parts"]["similarity"] > answer["memories"][1]["parts"]["similarity"]
    assert (answer["similarity"], answer["entries"], answer["uses_counted"]) == ("included", 3, True)


def test_the_functions_count_and_log_nothing_of_what_was_said(
    functions: Functions, told: list[str], recalling: Recalling, capsys: pytest.CaptureFixture[str]
) -> None:
    functions["embedder"](delivered(*told, "no JSON", '{"detail": 1}'), None)
    first, warm = functions["recall"](ASKED, None), functions["recall"](ASKED, None)
    assert first["memories"] == warm["memories"]
    # The organization's item twice, for its choices and its keys, and the key service; then entries, values and a use.
    assert (first["requests"], warm["requests"]) == (6, 3)
    uses = [msgspec.json.encode(each).decode() for each in recalling.recalls()]
    assert functions["embedder"](delivered(*uses), None) == {"batchItemFailures": []}
    assert recalling.items()["vector#fact#contact"]["usage_count"] == 2
    lines = capsys.readouterr().out
    embedded, recalled, _, counted = map(json.loads, lines.splitlines())
    assert (embedded["requests"], embedded["embedded"], embedded["written"]) == (3, 3, 3)
    assert (recalled["memories_recalled"], recalled["entries_ranked"], counted["recalls_counted"]) == (3, 3, 2)
    assert not [word for word in (LEAD, "Rex", "contact", "Fiat") if word in lines]


def test_a_refusal_is_an_answer_and_is_logged_by_its_code_alone(
    functions: Functions, caplog: pytest.LogCaptureFixture
) -> None:
    assert functions["recall"](ASKED | {"k": 0}, None)["error"]["code"] == "invalid_request"
    [logged] = [vars(record) for record in caplog.records if record.name == "recall.handler"]
    assert (logged["msg"], logged["code"]) == ("refused", "invalid_request")
