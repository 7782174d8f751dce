"""The governor's tables: what is reserved, what was used, and who must wait."""

# ruff: noqa: S608 - statements are put together from constants alone
from __future__ import annotations

from collections.abc import Callable
from typing import Final

from jupyter_autocoder.store.migration import Each, Migration, append_only


def _table(create: str) -> Each:
    """Keep the rows in the primary key's own tree: half the pages to write where every transaction is flushed."""
    return Each(sqlite=f"{create} WITHOUT ROWID", postgres=create)


# One row per attempt that took a place in the windows; kept for a day after its end, because near a limit the sliding
# windows are counted here, row by row. `slot` 0: the attempt was never sent and counts no more. `tokens` are what the
# attempt counts for per minute: the estimate while it is open, the truth afterwards.
_RESERVATIONS: Final = (
    _table("""
    CREATE TABLE reservations (
        id TEXT PRIMARY KEY,
        who TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        model TEXT NOT NULL,
        face TEXT NOT NULL,
        notebook TEXT NOT NULL,
        process TEXT NOT NULL,
        at DOUBLE PRECISION NOT NULL,
        expires_at DOUBLE PRECISION NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('open', 'ended', 'expired')),
        slot BIGINT NOT NULL CHECK (slot IN (0, 1)),
        tokens BIGINT NOT NULL CHECK (tokens >= 0),
        input_tokens BIGINT NOT NULL CHECK (input_tokens >= 0),
        output_tokens BIGINT NOT NULL CHECK (output_tokens >= 0),
        cost BIGINT CHECK (cost >= 0)
    )
    """),
    "CREATE INDEX reservations_of_user ON reservations (who, at)",
    "CREATE INDEX reservations_of_key ON reservations (fingerprint, at)",
    "CREATE INDEX reservations_open ON reservations (expires_at) WHERE state = 'open'",
)

# The truth. `entry` is "charge" for the attempt itself and "correction" for what became known after its lease expired;
# the sums of both are what was used, column by column: a correction's `requests` is 0, and the others are differences,
# which may be negative. `cost` is in micro-USD, NULL where the price is unknown. `day` counts the UTC days
# since 1970, `month` is 202611 for November 2026; both are those of the reservation.
_LEDGER: Final[tuple[str | Each, ...]] = (
    _table("""
    CREATE TABLE ledger (
        id TEXT NOT NULL,
        entry TEXT NOT NULL CHECK (entry IN ('charge', 'correction')),
        at DOUBLE PRECISION NOT NULL,
        reserved_at DOUBLE PRECISION NOT NULL,
        day BIGINT NOT NULL,
        month BIGINT NOT NULL,
        who TEXT NOT NULL,
        process TEXT NOT NULL,
        face TEXT NOT NULL,
        notebook TEXT NOT NULL,
        model TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        requests BIGINT NOT NULL,
        failed BIGINT NOT NULL,
        estimated BIGINT NOT NULL,
        input_tokens BIGINT NOT NULL,
        cached_tokens BIGINT NOT NULL,
        output_tokens BIGINT NOT NULL,
        total_tokens BIGINT NOT NULL,
        cost BIGINT,
        latency DOUBLE PRECISION,
        outcome TEXT NOT NULL,
        PRIMARY KEY (id, entry)
    )
    """),
    "CREATE INDEX ledger_by_time ON ledger (reserved_at)",
    *append_only("ledger"),
)

# Sums, kept so that neither a reservation nor a report reads a million rows; the governor's `verify` computes them
# anew. `scope` is "user:NAME", "key:FINGERPRINT" or "model:FINGERPRINT:NAME". Days and months sum the ledger; seconds
# and hours sum the reservations, for the sliding windows; `start` counts spans since 1970 (a month is 202611).
_TOTALS: Final = (
    _table("""
    CREATE TABLE counters (
        scope TEXT NOT NULL,
        span TEXT NOT NULL CHECK (span IN ('second', 'hour', 'day', 'month')),
        start BIGINT NOT NULL,
        requests BIGINT NOT NULL,
        tokens BIGINT NOT NULL,
        cost BIGINT NOT NULL,
        PRIMARY KEY (scope, span, start)
    )
    """),
    _table("""
    CREATE TABLE usage_daily (
        day BIGINT NOT NULL,
        who TEXT NOT NULL,
        face TEXT NOT NULL,
        notebook TEXT NOT NULL,
        model TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        requests BIGINT NOT NULL,
        failed BIGINT NOT NULL,
        estimated BIGINT NOT NULL,
        unpriced BIGINT NOT NULL,
        input_tokens BIGINT NOT NULL,
        cached_tokens BIGINT NOT NULL,
        output_tokens BIGINT NOT NULL,
        cost BIGINT NOT NULL,
        PRIMARY KEY (day, who, face, notebook, model, fingerprint)
    )
    """),
)

# What the model's server said is left (`remaining` until `reset_at`), and the breakers that keep new calls away.
_SIGNALS: Final = (
    """
    CREATE TABLE server_limits (
        fingerprint TEXT NOT NULL,
        model TEXT NOT NULL,
        kind TEXT NOT NULL CHECK (kind IN ('requests', 'tokens')),
        remaining BIGINT NOT NULL,
        seen_at DOUBLE PRECISION NOT NULL,
        reset_at DOUBLE PRECISION NOT NULL,
        PRIMARY KEY (fingerprint, model, kind)
    )
    """,
    """
    CREATE TABLE breakers (
        scope TEXT PRIMARY KEY,
        reason TEXT NOT NULL,
        failures BIGINT NOT NULL,
        opened_at DOUBLE PRECISION NOT NULL,
        open_until DOUBLE PRECISION NOT NULL,
        probe_until DOUBLE PRECISION NOT NULL
    )
    """,
)

