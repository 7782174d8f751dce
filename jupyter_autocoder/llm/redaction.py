"""Take secrets out of text before it goes into a prompt, an error, a log or a notebook.

Patterns find what secrets look like; `known` secrets (the configured key) are found whatever they look like. What is
replaced says what it was: ``[API key removed]``. Nothing here can find a password that looks like a word.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import quote

_SHORTEST = 6


def redact(text: str, known: Iterable[str] = ()) -> str:
    """Give `text` with every secret, and every picture in base64, replaced by what it was."""
    text = remove(text, known)
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def remove(text: str, known: Iterable[str]) -> str:
    """Give `text` without the `known` secrets, and otherwise as it is."""
    for form in sorted(_forms(known), key=len, reverse=True):
        text = text.replace(form, "[key removed]")
    return text


def redact_value(value: Any, known: Iterable[str] = ()) -> Any:
    """Redact every text inside plain data (dicts, lists, texts); other values pass as they are."""
    known = tuple(known)
    return _each_text(value, lambda text: redact(text, known))


def remove_from_value(value: Any, known: Iterable[str]) -> Any:
    """Remove the `known` secrets from every text inside plain data, and change nothing else."""
    known = tuple(known)
    return _each_text(value, lambda text: remove(text, known))


def _each_text(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {_each_text(key, change): _each_text(item, change) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_each_text(item, change) for item in value)
    return value


def redact_error(error: BaseException, known: Iterable[str] = ()) -> str:
    """Give an exception's message without secrets, on one line, at most 500 characters long."""
    return " ".join(redact(str(error), known).split())[:500]


def _forms(known: Iterable[str]) -> set[str]:
    """Give the shapes in which a secret may turn up: as it is, escaped for a URL or JSON, in base64 (HTTP Basic)."""
    forms: set[str] = set()
    for secret in known:
        if len(secret) >= _SHORTEST:
            encoded = base64.b64encode(secret.encode("utf-8", "surrogatepass")).decode()
            forms |= {secret, quote(secret, safe=""), encoded, encoded.rstrip("=")}
    return forms


def _keep_name(match: re.Match[str]) -> str:
    return f"{match['name']}[secret removed]"


Replacement = str | Callable[[re.Match[str]], str]
_PATTERNS: tuple[tuple[re.Pattern[str], Replacement], ...] = (
    (
        re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|\Z)", re.DOTALL),
        "[private key removed]",
    ),
    (re.compile(r"data:image/[\w.+-]+;base64,[A-Za-z0-9+/=\s]{64,}"), "[image removed]"),
    # PNG, JPEG and GIF as notebooks store them: bare base64 under an image's MIME type.
    (re.compile(r"(?:iVBORw0KGgo|/9j/4|R0lGOD)[A-Za-z0-9+/=\n\\]{64,}"), "[image removed]"),
    # OpenAI, Anthropic, Stripe and those who copy their form.
    (re.compile(r"\b(?:sk|pk|rk)[-_](?:[A-Za-z]{2,12}[-_])*[A-Za-z0-9_-]{16,}"), "[API key removed]"),
    (re.compile(r"\b(?:A3T[A-Z0-9]|AKIA|AGPA|AIDA|AROA|AIPA|ANPA|ANVA|ASIA)[A-Z0-9]{16}\b"), "[AWS key removed]"),
    (re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,})"), "[GitHub token removed]"),
    (re.compile(r"\bglpat-[A-Za-z0-9_-]{16,}"), "[GitLab token removed]"),
    (re.compile(r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}"), "[Slack token removed]"),
    (re.compile(r"\bAIza[A-Za-z0-9_-]{35}"), "[Google key removed]"),
    (re.compile(r"\b(?:hf|npm|pypi)[_-][A-Za-z0-9_-]{20,}"), "[token removed]"),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"), "[token removed]"),
    (re.compile(r"(?P<name>\b[a-z][a-z0-9+.-]{1,30}://[^\s:/@'\"]{0,200}:)[^\s@'\"]{1,500}(?=@)", re.IGNORECASE),
     _keep_name),
    (re.compile(r"(?P<name>\b(?:Authorization|Proxy-Authorization|api-key|x-api-key)\b['\"]?\s*[:=]\s*['\"]?"
                r"(?:Bearer\s+|Basic\s+)?)[^\s'\",;}{]{6,}", re.IGNORECASE), _keep_name),
    (re.compile(r"(?P<name>\bBearer\s+)[A-Za-z0-9._~+/=-]{12,}", re.IGNORECASE), _keep_name),
    # password=..., "secret_key": "...", AccountKey=...: the value of a name that says what it holds.
    (re.compile(r"(?P<name>(?:password|passwd|pwd|secret|api_?key|access_?key|account_?key|auth_?token|"
                r"access_?token|private_?key)[\w-]{0,20}['\"]?\s*(?:=|:)\s*)"
                r"(?:\"[^\"\n]{4,}\"|'[^'\n]{4,}'|(?!\s*(?:os|getpass|input|None|True|False|str)\b)[^\s'\",;()\[\]{}]{6,})",
                re.IGNORECASE), _keep_name),
)  # fmt: skip
