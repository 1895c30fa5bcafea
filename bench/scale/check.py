"""A limit: what is needed of a part, and what there is."""

from enum import StrEnum
from typing import NamedTuple

RESERVE = 0.7
"""Of what there is, what may be needed every day."""


class Verdict(StrEnum):
    HOLDS = "holds"
    HARDLY = "no reserve"
    EXCEEDED = "exceeded"


class Check(NamedTuple):
    part: str
    needs: float
    has: float
    unit: str
    why: str
    """The arithmetic."""
    answer: str
    source: str | None = None
    """Of the limit, where it is AWS's."""

    @property
    def verdict(self) -> Verdict:
        if self.needs > self.has:
            return Verdict.EXCEEDED
        return Verdict.HARDLY if self.needs > RESERVE * self.has else Verdict.HOLDS


class Settings(NamedTuple):
    """Of the product and its largest stage."""

    updaters: int
    extractors: int
    embedders: int
    messages_at_once: int
    """In an extractor's batch, whose threads it works at together."""
    batch: int
    hidden_seconds: float
    deliveries: int
    entries_a_call: int
    cleanup_every_seconds: float
    cleanup_seconds: float
    """How long a run goes on where there is a backlog."""
    cleanup_processors: float
    keyring_seconds: float
    keyrings: int
    answer_bytes: int


class Rates(NamedTuple):
    """Units a second of the simulated traffic."""

    table_writes: float
    index_writes: float
    reads: float
    hottest_table_partition: float
    hottest_index_partition: float
    hottest_reads_partition: float
    hottest_due_shard: float
    ended_a_second: float
    """Memories whose time ends."""
