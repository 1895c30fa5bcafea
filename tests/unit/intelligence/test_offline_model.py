import json
import re
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import BaseModel

from lead_memory.domain.conversation.profile import merge
from lead_memory.domain.intelligence.answers import EntitiesAnswer, FactsAnswer, Stated
from lead_memory.domain.intelligence.evidence import taken_facts
from lead_memory.domain.intelligence.jobs import Job
from lead_memory.domain.intelligence.lines import Line
from lead_memory.domain.intelligence.offline.entities import entities
from lead_memory.domain.intelligence.offline.facts import facts
from lead_memory.domain.limits import FACTS
from lead_memory.services.models import NO_USAGE, Model
from lead_memory.services.offline_model import OfflineModel
from tests.unit.intelligence.conversations import MONDAY, conversation
from tests.unit.intelligence.offline_labels import DENYING, SMALL_TALK, TELLING

SCRIPT = Path(__file__).parents[3] / "events" / "conversations" / "premium_plan.json"
MODEL: Model = OfflineModel()

_SAID = [text.partition(": ")[2] for labelled in [*TELLING, *DENYING, *SMALL_TALK] for text in labelled.said]
_WORDS = st.sampled_from(sorted({word for text in _SAID for word in text.split()}))
_ODD = st.sampled_from(
    ["\ud83d", "\udc4d", "👩🏽\u200d🚀", "مرحبا 2026", "\u202e", "\x00", "\u2028", "ß", "İ", "٣", "½", "n\u0303"]
)
texts = (
    st.sampled_from(_SAID)
    | st.lists(_WORDS | _ODD | st.sampled_from(_SAID), max_size=40).map(" ".join)
    | st.text(st.characters(codec=None), max_size=200)
)
times = st.datetimes().map(lambda at: at.replace(tzinfo=MONDAY.tzinfo))


@st.composite
def lines_said(draw: st.DrawFn) -> list[Line]:
    said = draw(st.lists(st.tuples(texts, st.booleans(), st.booleans(), times), max_size=6))
    return [Line(n, f"chat/m{n}", at, from_lead, text, new) for n, (text, from_lead, new, at) in enumerate(said, 1)]


def statements(*answers: BaseModel) -> Iterator[Stated]:
    for answer in answers:
        for _, value in answer:
            for each in value if isinstance(value, list) else [value]:
                if isinstance(each, Stated):
                    yield each


def of(lines: Sequence[Line]) -> list[Stated]:
    return list(statements(facts(lines), entities(lines)))


def all_digits(text: str) -> str:
    return "".join(re.findall(r"\d", text))


@given(lines_said())
def test_every_quote_is_in_a_new_message_letter_for_letter(lines: list[Line]) -> None:
    numbered = {line.number: line for line in lines}
    for statement in of(lines):
        line = numbered[statement.message]
        assert line.new
        assert statement.quote in line.text


@given(lines_said())
def test_facts_rest_on_the_leads_words_but_for_a_next_step(lines: list[Line]) -> None:
    numbered = {line.number: line for line in lines}
    answer = facts(lines)
    for statement in statements(answer.model_copy(update={"next_step": None})):
        assert numbered[statement.message].from_lead


@given(lines_said())
@example(conversation("lead: The Acme Corp deal is worth $50,000.50 and closes on March 15."))
def test_the_figures_of_a_value_are_in_its_quote(lines: list[Line]) -> None:
    """But for a day, which is counted from the message's, and for a name and an answer that were said before."""
    for statement in of(lines):
        before = {"message", "quote", "due_date", "name", "account_name", "objection", "resolution", "company"}
        for field, value in statement.model_dump(exclude_none=True).items():
            if field not in before and isinstance(value, str):
                assert all_digits(value) in all_digits(statement.quote)


@given(lines_said())
def test_the_same_messages_are_always_answered_the_same(lines: list[Line]) -> None:
    assert of(lines) == of(lines)


@given(st.lists(texts, max_size=6))
def test_messages_that_were_looked_at_before_state_nothing(said: list[str]) -> None:
    assert not of([Line(n, f"chat/m{n}", MONDAY, True, text, False) for n, text in enumerate(said, 1)])


