"""The context function over a DynamoDB that answers over HTTP."""

import json
from collections.abc import Callable
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest
from aiodynamo.expressions import F

from lead_memory.adapters import keys
from lead_memory.adapters import table as table_module
from lead_memory.adapters.aws import Aws
from lead_memory.adapters.context_reader import ContextReader
from lead_memory.adapters.keyrings import Keyrings
from lead_memory.adapters.kms import KeyService
from lead_memory.adapters.large_payloads import PayloadBucket
from lead_memory.adapters.memory_items import CONTENT
from lead_memory.adapters.organization_settings import OrganizationSettings
from lead_memory.adapters.store import EventStore
from lead_memory.adapters.table import DynamoTable
from lead_memory.domain.conversation import names
from lead_memory.domain.conversation.layers import Format, Layer, Why
from lead_memory.domain.conversation.settings import ConversationSettings, CrossChannel
from lead_memory.domain.errors import Erased, Unavailable
from lead_memory.domain.events import Event
from lead_memory.domain.memories import Lead, MemoryKey, MemoryType
from lead_memory.services.context import READ_OF_A_TYPE, Answer, Contexts, Question
from lead_memory.services.record import Outcome, Recorder
from lead_memory.settings import ContextSettings
from tests.events import LEAD, NOW, ORGANIZATION, SOMEBODY, START, event
from tests.integration.test_erasure import Ground
from tests.integration.throttling import Throttling
from tests.unit.context.fakes import happened, message, note

type Handler = Callable[[object, object], dict[str, Any]]

ANOTHER = "3f0c1b52-7a55-4d0c-9a8e-1f6a1b9f7c02"
OF_ANOTHER = [
    event("product.viewed", {"sku": "whey"}, organization_id=ANOTHER, lead_organization_id=ANOTHER),
]
SOON = START + timedelta(hours=1)
STORY = [
    note("Pays late", thread_id="t"),
    note("Knows our founder"),
    message(0, "Do you ship to Recife?"),
    message(0.01, "And colours?", thread_id="mail", channel="email"),
    happened("thread.summarized", 0.02, thread_id="t", summary="Asked of Recife.", message_count=1, written_by="model"),
    happened("memory.declared", 0.03, memory_type="fact", key="pet", value={"name": "Rex"}),
    happened("preference.expressed", 0.04, name="contact_time", value="mornings"),
]


async def record(store: EventStore, events: list[Event]) -> None:
    assert set(await Recorder(store).record(events)) == {Outcome.RECORDED}


@pytest.fixture
async def recorded(store: EventStore) -> None:
    await record(store, STORY)


@pytest.fixture
def ground(table: DynamoTable, keyrings: Keyrings, bucket: str) -> Ground:
    return Ground(table, keyrings, bucket, queue_urls=[])


@pytest.fixture
def contexts(table: DynamoTable, keyrings: Keyrings) -> Contexts:
    return Contexts(ContextReader(table, keyrings), OrganizationSettings(table))


async def ask(contexts: Contexts, lead: Lead = SOMEBODY, thread_id: str = "t") -> Answer:
    question = Question(lead, thread_id, 3_500, frozenset(Layer), None, Format.TEXT)
    return await contexts.context(question, SOON)


async def test_a_context_is_what_was_recorded(recorded: None, contexts: Contexts) -> None:
    answer = await ask(contexts)
    told = ("Pays late", "Knows our founder", "Asked of Recife.", "pet: name: Rex", "contact_time: mornings")
    assert all(each in answer.context.text for each in told)
    assert answer.context.text.endswith("## Recent Conversation\nCustomer: Do you ship to Recife?")


async def test_threads_are_joined_where_the_organization_chose_so(
    recorded: None, contexts: Contexts, table: DynamoTable, keyrings: Keyrings
) -> None:
    assert (await ask(contexts)).joined_threads == []
    settings = OrganizationSettings(table)
    await settings.set(ORGANIZATION, ConversationSettings(cross_channel=CrossChannel.JOIN))
    answer = await ask(Contexts(ContextReader(table, keyrings), settings))
    assert answer.joined_threads == ["mail"]
    assert answer.context.text.endswith("Customer: Do you ship to Recife?\nCustomer: And colours?")


async def test_names_that_are_hashes_are_found(
    table: DynamoTable, keyrings: Keyrings, bucket: str, contexts: Contexts
) -> None:
    await keyrings.begin(ORGANIZATION, hashes_names=True)
    await record(EventStore(table, keyrings, PayloadBucket(bucket), lambda: NOW), STORY)
    text = (await ask(contexts)).context.text
    assert all(each in text for each in ("Pays late", "pet: name: Rex", "contact_time: mornings", "Recife?"))


async def test_another_organizations_lead_is_as_unknown_as_nobody(
    recorded: None, contexts: Contexts, store: EventStore
) -> None:
    await record(store, OF_ANOTHER)
    answer, of_nobody = [await ask(contexts, lead) for lead in (Lead(ANOTHER, LEAD), Lead(ANOTHER, ORGANIZATION))]
    assert answer == of_nobody
    assert not answer.lead_known
    assert answer.context.text == ""


async def test_an_erased_lead_is_said_to_be_erased_to_its_organization_alone(
    recorded: None, contexts: Contexts, store: EventStore, ground: Ground
) -> None:
    await record(store, OF_ANOTHER)
    await ground.eraser.lead(SOMEBODY, asked_by="me", dry_run=False)
    with pytest.raises(Erased, match="the lead was erased"):
        await ask(contexts)
    assert not (await ask(contexts, Lead(ANOTHER, LEAD))).lead_known


