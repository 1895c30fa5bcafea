"""Heat: how many units a second fall on one key and on one partition."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from functools import cache
from typing import NamedTuple

import numpy as np

from bench.scale.draw import Numbers, Reals, drawn, lead_id, organization_id
from bench.scale.load import Load, Skew
from bench.scale.quotas import READS_A_PARTITION, WRITES_A_PARTITION
from bench.scale.units import Units
from lead_memory.adapters import keys


class Stream(NamedTuple):
    """Requests to the partition keys of one kind, one element each."""

    keys: Numbers
    """A number for each partition key."""
    units: Reals
    seconds: Numbers


class Traffic(NamedTuple):
    rows: Stream
    """Writes of leads' items, in the table."""
    timeline: Stream
    due: Stream
    registry: Stream
    reads: Stream
    """Of the table: the resolver's and the recorder's."""
    events_of_hottest_lead: float
    """A second."""
    organizations_above: int
    """Those with a lead whose writes are above a partition's limit."""


class Partitions(NamedTuple):
    of_table: int
    of_index: int


class Kind(StrEnum):
    LEAD_WRITES = "a lead's items, writes"
    LEAD_READS = "a lead's items, reads"
    TIMELINE = "a lead's timeline, in the index"
    DUE = "a shard of due dates, in the index"
    REGISTRY = "a shard of a registry, in the index"
    TABLE_WRITES = "a partition of the table, writes"
    TABLE_READS = "a partition of the table, reads"
    INDEX_WRITES = "a partition of the index, writes"

    @property
    def limit(self) -> int:
        return READS_A_PARTITION if self in {Kind.LEAD_READS, Kind.TABLE_READS} else WRITES_A_PARTITION


class Heat(NamedTuple):
    """Of the keys or partitions of one kind, in units a second."""

    total: float
    hottest: float
    """Over the whole time."""
    peak: float
    """Of the same one, in its hottest second."""
    above: int
    """How many are above the limit over the whole time."""
    all: Reals
    """Those that had any, the hottest first."""


def simulate(
    load: Load, skew: Skew, mix: Sequence[tuple[float, Units]], *, batch: int, seconds: int, seed: int
) -> Traffic:
    """`mix` has the share of each kind of event, and its units. A batch holds events that came one after the other."""
    random = np.random.default_rng(seed)
    count = load.events_a_second * seconds
    organizations, leads = drawn(load, skew, count, random)
    kinds = random.choice(len(mix), count, p=[share for share, _ in mix])
    order = np.arange(count)
    at = order // load.events_a_second

    def units(name: str) -> Reals:
        return np.array([getattr(each, name) for _, each in mix], np.float64)[kinds]

    # Two events of one kind and lead in a batch write the memories once.
    once = np.zeros(count, bool)
    once[np.unique(_one_number(order // batch, leads, kinds), return_index=True)[1]] = True
    ends = np.flatnonzero((units("due") > 0) & once)
    new = np.flatnonzero(random.random(count) < load.new_leads)
    _, asked = drawn(load, skew, load.resolves_a_second * seconds, random)
    # Eventually consistent, half a unit each.
    resolved = Stream(
        asked, np.full(len(asked), load.memories_a_resolve / 2), np.arange(len(asked)) // load.resolves_a_second
    )
    recorded = Stream(leads, (units("read") + units("entries_read")) * once, at)
    rows = Stream(leads, units("event") + (units("memories") + units("entries")) * once, at)
    _, own = np.unique(leads, return_inverse=True)
    above = np.bincount(own, rows.units) > WRITES_A_PARTITION * seconds
    return Traffic(
        rows=rows,
        timeline=Stream(leads, units("timeline"), at),
        due=Stream(_numbered(keys.due_shard(lead_id(lead)) for lead in leads[ends]), units("due")[ends], at[ends]),
        registry=Stream(
            _numbered(
                keys.registry(organization_id(organization), lead_id(lead))
                for organization, lead in zip(organizations[new], leads[new], strict=True)
            ),
            np.ones(len(new)),
            at[new],
        ),
        reads=Stream(*(np.concatenate(both) for both in zip(resolved, recorded, strict=True))),
        events_of_hottest_lead=float(np.bincount(own).max() / seconds),
        organizations_above=len(np.unique(organizations[above[own]])),
    )


def heats(traffic: Traffic, partitions: Partitions, seconds: int) -> Mapping[Kind, Heat]:
    by_key = {
        Kind.LEAD_WRITES: traffic.rows,
        Kind.LEAD_READS: traffic.reads,
        Kind.TIMELINE: traffic.timeline,
        Kind.DUE: traffic.due,
        Kind.REGISTRY: traffic.registry,
    }
    by_partition = {
        Kind.TABLE_WRITES: ([traffic.rows], partitions.of_table),
        Kind.TABLE_READS: ([traffic.reads], partitions.of_table),
        Kind.INDEX_WRITES: ([traffic.timeline, traffic.due, traffic.registry], partitions.of_index),
    }
    return {kind: heat_of_keys(stream, seconds, kind.limit) for kind, stream in by_key.items()} | {
        kind: heat_of_partitions(streams, count, seconds, kind.limit) for kind, (streams, count) in by_partition.items()
    }


def heat_of_keys(stream: Stream, seconds: int, limit: float) -> Heat:
    found, index = np.unique(stream.keys, return_inverse=True)
    units = np.bincount(index, stream.units)
    hottest = stream.keys == found[units.argmax()]
    return _heat(units / seconds, np.bincount(stream.seconds[hottest], stream.units[hottest]), limit)


def heat_of_partitions(streams: Iterable[Stream], partitions: int, seconds: int, limit: float) -> Heat:
    """Of a table or an index that all the streams go to."""
    units = np.zeros(partitions * seconds)
    for stream in streams:
        places = partition(stream.keys, partitions) * seconds + stream.seconds
        units += np.bincount(places, stream.units, partitions * seconds)
    by_partition = units.reshape(partitions, seconds)
    means = by_partition.mean(axis=1)
    return _heat(means, by_partition[means.argmax()], limit)


def _heat(means: Reals, hottest_by_second: Reals, limit: float) -> Heat:
    return Heat(
        total=float(means.sum()),
        hottest=float(means.max()),
        peak=float(hottest_by_second.max()),
        above=int((means > limit).sum()),
        all=np.sort(means[means > 0])[::-1],
    )


def partition(of_keys: Numbers, partitions: int) -> Numbers:
    """Where a hash may put a key: each partition has an equal range of the hashes, here splitmix64's."""
    mixed = of_keys.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    mixed ^= mixed >> np.uint64(31)
    places: Numbers = ((mixed >> np.uint64(32)) * np.uint64(partitions) >> np.uint64(32)).astype(np.int64)
    return places


def _numbered(partition_keys: Iterable[str]) -> Numbers:
    return np.array([_number(key) for key in partition_keys], np.int64)


@cache
def _number(partition_key: str) -> int:
    return int.from_bytes(hashlib.sha256(partition_key.encode()).digest()[:7])


def _one_number(*columns: Numbers) -> Numbers:
    """For what is the same in every column."""
    return np.ravel_multi_index(columns, tuple(int(column.max()) + 1 for column in columns))
