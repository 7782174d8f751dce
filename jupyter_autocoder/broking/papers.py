"""The paper account's rows: orders, holdings, fills and cash. Every function works inside its caller's transaction."""

from __future__ import annotations

import functools
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from jupyter_autocoder.broking.base import Execution, Report
from jupyter_autocoder.broking.matching import Holding, Trade, Working, total
from jupyter_autocoder.store import Reading, Row, Writing
from jupyter_autocoder.trade.market import ZERO, OpenOrder, Position, Quote
from jupyter_autocoder.trade.states import State
from jupyter_autocoder.trade.terms import Side, canonical
from jupyter_autocoder.trade.tickets import Leg, encode, leg_from

__all__ = ["PaperOrder", "Reading", "Writing"]
HELD = "held"
_WORKING = ("accepted", "partially_filled")
# Orders in dollars and market orders reserve a little more than they cost now.
_PAD = Decimal("1.04")


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperOrder:
    """A row of `paper_orders`; `role` is "entry", "take_profit" or "stop_loss", `status` may also be ``held``."""

    client_order_id: str
    id: str
    account: str
    number: int
    parent: str
    role: str
    status: str
    working_order: Working
    filled_price: Decimal
    fees: Decimal
    message: str
    created: float
    closes: float | None

    @property
    def order(self) -> Leg:
        return self.working_order.order

    @property
    def working(self) -> bool:
        return self.status in _WORKING or self.status == HELD

    @property
    def remaining(self) -> Decimal | None:
        return None if self.order.qty is None else self.order.qty - self.working_order.filled

    @property
    def reserved(self) -> Decimal:
        """Money that an open purchase holds back."""
        if self.order.side is not Side.BUY or self.role != "entry" or self.order.intent is not None:
            return ZERO
        if self.order.notional is not None:
            return self.order.notional
        price = self.order.limit_price or (self.order.stop_price or self.order.price or ZERO) * _PAD
        return (self.remaining or ZERO) * price

    def open_order(self) -> OpenOrder:
        return OpenOrder(
            client_order_id=self.client_order_id,
            broker_order_id=self.id,
            symbol=self.order.symbol,
            side=self.order.side,
            type=self.order.type,
            # The two exits of a pair share their shares: only one of them may claim these.
            remaining=ZERO if self.role == "stop_loss" else self.remaining,
            limit_price=self.order.limit_price,
            stop_price=self.order.stop_price,
            tif=self.order.tif,
            exit=self.role != "entry",
        )

    def report(self) -> Report:
        state = State.ACCEPTED if self.status == HELD else State(self.status)
        return Report(
            client_order_id=self.client_order_id,
            broker_order_id=self.id,
            state=state,
            filled_qty=self.working_order.filled,
            filled_price=self.filled_price if self.working_order.filled else None,
            fees=self.fees,
            message=self.message,
            economics=self.order.economics(),
        )


def open_account(tx: Writing, account: str, cash: Decimal) -> float:
    """Return until when the account is up to date, opening it at its first use."""
    until = matched(tx, account)
    if until is not None:
        return until
    now = tx.now()
    tx.run(
        "INSERT INTO paper_accounts (id, cash, opened, matched) VALUES (?, ?, ?, ?)", account, canonical(cash), now, now
    )
    return now


def matched(tx: Reading, account: str) -> float | None:
    """Until when the account is up to date; None for one that was not opened yet."""
    row = tx.row("SELECT matched FROM paper_accounts WHERE id = ?", account)
    return None if row is None else float(row["matched"])


def cash(tx: Reading, account: str) -> Decimal:
    row = tx.row("SELECT cash FROM paper_accounts WHERE id = ?", account)
    return ZERO if row is None else Decimal(row["cash"])


def set_matched(tx: Writing, account: str, until: float) -> None:
    tx.run("UPDATE paper_accounts SET matched = ? WHERE id = ?", until, account)


def positions(tx: Reading, account: str) -> list[Position]:
    found = tx.rows("SELECT symbol, qty, cost FROM paper_positions WHERE account = ? ORDER BY symbol", account)
    return [Position(symbol=row["symbol"], qty=Decimal(row["qty"]), cost=Decimal(row["cost"])) for row in found]


