"""What the local stack wrote down about itself, and the directory that holds all of it."""

import os
import shutil
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from local.errors import LocalStackError
from local.processes import Process

PROJECT = Path(__file__).parents[1]
PROCESSES = ("postgres", "data_api", "aws")


class LocalStack(msgspec.Struct):
    endpoint_url: str
    region: str
    data_api_url: str
    postgres_url: str
    started_at: datetime
    processes: dict[str, Process]
    socket_directory: str | None
    """PostgreSQL's, where it is not in the stack's directory."""

    def client_arguments(self) -> dict[str, Any]:
        """What boto3 needs to make a client of this stack."""
        return {
            "endpoint_url": self.endpoint_url,
            "region_name": self.region,
            "aws_access_key_id": "test",
            "aws_secret_access_key": "test",
        }

    def running(self) -> bool:
        return all(name in self.processes and self.processes[name].find() for name in PROCESSES)


def directory_from_environment() -> Path:
    given = os.environ.get("LEAD_MEMORY_LOCAL_DIR")
    return Path(given).absolute() if given else PROJECT / ".local"


def create(directory: Path) -> None:
    directory.mkdir(parents=True)
    # First, as it says whose directory this is.
    _file(directory).touch()
    (directory / "tmp").mkdir()


def read(directory: Path) -> LocalStack | None:
    """None where nothing is recorded yet, or only half of it."""
    with suppress(FileNotFoundError, msgspec.DecodeError):
        return msgspec.json.decode(_file(directory).read_bytes(), type=LocalStack)
    return None


def write(directory: Path, stack: LocalStack) -> None:
    """Whatever keeps the stack from being recorded also ends it: nobody would find its processes again."""
    whole = directory / "tmp" / "state.json"
    try:
        whole.write_bytes(msgspec.json.format(msgspec.json.encode(stack)))
        whole.replace(_file(directory))
    except BaseException:
        _stop(stack)
        raise


def discard(directory: Path, *, keep_logs: bool = False) -> None:
    """Ends every process on record and removes the stack's files. Raises `LocalStackError`."""
    if not directory.exists():
        return
    if any(directory.iterdir()) and not _file(directory).exists():
        raise LocalStackError(
            f"{directory} holds other files than a local stack's: empty it, or set LEAD_MEMORY_LOCAL_DIR to "
            "another directory."
        )
    stack = read(directory)
    if stack is not None:
        _stop(stack)
    if not keep_logs or not any(directory.iterdir()):
        shutil.rmtree(directory)
        return
    for entry in directory.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry)
    _file(directory).write_bytes(b"")


def _stop(stack: LocalStack) -> None:
    for process in reversed(stack.processes.values()):
        process.stop()
    if stack.socket_directory:
        shutil.rmtree(stack.socket_directory, ignore_errors=True)


def _file(directory: Path) -> Path:
    return directory / "state.json"