def test_no_list_is_longer_than_an_answer_may_be() -> None:
    line = "We waste time with {0}. Spoke with Ana Souza{1} from Sol{1} Corp. Ticket T-{0}.\nTask: call {0}."
    letters = [f"{a}{b}" for a in "abcdefgh" for b in "abcd"]
    lines = conversation(*(f"lead: {line.format(n + 100, letters[n])}" for n in range(30)))
    for answer in (facts(lines), entities(lines)):
        assert all(len(value) <= FACTS for _, value in answer if isinstance(value, list))
    assert len(entities(lines).contacts) == len(facts(lines).pain_points) == FACTS


_JUNK = [
    "a",
    " ",
    "1",
    ".",
    "1.",
    "A",
    "Aa ",
    "A de ",
    "R$ 1 ",
    "$1,",
    "our budget is ",
    "we need to start ",
    "not ",
    "in the next ",
    "from Acme ",
    "ID ",
    "a. ",
    "I will send \n",
    "call me ",
    "a@a.",
    "Ann Lee ",
    "-" * 9 + "\n",
]


@pytest.mark.parametrize("junk", _JUNK)
def test_fifty_kilobytes_of_junk_are_read_in_a_fraction_of_a_second(junk: str) -> None:
    one_sentence = (junk * 50_000)[:50_000]
    as_long_as_one_may_be = "\n".join(one_sentence[at : at + 500] for at in range(0, 50_000, 500))
    lines = conversation("lead: x", "us: x")
    began = time.process_time()
    of([line._replace(text=text) for line, text in zip(lines, (one_sentence, as_long_as_one_may_be), strict=True)])
    of([line._replace(text=text) for line, text in zip(lines, (as_long_as_one_may_be, one_sentence), strict=True)])
    assert time.process_time() - began < 0.5


def test_the_accounts_id_said_one_message_later_belongs_to_the_account() -> None:
    found = entities(conversation("old lead: Get the Acme Corp account", "us: The account ID is 001234"))
    (account,) = found.accounts
    assert (account.name, account.id, account.message) == ("Acme Corp", "001234", 2)


def test_a_contact_its_account_and_the_accounts_id_are_one_record_each() -> None:
    found = entities(
        conversation("lead: I spoke with John Smith from Acme Corp", "us: I found the Acme Corp account with ID 001234")
    )
    assert [(each.name, each.id) for each in found.accounts] == [("Acme Corp", "001234")]
    assert [(each.name, each.account_name) for each in found.contacts] == [("John Smith", "Acme Corp")]


@pytest.mark.parametrize(
    "said",
    [
        "My tracking ID is 12345",
        "I'm from New York and I love Boston",
        "On Monday Carla and Sean went to São Paulo",
        "In case 200 people come, we need two boxes",
        "Hi Carla! I'm Very Happy with my Google account",
        "Caso 30 clientes peçam, me avise",
    ],
)
def test_capitals_places_and_other_ids_name_no_record(said: str) -> None:
    assert entities(conversation(f"lead: {said}")) == EntitiesAnswer()


@pytest.mark.parametrize(
    ("words", "day"),
    [
        ("today", "2026-03-02"),
        ("amanhã", "2026-03-03"),
        ("the day after tomorrow", "2026-03-04"),
        ("on Monday", "2026-03-09"),
        ("na sexta", "2026-03-06"),
        ("in 10 days", "2026-03-12"),
        ("on February 1st", "2027-02-01"),
        ("no dia 1", "2026-04-01"),
        ("on February 31", None),
        ("soon", None),
    ],
)
def test_a_promised_day_is_counted_from_the_message(words: str, day: str | None) -> None:
    step = facts(conversation(f"us: I'll send you the contract {words}.")).next_step
    assert step is not None
    assert step.due_date == day


def test_a_day_beyond_the_calendar_is_no_day() -> None:
    line = conversation("us: I'll call you tomorrow")[0]._replace(at=datetime.max.replace(tzinfo=MONDAY.tzinfo))
    step = facts([line]).next_step
    assert step is not None
    assert step.due_date is None


def test_an_accepted_answer_resolves_the_objection_that_it_answers() -> None:
    said = ("lead: It is too expensive for us.", "us: There is a discount of 20%.")
    (accepted,) = facts(conversation(*said, "lead: OK, that sounds better.")).objections
    assert (accepted.resolved, accepted.resolution) == (True, "There is a discount of 20%")
    (open_,) = facts(conversation(*said, "lead: I see.")).objections
    assert not open_.resolved
    (elsewhere,) = facts(conversation(said[0], "us: Which flavour?", "lead: Chocolate sounds great.")).objections
    assert not elsewhere.resolved


