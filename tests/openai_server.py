"""A server that speaks as OpenAI's chat completions do, and answers as it is told to."""

import json
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

INPUT_TOKENS, OUTPUT_TOKENS = 1_000, 100
"""What it says that each request took."""

type Request = Mapping[str, Any]


class Reply:
    """What the server does with one request."""

    def __init__(self, body: object = None, status: int = 200) -> None:
        self.body = body
        self.status = status


type Script = Reply | Callable[[Request], Reply]

DROPPED = Reply()
"""The connection is closed without a word."""
SILENT = Reply()
"""Nothing is answered for as long as the server is there."""


def says(text: str | None, *, finish_reason: str = "stop", refusal: str | None = None) -> Reply:
    return _completion({"role": "assistant", "content": text, "refusal": refusal}, finish_reason)


def calls(arguments: object, *, finish_reason: str = "tool_calls", tool: str = "final_result") -> Reply:
    """A typed answer, or as text what is no JSON at all."""
    written = arguments if isinstance(arguments, str) else json.dumps(arguments)
    call = {"id": "call-1", "type": "function", "function": {"name": tool, "arguments": written}}
    return _completion({"role": "assistant", "content": None, "tool_calls": [call]}, finish_reason)


def unmeasured(reply: Reply) -> Reply:
    """The same, without what it took."""
    assert isinstance(reply.body, dict)
    return Reply({name: value for name, value in reply.body.items() if name != "usage"})


def fails(status: int, message: str = "no", code: str | None = None) -> Reply:
    return Reply({"error": {"message": message, "type": "error", "param": None, "code": code}}, status)


def _completion(message: Mapping[str, Any], finish_reason: str) -> Reply:
    usage = {
        "prompt_tokens": INPUT_TOKENS,
        "completion_tokens": OUTPUT_TOKENS,
        "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS,
    }
    # OpenRouter's servers name the provider and its reason as well.
    choice = {
        "index": 0,
        "message": message,
        "finish_reason": finish_reason,
        "native_finish_reason": finish_reason,
    }
    return Reply(
        {
            "id": "completion-1",
            "object": "chat.completion",
            "created": 1_760_000_000,
            "model": "scripted",
            "provider": "scripted",
            "choices": [choice],
            "usage": usage,
        }
    )


class OpenAiServer(ThreadingHTTPServer):
    """Answers by the scripts in turn, the last one again and again."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}/v1"
        self.scripts: deque[Script] = deque()
        self.requests: list[Request] = []
        self.headers: list[Message] = []
        self.paths: list[str] = []
        self.connections = 0
        self.closing = threading.Event()

    def verify_request(self, request: object, client_address: object) -> bool:
        self.connections += 1
        return True

    def script(self, *scripts: Script) -> None:
        self.scripts = deque(scripts)

    def reply(self, request: Request) -> Reply:
        script = self.scripts.popleft() if len(self.scripts) > 1 else self.scripts[0]
        return script if isinstance(script, Reply) else script(request)


@contextmanager
def openai_server() -> Iterator[OpenAiServer]:
    with OpenAiServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.closing.set()
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # which keeps connections
    server: OpenAiServer

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append(request)
        self.server.headers.append(self.headers)
        self.server.paths.append(self.path)
        reply = self.server.reply(request)
        if reply is SILENT:
            self.server.closing.wait()
        if reply in (DROPPED, SILENT):
            self.close_connection = True
            return
        body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        self.send_response(reply.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass
