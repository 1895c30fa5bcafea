"""The local stack: a local AWS, PostgreSQL and the RDS Data API over it, with the `local` stage deployed."""

import os
import signal
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from urllib.parse import urlsplit

from local import deployment, postgres, preflight, profiles, state
from local.errors import LocalStackError
from local.processes import start
from local.state import LocalStack

__all__ = ["LocalStack", "LocalStackError", "down", "find", "up"]

READY_SECONDS = 60

type Progress = Callable[[str], None]


def up(progress: Progress, *, port: int | None = None) -> LocalStack:
    """Starts the stack and deploys to it; where it runs already, deploys again.

    `port` is the local AWS's: by default `LEAD_MEMORY_PORT`, or a free one. Raises `LocalStackError`. Whatever
    ends it early, Ctrl-C too, also ends what it started.
    """
    directory = state.directory_from_environment()
    with _alone(directory), _ended_as_interrupted():
        stack = find()
        if stack is not None:
            progress(f"The local stack is already up at {stack.endpoint_url}; deploying to it again.")
            with preflight.full_disk_named(directory):
                deployment.deploy(stack.endpoint_url, directory, progress)
            return stack
        state.discard(directory)
        preflight.check_disk(directory)
        endpoint_url = preflight.free_url(port or preflight.asked_port())
        try:
            with preflight.full_disk_named(directory):
                state.create(directory)
                return _start(endpoint_url, directory, progress)
        except BaseException:
            progress("Stopping what was started.")
            state.discard(directory, keep_logs=True)
            raise


def down(progress: Progress) -> bool:
    """Stops the stack and removes what it wrote; False where there was nothing to stop."""
    directory = state.directory_from_environment()
    with _alone(directory):
        if not directory.exists():
            return False
        progress("Stopping the local stack.")
        state.discard(directory)
        return True


def find() -> LocalStack | None:
    """The stack that runs, or None."""
    stack = state.read(state.directory_from_environment())
    return stack if stack and stack.running() else None


def _start(endpoint_url: str, directory: Path, progress: Progress) -> LocalStack:
    progress("Starting PostgreSQL and loading the leads.")
    server = postgres.start(
        directory / "postgres",
        log=directory / "postgres.log",
        environment=deployment.environment(endpoint_url, directory),
    )
    stack = LocalStack(
        endpoint_url=endpoint_url,
        region=deployment.REGION,
        data_api_url=preflight.free_url(),
        postgres_url=server.database_url(profiles.DATABASE),
        started_at=datetime.now(UTC),
        processes={"postgres": server.process},
        socket_directory=server.socket_directory,
    )
    state.write(directory, stack)
    profiles.load(server.url)

    progress("Starting the local AWS.")
    data_api_arguments = [str(urlsplit(stack.data_api_url).port), stack.postgres_url]
    _start_server(stack, "data_api", "local.data_api", data_api_arguments, {}, directory)
    aws_environment = {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(urlsplit(stack.endpoint_url).port),
        # Both listen on all interfaces.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        # The functions' processes inherit it, and so find the Data API.
        "AWS_ENDPOINT_URL_RDS_DATA": stack.data_api_url,
    }
    _start_server(stack, "aws", "ministack", [], aws_environment, directory)
    _wait_until_ready(stack, "data_api", stack.data_api_url, directory)
    _wait_until_ready(stack, "aws", f"{stack.endpoint_url}/_ministack/health", directory)

    deployment.bootstrap(stack.endpoint_url, directory, progress)
    deployment.deploy(stack.endpoint_url, directory, progress)
    return stack


def _start_server(
    stack: LocalStack,
    name: str,
    module: str,
    arguments: list[str],
    variables: dict[str, str],
    directory: Path,
) -> None:
    stack.processes[name] = start(
        [sys.executable, "-m", module, *arguments],
        log=directory / f"{name}.log",
        environment=deployment.environment(stack.endpoint_url, directory) | variables,
        directory=directory,
    )
    state.write(directory, stack)


def _wait_until_ready(stack: LocalStack, name: str, url: str, directory: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and stack.processes[name].find():
        with suppress(OSError), urllib.request.urlopen(url, timeout=1):  # noqa: S310 - an address of ours
            return
        time.sleep(0.05)
    raise LocalStackError(f"The local stack's {name} did not start; {directory / name}.log says why.")


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Raises `LocalStackError` where another command works on the same stack."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(directory.parent, os.O_RDONLY)
    try:
        try:
            flock(descriptor, LOCK_EX | LOCK_NB)
        except BlockingIOError as error:
            raise LocalStackError(
                "Another command is starting or stopping the local stack: wait until it is done, then try again."
            ) from error
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _ended_as_interrupted() -> Iterator[None]:
    """A closed terminal or a `kill` ends the command as Ctrl-C does, so that nothing stays behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    signals = (signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, lambda received, _: sys.exit(128 + received)) for number in signals]
    try:
        yield
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)
