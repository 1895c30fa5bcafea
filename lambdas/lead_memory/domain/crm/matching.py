"""Which known entity a conversation means: by its id, then by its name."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from lead_memory.domain.crm.closeness import CLOSE, Likeness, accounts_likeness, closeness
from lead_memory.domain.crm.names import folded, plain
from lead_memory.domain.crm.persons import compared, probability

AMONG = 64
"""Persons a lead may speak of, of whom one is meant."""
_PERSONS = frozenset({"contact", "lead"})
_COMPANIES = frozenset({"account", "opportunity"})
"""And what is called after them: legal forms say nothing."""


class Known(NamedTuple):
    key: str
    id: str | None
    names: tuple[str, ...]
    """The present one and earlier ones."""
    fields: Mapping[str, str] = {}


class Match(NamedTuple):
    key: str
    by: Literal["id", "name", "close_name"]
    score: float
    """0 to 1: of a person its probability, else how close the names are."""


def match(kind: str, stated: Mapping[str, str], known: Sequence[Known]) -> Match | None:
    """The one of an equal id, else the likeliest of an equal name, else of a close one; of equals, the first.

    What has another id, or is of another account, is another entity. A person may be known by what agrees beside a
    part of the name, or without it (as `close_name`).
    """
    stated_id = stated.get("id")
    if stated_id:
        for each in known:
            if each.id == stated_id:
                return Match(each.key, "id", 1.0)
    by_name = _person_by_name if kind in _PERSONS else _by_name
    found = [by_name(kind, stated, each) for each in known if not (stated_id and each.id)]
    return max(filter(None, found), key=lambda match: (match.by == "name", match.score), default=None)


def _by_name(kind: str, stated: Mapping[str, str], known: Known) -> Match | None:
    spelled = folded if kind in _COMPANIES else plain
    name, *others = (spelled(each) for each in (stated.get("name") or stated.get("subject") or "", *known.names))
    score = max((closeness(name, other) for other in others), default=0.0)
    if score < CLOSE or accounts_likeness(stated, known.fields) is Likeness.DIFFERENT:
        return None
    return Match(known.key, "name" if name in others else "close_name", score)


def _person_by_name(_: str, stated: Mapping[str, str], known: Known) -> Match | None:
    person, *others = (
        compared(record) for record in (stated, *({**known.fields, "name": name} for name in known.names or ("",)))
    )
    score = max(probability(person, other, AMONG) for other in others)
    if score < 0.5:
        return None
    equal = "name" in person and any(other.get("name") == person["name"] for other in others)
    return Match(known.key, "name" if equal else "close_name", score)
