"""A CRM's entity: all the records that were said of it, and what they come to."""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from enum import StrEnum
from re import escape, fullmatch
from typing import Any

from lead_memory.domain.limits import ENTITIES_KEPT, RECORDS_KEPT
from lead_memory.domain.memories import MemoryKey, MemoryType, Value
from lead_memory.domain.slugs import slug
from lead_memory.domain.times import newest


class Kind(StrEnum):
    ACCOUNT = "account"
    CONTACT = "contact"
    OPPORTUNITY = "opportunity"
    CASE = "case"
    TASK = "task"
    LEAD = "lead"


PLURALS = {
    Kind.ACCOUNT: "accounts",
    Kind.CONTACT: "contacts",
    Kind.OPPORTUNITY: "opportunities",
    Kind.CASE: "cases",
    Kind.TASK: "tasks",
    Kind.LEAD: "leads",
}
NAMING = ("name", "subject")
LASTING = (*NAMING, "email", "phone", "company")
"""What names an entity: the more complete record's."""
CHANGING = ("stage", "amount", "close_date", "status", "priority", "due_date")
"""What becomes another with time: that of the record said last."""
RELATIONS = {
    "account": ("account_key", "account_id", "account_name"),
    "contact": ("contact_key", "contact_id", "contact_name"),
    "related_to": ("related_to_type", "related_to_key", "related_to_id", "related_to_name"),
}
"""The fields of each stand together: they are one record's."""
FIELDS = frozenset(("id", *LASTING, *CHANGING, *(field for fields in RELATIONS.values() for field in fields)))
STANDING = ("records", "merged", "ids", "merged_into", "separate_from", "declared")
"""What is kept to work the fields out from, and to split records off again."""
OWN = frozenset((*FIELDS, *STANDING, "other_names", "last_said_at"))
"""Names that a value gives a meaning; whatever else was declared or inferred of an entity stands beside them."""


class What(StrEnum):
    """What an event says of an entity, in `said["what"]`."""

    STATED = "stated"
    """`record`, with `name_key` and `at`, and `by_person`; what else was said of it is in `beside`."""
    ABSORBED = "absorbed"
    """The `records` of another, which was merged into it."""
    MERGED = "merged"
    """It was merged into another."""
    PARTED = "parted"
    """What was said of it under another's name is that one's."""
    RESTORED = "restored"
    """It is an entity of its own, with the `records` that were said of another under its name."""


def memory_key(kind: Kind, key: str) -> MemoryKey:
    return MemoryKey(MemoryType.FACT, f"{kind}:{key}")


def kind_and_key(name: MemoryKey) -> tuple[Kind, str] | None:
    """None for a memory that is no entity's."""
    kind, _, key = name.key.partition(":")
    is_entity = name.memory_type is MemoryType.FACT and kind in list(Kind) and bool(key)
    return (Kind(kind), key) if is_entity else None


def name_of(fields: Mapping[str, Any]) -> str | None:
    return next((fields[field] for field in NAMING if field in fields), None)


def name_key(name: str | None, key: str) -> str:
    """The key that a record's name alone would give, by which it is split off; the entity's own where that is the same
    but for the number that tells it from another of its name.
    """
    if name is None or fullmatch(rf"{escape(slug(name))}(_\d+)?", key):
        return key
    return slug(name)


def relations_of(entity: Mapping[str, Any]) -> dict[str, tuple[Kind, str]]:
    """By relation, the kind and key of what it is related to."""
    return {
        relation: (Kind(entity.get(f"{relation}_type", relation)), entity[f"{relation}_key"])
        for relation in RELATIONS
        if f"{relation}_key" in entity and (relation != "related_to" or "related_to_type" in entity)
    }


def records_of(entity: Mapping[str, Any]) -> list[Value]:
    """What was said of it, its own first, as an event carries them: as many as it takes, and amounts as text, which no
    JSON rounds.
    """
    merged = entity.get("merged", {})
    records = [*entity.get("records", ()), *(record for key in sorted(merged) for record in merged[key])]
    return [
        {field: f"{what:f}" if isinstance(what, Decimal) else what for field, what in record.items()}
        for record in records[: 2 * RECORDS_KEPT]
    ]


def changed(value: Value | None, said: Value) -> Value:
    """The entity after what an event says of it.

    `said` has `what`, see `What`; but for the first of them also `other`, the key of the other entity, and of a merger
    `by_person`, whether a person says so.
    """
    known = {field: what for field, what in (value or {}).items() if field in STANDING or field not in OWN}
    standing = {
        field: what for field, what in _SAID[said["what"]](known, said).items() if what or field not in STANDING
    }
    return standing | _fields(standing)


def _stated(known: Value, said: Value) -> Value:
    record, declared = said["record"], set(known.get("declared", ()))
    beside = {field: what for field, what in said["beside"].items() if field not in OWN}
    if record.get("by_person"):
        declared |= (FIELDS & record.keys()) | beside.keys()
    else:
        beside = {field: what for field, what in beside.items() if field not in declared}
    return {
        **known,
        **beside,
        "records": _with(known.get("records", []), [record]),
        "ids": _with_ids(known, {record["name_key"]: [record]}),
        "declared": sorted(declared),
    }


