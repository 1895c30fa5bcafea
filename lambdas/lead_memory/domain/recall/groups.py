"""Memories so close in meaning that one summary can stand for them."""

from collections.abc import Collection, Iterator, Sequence

import numpy as np

from lead_memory.domain import scores
from lead_memory.domain.conversation.names import CONTACT_PROFILE
from lead_memory.domain.crm.entities import kind_and_key
from lead_memory.domain.limits import CLUSTER_FEWEST, CLUSTER_MEMORIES
from lead_memory.domain.memories import Environment, MemoryKey, MemoryType
from lead_memory.domain.recall.entry import Indexed, Vector
from lead_memory.domain.recall.vectors import Floats, cosines, matrix

SAID = (MemoryType.FACT, MemoryType.PREFERENCE)
"""What somebody said, in words; the other types count what happened."""
CLOSE = 0.6
"""Cosine, of the default embedder: of the benchmark's statements about different things, 9,999 in 10,000 pairs are
under it. Above it are one statement in other words of the same language, and records of one kind, such as orders.
"""


def close_groups(
    indexed: Sequence[Indexed], around: Collection[MemoryKey], *, now: float, close: float = CLOSE
) -> list[list[MemoryKey]]:
    """Groups of 3 to 20 in which each is close to another (single link), each grown from one of `around`, the closest
    first.

    Only of facts and preferences that live at `now` (seconds since 1970), are in production, have a vector, and are
    neither a summary nor in one. The vectors are of one embedder, to whose cosines `close` belongs.
    """
    free = sorted(_free(indexed, now))
    if len(free) < CLUSTER_FEWEST:
        return []
    names, vectors = zip(*free, strict=True)
    likeness = _Likeness(vectors, close)
    seeds, groups = set(around), []
    for number, name in enumerate(names):
        if name in seeds:
            group = likeness.group(number)
            if len(group) >= CLUSTER_FEWEST:
                likeness.free[group] = False
                groups.append(sorted(names[each] for each in group))
    return groups


def _free(indexed: Sequence[Indexed], now: float) -> Iterator[tuple[MemoryKey, Vector]]:
    summarized = {source for each in indexed for source in each.entry.summary_of}
    for each in indexed:
        entry = each.entry
        if (
            entry.vector
            and entry.environment is Environment.PRODUCTION
            and (entry.expires_at is None or entry.expires_at > now)
            and not entry.is_summary
            and _is_said(entry.name)
            and entry.name not in summarized
            and not scores.contradicted(entry.source, entry.evidence_count, entry.contradiction_count)
        ):
            yield entry.name, entry.vector


def _is_said(name: MemoryKey) -> bool:
    """What counts, and records, are alike by their form; and the contact's profile is of everything."""
    return name.memory_type in SAID and name != CONTACT_PROFILE and kind_and_key(name) is None


class _Likeness:
    def __init__(self, vectors: Sequence[Vector], close: float) -> None:
        self._vectors = vectors
        self._rows: Floats = matrix(vectors)
        self._scales = np.array([each.scale for each in vectors], "f4")
        self._close = close
        self.free = np.ones(len(vectors), bool)
        """In no group yet."""

    def group(self, seed: int) -> list[int]:
        """As Prim's algorithm grows a tree."""
        if not self.free[seed]:
            return []
        group, nearest = [seed], self._to(seed)
        while len(group) < CLUSTER_MEMORIES:
            nearest[group] = -1
            closest = int(nearest.argmax())
            if nearest[closest] < self._close:
                break
            group.append(closest)
            nearest = np.maximum(nearest, self._to(closest))
        return group

    def _to(self, number: int) -> Floats:
        found: Floats = np.where(self.free, cosines(self._rows, self._scales, self._vectors[number]), -1)
        return found
