"""What must hold before anything is started."""

import os
import shutil
from pathlib import Path
from socket import SO_REUSEADDR, SOL_SOCKET, socket

from local.errors import LocalStackError

FREE_DISK_BYTES = 2 * 10**9


def check_disk(directory: Path) -> None:
    """Raises `LocalStackError`."""
    if shutil.disk_usage(directory.parent).free < FREE_DISK_BYTES:
        raise LocalStackError(
            f"The disk of {directory} has less than the 2 GB free that the local stack needs: free some, or set "
            "LEAD_MEMORY_LOCAL_DIR to a directory on another disk."
        )


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
