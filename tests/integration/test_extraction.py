"""The extractor's handler on a table, a bus and queues: what a conversation comes to, whatever model is asked."""

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from lead_memory.adapters.model_prices import Prices
from lead_memory.adapters.pydantic_ai_model import PydanticAiModel
from lead_memory.domain.conversation import names
from lead_memory.domain.events import Event
from lead_memory.domain.intelligence.checking import Dropped
from lead_memory.domain.intelligence.jobs import Job, Status
from lead_memory.domain.memories import Lead, MemoryKey, MemoryType
from tests.events import SAMPLES, SOMEBODY, START, entry
from tests.fakes import canonical_bytes
from tests.integration import scripted
from tests.integration.extraction_stage import EVALUATED, HOUR, ExtractionStage
from tests.openai_server import OpenAiServer

SCRIPT: list[dict[str, Any]] = json.loads((SAMPLES / "conversations/premium_plan.json").read_text())
THREAD = "wa-554855500103"
ACCOUNT, PERSON = (MemoryKey(MemoryType.FACT, key) for key in ("account:box_mare_alta", "contact:sean_walsh"))
MADE_BY_MODELS = ("memory.inferred", "crm.entity_extracted", "thread.summarized", "thread.reactivation_prepared")
JOBS = (Job.FACTS, Job.ENTITIES, Job.SUMMARY, Job.REACTIVATION)
_METADATA = SCRIPT[0]["Detail"]["metadata"]
HELENA = Lead(_METADATA["organization_id"], _METADATA["lead_organization_id"])
SILENT_AFTER = 28
"""Messages of the thread."""
MESSAGES = {f"{each['Source']}/{each['Detail']['metadata']['event_id']}" for each in SCRIPT}
PRICES = Prices(*map(Decimal, scripted.TOKEN_PRICES.values()))

MODELS = ("offline", "function", "server")


def start(extraction: ExtractionStage, model: str, server: OpenAiServer) -> None:
    match model:
        case "offline":
            extraction.start()
        case "function":
            asked = PydanticAiModel(scripted.function_model(), name="function:scripted", prices=PRICES, seconds=20)
            extraction.start_with(asked)
        case "server":
            server.script(scripted.reply)
            extraction.start(model="openai:small", model_base_url=server.url, **scripted.TOKEN_PRICES)


@pytest.mark.parametrize("model", MODELS)
def test_the_demos_conversation_comes_to_the_same_whatever_model_reads_it(
    model: str,
    extraction: ExtractionStage,
    model_server: OpenAiServer,
) -> None:
    start(extraction, model, model_server)
    extraction.live(SCRIPT[:-1])
    extraction.say(SCRIPT[-1])

    memories, said = extraction.memories(HELENA), extraction.said(HELENA)
    assert {each.event_type for each in said} == {*MADE_BY_MODELS, EVALUATED}
    assert {ACCOUNT, PERSON, names.CONTACT_PROFILE, names.ENTITIES} <= memories.keys()
    assert memories[names.CONTACT_PROFILE].value["preferences"]["budget_range"] == "R$ 1,500 to 2,000 a month"
    assert (memories[ACCOUNT].value["name"], memories[ACCOUNT].value["id"]) == ("Box Maré Alta", "004417")
    thread = memories[names.thread(THREAD)].value
    named = {"offline": "offline", "function": "function:scripted", "server": "openai:small"}[model]
    for written in ("summary", "reactivation"):
        assert (thread[written]["message_count"], thread[written]["written_by"]) == (SILENT_AFTER, named)
    assert {job: each["status"] for job, each in thread["evaluation"]["jobs"].items()} == dict.fromkeys(
        JOBS, Status.PROCESSED
    )
    totals = memories[names.INTELLIGENCE].value["totals"]
    assert totals.keys() == set(JOBS)
    assert not any(Status.FAILED in of_job for of_job in totals.values())
    check_origins(said, named, is_paid=model != "offline")
    costs = [outcome.get("cost_micros", 0) for outcome in extraction.evaluated(HELENA)]
    assert sum(of_job["cost_micros"] for of_job in totals.values()) == extraction.spent_micros() == sum(costs)
    check_junk(extraction, invented=model != "offline")

    told = extraction.context(HELENA, THREAD).context.text
    assert told.startswith("---\n⚠️ **REACTIVATION ALERT**\nCONTEXT: This lead went quiet for 14 days.")
    for part in (thread["reactivation"]["text"], "Budget: R$ 1,500 to 2,000", "Known accounts: Box Maré Alta\n"):
        assert part in told
    assert all(line in told for line in thread["summary"]["text"].splitlines())

    asked = len(model_server.requests)
    assert (asked > 0) is (model == "server")
    assert extraction.rebuilt(HELENA) == canonical_bytes(memories)
    assert len(model_server.requests) == asked


