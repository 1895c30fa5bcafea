"""Where the benchmarks run: a local stack of their own, and the wire between it and the clients."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit
from uuid import uuid4

from lead_memory_client.stage import LOCAL, Stage, find_stage
from local import deployment, state
from local import stack as local_stack
from local.stack import LocalStack

WIRE_MILLISECONDS = 4
"""What a request within a region takes on the network."""
STOP_SECONDS = 5


class Ground(NamedTuple):
    stack: LocalStack
    stage: Stage
    quick: bool
    """Fewer rounds of the same."""
    say: Callable[[str], None]

    @classmethod
    def of(cls, stack: LocalStack, *, quick: bool, say: Callable[[str], None]) -> "Ground":
        """What is opened from here on finds the stack's AWS by the environment."""
        os.environ.update(deployment.environment(stack.endpoint_url, state.directory_from_environment()))
        os.environ["AWS_ENDPOINT_URL_RDS_DATA"] = stack.data_api_url
        return cls(stack, find_stage(LOCAL, profile=None, region=None), quick, say)

    def rounds(self, full: int, quick: int) -> int:
        return quick if self.quick else full

    def settings(self, function: str) -> dict[str, str]:
        """The environment of a deployed function, whose construct is named so."""
        deployed = self.stage.client("lambda").list_functions()["Functions"]
        [settings] = [each["Environment"]["Variables"] for each in deployed if function in each["FunctionName"]]
        return dict(settings)

    @contextmanager
    def wire(self) -> Iterator[None]:
        """What is opened within reaches the stack `WIRE_MILLISECONDS` later, request by request."""
        names = {"AWS_ENDPOINT_URL": self.stack.endpoint_url, "AWS_ENDPOINT_URL_RDS_DATA": self.stack.data_api_url}
        with ExitStack() as proxies:
            try:
                for name, url in names.items():
                    os.environ[name] = f"http://127.0.0.1:{proxies.enter_context(delayed(urlsplit(url).netloc))}"
                yield
            finally:
                os.environ.update(names)

    @contextmanager
    def silent_bus(self) -> Iterator[dict[str, str]]:
        """The setting of a bus that nobody listens to, so that what is published changes nothing."""
        events, name = self.stage.client("events"), f"silent-{uuid4()}"
        events.create_event_bus(Name=name)
        try:
            yield {"LEAD_MEMORY_BUS_NAME": name}
        finally:
            events.delete_event_bus(Name=name)


@contextmanager
def delayed(server: str) -> Iterator[int]:
    """The port of a way to `host:port`, or to a Unix socket by its path, that takes `WIRE_MILLISECONDS` longer."""
    command = [sys.executable, "-m", "bench.proxy", server, str(WIRE_MILLISECONDS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()
            process.wait(STOP_SECONDS)


@contextmanager
def own_ground(*, quick: bool) -> Iterator[Ground]:
    """On a stack that is started for it and ends with it."""
    # A `kill` ends it as Ctrl-C does, so that nothing stays behind.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    with tempfile.TemporaryDirectory(prefix="lead-memory-bench-") as directory:
        os.environ["LEAD_MEMORY_LOCAL_DIR"] = str(Path(directory) / "stack")
        os.environ.pop("LEAD_MEMORY_PORT", None)
        try:
            yield Ground.of(local_stack.up(_say), quick=quick, say=_say)
        finally:
            local_stack.down(_say)


def _say(progress: str) -> None:
    print(f"  {progress}", file=sys.stderr, flush=True)
