"""The simulation's laws, on small loads, and the arithmetic of the limits."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.scale import heat, limits, page, plot
from bench.scale.check import Check, Rates, Settings, Verdict
from bench.scale.draw import zipf
from bench.scale.heat import Kind, Partitions, Traffic
from bench.scale.load import HARD, MIX, SKEWS, SPEED, Load, Skew
from bench.scale.page import HotLead
from bench.scale.units import Units, item_bytes, units_of
from lead_memory.adapters import keys
from lead_memory.domain.memories import MemoryKey, MemoryType
from tests.events import LEAD

SECONDS = 3
SMALL = Load(organizations=7, leads=500, events_a_second=400, resolves_a_second=300)
FIXED = [(0.5, Units(2, 4, 0, 3, 1, 800, 1_500, 1, 300)), (0.5, Units(2, 2, 2, 2, 1, 700, 600, 1, 200))]
PROD = Settings(
    updaters=50,
    extractors=50,
    embedders=20,
    messages_at_once=10,
    batch=100,
    hidden_seconds=180,
    deliveries=5,
    entries_a_call=10,
    cleanup_every_seconds=300,
    cleanup_seconds=280,
    cleanup_processors=0.3,
    keyring_seconds=280,
    keyrings=1_000,
    answer_bytes=5_800_000,
)
COLD = Rates(*[1.0] * len(Rates._fields))

exponents = st.sampled_from([0.0, 0.5, 0.8, 1.0, 1.3])
skews = st.builds(Skew, exponents, exponents)


def simulated(skew: Skew, seed: int = 1, batch: int = 10, load: Load = SMALL) -> Traffic:
    return heat.simulate(load, skew, FIXED, batch=batch, seconds=SECONDS, seed=seed)


def hottest(skew: Skew) -> Mapping[Kind, float]:
    heats = heat.heats(simulated(skew), Partitions(of_table=16, of_index=8), SECONDS)
    return {kind: each.hottest for kind, each in heats.items()}


@settings(max_examples=25, deadline=None)
@given(skews, st.integers(0, 2**32), st.integers(1, 64))
def test_heat_adds_up_to_what_was_written_and_read(skew: Skew, seed: int, partitions: int) -> None:
    traffic = simulated(skew, seed)
    for stream in (traffic.rows, traffic.timeline, traffic.due, traffic.registry, traffic.reads):
        all_units = pytest.approx(float(stream.units.sum()) / SECONDS)
        by_key = heat.heat_of_keys(stream, SECONDS, limit=1)
        by_partition = heat.heat_of_partitions([stream], partitions, SECONDS, limit=1)
        assert [by_key.total, float(by_key.all.sum())] == [all_units] * 2
        assert [by_partition.total, float(by_partition.all.sum())] == [all_units] * 2
        assert by_partition.hottest >= by_key.hottest - 1e-9
        assert by_key.peak >= by_key.hottest - 1e-9


@settings(max_examples=25, deadline=None)
@given(skews, st.integers(0, 2**32))
def test_each_event_has_one_place_in_a_timeline_and_its_own_units_in_the_table(skew: Skew, seed: int) -> None:
    traffic = simulated(skew, seed)
    events = SMALL.events_a_second * SECONDS
    assert traffic.timeline.units.sum() == events
    assert traffic.rows.units.min() >= 2
    # The first of a batch writes the memories too, and no batch writes them for more than all of its events.
    assert 2 * events < traffic.rows.units.sum() <= 6 * events
    assert len(np.unique(traffic.due.keys)) <= keys.DUE_SHARDS
    assert len(np.unique(traffic.registry.keys)) <= keys.REGISTRY_SHARDS * SMALL.organizations


def test_the_same_seed_gives_the_same_traffic() -> None:
    once, again, other = (simulated(SKEWS[HARD], seed) for seed in (1, 1, 2))
    assert np.array_equal(once.rows.keys, again.rows.keys)
    assert not np.array_equal(once.rows.keys, other.rows.keys)


def test_without_a_skew_leads_are_even_and_a_larger_exponent_is_hotter() -> None:
    even, mild, hard, hardest = (hottest(Skew(0, exponent)) for exponent in (0.0, 0.7, 1.0, 1.4))
    assert even[Kind.TIMELINE] < 6 * SMALL.events_a_second / SMALL.leads
    for kind in (Kind.LEAD_WRITES, Kind.LEAD_READS, Kind.TIMELINE):
        assert even[kind] < mild[kind] < hard[kind] < hardest[kind]
    for kind in (Kind.TABLE_WRITES, Kind.TABLE_READS, Kind.INDEX_WRITES):
        assert mild[kind] < hardest[kind]


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0, 1.5])
def test_ranks_come_as_often_as_zipf_s_law_says(exponent: float) -> None:
    most, count = 20, 200_000
    ranks = zipf(exponent, np.full(count, most), np.random.default_rng(1))
    expected = np.arange(1, most + 1) ** -exponent
    found = np.bincount(ranks, minlength=most + 1)
    assert ranks.min() == 1
    assert ranks.max() == most
    assert found[1:] / count == pytest.approx(expected / expected.sum(), abs=0.005)


def test_organizations_above_the_limit_are_those_of_leads_above_it() -> None:
    busy = SMALL._replace(leads=7, events_a_second=2_000)
    for load, above in ((SMALL, False), (busy, True)):
        traffic = simulated(Skew(0.5, 0), load=load)
        leads = heat.heat_of_keys(traffic.rows, SECONDS, Kind.LEAD_WRITES.limit).above
        assert bool(leads) is above
        # One lead an organization.
        assert traffic.organizations_above == leads


def test_keys_are_spread_over_all_partitions() -> None:
    places = heat.partition(np.arange(64_000), 64)
    assert np.bincount(places, minlength=64) == pytest.approx(np.full(64, 1_000), rel=0.15)


def test_a_larger_batch_writes_the_memories_of_a_hot_lead_less_often() -> None:
    totals = [simulated(SKEWS[HARD], batch=batch).rows.units.sum() for batch in (1, 10, 100)]
    assert totals == sorted(totals, reverse=True)
    assert totals[0] > totals[2]


def test_what_is_a_lead_s_has_one_partition_key_in_the_table() -> None:
    name = MemoryKey(MemoryType.FACT, "pet")
    assert {keys.memory_key(LEAD, name).pk, keys.event_key(LEAD, "test/1").pk, keys.head_key(LEAD).pk} == {LEAD}


def test_an_item_s_bytes_are_those_of_its_names_and_values() -> None:
    assert item_bytes({"pk": "é", "n": -1234, "b": b"123", "l": ["ab", 7], "t": True}) == 4 + 4 + 4 + 10 + 2


@pytest.mark.parametrize("sample", MIX)
def test_an_event_writes_itself_its_memories_and_its_place(sample: str) -> None:
    units = units_of(sample)
    assert units.event >= 2 * units.event_bytes / 1_024
    assert units.memories >= 2 * units.memory_bytes / 1_024
    assert (units.timeline, units.memory_count > 0, units.read > units.memory_count) == (1, True, True)


@pytest.mark.parametrize("sample", MIX)
def test_an_entry_is_written_in_a_transaction_with_a_check_of_its_memory(sample: str) -> None:
    units = units_of(sample)
    assert units.entries >= 2 * (units.entry_bytes / 1_024 + (units.entry_bytes > 0))
    assert (units.entries > 0) == (units.entries_read > 0) == (units.entry_bytes > 0)
    assert units.entries_read <= 1 + 2 * units.memory_count


def test_what_changes_no_memory_that_is_recalled_writes_no_entry() -> None:
    without = {sample for sample in MIX if not units_of(sample).entries}
    assert {"extractor/intelligence.evaluated.json", "extractor/thread.summarized.json"} <= without
    assert "segment/product.viewed.json" not in without


def test_only_what_ends_and_threads_have_a_due_date() -> None:
    due = {sample for sample in MIX if units_of(sample).due}
    assert due == {
        "operator/memory.declared.on_holiday.json",
        "whatsapp/conversation.message_received.json",
        "whatsapp/conversation.reply_sent.json",
    }


@pytest.mark.parametrize(
    ("needs", "verdict"), [(70, Verdict.HOLDS), (71, Verdict.HARDLY), (100, Verdict.HARDLY), (101, Verdict.EXCEEDED)]
)
def test_a_limit_holds_with_a_reserve(needs: float, verdict: Verdict) -> None:
    assert Check("part", needs, 100, "units", "", "").verdict is verdict


@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_a_larger_load_never_needs_less(events: int, more: int) -> None:
    small = SMALL._replace(events_a_second=events, resolves_a_second=events)
    large = small._replace(events_a_second=events + more, resolves_a_second=events + more)
    before = limits.checks(small, SPEED, PROD, COLD)
    after = limits.checks(large, SPEED, PROD, COLD)
    for less, then in zip(before, after, strict=True):
        assert (less.part, less.has) == (then.part, then.has)
        assert less.needs <= then.needs


@given(st.integers(1, 10**6))
def test_batches_for_a_hot_lead_are_no_more_than_its_commits(events: int) -> None:
    load = SMALL._replace(events_a_second=events)
    assert events / limits.batch_of_hot_lead(load, SPEED) <= limits.commits_a_second(SPEED)


def test_the_updaters_are_those_that_the_events_need() -> None:
    load = Load(events_a_second=20_000)
    speed = SPEED._replace(events_a_processor_second=500, processors=0.5)
    assert limits.updaters_needed(load, speed) == 80


def test_the_page_names_each_limit_once_and_each_skew(tmp_path: Path) -> None:
    partitions = Partitions(16, 8)
    mix = [(share, units_of(name)) for name, share in MIX.items()]
    heats = {name: heat.heats(simulated(skew), partitions, SECONDS) for name, skew in SKEWS.items()}
    above = dict.fromkeys(SKEWS, 0)
    checks = limits.checks(SMALL, SPEED, PROD, COLD._replace(table_writes=10**6))
    written = page.render(SMALL, SPEED, PROD, mix, partitions, heats, above, checks, HotLead(100, 900, 500, 700))
    rows = [line for line in written.splitlines() if line.startswith("| ")]
    for check in checks:
        [row] = [row for row in rows if row.startswith((f"| {check.part} |", f"| [{check.part}]("))]
        assert check.why in row
    exceeded, held = (written.index(part) for part in ("## What comes first", "## What holds"))
    assert exceeded < written.index("[table, writes]") < held < written.index("[table, reads]")
    plot.draw(heats, page.due_units(SMALL, mix), (8, 32, 128), tmp_path / "scale.svg")
    assert "</svg>" in (tmp_path / "scale.svg").read_text()