def test_the_demos_conversation_gives_what_a_salesperson_would_note_down() -> None:
    profile = _profile_of_the_demo()
    assert profile["preferences"].items() >= {
        ("company_size", "40 atletas"),
        ("budget_range", "R$ 1,500 to 2,000 a month"),
        ("timeline", "before the summer season"),
    }
    assert profile["painPoints"][0] == "In August nothing arrived for two weeks"
    objections = {entry["objection"]: entry["resolved"] for entry in profile["objectionsAddressed"]}
    assert objections["That is more than we thought"]
    assert not objections["One more worry: the freight"]
    assert profile["currentStage"] == "decision"
    assert profile["nextStep"]["action"] == "tell you about the freight as soon as I know"


def _profile_of_the_demo() -> dict[str, Any]:
    """After each of our replies the ten newest messages are looked at; nothing that is stated may fail the checks."""
    lines = [
        Line(number, entry["Detail"]["metadata"]["event_id"], at, entry["DetailType"].endswith("received"), text, True)
        for number, entry in enumerate(json.loads(SCRIPT.read_text(encoding="utf-8")), 1)
        if (text := entry["Detail"]["data"].get("text"))
        and entry["Source"] == "whatsapp"
        and (at := datetime.fromisoformat(entry["Detail"]["metadata"]["occurred_at"]))
    ]
    profile: dict[str, Any] = {}
    looked_at = 0
    for end in [n for n, line in enumerate(lines, 1) if not line.from_lead or n == len(lines)]:
        asked = [line._replace(new=n >= looked_at) for n, line in enumerate(lines[:end])][-10:]
        asked = [line._replace(number=number) for number, line in enumerate(asked, 1)]
        taken = taken_facts(facts(asked), asked, profile)
        assert not taken.dropped
        for group in taken.groups:
            said = {"facts": group.value, "at": asked[-1].at.isoformat(), "by_person": False}
            profile = merge(profile, said)
        looked_at = end
    return profile


async def test_the_model_costs_nothing_and_answers_every_job() -> None:
    lines = conversation("lead: Our budget is $300 a month.", "us: I'll send you the contract tomorrow.")
    assert MODEL.name == "offline"
    assert {MODEL.prompt_version(job) for job in Job} == {"offline-1"}
    assert {MODEL.estimated_cost_micros(job, 1_000_000) for job in Job} == {0}
    said, records, summary = await MODEL.facts(lines), await MODEL.entities(lines), await MODEL.summary(lines, None)
    reminder = await MODEL.reactivation({"summary": {"text": summary.output}}, {"currentStage": "decision"})
    assert [answer.usage for answer in (said, records, summary, reminder)] == [NO_USAGE] * 4
    assert said.output.preferences[0].value == "$300 a month"
    assert records.output == EntitiesAnswer()
    assert summary.output == "Customer: Our budget is $300 a month.\nAssistant: I'll send you the contract tomorrow."
    assert "decision stage" in reminder.output


async def test_a_summary_goes_on_from_the_one_before() -> None:
    summary = await MODEL.summary(conversation("lead: We need it in March."), "Customer: The budget is $300.")
    assert summary.output == "Customer: The budget is $300.\nCustomer: We need it in March."


async def test_a_cluster_has_each_thing_once_and_in_the_texts_own_words() -> None:
    cluster = await MODEL.cluster(["They want whey every month.", "They want whey every month.", "The budget is $300."])
    assert cluster.output.splitlines() == ["They want whey every month.", "The budget is $300."]


async def test_a_long_text_crowds_no_other_out_of_a_cluster() -> None:
    cluster = await MODEL.cluster(["They want whey. " + "Nothing else is known. " * 500, "The budget is $300."])
    assert "The budget is $300." in cluster.output


async def test_no_text_is_no_cluster() -> None:
    assert (await MODEL.cluster([])).output == ""


def test_an_answer_of_nothing_is_empty() -> None:
    assert (facts([]), entities([])) == (FactsAnswer(), EntitiesAnswer())
