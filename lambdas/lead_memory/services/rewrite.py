"""Make rows what the log gives, beside other writers: read, write on condition, and again where another one won."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping

from lead_memory.domain import canonical
from lead_memory.domain.errors import Conflict, Unavailable
from lead_memory.domain.events import Event
from lead_memory.domain.fold import refold
from lead_memory.domain.memories import Memory, MemoryKey
from lead_memory.services.store import Commit, Snapshot, Store, Write

ATTEMPTS = 12
FIRST_PAUSE_SECONDS = 0.02
LONGEST_PAUSE_SECONDS = 1.0

# Of the system: a generator with a state would be the same in every process restored from one snapshot.
_RANDOM = random.SystemRandom()


async def pause_with_jitter(attempt: int) -> None:
    await asyncio.sleep(_RANDOM.uniform(0, min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**attempt)))


async def until_won[T](act: Callable[[], Awaitable[T]], pause: Callable[[int], Awaitable[None]]) -> T:
    """Again while another writer wins. Raises `Unavailable` after some attempts."""
    for attempt in range(ATTEMPTS):
        try:
            return await act()
        except Conflict:
            await pause(attempt)
    raise Unavailable("other writers kept winning")


async def commit_until_won(
    store: Store, commits: Callable[[], Awaitable[Iterable[Commit]]], pause: Callable[[int], Awaitable[None]]
) -> None:
    """Commit one after the other; when another writer wins, make what is left to commit again from what is there."""

    async def commit() -> None:
        for each in await commits():
            await store.commit(each)

    await until_won(commit, pause)


def rewrites(snapshot: Snapshot, log: Collection[Event], names: Collection[MemoryKey]) -> list[Write]:
    """What makes the rows of `names` the fold of the whole log: nothing where a row opens and has the fold's bytes.

    The snapshot is read before the log, so that what is committed in between makes the writes conflict.
    """
    refolded = refold(log, names)
    return [
        write
        for write in writes(snapshot, {name: refolded.get(name) for name in names})
        if canonical.encode(write.memory) != canonical.encode(stored(write.name, snapshot))
        or damaged(write.name, snapshot)
        or (write.name in snapshot.memories and snapshot.memories[write.name].misplaced)
    ]


def stored(name: MemoryKey, snapshot: Snapshot) -> Memory | None:
    return snapshot.memories[name].memory if name in snapshot.memories else None


def damaged(name: MemoryKey, snapshot: Snapshot) -> bool:
    return name in snapshot.memories and snapshot.memories[name].memory is None


def writes(snapshot: Snapshot, memories: Mapping[MemoryKey, Memory | None]) -> list[Write]:
    return [write(snapshot, name, memory) for name, memory in memories.items()]


def write(snapshot: Snapshot, name: MemoryKey, memory: Memory | None) -> Write:
    row = snapshot.memories.get(name)
    return Write(name, memory, row.version, row.content_object) if row else Write(name, memory, None)


def as_it_is(snapshot: Snapshot, name: MemoryKey) -> Write:
    """Of a row that is there."""
    return write(snapshot, name, snapshot.memories[name].memory)
