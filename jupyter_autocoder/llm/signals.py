"""What the model's server says is left (``x-ratelimit-*``): it makes the governor stricter for a while, never laxer.

A server's word is one more limit beside our own: so many requests or tokens until its reset, counted down by every
reservation, and forgotten after it. A newer answer replaces an older one; an answer to an attempt that was sent before
the stored one arrived may be the older, so of these two the smaller counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from jupyter_autocoder.errors import RateLimited
from jupyter_autocoder.llm.failures import parse_duration
from jupyter_autocoder.llm.refusals import duration
from jupyter_autocoder.llm.reservation import Ask
from jupyter_autocoder.store import Reading, Row, Writing

# A reset further away than this is taken for a mistake of the server.
LONGEST_SECONDS: Final = 86400.0
# More is no count of anything, and what no database holds.
_DIGITS: Final = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One pair of headers: `remaining` of `size` (None where not said) until `resets_in` seconds from now."""

    kind: Literal["requests", "tokens"]
    remaining: int
    resets_in: float
    size: int | None = None


def parse(headers: Mapping[str, str]) -> tuple[Signal, ...]:
    """Read the signals from an answer's headers; whatever is missing or malformed is no signal."""
    lower = {name.lower(): value for name, value in headers.items() if name.lower().startswith("x-ratelimit-")}
    found = []
    for kind in ("requests", "tokens"):
        remaining = _count(lower.get(f"x-ratelimit-remaining-{kind}", ""))
        resets_in = parse_duration(lower.get(f"x-ratelimit-reset-{kind}", ""))
        if remaining is None or resets_in is None or resets_in > LONGEST_SECONDS:
            continue
        size = _count(lower.get(f"x-ratelimit-limit-{kind}", ""))
        found.append(Signal(kind=kind, remaining=remaining, resets_in=resets_in, size=size))
    return tuple(found)


def heed(tx: Writing, ask: Ask, sent_at: float, signals: tuple[Signal, ...], now: float) -> None:
    """Store the signals of the answer to an attempt that was sent at `sent_at`."""
    for signal in signals:
        there = tx.row(
            "SELECT remaining, seen_at, reset_at FROM server_limits WHERE fingerprint = ? AND model = ? AND kind = ?",
            *(ask.key, ask.model, signal.kind),
        )
        remaining, reset_at = signal.remaining, now + signal.resets_in
        if there is not None and there["reset_at"] > now and sent_at <= there["seen_at"] <= now:
            remaining, reset_at = min(remaining, there["remaining"]), max(reset_at, there["reset_at"])
        tx.run(
            "INSERT INTO server_limits (fingerprint, model, kind, remaining, seen_at, reset_at) "
            "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (fingerprint, model, kind) DO UPDATE SET "
            "remaining = excluded.remaining, seen_at = excluded.seen_at, reset_at = excluded.reset_at",
            *(ask.key, ask.model, signal.kind, remaining, now, reset_at),
        )


def standing(tx: Reading, ask: Ask, now: float) -> list[Row]:
    """Return what the server said of this model by this key and is still good."""
    return tx.rows(
        "SELECT kind, remaining, reset_at FROM server_limits "
        "WHERE fingerprint = ? AND model = ? AND reset_at > ? AND seen_at <= ?",
        *(ask.key, ask.model, now, now),
    )


def refusal(row: Row, ask: Ask, now: float) -> RateLimited | None:
    """Return why this attempt must wait for the server's reset, None when the server has room for it."""
    asked = 1 if row["kind"] == "requests" else ask.tokens
    if asked <= row["remaining"]:
        return None
    wait = row["reset_at"] - now
    return RateLimited(
        f"the model's server has no room for this before {duration(wait)} have passed",
        limit=f"server_{row['kind']}",
        retry_after=wait,
        why=f"it said that {max(row['remaining'], 0):,} {row['kind']} are left, this needs {asked:,}",
        do=f"wait {duration(wait)}, or ask for less",
    )


def count_down(tx: Writing, ask: Ask, now: float) -> None:
    """Take an attempt that is let through from what the server said is left."""
    tx.run(
        "UPDATE server_limits SET remaining = remaining - CASE kind WHEN 'requests' THEN 1 ELSE ? END "
        "WHERE fingerprint = ? AND model = ? AND reset_at > ?",
        *(ask.tokens, ask.key, ask.model, now),
    )


def _count(text: str) -> int | None:
    return int(text) if text.strip().isdecimal() and len(text) <= _DIGITS else None
