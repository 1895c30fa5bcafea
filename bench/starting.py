"""From a cold process to the first request that can be sent: imports and clients, as whole processes.

As on Lambda, Python's own library is compiled, and a function's package, which is read-only there, is not.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.ground import Ground
from bench.measure import Figure, Goal, figure, spent
from infra import assets
from local.state import PROJECT

BASELINE = "import bench.baseline.start"
READY = """
from {package} import handler

async def connect():
    handler._table._client

handler._loop.run(connect())
"""
BABEL = "import lead_memory.domain.templates.localized"
MODEL = "handler._loop.run(handler._recall._embedder.query('When does she want to be called?'))"
SDK = "from lead_memory.adapters.sdk import SdkClient; SdkClient('s3')()"
BEGIN = "import sys; sys.path[:0] = sys.argv[1:]\n"
LEAVE = "\nimport os; os._exit(0)"
"""Ready is what is measured, and not how a process ends."""


class _Program(NamedTuple):
    text: str
    settings: Mapping[str, str]
    places: Sequence[Path]
    """Where its packages are, and no others: for a function its asset, which is what is deployed."""

    def run(self) -> None:
        command = [sys.executable, "-I", "-S", "-B", "-c", BEGIN + self.text + LEAVE, *map(str, self.places)]
        subprocess.run(command, env=os.environ | self.settings, check=True)


def measure(ground: Ground) -> Iterable[Figure]:
    resolver, updater = READY.format(package="resolver"), READY.format(package="memory_updater")
    context = READY.format(package="context")
    of_resolver = ground.settings("Resolver"), [assets.build("resolver", on_aws=False).path]
    of_updater = ground.settings("Updater"), [assets.build("memory_updater", on_aws=False).path]
    extractor = READY.format(package="extractor")
    of_extractor = ground.settings("Extractor"), [assets.build("extractor", on_aws=False).path]
    of_context = ground.settings("Context"), [assets.build("context", on_aws=False).path]
    # It loads its model with the first question, which this does not wait for.
    recall = READY.format(package="recall")
    of_recall = ground.settings("Recall"), [assets.build("recall", on_aws=False).path]
    programs = {
        "recall": _Program(recall, *of_recall),
        "context": _Program(context, *of_context),
        "resolver": _Program(resolver, *of_resolver),
        "updater": _Program(updater, *of_updater),
        "extractor": _Program(extractor, *of_extractor),
    }
    if not ground.quick:
        programs |= {
            "resolver with Babel": _Program(resolver + BABEL, *of_resolver),
            "updater with the SDK": _Program(updater + SDK, *of_updater),
            "recall with its model": _Program(recall + MODEL, *of_recall),
        }
    with tempfile.TemporaryDirectory() as sdk:
        _copy_sdk(Path(sdk))
        programs["baseline"] = _Program(BASELINE, {}, [PROJECT, Path(sdk)])
        took = _milliseconds(programs, ground.rounds(11, quick=1), warm_up=ground.rounds(1, quick=0))

    def compared(name: str, ours: str, baseline: str, goal: Goal | None = None) -> Figure:
        return figure(name, "ms", list(zip(took[ours], took[baseline], strict=True)), goal)

    yield compared("resolver ready from a cold process", "resolver", "baseline", Goal(1.0))
    yield compared("context ready from a cold process", "context", "baseline", Goal(1.0))
    yield compared("recall ready from a cold process", "recall", "baseline")
    yield compared("updater ready from a cold process", "updater", "baseline", Goal(1.6))
    yield compared("extractor, whose model is offline, ready from a cold process", "extractor", "updater")
    if ground.quick:
        return
    yield compared("resolver ready, and Babel loaded for a first price or date", "resolver with Babel", "resolver")
    yield compared("recall ready, and a first question embedded", "recall with its model", "recall")
    yield compared("updater ready, and the SDK loaded for a first large payload", "updater with the SDK", "updater")


def _copy_sdk(to: Path) -> None:
    """Without bytecode, which it may have where it is installed."""
    installed = Path(sysconfig.get_path("purelib"))
    for package in ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "urllib3"):
        shutil.copytree(installed / package, to / package, ignore=shutil.ignore_patterns("__pycache__", "data"))
    (to / "botocore" / "data").symlink_to(installed / "botocore" / "data")
    shutil.copy(installed / "six.py", to)


def _milliseconds(programs: Mapping[str, _Program], rounds: int, *, warm_up: int) -> Mapping[str, list[float]]:
    """Each round runs every program, and the next round in the other order."""
    took: dict[str, list[float]] = {name: [] for name in programs}
    for number in range(warm_up + rounds):
        for name in list(programs)[:: -1 if number % 2 else 1]:
            took[name].append(spent(programs[name].run).wall * 1000)
    return {name: times[warm_up:] for name, times in took.items()}