def check_origins(said: Sequence[Event], model: str, *, is_paid: bool) -> None:
    """Each event says by which model it was made, at what cost, and of what."""
    recorded = MESSAGES | {each.ref for each in said}
    for each in said:
        if each.event_type == EVALUATED:
            continue
        origin = json.loads(each.data_json)["extraction"]
        assert (origin["model"], bool(origin["prompt_version"])) == (model, True)
        assert [origin[field] > 0 for field in ("input_tokens", "output_tokens", "cost_micros")] == [is_paid] * 3
        assert each.event_id.startswith(origin["attempt_id"])
        assert origin["rests_on"]
        assert recorded.issuperset(origin["rests_on"])


def check_junk(extraction: ExtractionStage, *, invented: bool) -> None:
    """What nobody said is counted, and in no memory."""
    asked = [each for each in extraction.evaluated(HELENA) if each["status"] == Status.PROCESSED]
    of_facts = [each for each in asked if each["job"] == Job.FACTS]
    assert sum(each["dropped"].get(Dropped.NO_QUOTE, 0) for each in of_facts) == (len(of_facts) if invented else 0)
    assert not any(scripted.INVENTED in str(memory.value) for memory in extraction.memories(HELENA).values())


JOHN, ACME = (MemoryKey(MemoryType.FACT, key) for key in ("contact:john_smith", "account:acme_corp"))
ID = "001234"
EXAMPLE = (
    ("conversation.message_received", "I spoke with John Smith from Acme Corp"),
    ("conversation.reply_sent", f"I found the Acme Corp account with ID {ID}"),
)
ID_ALONE = (
    ("conversation.message_received", "Get the Acme Corp account"),
    ("conversation.message_received", f"The account ID is {ID}"),
)
TEMPLATE = f"{{{{fact.{ACME.key}.name}}}} has the id {{{{fact.{ACME.key}.id}}}}."


def message(number: int, event_type: str, text: str) -> dict[str, Any]:
    said = {"thread_id": "t", "channel": "sms", "text": text}
    return entry(event_type, said, event_id=f"m{number}", at=START + number * HOUR)


def requested(number: int) -> dict[str, Any]:
    at = START + number * HOUR
    return entry("thread.extraction_requested", {"thread_id": "t"}, event_id=f"r{number}", at=at)


@pytest.mark.parametrize("in_turn", [False, True], ids=["at once", "in separate runs"])
@pytest.mark.parametrize("model", ["offline", "function"])
@pytest.mark.parametrize("example", [EXAMPLE, ID_ALONE], ids=["the id and the name", "the id alone"])
def test_an_id_that_is_said_one_message_later_is_the_accounts(
    example: Sequence[tuple[str, str]],
    model: str,
    in_turn: bool,
    extraction: ExtractionStage,
    model_server: OpenAiServer,
) -> None:
    start(extraction, model, model_server)
    said = [message(number, *each) for number, each in enumerate(example)]
    if in_turn:
        extraction.say(said[0], requested(0))
        by_name = extraction.memories(SOMEBODY)[ACME]
        assert "id" not in by_name.value
        extraction.say(said[1])
        assert set(by_name.source_event_ids) < set(extraction.memories(SOMEBODY)[ACME].source_event_ids)
    else:
        extraction.say(*said)
    memories = extraction.memories(SOMEBODY)
    assert (memories[ACME].value["name"], memories[ACME].value["id"]) == ("Acme Corp", ID)
    people = {name: memory.value for name, memory in memories.items() if name.key.startswith("contact:")}
    if example is EXAMPLE:
        assert people.keys() == {JOHN}
        assert (people[JOHN]["name"], people[JOHN]["account_key"]) == ("John Smith", "acme_corp")
    else:
        assert not people
    assert extraction.resolved(SOMEBODY, TEMPLATE) == f"Acme Corp has the id {ID}."