async def test_an_erased_organization_is_said_to_be_erased(
    recorded: None, contexts: Contexts, ground: Ground, content_key: str, aws: Aws
) -> None:
    await ground.erase_organization(ORGANIZATION)
    a_new_process = Keyrings(ground.table, KeyService(content_key, aws))
    with pytest.raises(Erased, match="the organization was erased"):
        await ask(Contexts(ContextReader(ground.table, a_new_process), OrganizationSettings(ground.table)))


async def test_a_row_that_stays_throttled_costs_its_layer_or_where_it_has_notes_the_context(
    recorded: None, table_name: str, keyrings: Keyrings, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_module, "AIOHTTP", Throttling)
    throttled = DynamoTable(table_name, aws, retry_seconds=0.2)
    contexts = Contexts(ContextReader(throttled, keyrings), OrganizationSettings(throttled))
    monkeypatch.setattr(Throttling, "unlucky", keys.memory_sk(names.recent("t")))
    layers = (await ask(contexts)).context.layers
    assert {layer for layer, told in layers.items() if told.why is Why.UNAVAILABLE} == {Layer.RECENT}
    monkeypatch.setattr(Throttling, "unlucky", keys.memory_sk(names.CONTACT_NOTES))
    with pytest.raises(Unavailable, match="the operators' notes"):
        await ask(contexts)


async def test_a_fact_that_does_not_open_costs_itself_alone(
    recorded: None, contexts: Contexts, store: EventStore, table: DynamoTable
) -> None:
    await record(store, [happened("memory.declared", 0.03, memory_type="fact", key="car", value={"name": "Uno"})])
    pet = keys.memory_key(LEAD, MemoryKey(MemoryType.FACT, "pet"))
    await table.update(pet, F(CONTENT).set(b"not sealed"), F(keys.PK).exists())
    answer = await ask(contexts)
    assert answer.context.layers[Layer.PROFILE].why is Why.SHORTENED
    assert all(each in answer.context.text for each in ("Pays late", "car: name: Uno", "contact_time: mornings"))
    assert "pet" not in answer.context.text


async def test_of_many_facts_some_are_told_and_that_there_are_more(
    recorded: None, contexts: Contexts, store: EventStore
) -> None:
    # They are over and take no room; only past so many does nobody look at what comes after them.
    over = {"memory_type": "fact", "value": {"a": 1}, "expires_at": (START + timedelta(minutes=1)).isoformat()}
    facts = [happened("memory.declared", 0, key=f"at {n}", **over) for n in range(READ_OF_A_TYPE)]
    await record(store, facts[1:])
    answer = await ask(contexts)
    assert answer.context.layers[Layer.PROFILE].why is None
    assert "pet: name: Rex" in answer.context.text
    await record(store, facts[:1])
    answer = await ask(contexts)
    assert answer.context.layers[Layer.PROFILE].why is Why.SHORTENED
    assert "contact_time: mornings" in answer.context.text


@pytest.fixture
def handler(
    recorded: None,
    table_name: str,
    content_key: str,
    monkeypatch: pytest.MonkeyPatch,
    import_handler: Callable[[str], ModuleType],
) -> Handler:
    settings = ContextSettings(stage="local", table_name=table_name, content_key=content_key)
    for name, value in settings.as_environment().items():
        monkeypatch.setenv(name, value)
    return import_handler("context").handler  # type: ignore[no-any-return]


ASKED = {"organization_id": ORGANIZATION, "lead_id": LEAD, "thread_id": "t"}


def test_the_handler_answers_in_plain_json_call_after_call_and_counts_its_requests(handler: Handler) -> None:
    first, warm = handler(ASKED, None), handler(ASKED, None)
    assert json.loads(json.dumps(first)) == first
    assert first["text"] == warm["text"]
    assert "Pays late" in first["text"]
    # The organization's item twice, for its choices and its keys, and the key service.
    assert (first["requests"], warm["requests"]) == (6, 3)
    assert warm["milliseconds"] > 0


def test_what_a_context_is_made_of_is_measured_by_cohort_and_nothing_of_its_content(
    handler: Handler, capsys: pytest.CaptureFixture[str]
) -> None:
    forced, answer = handler(ASKED | {"cohort": "no_notes"}, None), handler(ASKED, None)
    of_forced, line = capsys.readouterr().out.splitlines()
    assert "no_notes" not in of_forced
    assert json.loads(of_forced)["total_tokens"] == forced["total_tokens"]
    measured = json.loads(line)
    [metrics] = measured["_aws"]["CloudWatchMetrics"]
    assert metrics["Dimensions"] == [["stage", "function", "cohort"]]
    assert (measured["function"], measured["cohort"]) == ("context", "full")
    assert {each["Name"] for each in metrics["Metrics"]} == set(measured) - {"_aws", "stage", "function", "cohort"}
    assert measured["total_tokens"] == answer["total_tokens"]
    for layer, told in answer["layers"].items():
        name = layer.lower()
        assert (measured[f"{name}_tokens"], measured[f"{name}_used"]) == (told["tokens"], told["included"])
    assert (measured["is_reactivation"], measured["reactivation_days"], measured["reactivation_engaged"]) == (
        False,
        0,
        False,
    )
    assert LEAD not in line
    assert "Recife" not in line


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"max_tokens": 10}, "budget_too_small"),
        ({"max_tokens": -1}, "invalid_request"),
    ],
)
def test_a_refusal_is_an_answer_and_is_logged_by_its_code_alone(
    handler: Handler, caplog: pytest.LogCaptureFixture, change: dict[str, Any], code: str
) -> None:
    assert handler(ASKED | change, None)["error"]["code"] == code
    [logged] = [vars(record) for record in caplog.records if record.name == "context.handler"]
    assert (logged["msg"], logged["code"]) == ("refused", code)
