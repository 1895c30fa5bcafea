"""AWS as this process reaches it: where it is, who asks, and connections that are kept.

AWS's own SDK takes half a second to load and a millisecond of CPU for a request; what every process asks goes this way.
"""

import asyncio
import io
import logging
from collections.abc import Mapping
from functools import cached_property
from http import HTTPStatus

import aiohttp
import msgspec
from aiodynamo.credentials import Credentials
from aiodynamo.http.aiohttp import AIOHTTP
from aws_sdk_signers import URI, AWSCredentialIdentity, AWSRequest, Field, Fields, SigV4Signer
from yarl import URL

CONNECTIONS = 64
REQUEST_SECONDS = 4
ATTEMPTS = 2
PAUSE_SECONDS = 0.1

# Where it finds no credentials it logs what it asked with, a token among it.
logging.getLogger("aiodynamo").setLevel(logging.CRITICAL)

_NO_LIMIT = aiohttp.ClientTimeout(total=None)
_EXPIRED = {"ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException"}
_THROTTLED = {
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "ThrottlingException",
    "TooManyRequestsException",
}

_VARIABLES = {"events": "eventbridge"}
"""What the SDKs call a service, where it is not the name of its host."""
_SIGNED_AS = {"bedrock-runtime": "bedrock"}
"""What a request is signed for, where it is not the name of the host."""


class AwsError(Exception):
    """Why a service did not do what it was asked. Its message may quote what was asked, so it is not in the text."""

    def __init__(self, code: str, message: str = "", status: int | None = None) -> None:
        """Without a status, the service did not answer."""
        super().__init__(code)
        self.code = code
        self.message = message
        self.status = status

    @property
    def passing(self) -> bool:
        failed = self.status is None or self.status >= HTTPStatus.INTERNAL_SERVER_ERROR
        return failed or self.code in _THROTTLED | _EXPIRED


class _Refusal(msgspec.Struct):
    type: str = msgspec.field(name="__type", default="")
    message: str = ""
    capital_message: str = msgspec.field(name="Message", default="")


class Aws:
    """Reads the variables that AWS's SDKs read; connects with the first request, in the loop that sends it."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.region = environment["AWS_REGION"]
        self.credentials = Credentials.auto()
        self.requests = 0
        """How many were sent until now, to whatever service."""
        self._environment = environment
        self._signer = SigV4Signer()

    @cached_property
    def session(self) -> aiohttp.ClientSession:
        counting = aiohttp.TraceConfig()
        counting.on_request_start.append(self._count)
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONNECTIONS),
            timeout=aiohttp.ClientTimeout(total=REQUEST_SECONDS),
            trace_configs=[counting],
        )

    async def _count(self, *_: object) -> None:
        self.requests += 1

    async def close(self) -> None:
        if "session" in self.__dict__:
            await self.session.close()

    def endpoint(self, service: str, region: str | None = None) -> URL:
        variable = _VARIABLES.get(service, service).upper().replace("-", "_")
        own = self._environment.get(f"AWS_ENDPOINT_URL_{variable}")
        given = own or self._environment.get("AWS_ENDPOINT_URL")
        return URL(given or f"https://{service}.{region or self.region}.amazonaws.com").with_path("/")

    async def ask[Answer](
        self,
        service: str,
        body: bytes,
        answer: type[Answer],
        *,
        seconds: float,
        path: str = "/",
        headers: Mapping[str, str],
        region: str | None = None,
    ) -> Answer:
        """What a service with a protocol of JSON answers, asked again once; `seconds` is for each time.

        Raises `AwsError`.
        """
        for attempt in range(ATTEMPTS):
            if attempt:
                await asyncio.sleep(PAUSE_SECONDS)
            try:
                return await self._ask(service, region or self.region, path, headers, body, answer, seconds)
            except AwsError as error:
                if not error.passing or attempt == ATTEMPTS - 1:
                    raise
                if error.code in _EXPIRED:
                    self.credentials.invalidate()
        raise AssertionError

    async def _ask[Answer](
        self,
        service: str,
        region: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
        answer: type[Answer],
        seconds: float,
    ) -> Answer:
        url = self.endpoint(service, region).with_path(path)
        try:
            async with asyncio.timeout(seconds):
                signed = await self._signed(url, headers, body, service, region)
                response, told = await self._post(url, signed, body)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise AwsError(type(error).__name__) from None
        if response.status != HTTPStatus.OK:
            raise _refused(response, told)
        try:
            return msgspec.json.decode(told, type=answer)
        except msgspec.DecodeError:
            raise AwsError("UnreadableAnswer") from None

    async def _post(self, url: URL, headers: Mapping[str, str], body: bytes) -> tuple[aiohttp.ClientResponse, bytes]:
        lost = 0
        while True:
            try:
                # The caller keeps the time.
                async with self.session.post(url, headers=headers, data=body, timeout=_NO_LIMIT) as response:
                    return response, await response.read()
            except aiohttp.ClientConnectorError:
                raise
            except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError):
                # It was kept while the process was frozen and the service forgot it; the next may be as old.
                lost += 1
                if lost > CONNECTIONS:
                    raise

    async def _signed(
        self, url: URL, headers: Mapping[str, str], body: bytes, service: str, region: str
    ) -> dict[str, str]:
        try:
            key = await self.credentials.get_key(AIOHTTP(self.session))
        except Exception:  # whatever a source of credentials raises may quote what it asked with
            key = None
        if key is None:
            raise AwsError("NoCredentials")
        request = AWSRequest(
            destination=URI(scheme=url.scheme, host=url.host or "", port=url.explicit_port, path=url.path),
            method="POST",
            body=io.BytesIO(body),
            fields=Fields([Field(name=name, values=[value]) for name, value in headers.items()]),
        )
        identity = AWSCredentialIdentity(access_key_id=key.id, secret_access_key=key.secret, session_token=key.token)
        signed = self._signer.sign(
            request=request,
            identity=identity,
            properties={"region": region, "service": _SIGNED_AS.get(service, service)},
        )
        return {field.name: field.as_string() for field in signed.fields}


def _refused(response: aiohttp.ClientResponse, told: bytes) -> AwsError:
    try:
        refusal = msgspec.json.decode(told, type=_Refusal)
    except msgspec.DecodeError:
        refusal = _Refusal()
    named = response.headers.get("x-amzn-ErrorType") or refusal.type or f"status {response.status}"
    # It may stand in a namespace, and before an address.
    code = named.partition(":")[0].rpartition("#")[2]
    return AwsError(code, refusal.message or refusal.capital_message, response.status)
