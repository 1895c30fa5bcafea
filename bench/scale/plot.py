"""The heat as a picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.scale.heat import Heat, Kind
from bench.scale.quotas import WRITES_A_PARTITION

COLOURS = ("#4c78a8", "#f2a65a", "#b8405e")
LIMIT_COLOUR = "#555555"
LEADS_SHOWN = 10_000
# The same figures give the same bytes.
mpl.rcParams["svg.hashsalt"] = "scale"


def draw(heats: Mapping[str, Mapping[Kind, Heat]], due_units: float, shards: Sequence[int], path: Path) -> None:
    """`heats` is by skew; `due_units` are those a second if every memory that is written had an end."""
    figure = Figure(figsize=(14, 4.5), layout="constrained")
    by_rank, by_kind, by_share = figure.subplots(1, 3)
    _draw_leads(by_rank, {name: each[Kind.LEAD_WRITES] for name, each in heats.items()})
    _draw_kinds(by_kind, heats)
    _draw_due(by_share, due_units, shards)
    for axes in (by_rank, by_kind, by_share):
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, metadata={"Date": None})


def _draw_leads(axes: Axes, leads: Mapping[str, Heat]) -> None:
    for colour, (name, heat) in zip(COLOURS, leads.items(), strict=True):
        ranks = np.unique(np.geomspace(1, min(LEADS_SHOWN, len(heat.all)), 100).astype(int))
        axes.loglog(ranks, heat.all[ranks - 1], color=colour, label=f"{name} skew")
    axes.axhline(WRITES_A_PARTITION, color=LIMIT_COLOUR, linestyle="--", linewidth=1)
    axes.text(LEADS_SHOWN, WRITES_A_PARTITION * 1.1, "a partition's limit", ha="right", va="bottom")
    axes.set(title="The hottest leads", xlabel="lead, by rank", ylabel="write units a second, in the table")
    axes.legend(frameon=False, loc="lower left")


def _draw_kinds(axes: Axes, heats: Mapping[str, Mapping[Kind, Heat]]) -> None:
    height = 0.8 / len(heats)
    places = np.arange(len(Kind))
    for number, (colour, (name, by_kind)) in enumerate(zip(COLOURS, heats.items(), strict=True)):
        percents = [100 * by_kind[kind].hottest / kind.limit for kind in Kind]
        axes.barh(places + (number - 1) * height, percents, height, color=colour, label=f"{name} skew")
    axes.axvline(100, color=LIMIT_COLOUR, linestyle="--", linewidth=1)
    axes.set(title="The hottest of each kind", xlabel="% of a partition's limit", xscale="log")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_yticks(places, list(Kind))
    axes.invert_yaxis()


def _draw_due(axes: Axes, due_units: float, shards: Sequence[int]) -> None:
    share = np.linspace(0, 1, 101)
    for colour, count in zip(COLOURS, shards, strict=True):
        axes.plot(100 * share, share * due_units / count, color=colour, label=f"{count} shards")
    axes.axhline(WRITES_A_PARTITION, color=LIMIT_COLOUR, linestyle="--", linewidth=1)
    axes.set(title="Due dates", xlabel="% of written memories that end", ylabel="write units a second, each shard")
    axes.legend(frameon=False)
