"""A secret of Secrets Manager's."""

import time
from collections.abc import Callable

import msgspec
from cachetools import TTLCache

from lead_memory.adapters.aws import Aws, AwsError
from lead_memory.domain.errors import Unavailable

CACHE_SECONDS = 600
"""How long a process may go on with a secret that was changed meanwhile."""
REQUEST_SECONDS = 4
_HEADERS = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "secretsmanager.GetSecretValue"}


class _Answer(msgspec.Struct, rename="pascal"):
    secret_string: str


class Secret:
    def __init__(self, arn: str, aws: Aws, clock: Callable[[], float] = time.time) -> None:
        self._arn = arn
        self._aws = aws
        self._kept: TTLCache[str, str] = TTLCache(1, CACHE_SECONDS, clock)

    async def value(self) -> str:
        """Raises `Unavailable`."""
        if self._arn not in self._kept:
            body = msgspec.json.encode({"SecretId": self._arn})
            try:
                answer = await self._aws.ask("secretsmanager", body, _Answer, seconds=REQUEST_SECONDS, headers=_HEADERS)
            except AwsError as error:
                raise Unavailable(f"the secret could not be read: {error.code}") from None
            self._kept[self._arn] = answer.secret_string
        return self._kept[self._arn]
