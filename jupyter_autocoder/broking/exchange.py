"""The paper broker's exchange: every price since the last look meets every open order, inside one transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from jupyter_autocoder.broking import papers
from jupyter_autocoder.broking.matching import meet
from jupyter_autocoder.broking.papers import HELD, PaperOrder
from jupyter_autocoder.broking.prices import PriceSource
from jupyter_autocoder.store import Reading, Writing
from jupyter_autocoder.trade.market import Quote
from jupyter_autocoder.trade.states import State
from jupyter_autocoder.trade.terms import OrderClass, OrderType, Side, TimeInForce
from jupyter_autocoder.trade.tickets import Leg


class Exchange:
    """Prices on one side, orders in the store on the other; `fees` is what a whole order costs."""

    def __init__(self, prices: PriceSource, fees: Callable[[Leg], Decimal]) -> None:
        self._prices = prices
        self._fees = fees

    def run(self, tx: Writing, account: str, *, since: float, until: float, fresh: str = "") -> None:
        """Bring one account from `since` to `until`; `fresh` names an order that was only just placed."""
        if fresh:
            self._place(tx, fresh)
        orders = papers.open_orders(tx, account)
        if orders:
            for quote in self._quotes(orders, since, until):
                self._show(tx, account, quote)
            self._end_of_session(tx, account, until)
        if fresh:
            self._end_immediate(tx, fresh)
        papers.set_matched(tx, account, until)

    def is_due(self, tx: Reading, account: str, *, since: float, until: float) -> bool:
        """Whether bringing the account up to date would change anything; reads only."""
        orders = papers.open_orders(tx, account)
        if any(self._is_over(found, until) for found in orders):
            return True
        waiting: dict[str, list[PaperOrder]] = {}
        for found in orders:
            waiting.setdefault(found.order.symbol, []).append(found)
        return any(
            self._concerns(found, quote) and meet(found.working_order, quote) != (found.working_order, None)
            for quote in self._quotes(orders, since, until)
            for found in waiting[quote.symbol]
        )

    def _concerns(self, found: PaperOrder, quote: Quote) -> bool:
        return quote.time >= found.created and self._trades(found, quote)

    def _quotes(self, orders: list[PaperOrder], since: float, until: float) -> list[Quote]:
        quotes = [
            quote
            for symbol in dict.fromkeys(one.order.symbol for one in orders)
            for quote in self._prices.path(symbol, since, until)
        ]
        return sorted(quotes, key=lambda quote: quote.time)

    def _show(self, tx: Writing, account: str, quote: Quote) -> None:
        for found in papers.open_orders(tx, account):
            if found.order.symbol != quote.symbol or not self._concerns(found, quote):
                continue
            # The trade before this one may have ended it: the other exit of a pair.
            current = papers.order(tx, found.client_order_id)
            if current is not None and current.working:
                self._meet(tx, current, quote)

    def _trades(self, found: PaperOrder, quote: Quote) -> bool:
        if self._is_over(found, quote.time):
            return False
        hours = self._prices.hours(quote.time)
        return bool(hours.open or "/" in quote.symbol or (hours.extended and found.order.extended_hours))

    def _meet(self, tx: Writing, found: PaperOrder, quote: Quote) -> None:
        working, trade = meet(found.working_order, quote)
        if trade is None:
            if working != found.working_order:
                papers.watch(tx, found, working)
            return
        fee = self._fees(replace(found.order, qty=trade.qty, notional=None)) if not found.fees else Decimal(0)
        after = papers.fill(tx, found, working, trade, quote, fee)
        self._after_fill(tx, after)

    def _after_fill(self, tx: Writing, found: PaperOrder) -> None:
        """Wake the exits of an entry; end the other exit of a pair."""
        if found.status == State.FILLED:
            for child in papers.children(tx, found.client_order_id):
                if child.status == HELD:
                    papers.set_status(tx, child.client_order_id, "accepted")
        if found.role == "entry" or not found.parent:
            return
        for other in papers.children(tx, found.parent):
            if other.client_order_id != found.client_order_id and other.working and found.status == State.FILLED:
                papers.close(tx, other, State.CANCELLED, "the other exit filled")
        parent = papers.order(tx, found.parent)
        if parent is not None and parent.order.order_class is OrderClass.OCO and found.status == State.FILLED:
            papers.mirror(tx, parent, found)

    def _place(self, tx: Writing, client_order_id: str) -> None:
        """Make the exits of an order of several parts; a pair's parent itself never trades."""
        found = papers.order(tx, client_order_id)
        assert found is not None
        leg = found.order
        if leg.order_class is None:
            return
        pair = leg.order_class is OrderClass.OCO
        side = leg.side if pair else (Side.SELL if leg.side is Side.BUY else Side.BUY)
        plain = replace(leg, side=side, order_class=None, take_profit=None, stop_loss=None, stop_loss_limit=None,
                        intent=None, limit_price=None, stop_price=None)  # fmt: skip
        status = "accepted" if pair else HELD
        exits = {}
        if leg.take_profit is not None:
            exits["take_profit"] = replace(plain, type=OrderType.LIMIT, limit_price=leg.take_profit)
        if leg.stop_loss is not None:
            kind = OrderType.STOP if leg.stop_loss_limit is None else OrderType.STOP_LIMIT
            exits["stop_loss"] = replace(
                plain, type=kind, stop_price=leg.stop_loss, limit_price=leg.stop_loss_limit
            )  # fmt: skip
        for role, order in exits.items():
            child = f"{client_order_id}.{role}"
            papers.insert_order(
                tx, found.account, order, child, closes=found.closes, parent=client_order_id, role=role, status=status
            )
        if pair:
            papers.set_status(tx, client_order_id, HELD)

    def _is_over(self, found: PaperOrder, now: float) -> bool:
        day = found.order.tif is TimeInForce.DAY and "/" not in found.order.symbol
        return day and found.closes is not None and now >= found.closes

    def _end_of_session(self, tx: Writing, account: str, now: float) -> None:
        for found in papers.open_orders(tx, account):
            if self._is_over(found, now):
                papers.close(tx, found, State.EXPIRED, "the session ended")
                parent = papers.order(tx, found.parent) if found.parent else None
                if parent is not None and parent.status == HELD:
                    papers.close(tx, parent, State.EXPIRED, "the session ended")

    def _end_immediate(self, tx: Writing, client_order_id: str) -> None:
        found = papers.order(tx, client_order_id)
        if found is None or not found.working or found.order.tif not in (TimeInForce.IOC, TimeInForce.FOK):
            return
        papers.close(tx, found, State.CANCELLED, "what could not be filled at once was cancelled")
