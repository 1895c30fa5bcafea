"""Whether what is one person or one company is found to be, and nothing else: precision, recall and their F1.

Persons are matched over all pairs of the sets in `bench/febrl`, names over the pairs of `bench/names.csv`.
"""

import csv
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from math import comb, log2
from pathlib import Path
from typing import NamedTuple

from bench.ground import Ground
from bench.measure import Figure, Goal
from lead_memory.domain.crm.closeness import Likeness
from lead_memory.domain.crm.matching import Known, match
from lead_memory.domain.crm.persons import COUNTED, WEIGHTS, Record, Weight, compared, likeness, probability

HERE = Path(__file__).parent
GOALS = {1: 0.98, 2: 0.95, 3: 0.95}
LANGUAGES = {"en": "English", "pt": "Portuguese"}
UNIQUE = frozenset({"identifying_number", "date_of_birth"})
"""What contacts seldom have."""
EVERY = 8
"""Of the pairs of two persons, which are many, every eighth is counted."""
KEY_BITS = 9
"""What two records have to agree in to be compared: enough that few do by chance."""
_KEYS = [
    fields
    for count in (1, 2)
    for fields in combinations(WEIGHTS, count)
    if sum(WEIGHTS[field].equal for field in fields) >= KEY_BITS
]


class Found(NamedTuple):
    """Pairs; `right` are of both."""

    right: int
    matched: int
    true: int

    @property
    def precision(self) -> float:
        return self.right / self.matched

    @property
    def recall(self) -> float:
        return self.right / self.true

    @property
    def f1(self) -> float:
        return 2 * self.right / (self.matched + self.true)


class People(NamedTuple):
    records: Sequence[Record]
    """As they are compared."""
    who: list[str]

    def one(self, pair: tuple[int, int]) -> bool:
        return self.who[pair[0]] == self.who[pair[1]]


def measure(_: Ground) -> Iterable[Figure]:
    for number, goal in GOALS.items():
        people = febrl(number)
        yield _figure(f"person matcher F1, febrl set {number}", persons_found(people), Goal(goal, at_most=False))
        name = f"the same without number and date of birth, set {number}"
        yield _figure(name, persons_found(without(people, UNIQUE)))
    for kind in ("account", "contact"):
        for language, spoken in LANGUAGES.items():
            pairs = [(a, b, same) for of, said, same, a, b in names() if (of, said) == (kind, language)]
            yield _figure(f"{kind} names F1, {spoken}", names_found(kind, pairs))


def febrl(number: int) -> People:
    with (HERE / "febrl" / f"dataset{number}.csv").open() as file:
        rows = list(csv.DictReader(file, skipinitialspace=True))
    records = [compared({**row, "identifying_number": row["soc_sec_id"]}) for row in rows]
    return People(records, [row["rec_id"].split("-")[1] for row in rows])


def without(people: People, fields: frozenset[str]) -> People:
    kept = [{field: value for field, value in record.items() if field not in fields} for record in people.records]
    return people._replace(records=kept)


def persons_found(people: People) -> Found:
    records = people.records
    matched = [(a, b) for a, b in candidates(records) if probability(records[a], records[b], among=len(records)) >= 0.5]
    true = sum(comb(count, 2) for count in Counter(people.who).values())
    return Found(sum(map(people.one, matched)), len(matched), true)


def candidates(records: Sequence[Record]) -> set[tuple[int, int]]:
    """The pairs, by their places, that agree in one of many keys, so that an error in one field loses none."""
    blocks: dict[tuple[str, ...], set[int]] = defaultdict(set)
    for place, record in enumerate(records):
        for key in _keys(record):
            blocks[key].add(place)
    return {pair for block in blocks.values() for pair in combinations(sorted(block), 2)}


def counted(people: People) -> dict[str, Weight]:
    """The weights of Fellegi and Sunter, from who is who; what is never seen counts as half a pair."""
    seen = {whose: {field: Counter[Likeness]() for field in COUNTED} for whose in (True, False)}
    for a, b in combinations(range(len(people.records)), 2):
        one = people.one((a, b))
        if not one and (a + b) % EVERY:
            continue
        of = seen[one]
        mine, theirs = people.records[a], people.records[b]
        for field in mine.keys() & theirs.keys() & COUNTED.keys():
            of[field][likeness(field, mine[field], theirs[field])] += 1
    return {field: _weight(seen[True][field], seen[False][field]) for field in COUNTED}


def _keys(record: Record) -> Iterator[tuple[str, ...]]:
    for fields in _KEYS:
        values = [record[field] for field in fields if field in record]
        if len(values) == len(fields):
            yield (*fields, *sorted(values))


def _weight(one: Counter[Likeness], two: Counter[Likeness]) -> Weight:
    def bits(each: Likeness) -> float:
        return round(log2((one[each] + 0.5) / (one.total() + 1) * (two.total() + 1) / (two[each] + 0.5)), 1)

    equal, close, different = map(bits, (Likeness.EQUAL, Likeness.CLOSE, Likeness.DIFFERENT))
    return Weight(equal, close if one[Likeness.CLOSE] else different, different)


def names() -> Iterator[tuple[str, str, bool, str, str]]:
    """Kind, language, whether they are the same, and the two names."""
    with (HERE / "names.csv").open() as file:
        for row in csv.DictReader(file):
            yield row["kind"], row["language"], row["same"] == "yes", row["a"], row["b"]


def names_found(kind: str, pairs: Sequence[tuple[str, str, bool]]) -> Found:
    matched = [same for a, b, same in pairs if match(kind, {"name": a}, [Known("known", None, (b,))])]
    return Found(sum(matched), len(matched), sum(same for _, _, same in pairs))


def _figure(name: str, found: Found, goal: Goal | None = None) -> Figure:
    """F1 between precision and recall; the pairs rightly found beside those there are."""
    low, high = sorted((found.precision, found.recall))
    note = f"the spread is of precision, {found.precision:.4f}, and recall, {found.recall:.4f}"
    return Figure(name, "pairs", found.right, found.true, found.f1, low, high, 1, goal, note)
