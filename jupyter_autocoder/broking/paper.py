"""The paper broker, the default: an account with play money in the store, filled at quotes from a price source.

It keeps the rules that matter of a real one: a client order id counts once for ever, orders are refused with a reason,
limit and stop orders wait until the price source moves there, shares that open orders hold are not sold twice, short
sales lock up 150 % of their value. Nothing runs in the background: whoever looks first brings the account up to date,
price by price since the last look, so that a limit touched in between has filled.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

from jupyter_autocoder.broking import papers
from jupyter_autocoder.broking.base import Broker, Execution, Report, SeenBefore
from jupyter_autocoder.broking.exchange import Exchange
from jupyter_autocoder.broking.matching import CENT
from jupyter_autocoder.broking.prices import CsvPrices, PriceSource, sample_prices
from jupyter_autocoder.errors import BrokerError
from jupyter_autocoder.settings import TradeSettings
from jupyter_autocoder.store import Store
from jupyter_autocoder.trade.limits import Capabilities
from jupyter_autocoder.trade.market import ZERO, Account, Asset, Hours, OpenOrder, Position, Quote
from jupyter_autocoder.trade.states import State
from jupyter_autocoder.trade.terms import Intent, OrderClass, OrderType, Side, TimeInForce
from jupyter_autocoder.trade.tickets import Leg

DAY = 86_400.0
_FRACTIONAL = frozenset({OrderType.MARKET, OrderType.LIMIT, OrderType.STOP, OrderType.STOP_LIMIT})
_CAPABILITIES = Capabilities(
    idempotency="permanent",
    times=frozenset({TimeInForce.DAY, TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK}),
    fractional_types=_FRACTIONAL,
    notional_types=frozenset({OrderType.MARKET}),
    extended_hours=True,
    short=True,
)


class PaperBroker(Broker):
    """One account of play money; `prices` says what things cost, the store's clock what time it is."""

    name = "paper"
    mode = "paper"

    def __init__(self, store: Store, prices: PriceSource, settings: TradeSettings, *, account: str) -> None:
        self._store = store
        self._prices = prices
        self._account = account
        self._exchange = Exchange(prices, self.fees)
        self._opening_cash = Decimal(str(settings.paper_cash)).quantize(CENT)
        self._commission = Decimal(str(settings.commission))
        self._per_share = Decimal(str(settings.commission_per_share))
        self.note = f"Play money. The prices are {prices.note}."

    def capabilities(self) -> Capabilities:
        return _CAPABILITIES

    def fees(self, order: Leg) -> Decimal:
        shares = order.qty if order.qty is not None else (order.cost / order.price if order.price else ZERO)
        return (self._commission + self._per_share * shares).quantize(CENT)

    def account(self) -> Account:
        with self._current() as tx:
            now = tx.now()
            positions = papers.positions(tx, self._account)
            cash = papers.cash(tx, self._account)
            orders = papers.open_orders(tx, self._account)
            today = papers.realised(tx, self._account, since=now - DAY)
        values = [position.qty * (self._last(position.symbol, now) or position.cost) for position in positions]
        short = -sum((value for value in values if value < 0), ZERO)
        reserved = sum((order.reserved for order in orders), ZERO)
        power = cash - reserved - short * Decimal("1.5")
        return Account(
            id=self._account,
            mode="paper",
            cash=cash.quantize(CENT),
            equity=(cash + sum(values, ZERO)).quantize(CENT),
            buying_power=max(power, ZERO).quantize(CENT),
            day_loss=max(-today, ZERO),
            day_gain=today,
        )

    def positions(self) -> Sequence[Position]:
        with self._current() as tx:
            now = tx.now()
            held = papers.positions(tx, self._account)
        return [
            Position(symbol=one.symbol, qty=one.qty, cost=one.cost, last=self._last(one.symbol, now)) for one in held
        ]

    def open_orders(self) -> Sequence[OpenOrder]:
        with self._current() as tx:
            return [order.open_order() for order in papers.open_orders(tx, self._account)]

    def quote(self, symbol: str) -> Quote | None:
        with self._store.read() as tx:
            return self._prices.quote(symbol, tx.now())

    def asset(self, symbol: str) -> Asset | None:
        """Every symbol exists here; whether it has a price is another question."""
        return Asset(symbol=symbol, tradable=True, fractionable=True, shortable="/" not in symbol)

    def hours(self) -> Hours:
        with self._store.read() as tx:
            return self._prices.hours(tx.now())

    def submit(self, order: Leg, *, client_order_id: str) -> Report:
        with self._store.write() as tx:
            now = self._up_to_date(tx)
            if papers.order(tx, client_order_id) is not None:
                raise SeenBefore("the paper broker refused: client_order_id must be unique", definite=True, status=422)
            self._check(tx, order)
            hours = self._prices.hours(now)
            papers.insert_order(tx, self._account, order, client_order_id, closes=hours.next_close)
            self._exchange.run(tx, self._account, since=now, until=tx.now(), fresh=client_order_id)
            found = papers.order(tx, client_order_id)
        assert found is not None
        return found.report()

    def lookup(self, client_order_id: str) -> Report | None:
        with self._current() as tx:
            found = papers.order(tx, client_order_id)
        return None if found is None or found.account != self._account else found.report()

    def cancel(self, client_order_id: str) -> None:
        with self._store.write() as tx:
            self._up_to_date(tx)
            found = papers.order(tx, client_order_id)
            if found is None or found.account != self._account:
                raise _refuse("there is no such order", 404)
            if not found.working:
                raise _refuse(f"the order is {found.status} already", 422)
            papers.close(tx, found, State.CANCELLED, "cancelled on request")

    def executions(self, *, since: float) -> Sequence[Execution]:
        with self._current() as tx:
            return papers.executions(tx, self._account, since=since)

    @contextmanager
    def _current(self) -> Iterator[papers.Reading]:
        """A view of the account brought up to date; it takes the write lock only where a price changes something."""
        with self._store.read() as tx:
            matched = papers.matched(tx, self._account)
            if matched is not None and not self._exchange.is_due(tx, self._account, since=matched, until=tx.now()):
                yield tx
                return
        with self._store.write() as tx:
            self._up_to_date(tx)
            yield tx

    def _up_to_date(self, tx: papers.Writing) -> float:
        """Open the account at its first use, and let every price since the last look meet the open orders."""
        now = tx.now()
        matched = papers.open_account(tx, self._account, self._opening_cash)
        self._exchange.run(tx, self._account, since=matched, until=now)
        return now

    def _last(self, symbol: str, now: float) -> Decimal | None:
        quote = self._prices.quote(symbol, now)
        return None if quote is None else quote.last

    def _check(self, tx: papers.Writing, order: Leg) -> None:
        """Refuse as a broker would what the gate should have caught; nothing here trusts the caller."""
        price = self._last(order.symbol, tx.now())
        if price is None:
            raise _refuse(f"there is no price for {order.symbol}", 422)
        if not order.size.is_finite() or order.size <= 0:
            raise _refuse("the size must be above zero", 422)
        if order.order_class is OrderClass.OCO and None in (order.take_profit, order.stop_loss):
            raise _refuse("an exit pair needs both prices", 422)
        shares = order.size if order.qty is not None else order.size / price
        held = next((one.qty for one in papers.positions(tx, self._account) if one.symbol == order.symbol), ZERO)
        promised = papers.promised(tx, self._account, order.symbol, order.side)
        if order.side is Side.SELL and order.intent is not Intent.SHORT and shares > max(held, ZERO) - promised:
            raise _refuse(f"insufficient qty available: {held - promised} of {order.symbol}", 403)
        if order.intent is Intent.COVER and shares > max(-held, ZERO) - promised:
            raise _refuse(f"insufficient short qty to cover: {-held}", 403)
        closing = (order.side is Side.SELL) == (held > 0) and held != 0
        if not closing:
            self._check_power(tx, order, shares * (order.limit_price or price))

    def _check_power(self, tx: papers.Writing, order: Leg, needed: Decimal) -> None:
        reserved = sum((one.reserved for one in papers.open_orders(tx, self._account)), ZERO)
        short = sum(
            (-one.qty * (self._last(one.symbol, tx.now()) or one.cost) for one in papers.positions(tx, self._account)
             if one.qty < 0), ZERO,
        )  # fmt: skip
        power = papers.cash(tx, self._account) - reserved - short * Decimal("1.5")
        # A short sale brings in its own proceeds; only the other half of the collateral comes out of the account.
        needed = needed / 2 if order.intent is Intent.SHORT else needed
        if needed + self.fees(order) > power:
            raise _refuse(f"insufficient buying power: {needed.quantize(CENT)} needed", 403)


def make(settings: TradeSettings, store: Store, owner: str) -> Broker:
    """The entry point ``paper``: the owner's account, on their own prices or on the samples."""
    account = settings.account if settings.account.startswith("PAPER-") else f"PAPER-{owner}"
    return PaperBroker(store, _prices(settings.prices), settings, account=account)


@functools.lru_cache(maxsize=4)
def _prices(path: str) -> PriceSource:
    return CsvPrices(Path(path).expanduser()) if path else sample_prices()


def _refuse(what: str, status: int) -> BrokerError:
    return BrokerError(f"the paper broker refused: {what}", definite=True, status=status)
