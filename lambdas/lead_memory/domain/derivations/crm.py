"""What is known of a CRM's entities: each as a fact, and those known at once in one index."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from lead_memory.domain.conversation import names
from lead_memory.domain.crm import entities, index
from lead_memory.domain.crm.entities import Kind, What
from lead_memory.domain.events import Event
from lead_memory.domain.memories import Change, Derivation, MemoryKey, Source, Value
from lead_memory.domain.payloads.crm import EntitiesMerged, EntityExtracted, EntitySplit, fields_of
from lead_memory.domain.payloads.said import MemoryDeclared, MemoryInferred
from lead_memory.domain.slugs import slug
from lead_memory.domain.times import iso

OPERATOR = "operator"

type Said = EntityExtracted | EntitiesMerged | EntitySplit


def said(payload: Said, at: str, *, by_person: bool) -> Mapping[str, Value]:
    """What is said of which entity, by key: see `entities.What`."""
    match payload:
        case EntityExtracted(key=key, record=record):
            fields = record.said() | {
                field: what
                for relation, related in payload.relations.items()
                for field, what in _relation(relation, related.kind, related.key).items()
            }
            return {key: _stated(key, fields, at)}
        case EntitiesMerged(key=key, merged_key=merged_key):
            records = [each.said() | {"at": iso(each.at)} for each in payload.records]
            how = {"by_person": by_person}
            return {
                key: {"what": What.ABSORBED, "other": merged_key, "records": records, **how},
                merged_key: {"what": What.MERGED, "other": key, **how},
            }
        case EntitySplit(key=key, name_key=name_key):
            records = [each.said() | {"at": iso(each.at)} for each in payload.records]
            return {
                key: {"what": What.PARTED, "other": name_key},
                name_key: {"what": What.RESTORED, "other": key, "records": records},
            }


def _relation(relation: str, kind: Kind, key: str) -> Value:
    return {f"{relation}_key": key} | ({"related_to_type": str(kind)} if relation == "related_to" else {})


def _stated(key: str, fields: Value, at: str, beside: Value | None = None, *, by_person: bool = False) -> Value:
    name_key = key if by_person else entities.name_key(entities.name_of(fields), key)
    record = fields | {"name_key": name_key, "at": at} | ({"by_person": True} if by_person else {})
    return {"what": What.STATED, "record": record, "beside": beside or {}}


def moved_from(payload: EntitiesMerged | EntitySplit) -> MemoryKey:
    """The memory whose records it carries."""
    key = payload.merged_key if isinstance(payload, EntitiesMerged) else payload.key
    return entities.memory_key(payload.kind, key)


def coined(payload: EntityExtracted) -> MemoryKey | None:
    """The memory whose key is made of the record's name; None where it is another's."""
    name, key = entities.name_of(payload.record.said()), payload.key
    return entities.memory_key(payload.kind, key) if name and entities.name_key(name, key) == key else None


def keys_of_others(payload: EntityExtracted) -> set[MemoryKey]:
    """The memories that it names by keys which are not made of its own words."""
    record = payload.record
    named = {(payload.kind, payload.key): entities.name_of(record.said())}
    for relation, related in payload.relations.items():
        named[related.kind, related.key] = getattr(record, f"{relation}_name")
    return {entities.memory_key(*of) for of, name in named.items() if name is None or slug(name) != of[1]}


def told(event: Event, payload: Said) -> Iterable[Change]:
    by_person = event.source == OPERATOR
    extraction = None if isinstance(payload, EntitySplit) else payload.extraction
    source = Source.AGENT_INFERRED if extraction else Source.USER_DECLARED if by_person else Source.EVENT_DERIVED
    confidence = payload.confidence if isinstance(payload, EntityExtracted) else 1.0
    of_entities = said(payload, iso(event.occurred_at), by_person=by_person)
    yield from _changes(payload.kind, of_entities, source, confidence)


def declared(event: Event, kind: Kind, key: str, memory: MemoryDeclared) -> Iterable[Change]:
    """What a person declares of an entity stays, whatever is extracted; what a model infers is one more record."""
    by_person = not isinstance(memory, MemoryInferred)
    fields = fields_of(memory.value)
    stated = _stated(key, fields, iso(event.occurred_at), memory.value, by_person=by_person)
    source = Source.USER_DECLARED if by_person else Source.AGENT_INFERRED
    confidence = memory.confidence if isinstance(memory, MemoryInferred) else 1.0
    return _changes(kind, {key: stated}, source, confidence, memory.expires_at)


def _changes(
    kind: Kind, of_entities: Mapping[str, Value], source: Source, confidence: float, expires_at: datetime | None = None
) -> Iterable[Change]:
    for key, said_of_one in of_entities.items():
        memory_type, of_entity = entities.memory_key(kind, key)
        yield Change(
            memory_type=memory_type,
            key=of_entity,
            said=said_of_one,
            reduce=entities.changed,
            aggregates=True,
            confidence=confidence,
            source=source,
            expires_at=expires_at,
        )
    if expires_at is not None:
        # From before there were entities, which have no end.
        return
    memory_type, of_index = names.ENTITIES
    yield Change(
        memory_type=memory_type,
        key=of_index,
        said={"kind": str(kind), "entities": of_entities},
        reduce=index.changed,
        aggregates=True,
        source=source,
    )


DERIVATIONS: dict[str, Derivation] = {
    "crm.entity_extracted": told,
    "crm.entities_merged": told,
    "crm.entity_split": told,
}
