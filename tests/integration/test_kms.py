"""Data keys from a KMS that authenticates the encryption context, and from some that fail."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
import pytest

from lead_memory.adapters.aws import Aws
from lead_memory.adapters.kms import KeyService
from lead_memory.domain.errors import KeysUnavailable

OURS, THEIRS = "0190d0c6-0000-7000-8000-000000000001", "0190d0c6-0000-7000-8000-000000000002"
ENOUGH_SECONDS = 7

type Answers = Callable[[str], None]


@pytest.fixture
def service(content_key: str, aws: Aws) -> KeyService:
    return KeyService(content_key, aws)


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Answers]:
    """Makes KMS answer everything with an error of this code, and with a message that names a key."""
    code = ""

    class Refusing(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            body = json.dumps({"__type": code, "message": "arn:aws:kms:us-east-1:000000000000:key/secret"}).encode()
            self.send_response(500 if code == "KMSInternalException" else 400)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    def answer(with_code: str) -> None:
        nonlocal code
        code = with_code

    with ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", f"http://127.0.0.1:{server.server_port}")
        yield answer
        server.shutdown()
        thread.join()


@contextmanager
def silence() -> Iterator[str]:
    """The address of a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


async def test_a_generated_key_unwraps_to_itself_and_each_is_another(service: KeyService) -> None:
    one, another = await service.generate(OURS), await service.generate(OURS)
    assert len({one.plaintext, another.plaintext, one.wrapped, another.wrapped}) == 4
    assert len(one.plaintext) == len(another.plaintext) == 32
    assert one.plaintext not in one.wrapped
    assert await service.unwrap(OURS, one.wrapped) == one.plaintext
    assert await service.unwrap(OURS, another.wrapped) == another.plaintext


async def test_a_key_made_for_one_organization_does_not_unwrap_for_another(service: KeyService) -> None:
    ours = await service.generate(OURS)
    with pytest.raises(KeysUnavailable, match="InvalidCiphertextException"):
        await service.unwrap(THEIRS, ours.wrapped)


async def test_the_encryption_context_is_the_organization_and_nothing_else(
    service: KeyService, content_key: str
) -> None:
    ours = await service.generate(OURS)
    kms = boto3.client("kms")
    opened = kms.decrypt(KeyId=content_key, CiphertextBlob=ours.wrapped, EncryptionContext={"organization_id": OURS})
    assert opened["Plaintext"] == ours.plaintext
    with pytest.raises(kms.exceptions.InvalidCiphertextException):
        kms.decrypt(KeyId=content_key, CiphertextBlob=ours.wrapped)


async def test_what_another_kms_key_wrapped_does_not_unwrap(service: KeyService, aws: Aws) -> None:
    elsewhere = KeyService(boto3.client("kms").create_key()["KeyMetadata"]["Arn"], aws)
    wrapped = (await elsewhere.generate(OURS)).wrapped
    with pytest.raises(KeysUnavailable, match="AccessDeniedException"):
        await service.unwrap(OURS, wrapped)


@pytest.mark.parametrize("at", [0, 60, -1])
async def test_a_wrapped_key_that_was_changed_does_not_unwrap(service: KeyService, at: int) -> None:
    changed = bytearray((await service.generate(OURS)).wrapped)
    changed[at] ^= 1
    with pytest.raises(KeysUnavailable):
        await service.unwrap(OURS, bytes(changed))


@pytest.mark.parametrize(
    "code",
    [
        "AccessDeniedException",
        "DisabledException",
        "InvalidCiphertextException",
        "KMSInternalException",
        "KMSInvalidStateException",
        "KeyUnavailableException",
        "NotFoundException",
        "ThrottlingException",
    ],
)
async def test_an_error_of_kms_is_named_by_its_code_alone(aws: Aws, answers: Answers, code: str) -> None:
    answers(code)
    service = KeyService("the-key", aws)
    for asked in (service.generate(OURS), service.unwrap(OURS, b"wrapped")):
        with pytest.raises(KeysUnavailable) as raised:
            await asked
        assert str(raised.value) == f"KMS did not give a data key: {code}"


async def test_a_silent_kms_is_given_up_in_time_for_the_answer(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    with silence() as address:
        monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", address)
        started = time.monotonic()
        with pytest.raises(KeysUnavailable, match="TimeoutError"):
            await KeyService("the-key", aws).generate(OURS)
        assert time.monotonic() - started < ENOUGH_SECONDS


async def test_no_kms_at_all_is_the_same_error(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", "http://127.0.0.1:9")
    with pytest.raises(KeysUnavailable, match="ClientConnectorError"):
        await KeyService("the-key", aws).unwrap(OURS, b"wrapped")
