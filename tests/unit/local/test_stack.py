import errno
import os
import shutil
import signal
import sys
from collections import namedtuple
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from socket import socket

import pytest

from lead_memory_client import cli
from lead_memory_client.terminal import FAILED
from local import deployment, stack, state
from local.processes import Process, start
from local.stack import LocalStack, LocalStackError


def silently(*_: object) -> None:
    pass


def fill_disk(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def recorded_stack(directory: Path, process: Process) -> LocalStack:
    recorded = LocalStack(
        endpoint_url="http://127.0.0.1:1",
        region="us-east-1",
        data_api_url="http://127.0.0.1:2",
        postgres_url="postgresql://postgres:@/leads?host=/",
        started_at=datetime(2026, 2, 3, tzinfo=UTC),
        processes=dict.fromkeys(state.PROCESSES, process),
        socket_directory=None,
    )
    state.create(directory)
    state.write(directory, recorded)
    return recorded


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[Process]:
    process = start(["sleep", "60"], log=tmp_path / "log", environment={}, directory=tmp_path)
    yield process
    process.stop()


def test_a_stack_whose_processes_run_is_found(stack_directory: Path, sleeper: Process) -> None:
    recorded = recorded_stack(stack_directory, sleeper)
    assert stack.find() == recorded


@pytest.mark.parametrize("missing", state.PROCESSES)
def test_a_stack_that_lost_a_process_is_not_up(stack_directory: Path, sleeper: Process, missing: str) -> None:
    recorded = recorded_stack(stack_directory, sleeper)
    del recorded.processes[missing]
    state.write(stack_directory, recorded)
    assert stack.find() is None


def test_down_ends_what_runs_and_removes_what_was_written(stack_directory: Path, sleeper: Process) -> None:
    recorded_stack(stack_directory, sleeper)
    assert stack.down(silently)
    assert sleeper.find() is None
    assert not stack_directory.exists()
    assert not stack.down(silently)


def test_after_a_reboot_the_old_record_is_removed_and_others_processes_are_left_alone(
    stack_directory: Path, sleeper: Process
) -> None:
    recorded_stack(stack_directory, Process(sleeper.pid, sleeper.started_at - 3600))
    assert stack.find() is None
    assert stack.down(silently)
    assert sleeper.find() is not None
    assert not stack_directory.exists()


@pytest.mark.parametrize("content", [b"", b'{"endpoint_url": "htt'])
def test_a_record_that_was_cut_short_is_no_stack_and_can_be_removed(stack_directory: Path, content: bytes) -> None:
    state.create(stack_directory)
    (stack_directory / "state.json").write_bytes(content)
    assert stack.find() is None
    assert stack.down(silently)
    assert not stack_directory.exists()


def test_a_directory_of_somebody_elses_files_is_refused_and_left_as_it_is(stack_directory: Path) -> None:
    stack_directory.mkdir()
    (stack_directory / "thesis.txt").write_text("the only copy")
    for command in (stack.up, stack.down):
        with pytest.raises(LocalStackError, match="holds other files"):
            command(silently)
    assert (stack_directory / "thesis.txt").read_text() == "the only copy"


def test_a_port_that_is_taken_is_named_before_anything_starts(
    stack_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(LocalStackError, match=f"Port {port} cannot be used"):
            stack.up(silently, port=port)
        monkeypatch.setenv("LEAD_MEMORY_PORT", str(port))
        with pytest.raises(LocalStackError, match=f"Port {port} cannot be used"):
            stack.up(silently)
    assert not stack_directory.exists()


def test_a_port_that_is_no_number_is_refused(stack_directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEAD_MEMORY_PORT", "http")
    with pytest.raises(LocalStackError, match="LEAD_MEMORY_PORT is 'http'"):
        stack.up(silently)
    assert not stack_directory.exists()


def test_a_full_disk_is_noticed_before_anything_starts(stack_directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**12, 10**12 - 10**9, 10**9))
    with pytest.raises(LocalStackError, match="less than the 2 GB free"):
        stack.up(silently)
    assert not stack_directory.exists()


def test_two_commands_do_not_work_on_one_stack_at_once(stack_directory: Path) -> None:
    refusals = []

    def try_the_same(_: str) -> None:
        with pytest.raises(LocalStackError) as refused:
            stack.down(silently)
        refusals.append(str(refused.value))

    state.create(stack_directory)
    assert stack.down(try_the_same)
    assert refusals == [
        "Another command is starting or stopping the local stack: wait until it is done, then try again."
    ]


@pytest.mark.parametrize(
    ("trouble", "raised"),
    [
        (lambda: (_ for _ in ()).throw(LocalStackError("the CDK failed")), LocalStackError),
        (fill_disk, LocalStackError),
        (lambda: signal.raise_signal(signal.SIGINT), KeyboardInterrupt),
        (lambda: signal.raise_signal(signal.SIGTERM), SystemExit),
        (lambda: signal.raise_signal(signal.SIGHUP), SystemExit),
    ],
    ids=["error", "full disk", "Ctrl-C", "kill", "closed terminal"],
)
def test_whatever_ends_up_early_ends_what_it_started_and_leaves_only_logs(
    stack_directory: Path, monkeypatch: pytest.MonkeyPatch, trouble: Callable[[], object], raised: type[BaseException]
) -> None:
    started: list[LocalStack] = []

    def fail(*_: object) -> None:
        running = stack.find()
        assert running is not None
        started.append(running)
        trouble()

    monkeypatch.setattr(deployment, "bootstrap", fail)
    with pytest.raises(raised):
        stack.up(silently)
    assert [process.find() for process in started[0].processes.values()] == [None] * 3
    assert {entry.suffix for entry in stack_directory.iterdir()} == {".json", ".log"}
    assert stack.find() is None
    assert stack.down(silently)


@pytest.mark.parametrize("records", [0, 2])
def test_a_process_that_a_full_disk_keeps_off_the_record_is_stopped(
    stack_directory: Path, monkeypatch: pytest.MonkeyPatch, records: int
) -> None:
    started: list[LocalStack] = []
    write, write_bytes = state.write, Path.write_bytes

    def seen(directory: Path, recorded: LocalStack) -> None:
        started.append(recorded)
        write(directory, recorded)

    def filling_up(path: Path, content: bytes) -> int:
        if content and path.name == "state.json" and len(started) > records:
            fill_disk()
        return write_bytes(path, content)

    monkeypatch.setattr(state, "write", seen)
    monkeypatch.setattr(Path, "write_bytes", filling_up)
    with pytest.raises(LocalStackError, match=r"disk of .* is full: free 2 GB"):
        stack.up(silently)
    assert [process.find() for process in started[-1].processes.values()] == [None] * (records + 1)


def test_a_disk_that_is_full_from_the_first_file_on_leaves_nothing(
    stack_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(Path, "touch", fill_disk)
        with pytest.raises(LocalStackError, match="is full"):
            stack.up(silently)
    assert not stack_directory.exists()


def test_a_program_that_fails_on_a_full_disk_is_not_blamed_for_it(
    stack_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")

    def fail(*_: object) -> None:
        monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**12, 10**12, 4096))
        raise LocalStackError("PostgreSQL did not start; its log says why.")

    monkeypatch.setattr(stack, "_start", fail)
    with pytest.raises(LocalStackError, match=f"disk of {stack_directory} is full"):
        stack.up(silently)


def test_the_command_says_in_a_sentence_that_the_disk_is_full(
    stack_directory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(stack, "_start", fill_disk)
    assert cli.main(["up"]) == FAILED
    assert capsys.readouterr().err.splitlines()[-1].startswith("The disk of ")


def test_a_failed_deployment_says_where_the_reason_is(
    stack_directory: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "cdk").write_text("#!/bin/sh\necho the reason; exit 3\n")
    (tools / "cdk").chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tools / "python"))
    stack_directory.mkdir()
    with pytest.raises(LocalStackError, match=r"`cdk deploy` failed; .*cdk.log says why"):
        deployment.deploy("http://127.0.0.1:1", stack_directory, silently)
    assert (stack_directory / "cdk.log").read_text() == "the reason\n"


def test_a_server_that_dies_while_starting_is_not_waited_for(
    stack_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stack, "READY_SECONDS", 3600)
    monkeypatch.setenv("LOG_LEVEL", "no such level")
    with pytest.raises(LocalStackError, match=r"The local stack's aws did not start; .*aws.log says why"):
        stack.up(silently)
    assert "no such level" in (stack_directory / "aws.log").read_text().lower()


def test_nothing_of_the_callers_aws_reaches_the_stack(stack_directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL_SQS", "AWS_SESSION_TOKEN", "CDK_DEFAULT_ACCOUNT"):
        monkeypatch.setenv(name, "the caller's")
    variables = deployment.environment("http://127.0.0.1:1", stack_directory)
    assert "the caller's" not in variables.values()
    assert variables["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1"


def test_a_directory_whose_name_is_too_long_for_a_socket_does_not_keep_the_stack_from_starting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tmp_path / ("long" * 30)
    monkeypatch.setenv("LEAD_MEMORY_LOCAL_DIR", str(directory))
    monkeypatch.setattr(deployment, "bootstrap", silently)
    monkeypatch.setattr(deployment, "deploy", silently)
    started = stack.up(silently)
    try:
        assert started.running()
        assert started.socket_directory is not None
    finally:
        stack.down(silently)
    assert not Path(started.socket_directory).exists()
