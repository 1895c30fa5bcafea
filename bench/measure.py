"""Two ways of doing the same, timed in turn, and what the one takes of the other."""

import gc
import time
from collections.abc import Callable, Sequence
from statistics import median, quantiles
from typing import NamedTuple


class Goal(NamedTuple):
    bound: float
    at_most: bool = True

    def met(self, ratio: float) -> bool:
        return ratio <= self.bound if self.at_most else ratio >= self.bound

    def __str__(self) -> str:
        return f"{'≤' if self.at_most else '≥'} {self.bound:g}"


class Spent(NamedTuple):
    """Of one round, in seconds."""

    cpu: float
    """Of this process, all its threads."""
    wall: float


class Figure(NamedTuple):
    """One line of the report."""

    name: str
    unit: str
    """Of the two medians."""
    ours: float
    baseline: float
    ratio: float
    """Ours over the baseline's, the median of the rounds; the lower and upper quartile are its spread."""
    low: float
    high: float
    rounds: int
    goal: Goal | None = None
    """None for what is only printed beside."""
    note: str = ""

    @property
    def met(self) -> bool:
        return self.goal is None or self.goal.met(self.ratio)


def alternate(
    ours: Callable[[], object], baseline: Callable[[], object], rounds: int, *, warm_up: int = 1
) -> list[tuple[Spent, Spent]]:
    """Each round does both, one after the other, and the next round in the other order."""
    for _ in range(warm_up):
        ours(), baseline()
    pairs = []
    for number in range(rounds):
        if number % 2:
            theirs, own = spent(baseline), spent(ours)
        else:
            own, theirs = spent(ours), spent(baseline)
        pairs.append((own, theirs))
    return pairs


def spent(doing: Callable[[], object]) -> Spent:
    # Neither side pays for what the other, or an earlier part, left behind.
    gc.collect()
    gc.freeze()
    cpu, wall = time.process_time(), time.perf_counter()
    doing()
    took = Spent(time.process_time() - cpu, time.perf_counter() - wall)
    gc.unfreeze()
    return took


def figure(
    name: str,
    unit: str,
    pairs: Sequence[tuple[float, float]],
    goal: Goal | None = None,
    *,
    note: str = "",
) -> Figure:
    """`pairs` has, for each round, ours and the baseline's, in `unit`."""
    ratios = [own / theirs for own, theirs in pairs]
    low, _, high = quantiles(ratios, n=4, method="inclusive") if len(ratios) > 1 else (ratios[0],) * 3
    return Figure(
        name=name,
        unit=unit,
        ours=median(own for own, _ in pairs),
        baseline=median(theirs for _, theirs in pairs),
        ratio=median(ratios),
        low=low,
        high=high,
        rounds=len(pairs),
        goal=goal,
        note=note,
    )
