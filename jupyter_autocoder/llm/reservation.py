"""What the governor is asked, what it grants, and what it says is left."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from itertools import count
from typing import Literal

from jupyter_autocoder.llm.identity import fingerprint, is_fingerprint
from jupyter_autocoder.text import whole

Scope = Literal["user", "key", "model"]
LimitName = Literal[
    "requests_per_minute", "requests_per_day", "tokens_per_minute", "usd_per_request", "usd_per_day", "usd_per_month"
]
NAME_LENGTH = 300
# What a database can still add up.
LARGEST = 2**53
_MADE = count()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One attempt, before it is sent: which model by which key, how many tokens at most, and what they cost at most.

    `input_tokens` and `max_output_tokens` must never be below the truth, they are what is reserved; `cost` is in
    micro-USD, None where the price is unknown. `key` is the key's fingerprint, see `identity.fingerprint`; a raw key
    given by mistake is turned into one at once.
    """

    model: str
    key: str = field(default="", repr=False)
    input_tokens: int = 0
    max_output_tokens: int = 0
    cost: int | None = None
    face: str = "script"
    notebook: str = ""

    def __post_init__(self) -> None:
        if not is_fingerprint(self.key):
            object.__setattr__(self, "key", fingerprint(self.key))
        for name in ("input_tokens", "max_output_tokens", "cost"):
            value = getattr(self, name)
            if value is not None and (type(value) is not int or not 0 <= value < LARGEST):
                msg = f"{name} must be a whole number of at least 0, not {value!r}"
                raise ValueError(msg)
        for name in ("model", "face", "notebook"):
            object.__setattr__(self, name, whole(getattr(self, name)).replace("\0", "")[:NAME_LENGTH])

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.max_output_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """The right to send one attempt until `expires_at`; data alone, so that it may be kept or sent anywhere.

    `probe` says that a breaker let this one through to find out whether the trouble is over.
    """

    id: str
    ask: Ask
    user: str
    at: float
    expires_at: float
    probe: bool = False


def new_id(now: float) -> str:
    """Return a fresh reservation's id; ids sort as they were made, so that rows made together lie together."""
    return f"{first_id(now)}{next(_MADE) % 0x10000:04x}{secrets.token_hex(6)}"


def first_id(at: float) -> str:
    """Return a text that sorts before the ids made from `at` on."""
    return f"{max(int(at * 1e6), 0):014x}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What is left of one limit: `size` and `used` in requests, tokens or micro-USD; `resets_in` in seconds.

    For a sliding window `resets_in` is when the oldest use leaves it, for a budget when its day or month ends.
    """

    limit: LimitName
    scope: Scope
    size: int
    used: int
    resets_in: float

    @property
    def left(self) -> int:
        return max(self.size - self.used, 0)
