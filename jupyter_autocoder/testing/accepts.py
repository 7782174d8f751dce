"""What the fake server accepts when it validates: the API's request schemas, with unknown keys refused.

The keys are those of OpenAI's published description (version 2.3.0); the rules are those that requests break most.
"""

from __future__ import annotations

import functools
from typing import Any

Json = dict[str, Any]

_CHAT_KEYS = """
audio frequency_penalty function_call functions logit_bias logprobs max_completion_tokens max_tokens messages metadata
modalities model moderation n parallel_tool_calls prediction presence_penalty prompt_cache_key prompt_cache_options
prompt_cache_retention reasoning_effort response_format safety_identifier seed service_tier stop store stream
stream_options temperature tool_choice tools top_logprobs top_p user verbosity web_search_options
"""
CHAT_KEYS = frozenset(_CHAT_KEYS.split())

_TEXT: Json = {"type": "string"}
_PART: Json = {
    "type": "object",
    "required": ["type"],
    "oneOf": [
        {"properties": {"type": {"const": "text"}, "text": _TEXT}, "required": ["text"]},
        {"properties": {"type": {"const": "refusal"}, "refusal": _TEXT}, "required": ["refusal"]},
        {
            "properties": {
                "type": {"const": "image_url"},
                "image_url": {
                    "type": "object",
                    "properties": {"url": _TEXT, "detail": {"enum": ["auto", "low", "high", "original"]}},
                    "required": ["url"],
                    "additionalProperties": False,
                },
            },
            "required": ["image_url"],
        },
        {"properties": {"type": {"enum": ["input_audio", "file"]}}},
    ],
}
_CONTENT: Json = {"anyOf": [_TEXT, {"type": "array", "items": _PART, "minItems": 1}]}
_CALL: Json = {
    "type": "object",
    "properties": {
        "id": _TEXT,
        "type": {"const": "function"},
        "function": {
            "type": "object",
            "properties": {"name": _TEXT, "arguments": _TEXT},
            "required": ["name", "arguments"],
            "additionalProperties": False,
        },
    },
    "required": ["id", "type", "function"],
    "additionalProperties": False,
}


def _message(*, role: str, required: tuple[str, ...], **more: Json) -> Json:
    properties = {"role": {"const": role}, "content": _CONTENT, "name": _TEXT, **more}
    return {
        "type": "object",
        "properties": properties,
        "required": ["role", *required],
        "additionalProperties": False,
    }


_MESSAGE: Json = {
    "oneOf": [
        _message(role="developer", required=("content",)),
        _message(role="system", required=("content",)),
        _message(role="user", required=("content",)),
        _message(
            role="assistant",
            required=(),
            content={"anyOf": [_CONTENT, {"type": "null"}]},
            refusal={"type": ["string", "null"]},
            tool_calls={"type": "array", "items": _CALL, "minItems": 1},
            audio={},
            function_call={},
        ),
        _message(role="tool", required=("content", "tool_call_id"), tool_call_id=_TEXT),
    ]
}
_TOOL: Json = {
    "type": "object",
    "properties": {
        "type": {"const": "function"},
        "function": {
            "type": "object",
            "properties": {
                "name": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"},
                "description": _TEXT,
                "parameters": {"type": "object"},
                "strict": {"type": ["boolean", "null"]},
            },
            "required": ["name"],
            "additionalProperties": False,
        },
    },
    "required": ["type", "function"],
    "additionalProperties": False,
}
CHAT: Json = {
    "type": "object",
    "properties": {
        **{key: True for key in CHAT_KEYS},
        "model": {"type": "string", "minLength": 1},
        "messages": {"type": "array", "minItems": 1, "items": _MESSAGE},
        "tools": {"type": "array", "items": _TOOL, "maxItems": 128},
        "stream": {"type": ["boolean", "null"]},
        "stream_options": {
            "type": ["object", "null"],
            "properties": {"include_usage": {"type": "boolean"}, "include_obfuscation": {"type": "boolean"}},
            "additionalProperties": False,
        },
        "max_completion_tokens": {"type": ["integer", "null"], "minimum": 1},
        "max_tokens": {"type": ["integer", "null"], "minimum": 1},
        "temperature": {"type": ["number", "null"], "minimum": 0, "maximum": 2},
        "n": {"type": ["integer", "null"], "minimum": 1, "maximum": 128},
    },
    "required": ["model", "messages"],
    "additionalProperties": False,
}
EMBEDDINGS: Json = {
    "type": "object",
    "properties": {
        "input": {
            "anyOf": [_TEXT, {"type": "array", "items": {"type": ["string", "integer", "array"]}, "minItems": 1}]
        },
        "model": _TEXT,
        "encoding_format": {"enum": ["float", "base64"]},
        "dimensions": {"type": "integer", "minimum": 1},
        "user": _TEXT,
    },
    "required": ["model", "input"],
    "additionalProperties": False,
}


def problems(body: Any, *, endpoint: str) -> list[str]:
    """List what the API would refuse in a request to ``completions`` or ``embeddings``, as path and message."""
    found = [
        f"Invalid request at {error.json_path}: {error.message:.300}"
        for error in _validator(endpoint).iter_errors(body)
    ]
    if not found and isinstance(body, dict) and body.get("stream_options") and not body.get("stream"):
        found.append("Invalid request at $.stream_options: only allowed when 'stream' is set")
    return found


@functools.cache
def _validator(endpoint: str) -> Any:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(EMBEDDINGS if endpoint == "embeddings" else CHAT)
