"""A deployed function, run in this process."""

import importlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from typing import Any
from unittest.mock import patch

TIMEOUT_MILLISECONDS = 60_000
PROCESSOR_MIB = 1_769
"""Of memory, with which a function has a whole processor; with less it has as much less of one.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
"""

type Handler = Callable[[Any], Any]


class _Context:
    def get_remaining_time_in_millis(self) -> int:
        return TIMEOUT_MILLISECONDS


@contextmanager
def running(package: str, settings: Mapping[str, str], printed: StringIO | None = None) -> Iterator[Handler]:
    """The handler of `package`, imported anew with these settings. Its metrics go to `printed`, or nowhere."""
    sys.modules.pop(f"{package}.handler", None)
    with patch.dict(os.environ, settings):
        module = importlib.import_module(f"{package}.handler")

    def handle(event: Any) -> Any:
        with redirect_stdout(StringIO() if printed is None else printed):
            return module.handler(event, _Context())

    try:
        yield handle
    finally:
        module._loop.run(module._aws.close())
        module._loop.close()
        del sys.modules[module.__name__]
