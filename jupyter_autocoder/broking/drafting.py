"""From a reading to a ticket that can be shown: sized, quoted, judged, with its time limit. Nothing is written here."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from jupyter_autocoder.broking.base import Broker
from jupyter_autocoder.broking.entries import Entry, Standing
from jupyter_autocoder.errors import TradeRefused
from jupyter_autocoder.settings import TradeSettings
from jupyter_autocoder.trade.limits import Case, Judgement, Limits, judge
from jupyter_autocoder.trade.market import ZERO, Asset, Hours, Mode, OpenOrder, Quote, Snapshot
from jupyter_autocoder.trade.orders import Order, Reading, Size, Target
from jupyter_autocoder.trade.sizing import Sizer, close_all, rebalance
from jupyter_autocoder.trade.terms import OrderType, PercentOf, Scope, Side
from jupyter_autocoder.trade.text import on_one_line
from jupyter_autocoder.trade.tickets import FollowUp, Leg, Money, Seen, Ticket
from jupyter_autocoder.trade.turns import in_turn
from jupyter_autocoder.trade.words import usd

HUNDRED = Decimal(100)
Names = Callable[[str], tuple[str, str]]
"""A symbol's company name and exchange, as far as they are known."""


def no_names(symbol: str) -> tuple[str, str]:
    return "", ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a ticket is to be made of: the words, the orders as said, or target weights.

    `in_order`: the orders are sent as they were said, one after the other. `id` keeps the id of a draft that was
    recorded before; `parent` and `changed` are of a ticket that replaces another.
    """

    text: str
    orders: tuple[Order, ...] = ()
    weights: Mapping[str, Decimal] | None = None
    whole: bool = False
    close_all: bool = False
    excluded: tuple[str, ...] = ()
    cancels: tuple[str, ...] = ()
    filled_before: Mapping[str, Decimal] = field(default_factory=dict)
    follow_ups: tuple[FollowUp, ...] = ()
    in_order: bool = False
    read_by: str = "grammar"
    note: str = ""
    same_text: str = ""
    id: str = ""
    parent: str = ""
    changed: tuple[str, ...] = ()

    @classmethod
    def of(cls, reading: Reading, *, cancels: tuple[str, ...] = ()) -> Wish:
        return cls(
            text=reading.text,
            orders=reading.orders,
            weights=reading.target_weights or None,
            whole=reading.scope is Scope.PORTFOLIO,
            close_all=reading.close_all,
            excluded=reading.excluded,
            cancels=cancels,
            in_order=reading.in_order,
            read_by=reading.read_by.value,
            note=reading.note,
        )


class Drafter:
    """Makes tickets for one person at one broker; `live_refusal` says why live is not allowed (empty: it is)."""

    def __init__(
        self,
        broker: Broker,
        settings: TradeSettings,
        *,
        owner: str,
        names: Names = no_names,
        live_refusal: str = "",
    ) -> None:
        self._broker = broker
        self._settings = settings
        self._owner = owner
        self._names = names
        self._live_refusal = live_refusal
        self.limits = Limits.from_settings(settings)

    @property
    def mode(self) -> Mode:
        return self._broker.mode

    def snapshot(self, symbols: Iterable[str] = (), *, held: bool = False) -> Snapshot:
        """Ask the broker for everything that sizing and the gate look at; `held`: prices of the holdings too."""
        positions = {one.symbol: one for one in self._broker.positions()}
        wanted = dict.fromkeys([*symbols, *(positions if held else ())])
        quotes = {symbol: quote for symbol in wanted if (quote := self._broker.quote(symbol)) is not None}
        assets = {symbol: asset for symbol in wanted if (asset := self._named(symbol)) is not None}
        return Snapshot(
            account=self._broker.account(),
            positions=positions,
            open_orders=tuple(self._broker.open_orders()),
            quotes=quotes,
            assets=assets,
            hours=self._broker.hours(),
        )

    def _named(self, symbol: str) -> Asset | None:
        asset = self._broker.asset(symbol)
        if asset is None:
            return None
        name, exchange = (asset.name, "") if asset.name else self._names(symbol)
        return replace(asset, name=on_one_line(name), exchange=on_one_line(asset.exchange or exchange))

    def prepare(self, wish: Wish, standing: Standing) -> Ticket:
        """Size, quote and judge; raises TradeRefused with every reason when the gate or the arithmetic says no."""
        baskets = wish.weights is not None or wish.close_all
        symbols = [*(order.symbol for order in wish.orders), *(wish.weights or ())]
        snapshot = self.snapshot(symbols, held=baskets)
        orders, follow_ups, left_out = self._orders(wish, snapshot)
        sizer = Sizer(snapshot=snapshot, capabilities=self._broker.capabilities(), fees=self._broker.fees)
        legs = tuple(sizer.leg(order) for order in orders)
        if wish.in_order:
            legs = in_turn(orders, legs, snapshot.hours)
        case = self.case(legs, snapshot, standing, wish)
        judged = judge(case)
        if judged.refusals:
            raise refused(judged)
        return self._ticket(wish, orders, legs, snapshot, standing, judged, follow_ups, left_out)

    def case(self, legs: tuple[Leg, ...], snapshot: Snapshot, standing: Standing, wish: Wish | Ticket) -> Case:
        return Case(
            legs=legs,
            snapshot=snapshot,
            limits=self.limits,
            capabilities=self._broker.capabilities(),
            mode=self.mode,
            now=standing.now,
            switch=standing.switch,
            account=self._settings.account if self.mode == "live" else "",
            recent=standing.recent,
            known_symbols=standing.known_symbols,
            live_refusal=self._live_refusal,
            read_by=wish.read_by,
            same_text=wish.same_text if isinstance(wish, Wish) else "",
            cancelled=frozenset(wish.cancels),
        )

    def judge_again(self, entry: Entry, snapshot: Snapshot, standing: Standing) -> Judgement:
        """The gate at confirm: the ticket's own legs against the present."""
        return judge(self.case(entry.ticket.legs, snapshot, standing, entry.ticket))

    def _orders(
        self, wish: Wish, snapshot: Snapshot
    ) -> tuple[tuple[Order, ...], tuple[FollowUp, ...], tuple[str, ...]]:
        """The orders to send, sales first unless they were said in order; those that wait; what was left out."""
        if wish.weights is not None:
            percent = Decimal(str(self._settings.skip_below))
            orders, left = rebalance(wish.weights, snapshot, whole=wish.whole, skip_below=percent)
            return orders, (), left
        if wish.close_all:
            return close_all(snapshot, wish.excluded), (), ()
        now = [(index, order) for index, order in enumerate(wish.orders) if order.after is None]
        if not wish.in_order:
            now.sort(key=lambda item: item[1].side is Side.BUY)
        place = {index: number for number, (index, _) in enumerate(now)}
        later = []
        for order in wish.orders:
            if order.after is None:
                continue
            if order.after not in place:
                raise TradeRefused("an order can wait for one that is sent now, not for one that waits itself")
            name, exchange = self._names(order.symbol)
            form = replace(order, after=None).to_dict()
            later.append(FollowUp(order=form, after=place[order.after], name=name, exchange=exchange))
        return tuple(order for _, order in now), (*wish.follow_ups, *later), ()

    def _ticket(
        self,
        wish: Wish,
        orders: Sequence[Order],
        legs: tuple[Leg, ...],
        snapshot: Snapshot,
        standing: Standing,
        judged: Judgement,
        follow_ups: tuple[FollowUp, ...],
        left_out: tuple[str, ...],
    ) -> Ticket:
        now = int(standing.now * 1000)
        basket = wish.weights is not None
        return Ticket(
            id=wish.id or new_id(),
            owner=self._owner,
            mode=self.mode,
            broker=self._broker.name,
            account=snapshot.account.id,
            text=wish.text,
            legs=legs,
            created=now,
            expires=now + int(self._life(legs, snapshot.hours, standing.now) * 1000),
            read_by=wish.read_by,
            note=" ".join(part for part in (wish.note, self._broker.note) if part),
            quotes={symbol: _seen(quote) for symbol, quote in snapshot.quotes.items()},
            money=_money(legs, snapshot),
            market=market_words(snapshot.hours),
            warnings=judged.warnings,
            limits=self.limits.shown(),
            follow_ups=follow_ups,
            said=tuple(order.to_dict() for order in orders) if not basket else (),
            weights=wish.weights or {},
            whole=wish.whole,
            cancels=wish.cancels,
            filled_before=wish.filled_before,
            left_out=left_out,
            parent=wish.parent,
            changed=wish.changed,
        )

    def _life(self, legs: tuple[Leg, ...], hours: Hours, now: float) -> float:
        """Seconds until the ticket expires: short where the price is left to the market, never past the session."""
        free = any(leg.type is OrderType.MARKET for leg in legs)
        life = self._settings.market_ttl if free else self._settings.limit_ttl
        if hours.open and hours.next_close is not None and not all("/" in leg.symbol for leg in legs):
            life = min(life, max(hours.next_close - now, 1.0))
        return life

    # -- the moment of the click -----------------------------------------------------------------------------------
    def again(self, ticket: Ticket, changed: tuple[str, ...]) -> Wish:
        """The wish that a ticket was made of, to be sized anew."""
        return Wish(
            text=ticket.text,
            orders=tuple(Order.from_dict(order) for order in ticket.said),
            weights=ticket.weights or None,
            whole=ticket.whole,
            cancels=ticket.cancels,
            filled_before=ticket.filled_before,
            follow_ups=ticket.follow_ups,
            in_order=any(leg.after is not None for leg in ticket.legs),
            read_by=ticket.read_by,
            parent=ticket.id,
            changed=changed,
        )

    def changes(self, entry: Entry, snapshot: Snapshot, standing: Standing) -> tuple[str, ...]:
        """What is so different from what the person saw that a new ticket must show it; in words."""
        found: list[str] = []
        for symbol, seen in entry.ticket.quotes.items():
            quote = snapshot.quotes.get(symbol)
            if quote is not None:
                found += self._price_change(entry.ticket, symbol, seen, quote)
                if snapshot.hours.open and standing.now - quote.time > self._settings.quote_age:
                    found.append(f"{symbol}: the newest price is {int(standing.now - quote.time)} s old")
        for leg in entry.ticket.legs:
            held = snapshot.held(leg.symbol)
            if leg.derived and held != leg.held:
                found.append(f"{leg.symbol}: you hold {held} now, not {leg.held}")
        shown = {remark.key for remark in entry.ticket.warnings}
        judged = self.judge_again(entry, snapshot, standing)
        if not judged.refusals:
            found += [remark.message for remark in judged.warnings if remark.key not in shown]
        return tuple(found)

    def stale(self, entry: Entry, standing: Standing) -> tuple[str, ...]:
        """What of a ticket that was confirmed some time ago is no longer as it was seen, or not allowed any more."""
        snapshot = self.snapshot(dict.fromkeys(leg.symbol for leg in entry.ticket.legs))
        # It must not count as its own double.
        others = replace(standing, recent=tuple(one for one in standing.recent if one.ticket != entry.id))
        refusals = self.judge_again(entry, snapshot, others).refusals
        return tuple(one.message for one in refusals) or self.changes(entry, snapshot, others)

    def _price_change(self, ticket: Ticket, symbol: str, seen: Seen, quote: Quote) -> Iterable[str]:
        for side in dict.fromkeys(leg.side for leg in ticket.legs if leg.symbol == symbol):
            before = seen.ask if side is Side.BUY else seen.bid
            after = quote.against(side)
            moved = after - before
            allowed = max(before * Decimal(str(self._settings.price_move)) / HUNDRED, seen.ask - seen.bid)
            if abs(moved) > allowed:
                percent = f"{moved / before * HUNDRED:+.2f} %"
                yield f"{symbol}: the price moved from {usd(before)} to {usd(after)} ({percent})"


