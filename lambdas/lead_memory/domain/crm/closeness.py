"""How close two names are. Of different numbers, names are never close."""

import re
from collections.abc import Mapping, Sequence
from enum import Enum

from rapidfuzz.distance import OSA

from lead_memory.domain.crm.names import folded, person_words

CLOSE = 0.85
"""Of every word: of seven letters one may be wrong, of six none. It has the best F1 on the English pairs of
bench/names.csv, half of which are hard to tell apart: 0.95 for companies, precision 1.00, recall 0.91 (at 0.82 0.94, at
0.88 0.85), and 0.89 for persons, precision 0.94, recall 0.84 (0.86 and 0.73). The Portuguese ones, which had no part
in it, give 0.93 for both."""


class Likeness(Enum):
    EQUAL = "equal"
    CLOSE = "close"
    PARTIAL = "partial"
    """One may be short for the other: `John` and `J. Smith` for `John Smith`."""
    DIFFERENT = "different"


def closeness(a: str, b: str) -> float:
    """0 to 1, of names as `folded` or `plain` gives them: that of the words that are least alike; 1 where only spaces
    or the words' order differ."""
    words, others = a.split(), b.split()
    if not words or not others or _numbers(words) != _numbers(others):
        return 0.0
    if "".join(words) == "".join(others) or sorted(words) == sorted(others):
        return 1.0
    return min(map(_alike, words, others)) if len(words) == len(others) else 0.0


def persons_likeness(a: str, b: str) -> Likeness:
    """Close where given name and surname are, and what only one has is between: `John M. Smith` and `Smith, John`."""
    words, others = sorted((person_words(a), person_words(b)), key=len)
    if words == others:
        # There is more than one John.
        return Likeness.EQUAL if len(words) > 1 else Likeness.CLOSE
    if not words or _numbers(words) != _numbers(others):
        return Likeness.DIFFERENT
    if len(words) > 1 and ("".join(words) == "".join(others) or sorted(words) == sorted(others)):
        return Likeness.CLOSE
    if len(words) == 1:
        return Likeness.PARTIAL if any(_short_for(words[0], other) for other in others) else Likeness.DIFFERENT
    given, surnames = (words[0], others[0]), (words[-1], others[-1])
    if not (_short_for(*given) and _same_word(*surnames) and _in_order(words[1:-1], others[1:-1])):
        return Likeness.DIFFERENT
    return Likeness.CLOSE if _same_word(*given) else Likeness.PARTIAL


def accounts_likeness(a: Mapping[str, str], b: Mapping[str, str]) -> Likeness | None:
    """Of the accounts that two records belong to, by id if both say it; None where one says nothing of it."""
    by_id, by_name = ([record.get(field) for record in (a, b)] for field in ("account_id", "account_name"))
    if all(by_id):
        return Likeness.EQUAL if by_id[0] == by_id[1] else Likeness.DIFFERENT
    name, other = by_name
    if not name or not other:
        return None
    return Likeness.EQUAL if closeness(folded(name), folded(other)) >= CLOSE else Likeness.DIFFERENT


def _alike(a: str, b: str) -> float:
    return OSA.normalized_similarity(a, b)


def _same_word(a: str, b: str) -> bool:
    # Daniel and Daniela, Mario and Maria: what differs at the end is another name.
    return a == b or (a[-1] == b[-1] and _alike(a, b) >= CLOSE)


def _short_for(a: str, b: str) -> bool:
    return _same_word(a, b) or (min(len(a), len(b)) == 1 and a[0] == b[0])


def _in_order(words: Sequence[str], others: Sequence[str]) -> bool:
    """Whether each of the words is among the others, which are no fewer, one after the other."""
    remaining = iter(others)
    return all(any(_short_for(word, other) for other in remaining) for word in words)


def _numbers(words: Sequence[str]) -> list[str]:
    return sorted(re.findall(r"\d+", " ".join(words)))
