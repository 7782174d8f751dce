"""Tickets, their legs, the kill switch, the audit, and the paper broker's account; amounts are decimal texts."""

from __future__ import annotations

from typing import Final

from jupyter_autocoder.store.migration import Each, Migration, append_only

# `body` is the ticket's canonical JSON and `hash` its SHA-256. `words` is the hash of the person's text, by which a
# cell that runs again is recognised; `origin` makes a follow-up ticket once only; `holder` is the process that sends.
_TICKETS: Final = """
    CREATE TABLE trade_tickets (
        id TEXT PRIMARY KEY,
        owner TEXT NOT NULL,
        session TEXT NOT NULL,
        mode TEXT NOT NULL,
        broker TEXT NOT NULL,
        account TEXT NOT NULL,
        status TEXT NOT NULL,
        body TEXT NOT NULL,
        hash TEXT NOT NULL,
        words TEXT NOT NULL,
        headline TEXT NOT NULL,
        origin TEXT UNIQUE,
        successor TEXT NOT NULL,
        message TEXT NOT NULL,
        holder TEXT NOT NULL,
        created DOUBLE PRECISION NOT NULL,
        expires DOUBLE PRECISION NOT NULL,
        changed DOUBLE PRECISION NOT NULL
    )
"""
# `sent` is when the one POST was allowed, committed before it happened.
_LEGS: Final = """
    CREATE TABLE trade_legs (
        ticket TEXT NOT NULL,
        leg BIGINT NOT NULL,
        client_order_id TEXT NOT NULL UNIQUE,
        account TEXT NOT NULL,
        status TEXT NOT NULL,
        symbol TEXT NOT NULL,
        side TEXT NOT NULL,
        size TEXT NOT NULL,
        notional TEXT NOT NULL,
        reducing BIGINT NOT NULL CHECK (reducing IN (0, 1)),
        confirmed DOUBLE PRECISION,
        sent DOUBLE PRECISION,
        broker_order_id TEXT NOT NULL,
        filled_qty TEXT NOT NULL,
        filled_price TEXT NOT NULL,
        fees TEXT NOT NULL,
        message TEXT NOT NULL,
        changed DOUBLE PRECISION NOT NULL,
        PRIMARY KEY (ticket, leg)
    )
"""
# Only the SHA-256 of a nonce is kept: who reads the database cannot use one that a card still holds.
_NONCES: Final = """
    CREATE TABLE trade_nonces (
        nonce TEXT PRIMARY KEY,
        ticket TEXT NOT NULL,
        person TEXT NOT NULL,
        session TEXT NOT NULL,
        issued DOUBLE PRECISION NOT NULL,
        used DOUBLE PRECISION
    )
"""
_APPROVALS: Final = """
    CREATE TABLE trade_approvals (
        ticket TEXT NOT NULL,
        person TEXT NOT NULL,
        at DOUBLE PRECISION NOT NULL,
        PRIMARY KEY (ticket, person)
    )
"""
_SWITCH: Final = """
    CREATE TABLE trade_switch (
        id BIGINT PRIMARY KEY CHECK (id = 1),
        state TEXT NOT NULL,
        person TEXT NOT NULL,
        reason TEXT NOT NULL,
        changed DOUBLE PRECISION NOT NULL
    )
"""
# `at` is in milliseconds. `chain` is the hash over `previous` and the row; a cut records where retention ended it.
_EVENTS: Final = """
    CREATE TABLE trade_events (
        seq BIGINT PRIMARY KEY,
        at BIGINT NOT NULL,
        ticket TEXT NOT NULL,
        leg BIGINT,
        step TEXT NOT NULL,
        before TEXT NOT NULL,
        after TEXT NOT NULL,
        actor TEXT NOT NULL,
        person TEXT NOT NULL,
        session TEXT NOT NULL,
        hash TEXT NOT NULL,
        detail TEXT NOT NULL,
        previous TEXT NOT NULL,
        chain TEXT NOT NULL UNIQUE
    )
"""
_CUTS: Final = """
    CREATE TABLE trade_cuts (
        upto BIGINT PRIMARY KEY,
        chain TEXT NOT NULL,
        removed BIGINT NOT NULL,
        person TEXT NOT NULL,
        at DOUBLE PRECISION NOT NULL
    )
"""
_SEALED: Final = ("id", "owner", "mode", "broker", "account", "body", "hash", "expires", "created")
_TOUCHED: Final = " OR ".join(f"OLD.{name} <> NEW.{name}" for name in _SEALED)


