"""Prove the promises on this machine: `python -m tests.prove [--only NAME]`.

One line for each promise, with its figures; the exit code is not zero where one does not hold.
"""

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from local import stack as local_stack
from tests.prove import (
    converge,
    erasure,
    hot_lead,
    isolation,
    large_payloads,
    lifecycle,
    nothing_lost,
    provenance,
    rebuild,
    sealing,
    sweep,
)
from tests.prove.ground import Ground

type Proof = Callable[[Ground], str]

PROOFS: dict[str, Proof] = {
    "converge": converge.prove_converges,
    # Before the others fill the table, all of which it searches.
    "erasure": erasure.prove_erasure,
    "sealing": sealing.prove_sealing,
    "concurrent": converge.prove_converges_on_the_table,
    "provenance": provenance.prove_provenance_without_growth,
    "large-payloads": large_payloads.prove_large_payloads,
    "hot-lead": hot_lead.prove_hot_lead,
    "nothing-lost": nothing_lost.prove_nothing_lost,
    "rebuild": rebuild.prove_rebuild,
    "isolation": isolation.prove_isolation,
    "lifecycle": lifecycle.prove_lifecycle,
    "sweep": sweep.prove_sweep,
}
"""In the order in which they run; each returns the line that it proved, and raises where it could not."""


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--only", choices=PROOFS, action="append", help="this promise alone; may be given again")
    chosen = arguments.parse_args().only or list(PROOFS)
    # A `kill` ends it as Ctrl-C does, so that nothing stays behind.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    with tempfile.TemporaryDirectory(prefix="lead-memory-prove-") as directory:
        os.environ["LEAD_MEMORY_LOCAL_DIR"] = str(Path(directory) / "stack")
        os.environ.pop("LEAD_MEMORY_PORT", None)
        try:
            ground = Ground.of(local_stack.up(_say), _say)
            # Each is tried whatever became of those before it.
            proved = [_proved(name, PROOFS[name], ground) for name in chosen]
        finally:
            local_stack.down(_say)
    return 0 if all(proved) else 1


def _proved(name: str, proof: Proof, ground: Ground) -> bool:
    started = time.monotonic()
    try:
        line, proved = proof(ground), True
    except Exception as error:
        line, proved = f"{name}: {type(error).__name__}: {error}", False
    print(f"{'PROVED' if proved else 'FAILED'} {line} ({time.monotonic() - started:,.0f} s)", flush=True)
    return proved


def _say(progress: str) -> None:
    print(f"  {progress}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
