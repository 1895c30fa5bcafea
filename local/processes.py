"""Processes that outlive the command that started them."""

import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import msgspec
import psutil

STOP_SECONDS = 10
_ROUNDING_SECONDS = 2
"""The system knows when it was started to the second."""


class Process(msgspec.Struct, frozen=True):
    pid: int
    started_at: float
    """Seconds after the system's start, which setting the clock leaves as it is: it tells a process from a later one
    with the same pid.
    """

    @classmethod
    def of(cls, pid: int) -> "Process":
        return cls(pid, _started_at(psutil.Process(pid)))

    def find(self) -> psutil.Process | None:
        """The running process, or None where it ended, also when its pid is another's now."""
        try:
            process = psutil.Process(self.pid)
            same = abs(_started_at(process) - self.started_at) < _ROUNDING_SECONDS
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None

    def stop(self) -> None:
        """Asks it to end, then the descendants that it left behind; kills what does not go."""
        process = self.find()
        if process is None:
            return
        descendants = process.children(recursive=True)
        for family in ([process], descendants):
            for member in family:
                with suppress(psutil.NoSuchProcess):
                    member.terminate()
            _, stubborn = psutil.wait_procs(family, timeout=STOP_SECONDS)
            for member in stubborn:
                with suppress(psutil.NoSuchProcess):
                    member.kill()
            psutil.wait_procs(stubborn, timeout=STOP_SECONDS)


def _started_at(process: psutil.Process) -> float:
    return process.create_time() - psutil.boot_time()


def start(command: list[str], *, log: Path, environment: Mapping[str, str], directory: Path) -> Process:
    """Starts a process that a closed terminal or Ctrl-C does not reach."""
    with log.open("ab") as output:
        started = subprocess.Popen(
            command,
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Process.of(started.pid)
