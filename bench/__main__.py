"""Compare the product with what it would be by hand: `python -m bench [--quick] [--only NAME]`.

One line for each comparison, with the goal; the exit code is not zero where one is not met.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from bench import (
    context,
    extracting,
    footprint,
    growth,
    matching,
    rebuilding,
    recalling,
    recalls,
    report,
    resolving,
    starting,
    templates,
    tokens,
    updating,
)
from bench.ground import Ground, own_ground
from bench.measure import Figure

SECTIONS: dict[str, Callable[[Ground], Iterable[Figure]]] = {
    "resolving": resolving.measure,
    "templates": templates.measure,
    "tokens": tokens.measure,
    "matching": matching.measure,
    "recall": recalling.measure,
    "starting": starting.measure,
    "footprint": footprint.measure,
    "updating": updating.measure,
    "growth": growth.measure,
    "context": context.measure,
    "recalls": recalls.measure,
    "extraction": extracting.measure,
    "rebuilding": rebuilding.measure,
}
"""In the order in which they run."""


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--only", choices=SECTIONS, action="append", help="this part alone; may be given again")
    arguments.add_argument("--quick", action="store_true", help="fewer rounds, and one JSON object on the output")
    arguments.add_argument("--write", type=Path, metavar="FILE", help="write the results there as a page")
    asked = arguments.parse_args()
    started = time.monotonic()
    with own_ground(quick=asked.quick) as ground:
        figures = [figure for name in asked.only or SECTIONS for figure in _measured(name, ground)]
    if asked.quick:
        print(json.dumps(report.as_json(figures)))
    if asked.write:
        asked.write.write_text(report.as_page(figures, time.monotonic() - started))
    return 0 if all(figure.met for figure in figures) else 1


def _measured(name: str, ground: Ground) -> Iterable[Figure]:
    started = time.monotonic()
    for figure in SECTIONS[name](ground):
        print(report.as_line(figure), file=sys.stderr if ground.quick else sys.stdout, flush=True)
        yield figure
    ground.say(f"{name}: {time.monotonic() - started:,.0f} s")


if __name__ == "__main__":
    sys.exit(main())
