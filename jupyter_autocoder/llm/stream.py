"""An answer put together from what came over the wire, without any of the SDK's types.

A stream is complete when it said why it ended (``finish_reason``) and what it used (the usage chunk); many servers
break off without any error, so everything else counts as broken. Bytes are decoded a whole line at a time: a cut in the
middle of a character never becomes text.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard

from jupyter_autocoder.llm.prices import Tokens
from jupyter_autocoder.text import one_line, whole

# No answer within our own token limit comes near this; more is a server gone wild.
BASE_BYTES = 4_000_000
BYTES_PER_TOKEN = 1_000
_HEAD_BYTES = 65_536
_NAME = 300
# Hundreds of times the largest window there is.
MOST_TOKENS = 1_000_000_000


class Malformed(Exception):
    """The body is not what the protocol says; the message tells what it is instead."""


class ServerError(Exception):
    """An error object where an answer should be; `body` is the object, as the SDK's exceptions carry it."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        super().__init__(str(body.get("message") or body))
        self.body = body


class Answer:
    """What has come of one answer so far."""

    def __init__(self, *, room: int = BASE_BYTES) -> None:
        self.text = ""
        self.refusal = ""
        self.model = ""
        self.finish_reason = ""
        self.counts: Mapping[str, Any] | None = None
        self.headers: Mapping[str, str] = {}
        self._parts: list[str] = []
        self._half = ""
        self._calls: dict[int, dict[str, str]] = {}
        self.vectors: tuple[tuple[float, ...], ...] = ()
        self.raw = bytearray()
        """The bytes of a body that is not streamed, as far as they have come."""
        self._room = room

    @property
    def received(self) -> bool:
        """Whether any content came: from here on nobody else may be asked."""
        return bool(self._parts or self.refusal or self._calls)

    @property
    def complete(self) -> bool:
        return bool(self.finish_reason and self.counts)

    @property
    def calls(self) -> list[dict[str, str]]:
        """The tool calls in order, each with id, name and arguments as they came."""
        return [self._calls[index] for index in sorted(self._calls)]

    @property
    def spoken(self) -> str:
        """All that the model wrote, for an estimate of its tokens."""
        if self.raw and not self._parts:
            return self.raw.decode("utf-8", "replace")
        return "".join((*self._parts, self.refusal, *(part for call in self.calls for part in call.values())))

    def tokens(self) -> Tokens | None:
        """Give the server's own count, None when it gave none that makes sense.

        Some proxies count nothing and say 0: a question without a token, or an answer without one, is none.
        """
        counts = self.counts or {}
        details = counts.get("prompt_tokens_details")
        details = details if isinstance(details, Mapping) else {}
        prompt, answer = counts.get("prompt_tokens"), counts.get("completion_tokens", 0)
        if not _is_count(prompt) or not _is_count(answer) or not prompt or (self.received and not answer):
            return None
        cached, written = details.get("cached_tokens"), details.get("cache_write_tokens")
        return Tokens(
            input=prompt,
            cached=min(cached, prompt) if _is_count(cached) else 0,
            written=min(written, prompt) if _is_count(written) else 0,
            output=answer,
        )

    def allow(self, size: int) -> None:
        """Count the bytes that came; raises Malformed when the answer grows beyond all measure."""
        self._room -= size
        if self._room < 0:
            msg = "the answer is far longer than what was asked for"
            raise Malformed(msg)

    def feed_chunk(self, chunk: Any) -> str:
        """Take in one chunk of a stream and give the text it adds."""
        body = _object(chunk)
        self.model = _name(body.get("model")) or self.model
        if isinstance(body.get("usage"), Mapping):
            self.counts = body["usage"]
        before = len(self._parts)
        for choice in _objects(body.get("choices")):
            if choice.get("index", 0) == 0:
                self._take(choice.get("delta"))
                self.finish_reason = _name(choice.get("finish_reason")) or self.finish_reason
        return "".join(self._parts[before:])

    def feed_completion(self) -> None:
        """Take in the whole body of an answer that was not streamed; raises Malformed on anything else."""
        body = _parse(bytes(self.raw))
        choices = _objects(body.get("choices"))
        if not choices or not isinstance(choices[0].get("message"), Mapping):
            msg = "the server sent JSON that is no chat completion"
            raise Malformed(msg)
        self.model = _name(body.get("model"))
        self.counts = body["usage"] if isinstance(body.get("usage"), Mapping) else None
        self._take(choices[0]["message"])
        self.finish_reason = _name(choices[0].get("finish_reason"))

    def feed_embeddings(self, *, texts: int) -> None:
        """Take in the vectors of `texts` texts; raises Malformed when the body does not hold exactly these."""
        body = _parse(bytes(self.raw))
        rows = sorted(_objects(body.get("data")), key=lambda row: _number(row.get("index")))
        vectors = [row.get("embedding") for row in rows]
        if [row.get("index") for row in rows] != list(range(texts)) or not all(map(_is_vector, vectors)):
            msg = f"the server did not send one vector for each of {texts} texts"
            raise Malformed(msg)
        self.model = _name(body.get("model"))
        self.counts = body["usage"] if isinstance(body.get("usage"), Mapping) else None
        self.vectors = tuple(tuple(map(float, vector)) for vector in vectors if isinstance(vector, list))

    def close(self) -> None:
        """Join the text; call it when nothing more comes, for whatever reason."""
        self.text = "".join((*self._parts, whole(self._half)))

    def _take(self, delta: Any) -> None:
        if not isinstance(delta, Mapping):
            return
        if content := self._whole(delta.get("content")):
            self._parts.append(content)
        self.refusal += _text(delta.get("refusal"))
        for position, call in enumerate(_objects(delta.get("tool_calls"))):
            index = call.get("index")
            self._take_call(index if isinstance(index, int) else position, call)

    def _whole(self, content: Any) -> str:
        """Give the text so far without its last half character, which the next piece may make whole."""
        if not isinstance(content, str) or not content:
            return ""
        content = self._half + content
        self._half = content[-1] if "\ud800" <= content[-1] <= "\udbff" else ""
        return whole(content.removesuffix(self._half))

    def _take_call(self, index: int, call: Mapping[str, Any]) -> None:
        known = self._calls.setdefault(index, {"id": "", "name": "", "arguments": ""})
        function = call.get("function")
        function = function if isinstance(function, Mapping) else {}
        known["id"] = _name(call.get("id")) or known["id"]
        known["name"] = _name(function.get("name")) or known["name"]
        known["arguments"] += _text(function.get("arguments"))


