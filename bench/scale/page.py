"""The page, from the figures."""

from collections.abc import Iterable, Mapping, Sequence
from math import ceil
from pathlib import Path
from typing import Any, NamedTuple

from bench import pages
from bench.scale import limits
from bench.scale.check import RESERVE, Check, Settings, Verdict
from bench.scale.heat import Heat, Kind, Partitions
from bench.scale.load import MIX, SECONDS, SEED, SKEWS, USUAL, Load, Speed
from bench.scale.quotas import READ_ON, READS_A_PARTITION, WRITES_A_PARTITION
from bench.scale.units import Units, mean
from lead_memory.adapters import keys
from lead_memory.adapters.table import RETRY_SECONDS
from lead_memory.domain.memories import SOURCE_EVENT_IDS_KEPT
from lead_memory.services import rewrite

type Mix = Sequence[tuple[float, Units]]


class HotLead(NamedTuple):
    """The hottest lead of the hardest skew."""

    events_a_second: float
    units: float
    larger_batch: int
    units_in_larger_batch: float


def render(
    load: Load,
    speed: Speed,
    settings: Settings,
    mix: Mix,
    partitions: Partitions,
    heats: Mapping[str, Mapping[Kind, Heat]],
    organizations_above: Mapping[str, int],
    checks: Sequence[Check],
    hot_lead: HotLead,
) -> str:
    return pages.write(
        Path(__file__).with_name("page.md.jinja"),
        {"number": lambda value: f"{value:,.0f}", "percent": lambda value: f"{100 * value:.3g}%"},
        **_of_limits(checks),
        **_of_heat(heats),
        **_of_due_dates(load, mix, heats[USUAL][Kind.DUE]),
        **_of_hot_lead(load, speed, settings, hot_lead),
        **_of_events(mix),
        load=load,
        speed=speed,
        settings=settings,
        partitions=partitions,
        organizations_above=organizations_above,
        inputs=[*load._asdict().items(), *speed._asdict().items(), ("seconds", SECONDS), ("seed", SEED)],
    )


def due_units(load: Load, mix: Mix) -> float:
    """A second, if every memory that is written had an end: the date is put into the index and taken out again."""
    return 2 * load.events_a_second * mean(mix, "memory_count")


def _of_limits(checks: Iterable[Check]) -> Mapping[str, Any]:
    held = [check for check in checks if check.verdict is Verdict.HOLDS]
    return {
        "exceeded": sorted((check for check in checks if check not in held), key=lambda check: check.has / check.needs),
        "held": held,
        "reserve": 1 - RESERVE,
        "read_on": READ_ON,
    }


def _of_heat(heats: Mapping[str, Mapping[Kind, Heat]]) -> Mapping[str, Any]:
    return {
        "heats": heats,
        "kinds": list(Kind),
        "kind": Kind,
        "skews": SKEWS,
        "seconds": SECONDS,
        "writes_a_partition": WRITES_A_PARTITION,
        "reads_a_partition": READS_A_PARTITION,
    }


def _of_due_dates(load: Load, mix: Mix, due: Heat) -> Mapping[str, Any]:
    if_all_end = due_units(load, mix)
    return {
        "due_shards": keys.DUE_SHARDS,
        "due_share": due.total / if_all_end,
        "due_share_that_fits": min(1, keys.DUE_SHARDS * WRITES_A_PARTITION / if_all_end),
        "due_shards_needed": ceil(if_all_end / WRITES_A_PARTITION / RESERVE),
    }


def _of_hot_lead(load: Load, speed: Speed, settings: Settings, hot_lead: HotLead) -> Mapping[str, Any]:
    commits = limits.commits_a_second(speed)
    in_batch = hot_lead.events_a_second * settings.batch / load.events_a_second
    race_seconds = sum(
        min(rewrite.LONGEST_PAUSE_SECONDS, rewrite.FIRST_PAUSE_SECONDS * 2**attempt) / 2
        for attempt in range(rewrite.ATTEMPTS)
    )
    return {
        "hot_lead": hot_lead,
        "commits": commits,
        "in_batch": in_batch,
        "taken": min(hot_lead.events_a_second, commits * max(1, in_batch)),
        "batch_that_fits": limits.batch_of_hot_lead(load, speed),
        "retry_seconds": RETRY_SECONDS,
        "attempts": rewrite.ATTEMPTS,
        "race_seconds": race_seconds,
        "batch_seconds": settings.batch / (speed.events_a_processor_second * speed.processors),
        "updaters": limits.updaters_needed(load, speed),
        "updaters_stalled": load.events_a_second / settings.batch * race_seconds,
    }


def _of_events(mix: Mix) -> Mapping[str, Any]:
    return {
        "events": [(name.removesuffix(".json"), share, units) for name, (share, units) in zip(MIX, mix, strict=True)],
        "ids_kept": SOURCE_EVENT_IDS_KEPT,
        "table_units": mean(mix, "event") + mean(mix, "memories") + mean(mix, "entries"),
        "memory_units": mean(mix, "memories"),
        "entry_units": mean(mix, "entries"),
    }