def recorded(wish: Wish, settings: TradeSettings, *, owner: str, now: float) -> Ticket:
    """The draft of a live ticket that the server, which has the broker, completes; `now` in epoch seconds."""
    made = int(now * 1000)
    return Ticket(
        id=new_id(),
        owner=owner,
        mode="live",
        broker=settings.broker,
        account=settings.account,
        text=wish.text,
        legs=(),
        created=made,
        expires=made + int(settings.limit_ttl * 1000),
        read_by=wish.read_by,
        weights=wish.weights or {},
        whole=wish.whole,
    )


def spend(follow_up: FollowUp, proceeds: Decimal) -> Order:
    """The order that a follow-up has become, now that it is known what the sale before it brought."""
    order = Order.from_dict(follow_up.order)
    if order.size.percent_of is not PercentOf.PROCEEDS or order.size.percent is None:
        return order
    dollars = (proceeds * order.size.percent / HUNDRED).quantize(Decimal("0.01"), rounding="ROUND_DOWN")
    if dollars <= 0:
        raise TradeRefused("the sale brought nothing that could be spent", reasons=("size",))
    return replace(order, size=Size(notional=dollars))


def matching(target: Target, orders: Sequence[OpenOrder]) -> tuple[OpenOrder, ...]:
    """The open orders that a person's words mean; everything said must fit. The newest comes last."""
    found = [
        order
        for order in orders
        if not (order.exit and target.order_id is None)
        and (target.symbol is None or order.symbol == target.symbol)
        and (target.side is None or order.side is target.side)
        and (target.order_id is None or target.order_id in _ids(order))
    ]
    return tuple(found[-1:] if target.last else found)