def _guard(table: str, verb: str, *, when: str, message: str) -> tuple[Each, Each]:
    """Statements that make `table` refuse `verb` for the rows that `when` picks out."""
    name = f"{table}_guard_{verb.lower()}"
    # PostgreSQL allows no look at other tables in a trigger's WHEN, so the question is asked in the function.
    function = (
        f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF {when} THEN "
        f"RAISE EXCEPTION '{message}' USING ERRCODE = 'restrict_violation'; END IF; "
        f"RETURN {'NEW' if verb == 'UPDATE' else 'OLD'}; END $$"
    )
    return (
        Each(sqlite="", postgres=function),
        Each(
            sqlite=f"CREATE TRIGGER {name} BEFORE {verb} ON {table} WHEN {when} "
            f"BEGIN SELECT RAISE(ABORT, '{message}'); END",
            postgres=f"CREATE TRIGGER {name} BEFORE {verb} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()",
        ),
    )


def _append_only_but_cut() -> tuple[Each, ...]:
    """The audit's guards: as `append_only`, but rows that a recorded cut covers may go."""
    uncut = "NOT EXISTS (SELECT 1 FROM trade_cuts WHERE upto >= OLD.seq)"
    guards = [statement for statement in append_only("trade_events") if "no_delete" not in statement.sqlite]
    return (*guards, *_guard("trade_events", "DELETE", when=uncut, message="trade_events is append-only"))


_PAPER: Final = (
    """
    CREATE TABLE paper_accounts (
        id TEXT PRIMARY KEY,
        cash TEXT NOT NULL,
        opened DOUBLE PRECISION NOT NULL,
        matched DOUBLE PRECISION NOT NULL
    )
    """,
    """
    CREATE TABLE paper_positions (
        account TEXT NOT NULL,
        symbol TEXT NOT NULL,
        qty TEXT NOT NULL,
        cost TEXT NOT NULL,
        PRIMARY KEY (account, symbol)
    )
    """,
    # `form` is the order as JSON; what changes stands beside it. `role` is of a bracket's parts, `parent` its entry.
    """
    CREATE TABLE paper_orders (
        client_order_id TEXT PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        account TEXT NOT NULL,
        number BIGINT NOT NULL,
        parent TEXT NOT NULL,
        role TEXT NOT NULL,
        status TEXT NOT NULL,
        form TEXT NOT NULL,
        triggered BIGINT NOT NULL CHECK (triggered IN (0, 1)),
        mark TEXT NOT NULL,
        filled_qty TEXT NOT NULL,
        filled_price TEXT NOT NULL,
        fees TEXT NOT NULL,
        message TEXT NOT NULL,
        created DOUBLE PRECISION NOT NULL,
        closes DOUBLE PRECISION,
        changed DOUBLE PRECISION NOT NULL
    )
    """,
    "CREATE INDEX paper_orders_open ON paper_orders (account, status)",
    """
    CREATE TABLE paper_fills (
        id TEXT PRIMARY KEY,
        account TEXT NOT NULL,
        client_order_id TEXT NOT NULL,
        symbol TEXT NOT NULL,
        side TEXT NOT NULL,
        qty TEXT NOT NULL,
        price TEXT NOT NULL,
        fee TEXT NOT NULL,
        realised TEXT NOT NULL,
        source TEXT NOT NULL,
        at DOUBLE PRECISION NOT NULL
    )
    """,
    "CREATE INDEX paper_fills_by_time ON paper_fills (account, at)",
)

TRADE: Final = Migration(
    version=3,
    min_reader=1,
    part="trade",
    statements=(
        _TICKETS,
        "CREATE INDEX trade_tickets_by_owner ON trade_tickets (owner, created)",
        "CREATE INDEX trade_tickets_by_words ON trade_tickets (owner, words, created)",
        "CREATE INDEX trade_tickets_by_status ON trade_tickets (status)",
        _LEGS,
        "CREATE INDEX trade_legs_by_time ON trade_legs (account, confirmed)",
        "CREATE INDEX trade_legs_by_symbol ON trade_legs (account, symbol)",
        _NONCES,
        _APPROVALS,
        _SWITCH,
        _EVENTS,
        "CREATE INDEX trade_events_by_ticket ON trade_events (ticket, seq)",
        _CUTS,
        *append_only("trade_cuts"),
        *append_only("trade_approvals"),
        *_append_only_but_cut(),
        *_guard(
            "trade_tickets",
            "UPDATE",
            when=f"OLD.status <> 'draft' AND ({_TOUCHED})",
            message="a ticket that was shown is sealed",
        ),
        *_PAPER,
    ),
)
