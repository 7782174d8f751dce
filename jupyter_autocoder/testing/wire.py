"""How a reply looks on the wire: pure functions from a Reply and the request's body to bytes."""

from __future__ import annotations

import hashlib
import itertools
import json
import struct
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jupyter_autocoder.testing.replies import Reply

Json = dict[str, Any]
_ids = itertools.count(1)


@dataclass(frozen=True, kw_only=True)
class Message:
    """A whole HTTP response, sent piece by piece.

    `broken`: the connection breaks after the pieces; `silent`: without even a status line.
    """

    status: int
    headers: Mapping[str, str]
    pieces: Iterator[bytes]
    broken: bool = False
    silent: bool = False


def chat(reply: Reply, request: Json) -> Message:
    """Lay out a chat answer as JSON, or as server-sent events when the request asks for a stream."""
    streamed = bool(request.get("stream")) and not reply.plain
    if reply.body is not None:
        pieces = iter([reply.body.encode() if isinstance(reply.body, str) else reply.body])
    elif streamed:
        pieces = _events(reply, request)
    else:
        pieces = iter([_dump(completion(reply, request))])
    kind = reply.content_type or ("text/event-stream; charset=utf-8" if streamed else "application/json")
    headers = {"content-type": kind, "x-request-id": f"req_fake{next(_ids)}", **reply.headers}
    if reply.cut is None:
        return Message(status=reply.status, headers=headers, pieces=pieces)
    if reply.cut == "start":
        return Message(status=reply.status, headers={}, pieces=iter(()), broken=True, silent=True)
    return Message(status=reply.status, headers=headers, pieces=_cut(pieces, reply.cut), broken=True)


def completion(reply: Reply, request: Json) -> Json:
    """Give the body of a chat completion that is not streamed."""
    message: Json = {
        "role": "assistant",
        "content": None if reply.refusal is not None or (reply.calls and not reply.text) else reply.text,
        "refusal": reply.refusal,
    }
    if reply.calls:
        message["tool_calls"] = [
            {"id": f"call_{i}", "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for i, call in enumerate(reply.calls)
        ]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish(reply)}
    body = {**_head(reply, request, "chat.completion"), "choices": [choice]}
    return {**body, "usage": usage(reply, request)} if reply.usage else body


def usage(reply: Reply, request: Json) -> Json:
    """Count the tokens: as the reply says, else a quarter of the bytes, which is all that a fake needs to know."""
    spoken = [reply.text, reply.refusal or "", *(call.name + call.arguments for call in reply.calls)]
    prompt = reply.prompt_tokens
    prompt = _count(json.dumps(request.get("messages", ""))) if prompt is None else prompt
    answer = _count("".join(spoken)) if reply.completion_tokens is None else reply.completion_tokens
    return {
        "prompt_tokens": prompt,
        "completion_tokens": answer,
        "total_tokens": prompt + answer,
        "prompt_tokens_details": {"cached_tokens": reply.cached_tokens, "audio_tokens": 0},
    }


def embeddings(request: Json, *, dimensions: int = 8) -> Json:
    """Give one vector of unit length for each input; equal texts get equal vectors."""
    texts = request["input"] if isinstance(request["input"], list) else [request["input"]]
    size = int(request.get("dimensions") or dimensions)
    vectors = [_vector(str(text), size) for text in texts]
    if request.get("encoding_format") == "base64":
        rows: list[Any] = [b64encode(struct.pack(f"<{size}f", *vector)).decode() for vector in vectors]
    else:
        rows = list(vectors)
    tokens = sum(_count(str(text)) for text in texts)
    data = [{"object": "embedding", "index": index, "embedding": row} for index, row in enumerate(rows)]
    counts = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": data, "model": request["model"], "usage": counts}


def models(names: tuple[str, ...]) -> Json:
    """Give the list of models."""
    rows = [{"id": name, "object": "model", "created": 1_700_000_000, "owned_by": "fake"} for name in names]
    return {"object": "list", "data": rows}


def _events(reply: Reply, request: Json) -> Iterator[bytes]:
    options = request.get("stream_options") or {}
    counted = bool(options.get("include_usage")) and reply.usage
    head = _head(reply, request, "chat.completion.chunk")
    if counted:
        head["usage"] = None

    def event(delta: Json, finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return b"data: " + _dump({**head, "choices": [choice]}) + b"\n\n"

    yield event({"role": "assistant", "content": "", "refusal": None})
    for delta in _deltas(reply):
        yield event(delta)
    if reply.finish_reason is not None:
        yield event({}, _finish(reply))
    if counted:
        yield b"data: " + _dump({**head, "choices": [], "usage": usage(reply, request)}) + b"\n\n"
    if reply.done:
        yield b"data: [DONE]\n\n"


def _deltas(reply: Reply) -> Iterator[Json]:
    for piece in _split(reply.text, reply.chunk):
        yield {"content": piece}
    for piece in _split(reply.refusal or "", reply.chunk):
        yield {"refusal": piece}
    for index, call in enumerate(reply.calls):
        function = {"name": call.name, "arguments": ""}
        yield {"tool_calls": [{"index": index, "id": f"call_{index}", "type": "function", "function": function}]}
        for piece in _split(call.arguments, reply.chunk):
            yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}


def _cut(pieces: Iterator[bytes], cut: int | str) -> Iterator[bytes]:
    parts = list(pieces)
    whole = b"".join(parts)
    if cut == "middle":
        # The first piece names the role, the second has content, and the third breaks off.
        yield b"".join(parts[:2]) + parts[2][:20] if len(parts) > 2 else whole[: len(whole) // 2]
        return
    leads = [index for index, byte in enumerate(whole) if byte >= 0xC0]
    yield whole[: leads[-1] + 1 if leads else len(whole) // 2] if cut == "character" else whole[: int(cut)]


def _head(reply: Reply, request: Json, kind: str) -> Json:
    model = reply.model or str(request.get("model", "fake"))
    return {"id": f"chatcmpl-fake{next(_ids)}", "object": kind, "created": int(time.time()), "model": model}


def _finish(reply: Reply) -> str | None:
    return "tool_calls" if reply.calls and reply.finish_reason == "stop" else reply.finish_reason


def _split(text: str, size: int) -> Iterator[str]:
    return (text[start : start + size] for start in range(0, len(text), size))


def _count(text: str) -> int:
    return -(-len(text.encode("utf-8", "surrogatepass")) // 4)


def _dump(value: Json) -> bytes:
    # Characters stay as they are, as the real server sends them, so that a cut can fall inside one.
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def _vector(text: str, size: int) -> list[float]:
    digest = hashlib.shake_256(text.encode("utf-8", "surrogatepass")).digest(size)
    raw = [byte / 127.5 - 1 for byte in digest]
    length = sum(x * x for x in raw) ** 0.5 or 1.0
    return [x / length for x in raw]
