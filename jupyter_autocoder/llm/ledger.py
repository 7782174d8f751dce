"""Writing into the ledger: one entry per attempt, and a correction where its lease had expired."""

# ruff: noqa: S608 - statements are put together from constants alone, every value is a parameter
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from jupyter_autocoder.events import Usage
from jupyter_autocoder.llm.counters import start_of
from jupyter_autocoder.llm.reservation import LARGEST
from jupyter_autocoder.store import Writing

# An answer cut short, filtered or declined is an answer all the same.
SUCCESSES: Final = frozenset({"ok", "stop", "length", "tool_calls", "content_filter", "refusal"})
EXPIRED: Final = "expired"

COLUMNS: Final = (
    "id, entry, at, reserved_at, day, month, who, process, face, notebook, model, fingerprint, requests, failed, "
    "estimated, input_tokens, cached_tokens, output_tokens, total_tokens, cost, latency, outcome"
)
_INSERT: Final = f"INSERT INTO ledger ({COLUMNS}) VALUES ({', '.join('?' * len(COLUMNS.split(',')))})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A row to be: what one attempt used, or (a correction) by how much its expired lease was charged wrongly."""

    kind: Literal["charge", "correction"]
    usage: Usage
    outcome: str
    latency: float | None
    requests: int = 1
    failed: int = 0
    estimated: int = 0


def is_possible(usage: Usage) -> bool:
    """Whether these counts can be what a request used: none is below 0, and a database can add them up."""
    counts = (usage.input_tokens, usage.cached_tokens, usage.output_tokens, usage.cost or 0)
    return all(type(count) is int and 0 <= count < LARGEST for count in counts)


def charge(usage: Usage, outcome: str, latency: float | None) -> Entry:
    """The entry of an attempt that ended while its lease was good, or with its lease."""
    failed = int(outcome not in SUCCESSES)
    return Entry(
        kind="charge", usage=usage, outcome=outcome, latency=latency, failed=failed, estimated=int(usage.estimated)
    )


def correction(charged: Usage, usage: Usage, outcome: str, latency: float | None) -> Entry:
    """The entry of an attempt whose end became known after its lease had expired and been charged at estimate."""
    difference = Usage(
        input_tokens=usage.input_tokens - charged.input_tokens,
        cached_tokens=usage.cached_tokens - charged.cached_tokens,
        output_tokens=usage.output_tokens - charged.output_tokens,
        cost=None if usage.cost is None or charged.cost is None else usage.cost - charged.cost,
    )
    return Entry(
        kind="correction",
        usage=difference,
        outcome=outcome,
        latency=latency,
        requests=0,
        failed=-int(outcome in SUCCESSES),
        estimated=-int(not usage.estimated),
    )


def write(tx: Writing, lease: Mapping[str, Any], entry: Entry, *, now: float) -> None:
    """Append `entry` for the reservation row `lease`; the database adds it to its sums."""
    usage, at = entry.usage, lease["at"]
    tx.run(
        _INSERT,
        *(lease["id"], entry.kind, now, at, start_of("day", at), start_of("month", at), lease["who"]),
        *(lease["process"], lease["face"], lease["notebook"], lease["model"], lease["fingerprint"]),
        *(entry.requests, entry.failed, entry.estimated, usage.input_tokens, usage.cached_tokens),
        *(usage.output_tokens, usage.total_tokens, usage.cost, entry.latency, entry.outcome),
    )
