"""From a cold process to the first request that can be sent: imports and clients, as whole processes."""

import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from bench.ground import Ground
from bench.measure import Figure, Goal, figure, spent
from local.state import PROJECT

BASELINE = "import bench.baseline.start"
READY = """
from {package} import handler

async def connect():
    handler._table._client

handler._loop.run(connect())
"""
BABEL = "import lead_memory.domain.templates.localized"
LEAVE = "\nimport os; os._exit(0)"
"""Ready is what is measured, and not how a process ends."""
SDK = "from lead_memory.adapters.sdk import SdkClient; SdkClient('s3')()"


class _Program(NamedTuple):
    text: str
    settings: Mapping[str, str]

    def run(self) -> None:
        subprocess.run(
            [sys.executable, "-c", self.text + LEAVE], env=os.environ | self.settings, cwd=PROJECT, check=True
        )


def measure(ground: Ground) -> Iterable[Figure]:
    resolver, updater = READY.format(package="resolver"), READY.format(package="memory_updater")
    of_resolver, of_updater = ground.settings("Resolver"), ground.settings("Updater")
    programs = {
        "baseline": _Program(BASELINE, {}),
        "resolver": _Program(resolver, of_resolver),
        "updater": _Program(updater, of_updater),
    }
    if not ground.quick:
        programs |= {
            "resolver with Babel": _Program(resolver + BABEL, of_resolver),
            "updater with the SDK": _Program(updater + SDK, of_updater),
        }
    took = _milliseconds(programs, ground.rounds(11, quick=2), warm_up=ground.rounds(1, quick=0))

    def compared(name: str, ours: str, baseline: str, goal: Goal | None = None) -> Figure:
        return figure(name, "ms", list(zip(took[ours], took[baseline], strict=True)), goal)

    yield compared("resolver ready from a cold process", "resolver", "baseline", Goal(1.0))
    yield compared("updater ready from a cold process", "updater", "baseline", Goal(1.6))
    if ground.quick:
        return
    yield compared("resolver ready, and Babel loaded for a first price or date", "resolver with Babel", "resolver")
    yield compared("updater ready, and the SDK loaded for a first large payload", "updater with the SDK", "updater")


def _milliseconds(programs: Mapping[str, _Program], rounds: int, *, warm_up: int) -> Mapping[str, list[float]]:
    """Each round runs every program, and the next round in the other order."""
    took: dict[str, list[float]] = {name: [] for name in programs}
    for number in range(warm_up + rounds):
        for name in list(programs)[:: -1 if number % 2 else 1]:
            took[name].append(spent(programs[name].run).wall * 1000)
    return {name: times[warm_up:] for name, times in took.items()}
