"""What is said outright about a memory: by a person, by a model, by the clock."""

from collections.abc import Iterable

import msgspec

from lead_memory.domain.conversation import names, notes, profile
from lead_memory.domain.crm.entities import kind_and_key
from lead_memory.domain.derivations import crm, keeping
from lead_memory.domain.events import Event
from lead_memory.domain.memories import Change, Derivation, MemoryKey, MemoryType, Source, Value, lapse, replace
from lead_memory.domain.payloads.contact import facts_of
from lead_memory.domain.payloads.said import MemoryDeclared, MemoryExpired, MemoryInferred
from lead_memory.domain.times import iso


def declared(event: Event, memory: MemoryDeclared) -> Iterable[Change]:
    revise = keeping.annotating(memory.annotations) if memory.annotations else None
    name = MemoryKey(memory.memory_type, memory.key)
    if entity := kind_and_key(name):
        for change in crm.declared(event, *entity, memory):
            yield msgspec.structs.replace(change, revise=revise) if change.name == name else change
        return
    inferred = isinstance(memory, MemoryInferred)
    is_profile = (memory.memory_type, memory.key) == names.CONTACT_PROFILE
    yield Change(
        memory_type=memory.memory_type,
        key=memory.key,
        said=_of_profile(event, memory) if is_profile else memory.value,
        # It is merged field by field, so who said what is told apart there.
        reduce=profile.merge if is_profile else replace,
        aggregates=is_profile,
        confidence=memory.confidence if isinstance(memory, MemoryInferred) else 1.0,
        source=Source.AGENT_INFERRED if inferred else Source.USER_DECLARED,
        expires_at=memory.expires_at,
        revise=revise,
    )


def _of_profile(event: Event, memory: MemoryDeclared) -> Value:
    by_person = not isinstance(memory, MemoryInferred)
    return {"facts": facts_of(memory.value), "at": iso(event.occurred_at), "by_person": by_person}


def expired(event: Event, memory: MemoryExpired) -> Iterable[Change]:
    """Empties a memory whose time is over, and leaves one that was renewed; of notes, each has its own time."""
    if memory.memory_type is MemoryType.NOTE:
        yield Change(
            memory_type=memory.memory_type,
            key=memory.key,
            said={"at": iso(event.occurred_at)},
            reduce=notes.without_ended,
            aggregates=True,
            source=Source.USER_DECLARED,
        )
        return
    yield Change(memory_type=memory.memory_type, key=memory.key, said={}, reduce=lapse, expires_at=event.occurred_at)


DERIVATIONS: dict[str, Derivation] = {
    "memory.declared": declared,
    "memory.inferred": declared,
    "memory.expired": expired,
}
