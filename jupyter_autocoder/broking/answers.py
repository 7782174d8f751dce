"""Questions about the account: plain data and a sentence or table for each; reading only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from jupyter_autocoder.broking.base import Broker
from jupyter_autocoder.broking.card import moment, tail
from jupyter_autocoder.broking.tickets import TicketBook
from jupyter_autocoder.errors import TradeRefused
from jupyter_autocoder.trade.market import ZERO, Position
from jupyter_autocoder.trade.orders import Reading
from jupyter_autocoder.trade.terms import Query, canonical
from jupyter_autocoder.trade.words import STATE_WORDS, usd

DAY = 86_400.0
PERIODS = {"today": DAY, "day": DAY, "week": 7 * DAY, "month": 31 * DAY, "year": 366 * DAY}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`data` holds JSON's own types, amounts as decimal strings; `text` is for people."""

    data: dict[str, Any]
    text: str


class Answers:
    """What a person may ask; every answer says when it comes from play money or sample prices."""

    def __init__(self, broker: Broker, book: TicketBook, *, owner: str) -> None:
        self._broker = broker
        self._book = book
        self._owner = owner

    def answer(self, reading: Reading) -> Answer:
        """Answer a reading of kind query."""
        assert reading.query is not None
        answer = self._of(reading.query)(reading)
        return Answer(data={"query": reading.query.value, **answer.data}, text=answer.text)

    def _of(self, query: Query) -> Callable[[Reading], Answer]:
        return {
            Query.POSITIONS: self._positions,
            Query.POSITION: self._position,
            Query.ALLOCATION: self._positions,
            Query.BALANCE: self._money,
            Query.BUYING_POWER: self._money,
            Query.PORTFOLIO_VALUE: self._money,
            Query.PNL: self._gains,
            Query.ORDERS: self._orders,
            Query.ORDER_STATUS: self._status,
            Query.FILLS: self._fills,
            Query.QUOTE: self._quote,
            Query.MARKET_CLOCK: self._hours,
            Query.MODE: self._mode,
        }[query]

    def positions(self) -> Answer:
        """All holdings with their share of the account."""
        account = self._broker.account()
        found = self._broker.positions()
        data = {
            "account": tail(account.id),
            "mode": account.mode,
            "cash": canonical(account.cash),
            "equity": canonical(account.equity),
            "positions": [_holding(one, account.equity) for one in found],
        }
        lines = [f"{self._where()}  equity {usd(account.equity)}, cash {usd(account.cash)}"]
        rows = [_holding_row(one, account.equity) for one in found]
        lines += (
            table(("symbol", "shares", "cost", "last", "value", "gain", "share"), rows) if rows else ["no holdings"]
        )
        return Answer(data=data, text="\n".join(lines))

    def _positions(self, reading: Reading) -> Answer:
        return self.positions()

    def _position(self, reading: Reading) -> Answer:
        symbol = reading.symbol or ""
        found = next((one for one in self._broker.positions() if one.symbol == symbol), None)
        if found is None:
            return Answer(data={"symbol": symbol, "qty": "0"}, text=f"You hold no {symbol}. {self._where()}")
        equity = self._broker.account().equity
        text = "\n".join(
            table(("symbol", "shares", "cost", "last", "value", "gain", "share"), [_holding_row(found, equity)])
        )
        return Answer(data=_holding(found, equity), text=f"{self._where()}\n{text}")

    def _money(self, reading: Reading) -> Answer:
        account = self._broker.account()
        amounts = {"cash": account.cash, "equity": account.equity, "buying_power": account.buying_power}
        text = ", ".join(f"{name.replace('_', ' ')} {usd(amount)}" for name, amount in amounts.items())
        return Answer(
            data={name: canonical(amount) for name, amount in amounts.items()}, text=f"{self._where()} {text}"
        )

    def _gains(self, reading: Reading) -> Answer:
        positions = [one for one in self._broker.positions() if reading.symbol in (None, one.symbol)]
        open_gain = sum((one.gain for one in positions), ZERO)
        since = self._book.now() - PERIODS.get(reading.period or "today", DAY)
        fills = [one for one in self._broker.executions(since=since) if reading.symbol in (None, one.symbol)]
        known = [one.realised for one in fills if one.realised is not None]
        realised = sum(known, ZERO)
        data = {
            "unrealised": canonical(open_gain),
            "realised": canonical(realised),
            "period": reading.period or "today",
        }
        period = reading.period or "today"
        text = f"{self._where()} gain on what you hold {usd(open_gain)}, realised {period} {usd(realised)}"
        return Answer(data=data, text=text)

    def _orders(self, reading: Reading) -> Answer:
        found = [one for one in self._broker.open_orders() if reading.symbol in (None, one.symbol)]
        rows = [
            (one.symbol, one.side.value, one.type.value, "" if one.remaining is None else canonical(one.remaining),
             "" if one.limit_price is None else usd(one.limit_price),
             "" if one.stop_price is None else usd(one.stop_price), one.client_order_id)
            for one in found
        ]  # fmt: skip
        lines = (
            table(("symbol", "side", "type", "left", "limit", "stop", "order"), rows) if rows else ["no open orders"]
        )
        names = ("symbol", "side", "type", "remaining", "limit_price", "stop_price", "client_order_id")
        return Answer(
            data={"orders": [dict(zip(names, row, strict=True)) for row in rows]},
            text="\n".join([self._where(), *lines]),
        )

    def _status(self, reading: Reading) -> Answer:
        wanted = (reading.order_id or "").removeprefix("jac-").partition("-")[0]
        found = [one for one in self._book.recall(owner=self._owner) if not wanted or one.id == wanted]
        if not found:
            raise TradeRefused("there is no such ticket", reasons=("unknown_ticket",), do="list the tickets")
        text = "\n".join(f"{one.id}  {STATE_WORDS[one.state]}: {one.headline}" for one in found[:10])
        return Answer(data={"tickets": [{"id": one.id, "state": one.state.value} for one in found[:10]]}, text=text)

    def _fills(self, reading: Reading) -> Answer:
        since = self._book.now() - PERIODS.get(reading.period or "week", 7 * DAY)
        fills = [one for one in self._broker.executions(since=since) if reading.symbol in (None, one.symbol)]
        rows = [
            (moment(one.at), one.symbol, one.side.value, canonical(one.qty), usd(one.price), usd(one.fee))
            for one in fills
        ]
        names = ("at", "symbol", "side", "qty", "price", "fee")
        lines = table(names, rows) if rows else ["no fills"]
        return Answer(
            data={"fills": [dict(zip(names, row, strict=True)) for row in rows]},
            text="\n".join([self._where(), *lines]),
        )

    def _quote(self, reading: Reading) -> Answer:
        symbol = reading.symbol or ""
        quote = self._broker.quote(symbol)
        if quote is None:
            return Answer(data={"symbol": symbol}, text=f"There is no price for {symbol} here.")
        prices = {"bid": quote.bid, "ask": quote.ask, "last": quote.last}
        text = ", ".join(f"{name} {usd(price)}" for name, price in prices.items())
        data = {"symbol": symbol, **{name: canonical(price) for name, price in prices.items()}}
        return Answer(data=data, text=f"{symbol}: {text} ({quote.source})")

    def _hours(self, reading: Reading) -> Answer:
        hours = self._broker.hours()
        state = {True: "open", False: "closed", None: "unknown"}[hours.open]
        times = {"next_open": hours.next_open, "next_close": hours.next_close}
        shown = {name: moment(at) for name, at in times.items() if at is not None}
        text = f"The market is {state}" + "".join(f", {name.replace('_', ' ')} {at}" for name, at in shown.items())
        return Answer(data={"state": state, **shown}, text=f"{text}. {hours.note}".strip())

    def _mode(self, reading: Reading) -> Answer:
        return Answer(data={"mode": self._broker.mode, "broker": self._broker.name}, text=self._where())

    def _where(self) -> str:
        if self._broker.mode == "live":
            return f"LIVE account at {self._broker.name}:"
        return f"PAPER account at {self._broker.name}: {self._broker.note}".strip()


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Columns as wide as their widest cell; numbers keep to the right."""
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    return ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in [head, *rows]]


def _share(position: Position, equity: Decimal) -> Decimal:
    return (position.value / equity * 100).quantize(Decimal("0.1")) if equity > 0 else ZERO


def _holding(position: Position, equity: Decimal) -> dict[str, str]:
    return {
        "symbol": position.symbol,
        "qty": canonical(position.qty),
        "cost": canonical(position.cost),
        "last": "" if position.last is None else canonical(position.last),
        "value": canonical(position.value.quantize(Decimal("0.01"))),
        "gain": canonical(position.gain.quantize(Decimal("0.01"))),
        "share": canonical(_share(position, equity)),
    }


def _holding_row(position: Position, equity: Decimal) -> tuple[str, ...]:
    return (
        position.symbol,
        canonical(position.qty),
        usd(position.cost),
        usd(position.last),
        usd(position.value),
        usd(position.gain),
        f"{_share(position, equity)} %",
    )