class Events:
    """Splits a body into server-sent events and gives each one's JSON."""

    def __init__(self) -> None:
        self.done = False
        self.seen = 0
        self.head = bytearray()
        """The first bytes as long as no event came: an error page, plain JSON."""
        self._rest = bytearray()
        self._data: list[bytes] = []

    def feed(self, data: bytes) -> Iterator[Any]:
        """Give the JSON of every event that `data` completes; raises Malformed or ServerError."""
        if not self.seen and len(self.head) < _HEAD_BYTES:
            self.head += data[:_HEAD_BYTES]
        self._rest += data
        *lines, rest = self._rest.split(b"\n")
        self._rest = rest
        for line in lines:
            yield from self._line(bytes(line).rstrip(b"\r"))

    def check_any(self) -> None:
        """Call it at the body's end: raises ServerError or Malformed when there was no event at all."""
        if not self.seen:
            raise _no_events(bytes(self.head))

    def _line(self, line: bytes) -> Iterator[Any]:
        if line.startswith(b"data:"):
            self._data.append(line[6:] if line[5:6] == b" " else line[5:])
        if line or not self._data:
            return
        data, self._data = b"\n".join(self._data), []
        if data.strip() == b"[DONE]":
            self.done = True
        elif not self.done:
            self.seen += 1
            yield _parse(data)


def _no_events(head: bytes) -> Exception:
    try:
        body = json.loads(head)
    except (ValueError, RecursionError):
        return Malformed(_describe(head))
    error = body.get("error") if isinstance(body, Mapping) else None
    if isinstance(error, Mapping):
        return ServerError(error)
    return Malformed("the server sent plain JSON where a stream was asked for")


def _parse(raw: bytes) -> Mapping[str, Any]:
    try:
        return _object(json.loads(raw))
    except (ValueError, RecursionError):
        raise Malformed(_describe(raw)) from None


def _object(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        msg = f"the server sent {type(value).__name__} where an object belongs"
        raise Malformed(msg)
    error = value.get("error")
    if error:
        raise ServerError(error if isinstance(error, Mapping) else {"message": str(error)})
    return value


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _describe(raw: bytes) -> str:
    start = raw[:80].decode("utf-8", "replace").strip()
    if start[:1] == "<":
        return "the server sent a web page instead of an answer; a proxy or a login page may stand in between"
    return f"the server sent something that is no JSON: {start!r}" if start else "the server sent an empty answer"


def _text(value: Any) -> str:
    return whole(value) if isinstance(value, str) else ""


def _name(value: Any) -> str:
    """A short word that is shown and stored; no server needs a longer one."""
    return one_line(value, _NAME)


def _number(value: Any) -> float:
    return value if isinstance(value, (int, float)) else -1


def _is_vector(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(number, (int, float)) and abs(number) < 1e38 for number in value)


def _is_count(value: Any) -> TypeGuard[int]:
    return type(value) is int and 0 <= value <= MOST_TOKENS