def open_orders(tx: Reading, account: str) -> list[PaperOrder]:
    """Orders that can trade now, in the order they came."""
    found = tx.rows(
        "SELECT * FROM paper_orders WHERE account = ? AND status IN ('accepted', 'partially_filled') ORDER BY number",
        account,
    )
    return [_order(row) for row in found]


def children(tx: Reading, parent: str) -> list[PaperOrder]:
    found = tx.rows("SELECT * FROM paper_orders WHERE parent = ? ORDER BY number", parent)
    return [_order(row) for row in found]


def promised(tx: Reading, account: str, symbol: str, side: Side) -> Decimal:
    """Shares that open orders of one side claim; the two exits of a pair claim the same ones."""
    claims = [one.open_order() for one in open_orders(tx, account)]
    return sum((one.remaining or ZERO for one in claims if (one.symbol, one.side) == (symbol, side)), ZERO)


def order(tx: Reading, client_order_id: str) -> PaperOrder | None:
    row = tx.row("SELECT * FROM paper_orders WHERE client_order_id = ?", client_order_id)
    return None if row is None else _order(row)


def insert_order(
    tx: Writing,
    account: str,
    leg: Leg,
    client_order_id: str,
    *,
    closes: float | None,
    parent: str = "",
    role: str = "entry",
    status: str = "accepted",
) -> None:
    number = tx.row("SELECT coalesce(max(number), 0) + 1 AS n FROM paper_orders")
    tx.run(
        "INSERT INTO paper_orders (client_order_id, id, account, number, parent, role, status, form, triggered, mark, "
        "filled_qty, filled_price, fees, message, created, closes, changed) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, '', '0', '0', '0', '', ?, ?, ?)",
        client_order_id,
        f"paper-{secrets.token_hex(8)}",
        account,
        number["n"] if number else 1,
        parent,
        role,
        status,
        encode(leg),
        tx.now(),
        closes,
        tx.now(),
    )


def watch(tx: Writing, found: PaperOrder, working: Working) -> None:
    """Keep what an order has seen: that its stop was reached, how far its trailing stop has come."""
    tx.run(
        "UPDATE paper_orders SET triggered = ?, mark = ? WHERE client_order_id = ?",
        int(working.triggered),
        "" if working.mark is None else canonical(working.mark),
        found.client_order_id,
    )


def fill(tx: Writing, found: PaperOrder, working: Working, trade: Trade, quote: Quote, fee: Decimal) -> PaperOrder:
    """Write one trade: the fill, the holding, the cash and the order."""
    held = next((one for one in positions(tx, found.account) if one.symbol == found.order.symbol), None)
    before = Holding() if held is None else Holding(qty=held.qty, cost=held.cost)
    after, gain = before.after(found.order.side, trade)
    money = trade.qty * trade.price * (1 if found.order.side is Side.SELL else -1) - fee
    _set_position(tx, found.account, found.order.symbol, after)
    tx.run("UPDATE paper_accounts SET cash = ? WHERE id = ?", canonical(cash(tx, found.account) + money), found.account)
    tx.run(
        "INSERT INTO paper_fills (id, account, client_order_id, symbol, side, qty, price, fee, realised, source, at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        _fill_id(tx),
        found.account,
        found.client_order_id,
        found.order.symbol,
        found.order.side.value,
        canonical(trade.qty),
        canonical(trade.price),
        canonical(fee),
        canonical(gain - fee),
        quote.sample_time or quote.source,
        quote.time,
    )
    _set_filled(tx, found, working, trade, fee)
    written = order(tx, found.client_order_id)
    assert written is not None
    return written


def _fill_id(tx: Reading) -> str:
    """An id that sorts in the order of the trades, which may have happened at the same moment."""
    row = tx.row("SELECT count(*) AS n FROM paper_fills")
    return f"fill-{row['n'] if row else 0:09d}-{secrets.token_hex(4)}"


