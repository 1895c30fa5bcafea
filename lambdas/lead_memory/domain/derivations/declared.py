"""What is said outright about a memory: by a person, by a model, by the clock."""

from collections.abc import Iterable

from lead_memory.domain.events import Event
from lead_memory.domain.memories import Change, Derivation, Source, lapse
from lead_memory.domain.payloads import MemoryDeclared, MemoryExpired, MemoryInferred


def declared(_: Event, memory: MemoryDeclared) -> Iterable[Change]:
    inferred = isinstance(memory, MemoryInferred)
    yield Change(
        memory_type=memory.memory_type,
        key=memory.key,
        said=memory.value,
        confidence=memory.confidence if isinstance(memory, MemoryInferred) else 1.0,
        source=Source.AGENT_INFERRED if inferred else Source.USER_DECLARED,
        expires_at=memory.expires_at,
    )


def expired(event: Event, memory: MemoryExpired) -> Iterable[Change]:
    """Empties a memory whose time is over, and leaves one that was renewed."""
    yield Change(memory_type=memory.memory_type, key=memory.key, said={}, reduce=lapse, expires_at=event.occurred_at)


DERIVATIONS: dict[str, Derivation] = {
    "memory.declared": declared,
    "memory.inferred": declared,
    "memory.expired": expired,
}
