"""AWS's own SDK, which takes half a second to load: no process loads it before it asks something."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lead_memory.domain.errors import Unavailable

ONE_RETRY = {"mode": "standard", "total_max_attempts": 2}


class SdkClient[Client]:
    """Call it for the client of a service, which is made with the first call, once for all threads."""

    def __init__(self, service: str, **config: Any) -> None:
        """`config` is as in `botocore.config.Config`."""
        self._service = service
        self._config = config
        self._opening = threading.Lock()
        self._opened: Client | None = None

    def __call__(self) -> Client:
        with self._opening:
            if self._opened is None:
                import boto3  # noqa: PLC0415
                from botocore.config import Config  # noqa: PLC0415

                # A session of its own: the default one is not for several threads.
                self._opened = boto3.Session().client(self._service, config=Config(**self._config))  # type: ignore[call-overload]
            return self._opened


@contextmanager
def failures_named(what: str) -> Iterator[None]:
    """`what` did not happen, and for which code: the services' own messages name what was asked."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    try:
        yield
    except ClientError as error:
        raise Unavailable(f"{what}: {error.response['Error']['Code']}") from error
    except BotoCoreError as error:
        raise Unavailable(f"{what}: {type(error).__name__}") from error
