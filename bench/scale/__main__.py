"""Write docs/scale.md and its picture: `python -m bench.scale`."""

import sys
import time
from math import ceil
from pathlib import Path

from bench.function import PROCESSOR_MIB
from bench.scale import heat, limits, page, plot
from bench.scale.check import Rates, Settings, Verdict
from bench.scale.heat import Kind, Partitions, Traffic
from bench.scale.load import HARD, LOAD, MIX, SECONDS, SEED, SKEWS, SPEED, USUAL, Load
from bench.scale.page import HotLead
from bench.scale.quotas import WRITES_A_PARTITION
from bench.scale.units import Units, mean, units_of
from infra.functions import CLEANUP_MIB, JOBS_AT_ONCE, UPDATER_TIMEOUT
from infra.ingest import DELIVERIES
from infra.stages import PROD
from lead_memory.adapters import keyrings, keys
from lead_memory.adapters.bus import ENTRIES_A_CALL, PATIENCE_SECONDS
from lead_memory.domain.limits import ANSWER_BYTES

PAGE = Path("docs/scale.md")
PICTURE = Path("docs/images/scale.svg")
PARTITION_BYTES = 10 * 1024**3
LARGER_BATCH = 500
SHARDS_DRAWN = (keys.DUE_SHARDS, 32, 128)

SETTINGS = Settings(
    updaters=PROD.max_concurrency,
    extractors=PROD.extractors,
    embedders=PROD.embedders,
    messages_at_once=JOBS_AT_ONCE,
    batch=PROD.batch_size,
    hidden_seconds=UPDATER_TIMEOUT.to_seconds() * PROD.timeouts_hidden,
    deliveries=DELIVERIES,
    entries_a_call=ENTRIES_A_CALL,
    cleanup_every_seconds=60 * PROD.cleanup_every_minutes,
    cleanup_seconds=60 * PROD.cleanup_every_minutes - PATIENCE_SECONDS,
    cleanup_processors=CLEANUP_MIB / PROCESSOR_MIB,
    keyring_seconds=keyrings.CACHE_SECONDS - keyrings.LOAD_SECONDS,
    keyrings=keyrings.KEPT,
    answer_bytes=ANSWER_BYTES,
)


def main() -> None:
    began = time.monotonic()
    mix = [(share, units_of(name)) for name, share in MIX.items()]
    partitions = _partitions(mix)
    traffics = {name: _simulated(LOAD, name, mix, SETTINGS.batch) for name in SKEWS}
    heats = {name: heat.heats(traffic, partitions, SECONDS) for name, traffic in traffics.items()}
    usual = heats[USUAL]
    checks = limits.checks(
        LOAD,
        SPEED,
        SETTINGS,
        Rates(
            table_writes=usual[Kind.LEAD_WRITES].total,
            index_writes=usual[Kind.INDEX_WRITES].total,
            reads=usual[Kind.LEAD_READS].total,
            hottest_table_partition=usual[Kind.TABLE_WRITES].hottest,
            hottest_index_partition=usual[Kind.INDEX_WRITES].hottest,
            hottest_reads_partition=usual[Kind.TABLE_READS].hottest,
            hottest_due_shard=usual[Kind.DUE].hottest,
            # A thread's date is put off by its next message, so most dates never come; what came is in the mix.
            ended_a_second=LOAD.events_a_second * sum(MIX[name] for name in MIX if name.startswith("cleanup/")),
        ),
    )
    writes_alone = LOAD._replace(resolves_a_second=0)
    batched = heat.heat_of_keys(_simulated(writes_alone, HARD, mix, LARGER_BATCH).rows, SECONDS, WRITES_A_PARTITION)
    organizations_above = {name: traffic.organizations_above for name, traffic in traffics.items()}
    hot_lead = HotLead(
        events_a_second=traffics[HARD].events_of_hottest_lead,
        units=heats[HARD][Kind.LEAD_WRITES].hottest,
        larger_batch=LARGER_BATCH,
        units_in_larger_batch=batched.hottest,
    )
    PICTURE.parent.mkdir(exist_ok=True)
    plot.draw(heats, page.due_units(LOAD, mix), SHARDS_DRAWN, PICTURE)
    PAGE.write_text(page.render(LOAD, SPEED, SETTINGS, mix, partitions, heats, organizations_above, checks, hot_lead))
    for check in checks:
        if check.verdict is not Verdict.HOLDS:
            print(f"{check.part}: {check.verdict}: needs {check.needs:,.0f} {check.unit}, has {check.has:,.0f}")
    print(f"{PAGE} and {PICTURE}, {time.monotonic() - began:.0f} s", file=sys.stderr)


def _simulated(load: Load, skew: str, mix: list[tuple[float, Units]], batch: int) -> Traffic:
    return heat.simulate(load, SKEWS[skew], mix, batch=batch, seconds=SECONDS, seed=SEED)


def _partitions(mix: list[tuple[float, Units]]) -> Partitions:
    """As many as the bytes fill, or as the writes ask for."""
    events = LOAD.leads * LOAD.events_kept_a_lead
    memory_bytes = mean(mix, "memory_bytes") / mean(mix, "memory_count")
    entry_bytes = mean(mix, "entry_bytes") / mean(mix, "memory_count")
    table_bytes = events * mean(mix, "event_bytes") + LOAD.leads * LOAD.memories_a_lead * (memory_bytes + entry_bytes)
    table_units = LOAD.events_a_second * (mean(mix, "event") + mean(mix, "memories") + mean(mix, "entries"))
    index_bytes = events * mean(mix, "timeline_bytes")
    index_units = LOAD.events_a_second * (mean(mix, "timeline") + mean(mix, "due"))
    return Partitions(
        of_table=ceil(max(table_bytes / PARTITION_BYTES, table_units / WRITES_A_PARTITION)),
        of_index=ceil(max(index_bytes / PARTITION_BYTES, index_units / WRITES_A_PARTITION)),
    )


if __name__ == "__main__":
    main()
