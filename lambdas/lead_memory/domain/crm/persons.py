"""Whether two records are of one person: what each field says for it or against it, summed.

A field's weight is the log-likelihood ratio log2(m / u) of Fellegi and Sunter (A Theory for Record Linkage, JASA 64,
1969): m is how often two records of one person agree so, u how often two persons' do. Bayes' theorem sets the sum, in
bits, against how many there are to choose among. What one record lacks says nothing.
"""

from collections.abc import Mapping
from itertools import chain
from typing import NamedTuple

from rapidfuzz.distance import OSA

from lead_memory.domain.crm.closeness import Likeness, accounts_likeness, persons_likeness
from lead_memory.domain.crm.names import person_words, plain

type Record = Mapping[str, str]
"""A contact's or a lead's fields, and those of `COUNTED`."""


class Weight(NamedTuple):
    """In bits."""

    equal: float
    close: float
    different: float
    partial: float = 0.0

    def of(self, likeness: Likeness) -> float:
        match likeness:
            case Likeness.EQUAL:
                return self.equal
            case Likeness.CLOSE:
                return self.close
            case Likeness.PARTIAL:
                return self.partial
            case Likeness.DIFFERENT:
                return self.different


COUNTED = {
    "given_name": Weight(7.7, 6.3, -2.3),
    "surname": Weight(7.9, 8.1, -2.7),
    "street_number": Weight(5.9, -2.7, -2.7),
    "address_1": Weight(12.1, 7.8, -3.8),
    "address_2": Weight(10.2, 9.8, -4.2),
    "suburb": Weight(9.9, 9.0, -4.0),
    "postcode": Weight(9.9, 3.5, -6.2),
    "state": Weight(2.0, -4.3, -4.3),
    "date_of_birth": Weight(16.7, 0.1, -4.3),
    "identifying_number": Weight(16.8, 12.7, -4.4),
}
"""On set 1 of bench/febrl, as a test counts again; sets 2 and 3 had no part in it."""
JUDGED = {
    "name": Weight(9, 6.5, -9, partial=2),
    "email": Weight(13, 0, -2.3),
    "phone": Weight(12, 0, -1.7),
    "account": Weight(3, 3, -3.2),
}
"""For want of a labelled set of contacts: of two persons, one pair in 500 has the same full name, one in 8 the same
account; one person in 5 is known by a second address, one in 3 by a second number, one in 10 changes the account. So
records of one name are two persons' if the accounts differ, or both address and number, unless another field agrees."""
WEIGHTS = COUNTED | JUDGED
EXCHANGED = (("given_name", "surname"), ("address_1", "address_2"))
"""Each is filled in for the other often enough that both ways are compared."""
_ALONE = [field for field in WEIGHTS if field not in {"account", *chain(*EXCHANGED)}]

_SIMILAR = 0.75
"""Of a field's text: a postcode with two digits exchanged still is."""
_PHONE_DIGITS = 8
"""A number's, without the codes of country and area."""


def probability(a: Record, b: Record, among: int) -> float:
    """That two records, as `compared` gives them, are of one person, where one has `among` others to choose from."""
    return 1 / (1 + among * 2 ** -bits(a, b))


def bits(a: Record, b: Record) -> float:
    """For one person, or below 0 for two, of records as `compared` gives them."""
    total = sum(_bits(field, a.get(field), b.get(field)) for field in _ALONE)
    for one, other in EXCHANGED:
        straight = _bits(one, a.get(one), b.get(one)) + _bits(other, a.get(other), b.get(other))
        total += max(straight, _across(one, other, a, b))
    accounts = accounts_likeness(a, b)
    return total + WEIGHTS["account"].of(accounts) if accounts else total


def compared(record: Record) -> Record:
    """The record's values as they are compared, those that it has."""
    spelled = {field: plain(record.get(field, "")).replace(" ", "") for field in COUNTED} | {
        "name": " ".join(person_words(record.get("name", ""))),
        "email": record.get("email", "").strip().casefold(),
        "phone": "".join(filter(str.isdigit, record.get("phone", ""))),
        "account_id": record.get("account_id", ""),
        "account_name": record.get("account_name") or record.get("company", ""),
    }
    return {field: value for field, value in spelled.items() if value}


def likeness(field: str, a: str, b: str) -> Likeness:
    match field:
        case "name":
            return persons_likeness(a, b)
        case "phone":
            shared = min(len(a), len(b))
            same = a == b or (shared >= _PHONE_DIGITS and a[-shared:] == b[-shared:])
            return Likeness.EQUAL if same else Likeness.DIFFERENT
        case "email":
            return Likeness.EQUAL if a == b else Likeness.DIFFERENT
    if a == b:
        return Likeness.EQUAL
    return Likeness.CLOSE if OSA.normalized_similarity(a, b) >= _SIMILAR else Likeness.DIFFERENT


def _bits(field: str, a: str | None, b: str | None) -> float:
    return WEIGHTS[field].of(likeness(field, a, b)) if a and b else 0.0


def _across(one: str, other: str, a: Record, b: Record) -> float:
    crossed = ((a.get(one), b.get(other)), (a.get(other), b.get(one)))
    return sum(min(_bits(one, *values), _bits(other, *values)) for values in crossed)
