"""What must hold before anything is started, and what no longer holds when the disk fills up meanwhile."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import SO_REUSEADDR, SOL_SOCKET, socket

from local.errors import LocalStackError
from local.state import PROJECT

FREE_DISK_BYTES = 2 * 10**9
FULL_DISK_BYTES = 10**8
"""With less than this free, whatever went wrong went wrong because of it."""


def check_disk(directory: Path) -> None:
    """Raises `LocalStackError`."""
    if shutil.disk_usage(directory.parent).free < FREE_DISK_BYTES:
        raise LocalStackError(
            f"The disk of {directory} has less than the 2 GB free that the local stack needs: free some, or set "
            "LEAD_MEMORY_LOCAL_DIR to a directory on another disk."
        )


@contextmanager
def full_disk_named(directory: Path) -> Iterator[None]:
    """Turns what a full disk does, to us or to a program that we started, into a `LocalStackError`."""
    try:
        yield
    except Exception as error:
        if full := _full_disk(error, directory):
            raise LocalStackError(
                f"The disk of {full} is full: free 2 GB, or set LEAD_MEMORY_LOCAL_DIR to a directory on another disk."
            ) from error
        raise


def _full_disk(error: Exception, directory: Path) -> Path | None:
    """The directory whose disk is full: the stack's, or the project's, where the functions are built."""
    disks = [directory if directory.exists() else directory.parent, PROJECT]
    free_bytes = {disk: shutil.disk_usage(disk).free for disk in disks}
    fullest = min(disks, key=lambda disk: free_bytes[disk])
    said_so = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    return fullest if said_so or free_bytes[fullest] < FULL_DISK_BYTES else None


def asked_port() -> int:
    """The port in `LEAD_MEMORY_PORT`, 0 where none is asked for. Raises `LocalStackError`."""
    asked = os.environ.get("LEAD_MEMORY_PORT") or "0"
    if not asked.isdecimal():
        raise LocalStackError(f"LEAD_MEMORY_PORT is {asked!r}, which is no port: give a number, or unset it.")
    return int(asked)


def free_url(port: int = 0) -> str:
    """An address to listen at; port 0 is any that is free. Raises `LocalStackError`."""
    with socket() as probe:
        probe.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as error:
            raise LocalStackError(
                f"Port {port} cannot be used ({error}): stop what uses it, or ask for another port or for none."
            ) from error
        return f"http://127.0.0.1:{probe.getsockname()[1]}"
