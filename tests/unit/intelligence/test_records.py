"""Which of a CRM's records in a model's answer are taken: those that the messages state, and no others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lead_memory.domain.intelligence.answers import EntitiesAnswer, Stated
from lead_memory.domain.intelligence.checking import Dropped
from lead_memory.domain.intelligence.records import taken_entities
from lead_memory.domain.intelligence.words import folded
from tests.unit.intelligence.conversations import TALK, conversation, many, texts


def test_an_account_s_id_may_be_said_one_message_later() -> None:
    lines = conversation(
        "lead: I spoke with John Smith from Acme Corp", "us: Noted.", "us: I found it, the account ID is 001234"
    )
    answer = EntitiesAnswer.model_validate({
        "accounts": [{"id": "001234", "name": "Acme Corp", "message": 3, "quote": "the account ID is 001234"}],
        "contacts": [
            {"name": "John Smith", "account_name": "Acme Corp", "message": 1, "quote": "John Smith from Acme Corp"}
        ],
    })  # fmt: skip
    taken = taken_entities(answer, lines)
    assert taken.answer == answer
    assert taken.refs["accounts"] == [("whatsapp/m1", "whatsapp/m3")]
    assert taken.refs["contacts"] == [("whatsapp/m1",)]


@pytest.mark.parametrize(
    ("kind", "entity", "said", "why"),
    [
        ("accounts", {"name": "Acme Corp", "id": "001234"}, "I found Acme Corp with ID 001234", None),
        ("accounts", {"name": "Acme Corp", "id": "1234"}, "I found Acme Corp with ID 001234", Dropped.UNSUPPORTED),
        ("accounts", {"id": "00x1"}, "The account ID is 00X1", Dropped.UNSUPPORTED),
        ("accounts", {"name": "Beta", "id": "001234"}, "I found Acme Corp with ID 001234", Dropped.UNSUPPORTED),
        ("accounts", {"name": "Café São José"}, "the account of Cafe Sao Jose", None),
        ("accounts", {}, "the account of Cafe Sao Jose", Dropped.MALFORMED),
        ("contacts", {"name": "Ana", "email": "ana@example.com"}, "Ana, ana@example.com", None),
        ("contacts", {"name": "Ana", "email": "ana@example.org"}, "Ana, ana@example.com", Dropped.UNSUPPORTED),
        ("contacts", {"name": "Ana", "phone": "+55 11 98765-4321"}, "Ana, (11) 98765-4321", None),
        ("contacts", {"name": "Ana", "phone": "+55 11 98765-0000"}, "Ana, (11) 98765-4321", Dropped.UNSUPPORTED),
        ("contacts", {"name": "Ana", "account_id": "7"}, "Ana is at Acme", Dropped.UNSUPPORTED),
        ("opportunities", {"name": "Renewal", "amount": "50000"}, "The Renewal deal is worth 50k", None),
        ("opportunities", {"name": "Renewal", "amount": "60000"}, "The Renewal deal is worth 50k", Dropped.MALFORMED),
        ("opportunities", {"name": "Renewal", "close_date": "2026-03-31"}, "Renewal closes on March 31", None),
        ("opportunities", {"name": "Renewal", "close_date": "2026-04-30"}, "Renewal closes soon", Dropped.MALFORMED),
        (
            "cases",
            {"id": "4521", "subject": "Broken pot", "status": "open"},
            "Ticket 4521, a broken pot, is open",
            None,
        ),
        ("tasks", {"subject": "Call Ana", "status": "done"}, "Call Ana", Dropped.UNSUPPORTED),
        ("leads", {"name": "Bia", "company": "Acme"}, "Bia from Acme wants a demo", None),
    ],
)
def test_a_record_is_what_the_quote_says(kind: str, entity: dict[str, str], said: str, why: Dropped | None) -> None:
    answer = EntitiesAnswer.model_validate({kind: [{**entity, "message": 1, "quote": said}]})
    taken = taken_entities(answer, conversation(f"us: {said}"))
    assert (taken.kept, next(iter(taken.dropped), None)) == (why is None, why)


def test_a_known_record_that_we_name_is_recalled() -> None:
    answer = EntitiesAnswer.model_validate({"accounts": [{"name": "Acme", "message": 1, "quote": "the Acme account"}]})
    ours, theirs = (conversation(f"{who}: About the Acme account") for who in ("us", "lead"))
    assert taken_entities(answer, ours, ["ACME"]).dropped == {Dropped.RECALLED: 1}
    assert taken_entities(answer, theirs, ["ACME"]).kept == 1


entities_answers = st.fixed_dictionaries(
    {
        "accounts": many(name=st.none() | texts, id=st.none() | texts),
        "contacts": many(name=texts, account_name=st.none() | texts, account_id=st.none() | texts),
        "tasks": many(subject=st.none() | texts, due_date=st.none() | texts),
    }
).map(EntitiesAnswer.model_validate)


@given(entities_answers)
def test_every_record_that_is_taken_is_quoted_from_a_new_message(answer: EntitiesAnswer) -> None:
    lines = conversation(*TALK)
    taken = taken_entities(answer, lines)
    total = sum(len(getattr(answer, field)) for field in EntitiesAnswer.model_fields)
    assert taken.kept + sum(taken.dropped.values()) == total
    by_number = {line.number: line for line in lines}
    for field, refs in taken.refs.items():
        kept: list[Stated] = getattr(taken.answer, field)
        for statement, resting_on in zip(kept, refs, strict=True):
            line = by_number[statement.message]
            assert line.new
            assert line.ref in resting_on
            assert folded(statement.quote) in folded(line.text)
    assert taken_entities(taken.answer, lines) == taken._replace(dropped={})