def market_words(hours: Hours) -> str:
    if hours.open is None:
        state = "Nobody here knows whether the market is open; the order may wait."
    elif hours.open:
        state = "The market is open."
    else:
        state = "The market is closed: the order will wait until it opens."
    return f"{state} {hours.note}".strip()


def refused(judged: Judgement) -> TradeRefused:
    reasons = tuple(remark.rule for remark in judged.refusals)
    messages = "; ".join(dict.fromkeys(remark.message for remark in judged.refusals))
    return TradeRefused(f"no ticket: {messages}", reasons=reasons, do="change the order, then say it again")


def new_id() -> str:
    return secrets.token_hex(6)


def _ids(order: OpenOrder) -> tuple[str, ...]:
    """The names under which a person may know an order: the ids, and the ticket's own."""
    ticket = order.client_order_id.removeprefix("jac-").rpartition("-")[0]
    return (order.client_order_id, order.broker_order_id, ticket)


def _seen(quote: Quote) -> Seen:
    return Seen(
        bid=quote.bid,
        ask=quote.ask,
        last=quote.last,
        time=int(quote.time * 1000),
        source=quote.source,
        sample_time=quote.sample_time,
    )


def _money(legs: tuple[Leg, ...], snapshot: Snapshot) -> Money:
    account = snapshot.account
    change = ZERO
    for leg in legs:
        change += (leg.cost if leg.side is Side.SELL else -leg.cost) - leg.fees
    return Money(
        cash=account.cash,
        equity=account.equity,
        buying_power=account.buying_power,
        cash_after=account.cash + change,
        buying_power_after=account.buying_power + change,
    )