def _absorbed(known: Value, said: Value) -> Value:
    if _are_separate(known, said):
        return known
    other, records = said["other"], said["records"]
    merged = newest(
        known.get("merged", {}) | {other: records[-RECORDS_KEPT:]},
        RECORDS_KEPT,
        lambda of_one: max((record["at"] for record in of_one), default=""),
    )
    return _without_link(known, other) | {"merged": merged, "ids": _with_ids(known, {other: records})}


def _merged(known: Value, said: Value) -> Value:
    if _are_separate(known, said):
        return known
    other = said["other"]
    known = _without(known, other) if other in known.get("merged", {}) else known
    return _without_link(known, other) | {"merged_into": other}


def _parted(known: Value, said: Value) -> Value:
    return _separated(_without(known, said["other"]), said["other"])


def _restored(known: Value, said: Value) -> Value:
    other, records = said["other"], said["records"]
    by_name: dict[str, list[Value]] = {}
    for record in records:
        by_name.setdefault(record["name_key"], []).append(record)
    restored = _separated(_without_link(known, other), other)
    return restored | {"records": _with(known.get("records", []), records), "ids": _with_ids(known, by_name)}


_SAID: Mapping[str, Callable[[Value, Value], Value]] = {
    What.STATED: _stated,
    What.ABSORBED: _absorbed,
    What.MERGED: _merged,
    What.PARTED: _parted,
    What.RESTORED: _restored,
}


def _are_separate(known: Value, said: Value) -> bool:
    """What a person split, a person alone joins again."""
    return said["other"] in known.get("separate_from", ()) and not said["by_person"]


def _separated(known: Value, other: str) -> Value:
    others = [each for each in known.get("separate_from", ()) if each != other]
    return known | {"separate_from": [*others, other][-ENTITIES_KEPT:]}


def _without_link(known: Value, other: str) -> Value:
    """Neither apart from the other, nor merged into it."""
    left = {field: what for field, what in known.items() if (field, what) != ("merged_into", other)}
    return left | {"separate_from": [each for each in known.get("separate_from", ()) if each != other]}


def _without(known: Value, other: str) -> Value:
    """Without the records that are the other's."""
    return known | {
        "records": [each for each in known.get("records", ()) if each["name_key"] != other or "by_person" in each],
        "merged": {key: records for key, records in known.get("merged", {}).items() if key != other},
        "ids": [each for each in known.get("ids", ()) if each["of"] != other],
    }


def _with(records: Iterable[Value], said: Iterable[Value]) -> list[Value]:
    """One of each name, in the order in which they came. Of too many, the first, the person's and the newest stay."""
    by_name = {_who(record): record for record in records}
    for record in said:
        by_name[_who(record)] = _joined(by_name.get(_who(record), {}), record)
    all_of_them = list(by_name.values())
    others = sorted(all_of_them[1:], key=lambda record: ("by_person" in record, _at(record)))
    kept = [*all_of_them[:1], *others[-RECORDS_KEPT + 1 :]]
    return [record for record in all_of_them if record in kept]


def _who(record: Value) -> tuple[str, bool]:
    return record["name_key"], "by_person" in record


def _joined(before: Value, said: Value) -> Value:
    """What is said again is newer; but a name keeps its first spelling, and only a person replaces an id."""
    others = {
        field
        for relation, fields in RELATIONS.items()
        if not said.keys().isdisjoint(fields) and said.get(f"{relation}_key") != before.get(f"{relation}_key")
        for field in fields
    }
    joined = {field: what for field, what in before.items() if field not in others} | said
    if "by_person" not in said:
        joined |= {field: before[field] for field in ("id", *NAMING) if field in before}
    return joined


def _with_ids(known: Value, records: Mapping[str, Iterable[Value]]) -> list[Value]:
    """Every id that was said, the first first, with what it was said of: a name's key, or that of a merged entity."""
    ids = list(known.get("ids", ()))
    for of, each in records.items():
        ids += [{"id": record["id"], "of": of} for record in each if "id" in record]
    return [each for number, each in enumerate(ids) if each not in ids[:number]][:RECORDS_KEPT]


def _fields(standing: Value) -> Value:
    """What the records come to: a person's word first; what names it from the record with the most fields, and among
    such the first; what changes from the one said last; the id that was said first.
    """
    merged = standing.get("merged", {})
    records = [*standing.get("records", ()), *(record for key in sorted(merged) for record in merged[key])]
    by_fields = sorted(records, key=lambda record: ("by_person" in record, len(FIELDS & record.keys())), reverse=True)
    by_time = sorted(records, key=lambda record: ("by_person" in record, _at(record)))
    ids = [*standing.get("ids", ())[:1], *(record for record in by_time if "by_person" in record)]
    fields = {field: each[field] for each in ids for field in ("id",) if field in each}
    fields |= {field: record[field] for record in reversed(by_fields) for field in LASTING if field in record}
    for names in (*((field,) for field in CHANGING), *RELATIONS.values()):
        saying = [record for record in by_time if not record.keys().isdisjoint(names)]
        fields |= {field: record[field] for record in saying[-1:] for field in names if field in record}
    other_names = [name for record in records if (name := name_of(record)) not in (None, name_of(fields))]
    if other_names:
        fields["other_names"] = list(dict.fromkeys(other_names))
    if records:
        fields["last_said_at"] = max(records, key=_at)["at"]
    return fields


def _at(record: Value) -> str:
    """Without the zone's letter, which would sort a whole second after its fractions."""
    at: str = record["at"]
    return at.removesuffix("Z")
