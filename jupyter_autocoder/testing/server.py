"""An OpenAI-compatible server on a loopback socket: real HTTP, so it serves every process and every SDK version."""

from __future__ import annotations

import contextlib
import json
import select
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import urlsplit

from jupyter_autocoder.testing import wire
from jupyter_autocoder.testing.accepts import problems
from jupyter_autocoder.testing.replies import FOREVER, Reply, failure, read_reply

Answerer = Callable[[dict[str, Any]], Any]
Answers = str | Reply | Answerer | Mapping[str, Any] | Iterable[Any]


@dataclass(frozen=True, kw_only=True)
class Received:
    """One request as it came; header names are in lower case, `at` is `time.monotonic()`."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]
    at: float = field(default_factory=time.monotonic)


class FakeOpenAI:
    """Serve scripted answers at `base_url` from a thread of its own, for as long as the ``with`` block lasts.

    `answers` is a text or Reply (always the same), a list of them (used up in order), a mapping from a part of the
    last message to an answer, or a function of the request's body. A list that is used up, and a prompt that no key
    matches, are answered with 400 and a message that says so. `embeddings` scripts that endpoint in the same manner;
    by default every text gets a stable vector. `api_key`: any other key gets 401. `validate`: a request that breaks
    the API's schema, or has a key the API does not know, gets 400 and is noted in `problems`.

    Seen afterwards: `requests` (the bodies in order), `received` (with headers), `disconnects` (requests whose client
    went away before the answer's end), `problems`.
    """

    def __init__(
        self,
        answers: Answers = "Hello from the fake model.",
        *,
        embeddings: Answers | None = None,
        models: tuple[str, ...] = ("gpt-4o", "gpt-4o-mini", "text-embedding-3-small"),
        api_key: str = "",
        validate: bool = False,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.models = models
        self.api_key = api_key
        self.validate = validate
        self.received: list[Received] = []
        self.problems: list[str] = []
        self.disconnects = 0
        self.closing = threading.Event()
        self.connections: set[socket.socket] = set()
        self._chat = _script(answers)
        self._embeddings = None if embeddings is None else _script(embeddings)
        self._lock = threading.Lock()
        if validate:
            # The first use compiles the schema, half a second that no client's timeout should pay for.
            problems({}, endpoint="completions")
        self._http = _Server((host, port), _Handler, fake=self)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), name="fake-openai", daemon=True)

    @property
    def base_url(self) -> str:
        """The address to set as ``OPENAI_BASE_URL``."""
        host, port = self._http.server_address[:2]
        return f"http://{host!s}:{port}/v1"

    @property
    def requests(self) -> list[dict[str, Any]]:
        """The JSON bodies of all POST requests, in the order they came."""
        with self._lock:
            return [request.body for request in self.received if request.method == "POST"]

    def start(self) -> Self:
        """Begin to serve; ``with`` does it."""
        self._thread.start()
        return self

    def close(self) -> None:
        """Stop at once, stalled answers included; may be called twice."""
        if self.closing.is_set():
            return
        self.closing.set()
        if self._thread.is_alive():
            self._http.shutdown()
            self._thread.join()
        with self._lock:
            open_ones = list(self.connections)
        for connection in open_ones:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._http.server_close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def answer(self, request: Received) -> wire.Message:
        """Note a request and lay out its answer; called by the connection's thread."""
        with self._lock:
            self.received.append(request)
        if self.api_key and request.headers.get("authorization") != f"Bearer {self.api_key}":
            return wire.chat(failure(401, "Incorrect API key provided.", code="invalid_api_key"), {})
        path = urlsplit(request.path).path
        if request.method == "GET" and path.endswith("/models"):
            return _json(wire.models(self.models))
        if request.method == "POST" and path.endswith(("/chat/completions", "/embeddings")):
            return self._post(request.body, endpoint=path.rpartition("/")[2])
        return wire.chat(failure(404, f"Unknown request URL: {request.method} {path}.", code="unknown_url"), {})

    def _post(self, body: dict[str, Any], *, endpoint: str) -> wire.Message:
        found = problems(body, endpoint=endpoint) if self.validate else []
        if found:
            self.problems += found
            return wire.chat(failure(400, found[0], code="invalid_request"), {})
        script = self._embeddings if endpoint == "embeddings" else self._chat
        if script is None:
            return _json(wire.embeddings(body))
        with self._lock:
            try:
                reply = read_reply(script(body))
            # The script is the caller's own code; whatever it raises must reach the test as an answer, not hang it.
            except Exception as error:
                reply = failure(400, f"FakeOpenAI: {error}", code="no_answer")
        if endpoint == "embeddings" and reply == Reply():
            return _json(wire.embeddings(body))
        return _paced(wire.chat(reply, body), reply)

    def note_disconnect(self) -> None:
        """Count a client that left before its answer's end."""
        with self._lock:
            self.disconnects += 1

    def opened(self, connection: socket.socket) -> None:
        """Note a connection, so that closing the server ends it."""
        with self._lock:
            self.connections.add(connection)

    def closed(self, connection: socket.socket) -> None:
        """Forget a connection that has ended."""
        with self._lock:
            self.connections.discard(connection)


@dataclass(frozen=True, kw_only=True)
class _Paced(wire.Message):
    stall: float = 0.0
    pause: float = 0.0
    hang: int | None = None


def _paced(message: wire.Message, reply: Reply) -> _Paced:
    return _Paced(
        status=message.status,
        headers=message.headers,
        pieces=message.pieces,
        broken=message.broken,
        silent=message.silent,
        stall=reply.stall,
        pause=reply.pause,
        hang=reply.hang,
    )


def _json(body: dict[str, Any]) -> wire.Message:
    return wire.Message(
        status=200, headers={"content-type": "application/json"}, pieces=iter([json.dumps(body).encode()])
    )


def _script(answers: Answers) -> Answerer:
    if isinstance(answers, (str, Reply)):
        return lambda body: answers
    if callable(answers):
        return answers
    if isinstance(answers, Mapping):
        return lambda body: _look_up(answers, body)
    queue = iter(answers)

    def following(body: dict[str, Any]) -> Any:
        try:
            answer = next(queue)
        except StopIteration:
            msg = "no answer is left in the list"
            raise LookupError(msg) from None
        return answer(body) if callable(answer) else answer

    return following


def _look_up(answers: Mapping[str, Any], body: dict[str, Any]) -> Any:
    prompt = last_text(body)
    for part, answer in answers.items():
        if part in prompt:
            return answer(body) if callable(answer) else answer
    msg = f"no key of the answers is a part of the prompt {prompt!r:.300}"
    raise LookupError(msg)


def last_text(body: Mapping[str, Any]) -> str:
    """Give the text of the last message of a chat request."""
    messages = body.get("messages") or [{}]
    content = messages[-1].get("content") or ""
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content if isinstance(part, Mapping))


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handler: type[_Handler], *, fake: FakeOpenAI) -> None:
        self.fake = fake
        super().__init__(address, handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Stay silent: clients that hang up are what this server is for."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Without it a small piece waits for the acknowledgement of the one before: 40 ms a chunk.
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.fake.opened(self.connection)

    def finish(self) -> None:
        self.server.fake.closed(self.connection)
        with contextlib.suppress(OSError):
            super().finish()

    def do_GET(self) -> None:
        self._respond(b"")

    def do_POST(self) -> None:
        self._respond(self.rfile.read(int(self.headers.get("content-length") or 0)))

    def log_message(self, format: str, *args: Any) -> None:
        """Write nothing: the standard library's default goes to stderr."""

    def _respond(self, raw: bytes) -> None:
        try:
            body = json.loads(raw) if raw else {}
        except ValueError:
            self._send(wire.chat(failure(400, "We could not parse the JSON body of your request."), {}))
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Received(method=self.command, path=self.path, headers=headers, body=body)
        self._send(self.server.fake.answer(request))

    def _send(self, message: wire.Message) -> None:
        pace = message if isinstance(message, _Paced) else _paced(message, Reply())
        try:
            if not self._wait(pace.stall):
                return
            if not message.silent:
                self._head(message)
            for number, piece in enumerate(message.pieces):
                if number and not self._wait(FOREVER if number == pace.hang else pace.pause):
                    return
                self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece) if piece else b"")
            if message.broken:
                self._break()
            else:
                self.wfile.write(b"0\r\n\r\n")
        except OSError:
            self.server.fake.note_disconnect()
            self.close_connection = True

    def _head(self, message: wire.Message) -> None:
        self.send_response(message.status)
        for name, value in {**message.headers, "transfer-encoding": "chunked"}.items():
            self.send_header(name, value)
        self.end_headers()

    def _break(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def _wait(self, seconds: float) -> bool:
        """Let time pass; False when the client left or the server closes, and the connection ends."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if self.server.fake.closing.is_set():
                break
            readable, _, _ = select.select([self.connection], [], [], min(left, 0.02))
            if readable and self.connection.recv(1, socket.MSG_PEEK) == b"":
                self.server.fake.note_disconnect()
                break
        else:
            return True
        self.close_connection = True
        return False