def close(tx: Writing, found: PaperOrder, state: State, message: str) -> None:
    """End an order that is not filled in full; its exits end too, or protect what did fill."""
    tx.run(
        "UPDATE paper_orders SET status = ?, message = ?, changed = ? WHERE client_order_id = ?",
        state.value,
        message,
        tx.now(),
        found.client_order_id,
    )
    filled = found.working_order.filled
    for child in children(tx, found.client_order_id):
        if child.status == HELD and filled:
            form = encode(replace(child.order, qty=filled, notional=None))
            tx.run("UPDATE paper_orders SET form = ? WHERE client_order_id = ?", form, child.client_order_id)
            set_status(tx, child.client_order_id, "accepted")
        elif child.working:
            close(tx, child, State.CANCELLED, "its entry ended without a fill")


def set_status(tx: Writing, client_order_id: str, status: str) -> None:
    tx.run(
        "UPDATE paper_orders SET status = ?, changed = ? WHERE client_order_id = ?", status, tx.now(), client_order_id
    )


def mirror(tx: Writing, parent: PaperOrder, exit_: PaperOrder) -> None:
    """Let an exit pair itself show what the exit that filled did."""
    tx.run(
        "UPDATE paper_orders SET status = 'filled', filled_qty = ?, filled_price = ?, fees = ?, message = ?, "
        "changed = ? WHERE client_order_id = ?",
        canonical(exit_.working_order.filled),
        canonical(exit_.filled_price),
        canonical(exit_.fees),
        f"the {exit_.role.replace('_', ' ')} filled",
        tx.now(),
        parent.client_order_id,
    )


def realised(tx: Reading, account: str, *, since: float) -> Decimal:
    found = tx.rows("SELECT realised FROM paper_fills WHERE account = ? AND at >= ?", account, since)
    return sum((Decimal(row["realised"]) for row in found), ZERO)


def executions(tx: Reading, account: str, *, since: float) -> Sequence[Execution]:
    found = tx.rows("SELECT * FROM paper_fills WHERE account = ? AND at >= ? ORDER BY at, id", account, since)
    return [
        Execution(
            id=row["id"],
            client_order_id=row["client_order_id"],
            symbol=row["symbol"],
            side=Side(row["side"]),
            qty=Decimal(row["qty"]),
            price=Decimal(row["price"]),
            at=row["at"],
            fee=Decimal(row["fee"]),
            realised=Decimal(row["realised"]),
        )
        for row in found
    ]


def _set_position(tx: Writing, account: str, symbol: str, holding: Holding) -> None:
    if holding.qty == 0:
        tx.run("DELETE FROM paper_positions WHERE account = ? AND symbol = ?", account, symbol)
        return
    tx.run(
        "INSERT INTO paper_positions (account, symbol, qty, cost) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (account, symbol) DO UPDATE SET qty = excluded.qty, cost = excluded.cost",
        account,
        symbol,
        canonical(holding.qty),
        canonical(holding.cost),
    )


def _set_filled(tx: Writing, found: PaperOrder, working: Working, trade: Trade, fee: Decimal) -> None:
    before = found.working_order.filled
    price = (before * found.filled_price + trade.qty * trade.price) / (before + trade.qty)
    wanted = total(found.order, trade.price) if found.order.qty is not None else working.filled
    whole = wanted is not None and working.filled >= wanted
    tx.run(
        "UPDATE paper_orders SET status = ?, triggered = 1, filled_qty = ?, filled_price = ?, fees = ?, changed = ? "
        "WHERE client_order_id = ?",
        "filled" if whole else "partially_filled",
        canonical(working.filled),
        canonical(price.quantize(Decimal("0.000001"))),
        canonical(found.fees + fee),
        tx.now(),
        found.client_order_id,
    )


@functools.lru_cache(maxsize=4096)
def _leg(form: str) -> Leg:
    # Orders that wait are read again at every look.
    return leg_from(form)


def _order(row: Row) -> PaperOrder:
    working = Working(
        order=_leg(row["form"]),
        filled=Decimal(row["filled_qty"]),
        triggered=bool(row["triggered"]),
        mark=Decimal(row["mark"]) if row["mark"] else None,
    )
    return PaperOrder(
        client_order_id=row["client_order_id"],
        id=row["id"],
        account=row["account"],
        number=row["number"],
        parent=row["parent"],
        role=row["role"],
        status=row["status"],
        working_order=working,
        filled_price=Decimal(row["filled_price"]),
        fees=Decimal(row["fees"]),
        message=row["message"],
        created=row["created"],
        closes=row["closes"],
    )
