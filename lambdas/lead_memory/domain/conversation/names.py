"""The names of the memories that a context is made of."""

import hashlib

from lead_memory.domain.errors import Rejected
from lead_memory.domain.memories import MemoryKey, MemoryType, check_key

INTERACTIONS = MemoryKey(MemoryType.CONVERSATION, "interactions")
INTELLIGENCE = MemoryKey(MemoryType.CONVERSATION, "intelligence")
ENTITIES = MemoryKey(MemoryType.CONVERSATION, "entities")
CONTACT_NOTES = MemoryKey(MemoryType.NOTE, "contact")
CONTACT_PROFILE = MemoryKey(MemoryType.FACT, "contact_profile")

_THREAD, _RECENT = "thread:", "recent:"
_HASHED = "~"


def thread(thread_id: str) -> MemoryKey:
    """The thread itself, for ever: how far it is, its summary, what to say when the lead returns."""
    return _of_thread(MemoryType.CONVERSATION, _THREAD, thread_id)


def recent(thread_id: str) -> MemoryKey:
    """The thread's short-term memory: its newest messages, intent and topic."""
    return _of_thread(MemoryType.CONVERSATION, _RECENT, thread_id)


def notes(thread_id: str | None) -> MemoryKey:
    """Operators' notes on a thread; None for those on the contact."""
    return CONTACT_NOTES if thread_id is None else _of_thread(MemoryType.NOTE, _THREAD, thread_id)


def is_thread(name: MemoryKey) -> bool:
    return name.memory_type is MemoryType.CONVERSATION and name.key.startswith(_THREAD)


def _of_thread(memory_type: MemoryType, prefix: str, thread_id: str) -> MemoryKey:
    """Integrations name threads by whatever they like; what cannot be part of a key is hashed."""
    name = MemoryKey(memory_type, prefix + thread_id)
    try:
        check_key(name.key)
    except Rejected:
        pass
    else:
        if not thread_id.startswith(_HASHED):
            return name
    return name._replace(
        key=f"{prefix}{_HASHED}{hashlib.sha256(thread_id.encode(errors='surrogatepass')).hexdigest()[:32]}"
    )
