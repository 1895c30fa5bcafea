import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from local import processes
from local.processes import Process, start

PARENT_OF_A_SLEEPER = "import subprocess, sys; subprocess.run(['sleep', '60'])"
DEAF_TO_REQUESTS = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); signal.pause()"


@pytest.fixture
def sleeper() -> Iterator[Process]:
    with subprocess.Popen(["sleep", "60"]) as process:
        yield Process.of(process.pid)
        process.kill()


@pytest.fixture
def run(tmp_path: Path) -> Callable[[str], Process]:
    def run(code: str) -> Process:
        command = [sys.executable, "-c", code]
        return start(command, log=tmp_path / "log", environment=os.environ, directory=tmp_path)

    return run


def wait_for[T](what: Callable[[], T]) -> T:
    deadline = time.monotonic() + 10
    while not (found := what()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return found


def test_a_pid_that_another_process_has_now_is_not_found_and_not_killed(sleeper: Process) -> None:
    recycled = Process(sleeper.pid, sleeper.started_at - 3600)
    assert recycled.find() is None
    recycled.stop()
    assert sleeper.find() is not None


def test_a_pid_that_nobody_has_is_not_found_and_stopped_without_a_word(sleeper: Process) -> None:
    sleeper.stop()
    assert sleeper.find() is None
    sleeper.stop()


def test_what_is_started_has_a_session_of_its_own(run: Callable[[str], Process]) -> None:
    process = run(PARENT_OF_A_SLEEPER)
    assert os.getsid(process.pid) == process.pid
    process.stop()


def test_the_descendants_end_too(run: Callable[[str], Process]) -> None:
    process = run(PARENT_OF_A_SLEEPER)
    (child,) = wait_for(psutil.Process(process.pid).children)
    process.stop()
    assert process.find() is None
    assert not child.is_running()


def test_what_does_not_end_when_asked_is_killed(
    run: Callable[[str], Process], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "STOP_SECONDS", 0.5)
    process = run(DEAF_TO_REQUESTS)
    wait_for((tmp_path / "log").read_text)
    process.stop()
    assert process.find() is None
