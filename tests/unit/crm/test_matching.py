"""Which known entity is meant, and which is another one."""

import string
from collections.abc import Mapping

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bench.matching import candidates, names
from lead_memory.domain.crm.closeness import closeness, persons_likeness
from lead_memory.domain.crm.matching import Known, Match, match
from lead_memory.domain.crm.names import folded
from lead_memory.domain.crm.persons import COUNTED, bits, compared

KINDS = ("account", "contact", "opportunity", "case", "task", "lead")
WORDS = [
    "Acme",
    "João",
    "Silva",
    "S.A.",
    "S/A",
    "Ltda.",
    "Co",
    "&",
    "and",
    "e",
    "Inc",
    "GmbH",
    "A",
    "B",
    "12",
    "Dr.",
    "Sá",
]
texts = st.lists(st.sampled_from(WORDS) | st.text(max_size=4), max_size=6).map(" ".join)
words = st.text(string.ascii_letters, min_size=1, max_size=8)
plain_names = st.lists(words, min_size=1, max_size=3).map(" ".join)
values = st.sampled_from(["ana", "anna", "silva", "silvia", "12", "21", "rua a", "1990"]) | st.text(max_size=5)
records = st.dictionaries(
    st.sampled_from([*COUNTED, "name", "email", "phone", "account_id", "account_name"]), values
).map(compared)


def known(name: str, key: str = "known", id: str | None = None, **fields: str) -> Known:
    return Known(key, id, (name,), fields)


@given(texts)
def test_what_is_folded_stays_as_it_is(name: str) -> None:
    assert folded(folded(name)) == folded(name)


@given(texts)
def test_a_name_with_a_letter_or_a_digit_is_never_folded_to_nothing(name: str) -> None:
    assume(any(map(str.isalnum, name)))
    assert folded(name)


@given(plain_names, st.sampled_from(["Inc.", ", Ltd", " S.A.", " S/A", " Ltda - ME", " GmbH & Co. KG", " PTY LTD"]))
def test_case_accents_punctuation_and_legal_form_do_not_tell_names_apart(name: str, form: str) -> None:
    accented = "".join(letter + "\u0301" for letter in name.upper()).replace(" \u0301", "  - ")
    assert folded(accented) == folded(f"{name} {form}") == folded(f"«{name}»")


@pytest.mark.parametrize(
    ("name", "kept"),
    [("S.A.", "sa"), ("Company Ltd", "company"), ("J. P. Morgan & Co.", "jp morgan"), ("McDonald's", "mcdonalds")],
)
def test_a_name_keeps_what_is_no_legal_form(name: str, kept: str) -> None:
    assert folded(name) == kept


@given(texts, texts)
def test_names_are_as_close_in_either_order(a: str, b: str) -> None:
    assert closeness(folded(a), folded(b)) == closeness(folded(b), folded(a))
    assert persons_likeness(a, b) == persons_likeness(b, a)


@given(records, records)
def test_two_persons_are_as_alike_in_either_order(a: Mapping[str, str], b: Mapping[str, str]) -> None:
    assert bits(a, b) == pytest.approx(bits(b, a))


@given(st.sampled_from(KINDS), plain_names, st.integers(0, 999), st.integers(0, 999))
def test_names_of_different_numbers_never_match(kind: str, name: str, one: int, other: int) -> None:
    assume(one != other)
    assert match(kind, {"name": f"{name} {one}"}, [known(f"{name} {other}")]) is None


@given(st.sampled_from(KINDS), plain_names, words, words)
def test_another_id_is_another_entity_whatever_its_name(kind: str, name: str, stated: str, other: str) -> None:
    assume(stated != other)
    assert match(kind, {"id": stated, "name": name}, [known(name, id=other)]) is None


@given(st.sampled_from(KINDS), words, plain_names, plain_names)
def test_an_equal_id_is_the_entity_whatever_its_name(kind: str, id: str, stated: str, other: str) -> None:
    entities = [known(stated, "namesake"), known(other, "same", id=id)]
    assert match(kind, {"id": id, "name": stated}, entities) == Match("same", "id", 1)


@given(st.sampled_from(KINDS), plain_names, words)
def test_an_entity_known_by_name_is_found_when_its_id_is_said(kind: str, name: str, id: str) -> None:
    found = match(kind, {"id": id, "name": name}, [known(name)])
    assert found is not None
    assert found.by == "name"


@pytest.mark.parametrize(("kind", "a", "b"), [(kind, a, b) for kind, _, _, a, b in names()])
def test_a_match_does_not_depend_on_which_was_known_first(kind: str, a: str, b: str) -> None:
    there, back = match(kind, {"name": a}, [known(b)]), match(kind, {"name": b}, [known(a)])
    assert there == back


