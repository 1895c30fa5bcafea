"""Requests to AWS's JSON services, as the services see them."""

import json
import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from lead_memory.adapters.aws import Aws, AwsError

KEY, SECRET, TOKEN = "AKIDEXAMPLE", "wJalrXUtnFEMI", "a-session-token"
NO_ANSWER = 0
"""The connection ends."""
BODY = b'{"sql": "select 1"}'


class Received(NamedTuple):
    path: str
    headers: dict[str, str]
    body: bytes


class Service(ThreadingHTTPServer):
    """Answers with what is next in `answers`, and then with an empty object."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[tuple[int, dict[str, str], bytes]] = []
        self.received: list[Received] = []


class _Handler(BaseHTTPRequestHandler):
    server: Service

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append(Received(self.path, dict(self.headers), body))
        status, headers, answer = self.server.answers.pop(0) if self.server.answers else (200, {}, b"{}")
        if status == NO_ANSWER:
            self.close_connection = True
            return
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def service(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    with Service() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        for name, value in (
            ("AWS_ENDPOINT_URL_RDS_DATA", f"http://127.0.0.1:{server.server_port}"),
            ("AWS_ACCESS_KEY_ID", KEY),
            ("AWS_SECRET_ACCESS_KEY", SECRET),
            ("AWS_SESSION_TOKEN", TOKEN),
        ):
            monkeypatch.setenv(name, value)
        yield server
        server.shutdown()
        thread.join()


async def ask(aws: Aws) -> Any:
    headers = {"Content-Type": "application/json"}
    return await aws.ask("rds-data", BODY, dict[str, Any], seconds=2, path="/Execute", headers=headers)


async def test_a_request_is_signed_as_awss_own_sdk_signs_it(service: Service, aws: Aws) -> None:
    assert await ask(aws) == {}
    [(path, headers, body)] = service.received
    assert (path, body) == ("/Execute", BODY)
    signed_at = datetime.strptime(headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    assert abs((datetime.now(UTC) - signed_at).total_seconds()) < 60

    sdk = SigV4Auth(Credentials(KEY, SECRET, TOKEN), "rds-data", aws.region)
    named = headers["Authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    assert {"content-type", "host", "x-amz-date", "x-amz-security-token"} <= set(named)
    lower = {name.lower(): value for name, value in headers.items()}
    request = AWSRequest("POST", f"http://{lower['host']}{path}", {name: lower[name] for name in named}, body)
    request.context["timestamp"] = headers["X-Amz-Date"]
    to_sign = sdk.string_to_sign(request, sdk.canonical_request(request))
    assert headers["Authorization"].endswith(f"Signature={sdk.signature(to_sign, request)}")


@pytest.mark.parametrize(
    ("headers", "body", "code"),
    [
        (
            {"x-amzn-ErrorType": "BadRequestException:http://coral/"},
            {"message": "m"},
            "BadRequestException",
        ),
        ({}, {"__type": "com.amazonaws.kms#NotFoundException", "message": "m"}, "NotFoundException"),
        ({}, {"__type": "NotFoundException", "Message": "m"}, "NotFoundException"),
    ],
)
async def test_an_error_is_named_in_any_of_awss_ways_and_its_text_quotes_nothing(
    service: Service, aws: Aws, headers: dict[str, str], body: dict[str, str], code: str
) -> None:
    service.answers = [(400, headers, json.dumps(body).encode())]
    with pytest.raises(AwsError) as raised:
        await ask(aws)
    assert (str(raised.value), raised.value.message, raised.value.passing) == (code, "m", False)
    assert len(service.received) == 1


@pytest.mark.parametrize(
    "trouble",
    [
        (500, {}, b""),
        (503, {}, b"<html>busy</html>"),
        (400, {"x-amzn-ErrorType": "ThrottlingException"}, b"{}"),
        (400, {}, b'{"__type": "com.amazonaws.sqs#RequestThrottled"}'),
        (403, {"x-amzn-ErrorType": "ExpiredTokenException"}, b"{}"),
    ],
)
async def test_what_passes_is_asked_again_once(
    service: Service, aws: Aws, trouble: tuple[int, dict[str, str], bytes]
) -> None:
    service.answers = [trouble]
    assert await ask(aws) == {}
    service.answers = [trouble, trouble]
    with pytest.raises(AwsError):
        await ask(aws)
    assert len(service.received) == 4


async def test_connections_that_were_lost_while_they_were_kept_cost_no_request(service: Service, aws: Aws) -> None:
    service.answers = [(NO_ANSWER, {}, b"")] * 20
    assert await ask(aws) == {}


async def test_without_credentials_the_error_says_so_and_no_log_tells_what_was_asked(
    service: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"http://127.0.0.1:{service.server_port}/credentials")
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", TOKEN)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", "/nowhere")
    away = Aws(os.environ)
    try:
        with pytest.raises(AwsError, match=r"NoCredentials|TimeoutError"):
            await ask(away)
    finally:
        await away.close()
    assert TOKEN not in caplog.text


async def test_an_answer_that_is_none_is_an_error(service: Service, aws: Aws) -> None:
    service.answers = [(200, {}, b"<html>"), (200, {}, b"[]")]
    with pytest.raises(AwsError, match="UnreadableAnswer"):
        await ask(aws)


def test_without_variables_a_service_is_where_aws_has_it_in_the_region_asked_for() -> None:
    aws = Aws({"AWS_REGION": "sa-east-1"})
    assert str(aws.endpoint("kms")) == "https://kms.sa-east-1.amazonaws.com/"
    assert str(aws.endpoint("rds-data", "us-east-1")) == "https://rds-data.us-east-1.amazonaws.com/"
