"""The figures of `bench/matching.py`, and that what is said of them is so."""

from bench.matching import GOALS, LANGUAGES, UNIQUE, Found, counted, febrl, names, names_found, persons_found, without
from lead_memory.domain.crm.persons import COUNTED


def test_precision_recall_and_f1_are_of_the_pairs() -> None:
    found = Found(right=6, matched=8, true=12)
    assert (found.precision, found.recall, found.f1) == (0.75, 0.5, 0.6)


def test_persons_of_a_set_are_found_as_the_goal_asks() -> None:
    people = febrl(1)
    found = persons_found(people)
    assert found.true == 500
    assert found.f1 >= GOALS[1]


def test_persons_are_found_by_name_and_address_alone() -> None:
    people = without(febrl(1), UNIQUE)
    assert not any(UNIQUE & record.keys() for record in people.records)
    assert persons_found(people).f1 >= 0.98


def test_the_weights_are_those_that_set_1_counts() -> None:
    assert counted(febrl(1)) == COUNTED


def test_names_that_are_hard_to_tell_apart_are_told_apart_in_both_languages() -> None:
    for kind, precision, recall in (("account", 0.92, 0.9), ("contact", 0.92, 0.84)):
        for language in LANGUAGES:
            pairs = [(a, b, same) for of, said, same, a, b in names() if (of, said) == (kind, language)]
            found = names_found(kind, pairs)
            assert found.precision >= precision
            assert found.recall >= recall
