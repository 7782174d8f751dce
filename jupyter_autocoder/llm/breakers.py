"""Breakers: what one process learned about a model or a key keeps new calls of all processes away for a while.

Closed (no row): calls pass. Open (until `open_until`): new calls are refused. Half-open (afterwards): one call passes
as a probe and the others wait for it; an answer closes the breaker, trouble opens it again for twice as long. The chain
of calls that met the trouble carries the breaker's name along and goes on.
"""

# ruff: noqa: S608 - statements are put together from constants alone, every value is a parameter
from __future__ import annotations

from typing import Final, Literal

from jupyter_autocoder.errors import RateLimited
from jupyter_autocoder.llm.refusals import duration
from jupyter_autocoder.llm.reservation import Ask
from jupyter_autocoder.store import Reading, Row, Statement, Writing

Kind = Literal["model", "key"]

FIRST_SECONDS: Final = 30.0
LONGEST_SECONDS: Final = 3600.0
PROBE_SECONDS: Final = 120.0


def name_of(kind: Kind, ask: Ask) -> str:
    return f"key:{ask.key}" if kind == "key" else f"model:{ask.key}:{ask.model}"


def names_of(ask: Ask) -> tuple[str, str]:
    return name_of("model", ask), name_of("key", ask)


def in_the_way(tx: Reading, ask: Ask, met: frozenset[str]) -> list[Row]:
    """Return the breakers of this attempt's model and key that its chain has not met itself."""
    names = [name for name in names_of(ask) if name not in met]
    if not names:
        return []
    return tx.rows(f"SELECT * FROM breakers WHERE scope IN ({', '.join('?' * len(names))})", *names)


def refusal(breaker: Row, ask: Ask, now: float) -> RateLimited | None:
    """Return why a new call must stay away, None when it may pass as the probe."""
    # A clock that was set back must not keep a breaker open for longer than it was meant to be.
    wait = min(max(breaker["open_until"], breaker["probe_until"]) - now, LONGEST_SECONDS)
    if wait <= 0:
        return None
    kind = breaker["scope"].partition(":")[0]
    subject = ask.model if kind == "model" else "this API key"
    return RateLimited(
        f"{subject} is left alone for {duration(wait)}",
        limit=f"{kind}_breaker",
        retry_after=wait,
        why=f"a call just failed: {breaker['reason']}",
        do="wait, or choose another model" if kind == "model" else "mend the account, or use another key",
    )


def start_probe(tx: Writing, breaker: Row, now: float) -> None:
    tx.run("UPDATE breakers SET probe_until = ? WHERE scope = ?", now + PROBE_SECONDS, breaker["scope"])


def trip(tx: Writing, name: str, reason: str, seconds: float | None, now: float) -> None:
    """Open the breaker for `seconds`; None is half a minute, doubled with every failure in a row up to an hour."""
    there = tx.row("SELECT failures, open_until FROM breakers WHERE scope = ?", name)
    # Several calls that fail together are one failure.
    failures = 1 if there is None else there["failures"] + int(there["open_until"] <= now)
    length = min(FIRST_SECONDS * 2 ** min(failures - 1, 20) if seconds is None else seconds, LONGEST_SECONDS)
    tx.run(
        "INSERT INTO breakers (scope, reason, failures, opened_at, open_until, probe_until) VALUES (?, ?, ?, ?, ?, 0) "
        "ON CONFLICT (scope) DO UPDATE SET reason = excluded.reason, failures = excluded.failures, "
        "opened_at = excluded.opened_at, open_until = excluded.open_until, probe_until = 0",
        *(name, reason[:300], failures, now, now + length),
    )


def close(ask: Ask, sent_at: float) -> Statement:
    """Return the statement that forgets the breakers of a model and key that have answered.

    Only an attempt made after they had opened proves that they are needed no more.
    """
    return "DELETE FROM breakers WHERE scope IN (?, ?) AND opened_at <= ?", (*names_of(ask), sent_at)


def end_probe(ask: Ask) -> Statement:
    """Return the statement that lets somebody else be the probe: this one was never sent."""
    return "UPDATE breakers SET probe_until = 0 WHERE scope IN (?, ?)", names_of(ask)