@pytest.mark.parametrize(
    ("kind", "stated", "known_as", "by"),
    [
        ("account", "Acme Corp.", "ACME Corporation", "name"),
        ("account", "Microsft", "Microsoft", "close_name"),
        ("account", "Acme North", "Acme South", None),
        ("account", "Acme", "Acme Foods", None),
        ("account", "Inc.", "Ltd.", None),
        ("contact", "Smith, John", "John Smith", "name"),
        ("contact", "John M. Smith", "John Michael Smith", "close_name"),
        ("contact", "João da Silva", "Joao Silva", "close_name"),
        ("contact", "John", "John Smith", None),
        ("contact", "Joan Smith", "John Smith", None),
        ("contact", "Daniela Reis", "Daniel Reis", None),
        ("contact", "Ana Sá", "Ana", None),
        ("lead", "John Smith", "john smith", "name"),
        ("opportunity", "Renewal Acme Inc", "Renewal Acme", "name"),
        ("case", "Call me", "Call", None),
        ("case", "Invoice not recieved", "Invoice not received", "close_name"),
        ("task", "Send contract", "Sign contract", None),
    ],
)
def test_a_name_finds_the_entity_it_may_be_of(kind: str, stated: str, known_as: str, by: str | None) -> None:
    found = match(kind, {"subject" if kind in {"case", "task"} else "name": stated}, [known(known_as)])
    assert (found and found.by) == by


MAIL, OTHER_MAIL = {"email": "john@acme.test"}, {"email": "john@home.test"}
PHONE, OTHER_PHONE = {"phone": "+55 11 98888-7777"}, {"phone": "+55 11 97777-1234"}
AT_ACME, AT_GLOBEX = {"account_name": "Acme Inc."}, {"account_name": "Globex"}


@pytest.mark.parametrize(
    ("name", "stated", "fields", "same"),
    [
        ("John Smith", MAIL, OTHER_MAIL, True),
        ("John Smith", MAIL | PHONE, OTHER_MAIL | OTHER_PHONE, False),
        ("John Smith", MAIL | PHONE | AT_ACME, OTHER_MAIL | OTHER_PHONE | {"account_name": "ACME"}, True),
        ("John Smith", AT_ACME, AT_GLOBEX, False),
        ("John Smith", AT_ACME | MAIL, AT_GLOBEX | MAIL, True),
        ("John Smith", AT_ACME | {"account_id": "1"}, AT_GLOBEX | {"account_id": "1"}, True),
        ("Jonathan Smith", MAIL, MAIL, False),
        ("John", MAIL, MAIL, True),
        ("John", PHONE, {"phone": "(11) 98888-7777"}, True),
        ("John", AT_ACME, AT_ACME, False),
        ("", MAIL, MAIL, True),
        ("", AT_ACME, AT_ACME, False),
        ("Mary Jones", MAIL, MAIL, False),
    ],
)
def test_what_else_is_said_of_a_person_counts(
    name: str, stated: dict[str, str], fields: dict[str, str], same: bool
) -> None:
    assert bool(match("contact", {"name": name, **stated}, [known("John Smith", **fields)])) is same


def test_what_is_of_another_account_is_another_opportunity() -> None:
    assert match("opportunity", {"name": "Renewal", **AT_ACME}, [known("Renewal", **AT_GLOBEX)]) is None


def test_an_equal_name_is_before_a_close_one_and_the_first_before_the_next() -> None:
    entities = [known("Acme Indutries", "close"), known("Acme Industries", "a"), known("ACME Industries Ltd", "b")]
    assert match("account", {"name": "Acme Industries"}, entities) == Match("a", "name", 1)


def test_an_entity_is_found_by_the_name_it_had() -> None:
    renamed = Known("acme", "1", ("Globex", "Acme"))
    assert match("account", {"name": "Acme Inc."}, [renamed]) == Match("acme", "name", 1)


@pytest.mark.parametrize("kind", KINDS)
def test_without_anything_said_nothing_matches(kind: str) -> None:
    assert match(kind, {}, [known("Acme"), Known("nameless", None, ())]) is None
    assert match(kind, {"name": "Acme"}, []) is None


def test_an_error_in_any_one_field_leaves_a_pair_to_be_compared() -> None:
    person = {
        **{"given_name": "ana", "surname": "silva", "street_number": "12", "address_1": "rua azul", "suburb": "centro"},
        **{"postcode": "01310", "date_of_birth": "19900101", "identifying_number": "1234567"},
    }
    for field in person:
        assert candidates([compared(person), compared(person | {field: "else"})]) == {(0, 1)}
