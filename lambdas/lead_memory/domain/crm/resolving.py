"""Which entity each statement is about, and what is published of it."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import count
from typing import Any, NamedTuple

from pydantic import ValidationError

from lead_memory.domain.crm import entities, index
from lead_memory.domain.crm.entities import RELATIONS, Kind
from lead_memory.domain.crm.matching import Known, Match, match
from lead_memory.domain.crm.names import plain
from lead_memory.domain.derivations import crm
from lead_memory.domain.intelligence.answers import EntitiesAnswer, StatedEntity
from lead_memory.domain.limits import LATEST
from lead_memory.domain.memories import Value
from lead_memory.domain.payloads.crm import EntitiesMerged, EntityExtracted
from lead_memory.domain.slugs import slug
from lead_memory.domain.times import iso

KNOWN, UNNAMED, INVALID = "known", "unnamed", "invalid"
"""Why a statement is dropped: it says nothing new; it has no name and is of nothing known; its id cannot be one."""

_NOW = iso(LATEST)
"""What is stated is newer than all that is known."""


class EntityEvent(NamedTuple):
    event_type: str
    data: dict[str, Any]
    """As JSON, without how a model came to say it."""
    messages: tuple[int, ...]
    """The numbers of those that it rests on."""


class Resolved(NamedTuple):
    events: Sequence[EntityEvent]
    duplicates: int
    """Statements of what was known, or stated before."""
    dropped: Mapping[str, int]
    relations_broken: int
    """Relations to what nothing is known of; there should be none."""


def entity_events(stated: EntitiesAnswer, known: Mapping[str, Any]) -> Resolved:
    """Of statements whose quotes were checked, and the value of the index. What others refer to comes first."""
    resolving = _Resolving(known)
    by_kind: dict[Kind, Sequence[StatedEntity]] = {
        Kind.ACCOUNT: stated.accounts,
        Kind.CONTACT: stated.contacts,
        Kind.LEAD: stated.leads,
        Kind.OPPORTUNITY: stated.opportunities,
        Kind.CASE: stated.cases,
        Kind.TASK: stated.tasks,
    }
    for kind, statements in by_kind.items():
        for statement in statements:
            fields = statement.model_dump(exclude={"message", "quote"}, exclude_none=True)
            resolving.take(kind, fields, statement.message)
    broken = relations_broken([event.data for event in resolving.events], resolving.known)
    return Resolved(resolving.events, resolving.duplicates, resolving.dropped, broken)


def relations_broken(records: Sequence[Mapping[str, Any]], known: Mapping[str, Any]) -> int:
    """How many relations of these `crm.entity_extracted` name an entity that is not among the known."""
    relations = [related for record in records for related in record.get("relations", {}).values()]
    return sum(related["key"] not in known.get(related["kind"], {}) for related in relations)


class _Resolving:
    def __init__(self, known: Mapping[str, Any]) -> None:
        self.known: Value = dict(known)
        self.events: list[EntityEvent] = []
        self.dropped: Counter[str] = Counter()
        self.duplicates = 0

    def take(self, kind: Kind, fields: Mapping[str, str], message: int) -> None:
        name, found = entities.name_of(fields), self._match(kind, fields)
        if found is None and not plain(name or ""):
            self.dropped[UNNAMED] += 1
            return
        self.duplicates += found is not None
        data = {
            "kind": str(kind),
            "key": found.key if found else self._new_key(kind, name or ""),
            "record": dict(fields),
            "matched_by": found.by if found else "new",
        }
        try:
            EntityExtracted.model_validate(data)
        except ValidationError:
            self.dropped[INVALID] += 1
            return
        if found and found.by == "id":
            self._merge_namesake(kind, fields, found.key, message)
        relations = dict(self._relations(fields, message))
        said = EntityExtracted.model_validate(data | {"relations": relations})
        if found and not self._is_news(said):
            self.dropped[KNOWN] += 1
            return
        self._publish("crm.entity_extracted", said, data | {"relations": relations}, message)

    def _match(self, kind: Kind, fields: Mapping[str, str]) -> Match | None:
        """With the key of what it was merged into."""
        of_kind = self.known.get(kind, {})
        known = [self._as_known(kind, key, entity) for key, entity in index.newest_first(of_kind)]
        found = match(kind, self._with_related(kind, fields), known)
        return found and found._replace(key=index.followed(of_kind, found.key))

    def _as_known(self, kind: Kind, key: str, entity: Mapping[str, Any]) -> Known:
        texts = {field: what for field, what in entity.items() if isinstance(what, str) and field in entities.FIELDS}
        names = [name for name in (entities.name_of(entity), *entity.get("other_names", ())) if name]
        return Known(key, entity.get("id"), tuple(names), self._with_related(kind, texts))

    def _with_related(self, kind: Kind, fields: Mapping[str, str]) -> Mapping[str, str]:
        """With the account as it is known now, whatever it was called when it was said."""
        if kind is Kind.ACCOUNT or not any(field in fields for field in RELATIONS["account"]):
            return fields
        of_kind = self.known.get(Kind.ACCOUNT, {})
        key = fields.get("account_key") or self._key_of(Kind.ACCOUNT, *_of_relation("account", fields))
        account = of_kind.get(index.followed(of_kind, key), {}) if key else {}
        return {**fields, **{f"account_{field}": account[field] for field in ("id", "name") if field in account}}

    def _key_of(self, kind: Kind, id_: str | None, name: str | None) -> str | None:
        found = self._match(kind, _present(id=id_, **{_naming(kind): name})) if id_ or name else None
        return found.key if found else None

    def _relations(self, fields: Mapping[str, str], message: int) -> Iterator[tuple[str, dict[str, str]]]:
        """To what is known; and to what is named alone, which is known from then on."""
        for relation in RELATIONS:
            given = fields.get("related_to_type") if relation == "related_to" else relation
            id_, name = _of_relation(relation, fields)
            if given is None or not (id_ or name):
                continue
            kind = Kind(given)
            key = self._key_of(kind, id_, name)
            if key is None and name and plain(name):
                key = self._new_key(kind, name)
                data = {"kind": given, "key": key, "record": _present(id=id_, **{_naming(kind): name})}
                self._publish("crm.entity_extracted", EntityExtracted.model_validate(data), data, message)
            if key is not None:
                yield relation, {"kind": given, "key": key}

    def _merge_namesake(self, kind: Kind, fields: Mapping[str, str], key: str, message: int) -> None:
        """What was known by the name alone is now known to be that of the id; unless a person said that it is not."""
        without_id = {other: entity for other, entity in index.live(self.known, kind) if "id" not in entity}
        same = match(
            kind,
            {field: what for field, what in self._with_related(kind, fields).items() if field != "id"},
            [self._as_known(kind, other, entity) for other, entity in without_id.items() if other != key],
        )
        if same is None or same.by != "name" or key in without_id[same.key].get("separate_from", ()):
            return
        records = entities.records_of(without_id[same.key])
        data = {"kind": str(kind), "key": key, "merged_key": same.key, "records": records}
        self._publish("crm.entities_merged", EntitiesMerged.model_validate(data), data, message)

    def _is_news(self, said: EntityExtracted) -> bool:
        """Whether it would change what is known, other than when it was said last."""
        before = self.known.get(said.kind, {}).get(said.key)
        [stated] = crm.said(said, _NOW, by_person=False).values()
        return before is None or _untimed(entities.changed(before, stated)) != _untimed(before)

    def _new_key(self, kind: Kind, name: str) -> str:
        key, taken = slug(name), self.known.get(kind, {})
        numbered = (f"{key}_{number}" for number in count(2))
        return key if key not in taken else next(each for each in numbered if each not in taken)

    def _publish(self, event_type: str, said: crm.Said, data: dict[str, Any], message: int) -> None:
        of_entities = crm.said(said, _NOW, by_person=False)
        self.known = index.changed(self.known, {"kind": str(said.kind), "entities": of_entities})
        self.events.append(EntityEvent(event_type, data, (message,)))


def _of_relation(relation: str, fields: Mapping[str, str]) -> tuple[str | None, str | None]:
    return fields.get(f"{relation}_id"), fields.get(f"{relation}_name")


def _naming(kind: Kind) -> str:
    return "subject" if kind in (Kind.CASE, Kind.TASK) else "name"


def _present(**fields: str | None) -> dict[str, str]:
    return {field: what for field, what in fields.items() if what is not None}


def _untimed(value: Any) -> Any:
    """Without the times at which it was said, and amounts by what they are."""
    match value:
        case dict():
            return {field: _untimed(what) for field, what in value.items() if field not in ("at", "last_said_at")}
        case list():
            return [_untimed(each) for each in value]
        case Decimal():
            return value.normalize()
    return value
