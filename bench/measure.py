"""Two ways of doing the same, timed in turn, and what the one takes of the other."""

import gc
import time
from collections.abc import Callable, Sequence
from statistics import median, quantiles
from typing import NamedTuple

CALLS = 10
"""Of each side, in a round of `p50s`."""


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


def p50s(ours: Callable[[], object], baseline: Callable[[], object], rounds: int) -> list[tuple[float, float]]:
    """Milliseconds, the medians of each round's calls, in which the two take turns; the first round warms up."""

    def medians() -> tuple[float, float]:
        gc.collect()
        own, theirs = zip(*(_turn(ours, baseline, number) for number in range(CALLS)), strict=True)
        return median(own), median(theirs)

    # As `timeit` does: what is collected is all that was made since the start, and by either side.
    gc.disable()
    try:
        return [medians() for _ in range(rounds)][1:]
    finally:
        gc.enable()


def _turn(ours: Callable[[], object], baseline: Callable[[], object], number: int) -> tuple[float, float]:
    """Milliseconds of each; who is first changes from call to call."""
    if number % 2:
        theirs, own = _milliseconds(baseline), _milliseconds(ours)
    else:
        own, theirs = _milliseconds(ours), _milliseconds(baseline)
    return own, theirs


def _milliseconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return (time.perf_counter() - started) * 1000


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
