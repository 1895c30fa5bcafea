"""The entities of a lead that are known at once: each as its memory has it, but for what was said beside its fields."""

from collections.abc import Iterator, Mapping
from typing import Any

from lead_memory.domain import canonical
from lead_memory.domain.conversation.cutting import CUT, first_characters
from lead_memory.domain.conversation.profile import one_line
from lead_memory.domain.crm import entities
from lead_memory.domain.crm.entities import PLURALS, Kind
from lead_memory.domain.limits import ENTITIES_BYTES, ENTITIES_KEPT
from lead_memory.domain.memories import Value

NAMED = 5
"""Of each kind, in a context."""
_NAME_CHARACTERS = 80

type Entries = Mapping[str, Mapping[str, Any]]
"""Entities of one kind, by key."""


def changed(value: Value | None, said: Value) -> Value:
    """`said` has the `kind`, and for each key what is said of the entity."""
    known = value or {}
    of_kind = dict(known.get(said["kind"], {}))
    for key, each in said["entities"].items():
        of_kind[key] = entities.changed(of_kind.get(key), each | {"beside": {}})
    return _bounded(known | {said["kind"]: of_kind})


def followed(of_kind: Entries, key: str) -> str:
    """The key of what it was merged into in the end; where that is itself, the first key of the circle."""
    seen: list[str] = []
    while key not in seen and (into := of_kind.get(key, {}).get("merged_into")):
        seen.append(key)
        key = into
    return min(seen[seen.index(key) :]) if key in seen else key


def live(value: Mapping[str, Any], kind: Kind) -> list[tuple[str, Mapping[str, Any]]]:
    """As `newest_first`, without those that were merged into another."""
    of_kind = value.get(kind, {})
    return [(key, entity) for key, entity in newest_first(of_kind) if followed(of_kind, key) == key]


def newest_first(of_kind: Entries) -> list[tuple[str, Mapping[str, Any]]]:
    """Key and entity, those said last first."""
    return sorted(of_kind.items(), key=lambda each: (_said_at(each[1]), each[0]), reverse=True)


def names(value: Mapping[str, Any]) -> set[str]:
    """And ids, of all that is known."""
    known = [entity for of_kind in value.values() for entity in of_kind.values()]
    named = {text for entity in known for text in (entities.name_of(entity), entity.get("id")) if text}
    return named.union(*(entity.get("other_names", ()) for entity in known))


def lines(value: Mapping[str, Any]) -> list[str]:
    """As the specification formats them, for a context: a line for each kind."""
    named = {kind: _names(value, kind)[:NAMED] for kind in Kind}
    return [f"Known {PLURALS[kind]}: {', '.join(names)}" for kind, names in named.items() if names]


def _names(value: Mapping[str, Any], kind: Kind) -> list[str]:
    """Of two that have the same name, once."""
    names = (entities.name_of(entity) for _, entity in live(value, kind))
    return list(dict.fromkeys(_shortened(one_line(name)) for name in names if name))


def _shortened(name: str) -> str:
    beginning = first_characters(name, _NAME_CHARACTERS)
    return beginning if beginning == name else beginning + CUT


def _bounded(value: Value) -> Value:
    """The newest of each kind, as long as there is room for them all."""
    kept: Value = {}
    room = ENTITIES_BYTES
    for kind, key, entity in _by_age(value):
        needed = len(canonical.encode({kind: {key: entity}}))
        if needed <= room and len(kept.get(kind, ())) < ENTITIES_KEPT:
            room -= needed
            kept.setdefault(kind, {})[key] = entity
    return kept


def _by_age(value: Value) -> Iterator[tuple[str, str, Value]]:
    """One that was merged is as old as what it was merged into: without it, its name would be known as another's."""
    every = [(kind, key, entity) for kind in Kind for key, entity in value.get(kind, {}).items()]

    def age(each: tuple[str, str, Value]) -> tuple[str, str, str]:
        kind, key, entity = each
        into = value[kind].get(followed(value[kind], key), {})
        return max(_said_at(entity), _said_at(into)), kind, key

    yield from sorted(every, key=age, reverse=True)


def _said_at(entity: Mapping[str, Any]) -> str:
    at: str = entity.get("last_said_at", "")
    return at.removesuffix("Z")