# The database keeps the sums itself, in the transaction that changes a row: no version of this package, and nobody
# with a SQL prompt, can write into the ledger past them.
_ADD: Final = (
    "ON CONFLICT (scope, span, start) DO UPDATE SET requests = counters.requests + excluded.requests, "
    "tokens = counters.tokens + excluded.tokens, cost = counters.cost + excluded.cost"
)
_SUM_LEDGER: Final = f"""
    INSERT INTO counters (scope, span, start, requests, tokens, cost) VALUES
        ('user:' || NEW.who, 'day', NEW.day, NEW.requests, NEW.total_tokens, COALESCE(NEW.cost, 0)),
        ('user:' || NEW.who, 'month', NEW.month, NEW.requests, NEW.total_tokens, COALESCE(NEW.cost, 0)),
        ('key:' || NEW.fingerprint, 'day', NEW.day, NEW.requests, NEW.total_tokens, COALESCE(NEW.cost, 0)),
        ('key:' || NEW.fingerprint, 'month', NEW.month, NEW.requests, NEW.total_tokens, COALESCE(NEW.cost, 0))
    {_ADD};
    INSERT INTO usage_daily (day, who, face, notebook, model, fingerprint, requests, failed, estimated, unpriced,
        input_tokens, cached_tokens, output_tokens, cost)
    VALUES (NEW.day, NEW.who, NEW.face, NEW.notebook, NEW.model, NEW.fingerprint, NEW.requests, NEW.failed,
        NEW.estimated, CASE WHEN NEW.cost IS NULL THEN NEW.requests ELSE 0 END,
        NEW.input_tokens, NEW.cached_tokens, NEW.output_tokens, COALESCE(NEW.cost, 0))
    ON CONFLICT (day, who, face, notebook, model, fingerprint) DO UPDATE SET
        requests = usage_daily.requests + excluded.requests, failed = usage_daily.failed + excluded.failed,
        estimated = usage_daily.estimated + excluded.estimated, unpriced = usage_daily.unpriced + excluded.unpriced,
        input_tokens = usage_daily.input_tokens + excluded.input_tokens,
        cached_tokens = usage_daily.cached_tokens + excluded.cached_tokens,
        output_tokens = usage_daily.output_tokens + excluded.output_tokens, cost = usage_daily.cost + excluded.cost;
"""


def _sum_ledger(*, floor: str) -> str:
    return _SUM_LEDGER


def _scopes(row: str) -> tuple[str, str, str]:
    key = f"{row}.fingerprint"
    return f"'user:' || {row}.who", f"'key:' || {key}", f"'model:' || {key} || ':' || {row}.model"


def _add_window(*, floor: str) -> str:
    rows = ", ".join(
        f"({scope}, '{span}', {floor.format(f'NEW.at / {seconds}.0')}, NEW.slot, NEW.tokens, 0)"
        for scope in _scopes("NEW")
        for span, seconds in (("second", 1), ("hour", 3600))
    )
    return f"INSERT INTO counters (scope, span, start, requests, tokens, cost) VALUES {rows} {_ADD};"


def _take_window(*, floor: str) -> str:
    # Only what is there: a span that was forgotten since must not come back as less than nothing.
    return _change_window("requests = requests - OLD.slot, tokens = tokens - OLD.tokens", floor=floor)


def _mend_window(*, floor: str) -> str:
    difference = "requests = requests + NEW.slot - OLD.slot, tokens = tokens + NEW.tokens - OLD.tokens"
    return _change_window(difference, floor=floor)


def _move_window(*, floor: str) -> str:
    return _take_window(floor=floor) + _add_window(floor=floor)


def _change_window(change: str, *, floor: str) -> str:
    return "".join(
        f"UPDATE counters SET {change} WHERE span = '{span}' AND start = {floor.format(f'OLD.at / {seconds}.0')} "
        f"AND scope IN ({', '.join(_scopes('OLD'))});\n"
        for span, seconds in (("second", 1), ("hour", 3600))
    )


def _trigger(name: str, event: str, table: str, body: Callable[..., str], *, when: str = "") -> tuple[Each, ...]:
    sqlite, postgres = body(floor=_CUT), body(floor=_FLOOR)
    function = f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {postgres} RETURN NULL; END $$"
    create = f"CREATE TRIGGER {name} AFTER {event} ON {table}"
    only = f" WHEN ({when})" if when else ""
    return (
        Each(sqlite="", postgres=function),
        Each(
            sqlite=f"{create}{only} BEGIN {sqlite} END",
            postgres=f"{create} FOR EACH ROW{only} EXECUTE FUNCTION {name}()",
        ),
    )


# Times are positive, so that cutting off (SQLite) and rounding down (PostgreSQL) are the same.
_CUT: Final = "CAST({} AS BIGINT)"
_FLOOR: Final = "FLOOR({})::bigint"
_SUMMING: Final = (
    *_trigger("sum_ledger", "INSERT", "ledger", _sum_ledger),
    *_trigger("count_reservation", "INSERT", "reservations", _add_window),
    *_trigger("mend_reservation", "UPDATE OF slot, tokens", "reservations", _mend_window, when="OLD.at = NEW.at"),
    *_trigger("move_reservation", "UPDATE OF at", "reservations", _move_window, when="OLD.at <> NEW.at"),
)

GOVERNOR: Final = Migration(
    version=1, min_reader=1, part="governor", statements=(*_RESERVATIONS, *_LEDGER, *_TOTALS, *_SIGNALS, *_SUMMING)
)
