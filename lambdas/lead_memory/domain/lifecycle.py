"""When time changes a memory, by what the memory says."""

from datetime import datetime

from lead_memory.domain.conversation import names, notes, threads
from lead_memory.domain.memories import Memory, MemoryKey, MemoryType
from lead_memory.domain.times import on_the_hour


def due_at(memory: Memory) -> datetime | None:
    """When the sweep has something to do for it: it ends, a note in it does, or something is to be written of it."""
    if not memory.value:
        return None
    if memory.memory_type is MemoryType.NOTE:
        return notes.next_expiry(memory.value)
    if names.is_thread(memory.name):
        return threads.due_at(memory.value)
    return memory.expires_at and announced_at(memory.name, memory.expires_at)


def announced_at(name: MemoryKey, expires_at: datetime) -> datetime:
    """When the end of a memory is announced, which readers do not wait for.

    Every message puts off the end of a conversation's memories; on the hour, most leave the index of due dates alone.
    """
    return on_the_hour(expires_at) if name.memory_type is MemoryType.CONVERSATION else expires_at
