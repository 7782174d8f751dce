"""At what price, when, and with which exits: the clauses around an object become an order's type and prices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from jupyter_autocoder.trade.asking import AskBack, ask_unless
from jupyter_autocoder.trade.orders import OrderClass, OrderType, Side, StopLoss, TakeProfit, TimeInForce
from jupyter_autocoder.trade.parts import Condition, Mark, Price

_TIFS = {
    "DAY": TimeInForce.DAY,
    "GTC": TimeInForce.GTC,
    "IOC": TimeInForce.IOC,
    "FOK": TimeInForce.FOK,
    "OPG": TimeInForce.OPG,
    "MOO": TimeInForce.OPG,
    "LOO": TimeInForce.OPG,
    "CLS": TimeInForce.CLS,
    "MOC": TimeInForce.CLS,
    "LOC": TimeInForce.CLS,
}
_AUCTIONS = frozenset({TimeInForce.OPG, TimeInForce.CLS})
_LIMITS = frozenset({"AT", "CAP", "FLOOR", "UNDER", "OVER"})
_BUY_BOUNDS = frozenset({"CAP", "UNDER", "OR_LESS"})
_SELL_BOUNDS = frozenset({"FLOOR", "OVER", "OR_MORE"})


@dataclass(frozen=True, slots=True)
class Clauses:
    """The clauses of one order, in the order they were written."""

    prices: Sequence[Price] = ()
    conditions: Sequence[Condition] = ()
    marks: Sequence[Mark] = ()

    def words(self) -> frozenset[str]:
        return frozenset(mark.kind for mark in self.marks)


def priced(clauses: Clauses, *, side: Side, opens: bool, crypto: bool) -> dict[str, Any]:
    """Return the fields of an order that its clauses decide; `opens` says that it is an entry, not an exit.

    Raises AskBack where clauses contradict each other or allow two readings.
    """
    terms = _Terms(clauses, side, opens)
    fields = terms.fields()
    fields["tif"] = _tif(clauses, crypto=crypto)
    if "EXTENDED" in clauses.words():
        fields["extended_hours"] = True
    _check_session(fields, clauses.words())
    return fields


def _tif(clauses: Clauses, *, crypto: bool) -> TimeInForce:
    said = {_TIFS[mark.kind] for mark in clauses.marks if mark.kind in _TIFS}
    ask_unless(len(said) <= 1, "contradictory", missing=("tif",))
    return said.pop() if said else TimeInForce.GTC if crypto else TimeInForce.DAY


def _check_session(fields: dict[str, Any], words: frozenset[str]) -> None:
    kind, tif = fields["type"], fields["tif"]
    if fields.get("extended_hours"):
        ask_unless(kind is OrderType.LIMIT, "contradictory", missing=("limit_price",))
        ask_unless(tif in (TimeInForce.DAY, TimeInForce.GTC), "contradictory", missing=("tif",))
    if tif in _AUCTIONS:
        ask_unless(kind in (OrderType.MARKET, OrderType.LIMIT), "contradictory", missing=("type",))
        ask_unless(not fields.get("order_class"), "contradictory", missing=("tif",))
    ask_unless(not words & {"MOO", "MOC"} or kind is OrderType.MARKET, "contradictory", missing=("type",))
    ask_unless(not words & {"LOO", "LOC"} or kind is OrderType.LIMIT, "contradictory", missing=("limit_price",))


class _Terms:
    """The clauses sorted by what they say; each is taken once."""

    def __init__(self, clauses: Clauses, side: Side, opens: bool) -> None:
        self.clauses = clauses
        self.side = side
        self.opens = opens
        self.words = clauses.words()
        self.bare = {p.kind for p in clauses.prices if p.value is None}
        said = [p for p in clauses.prices if p.value is not None]
        # A limit written right after an entry's stop loss is the stop loss's own.
        own = [i for i in range(1, len(said)) if said[i].kind == "LIMIT" and said[i - 1].kind == "STOP_LOSS" and opens]
        self.loss_limit = said[own[0]].value if own else None
        self.said = [p for i, p in enumerate(said) if i not in own[:1]]
        for price in self.said:
            self._check(price)

    def _check(self, price: Price) -> None:
        ask_unless(price.value and price.value > 0, "invalid_price", missing=("price",))
        wrong = _SELL_BOUNDS if self.side is Side.BUY else _BUY_BOUNDS
        ask_unless(price.kind not in wrong and price.bound not in wrong, "contradictory", missing=("limit_price",))
        if price.unit == "PERCENT":
            ask_unless(price.kind in ("STOP_LOSS", "TAKE_PROFIT", "TRAIL"), "unsupported_relative_price")
            ask_unless(price.value and price.value < 100, "invalid_price", missing=("price",))

    def _one(self, *kinds: str) -> Price | None:
        found = [p for p in self.said if p.kind in kinds]
        ask_unless(len(found) <= 1, "ambiguous_price", missing=("price",))
        return found[0] if found else None

    def fields(self) -> dict[str, Any]:
        """Return type, prices and exits."""
        if self._one("TRAIL") or "TRAIL" in self.bare:
            return self._trailing()
        limit, stop = self._limit(), self._one("STOP")
        loss, profit = self._one("STOP_LOSS"), self._one("TAKE_PROFIT")
        limit, stop, loss, profit = self._bare_types(limit, stop, loss, profit)
        if "STOP_LIMIT" in self.bare or self._one("STOP_LIMIT"):
            return self._stop_limit(self._one("STOP_LIMIT") or stop or loss, limit, profit)
        if self.clauses.conditions:
            return self._conditional(limit, stop, loss, profit)
        if self.opens:
            return self._entry(limit, stop, loss, profit)
        return self._exit(limit, stop or loss, profit)

    def _limit(self) -> Price | None:
        explicit, spoken = self._one("LIMIT"), self._one(*_LIMITS)
        ask_unless(not (explicit and spoken), "ambiguous_price", missing=("limit_price",))
        return explicit or spoken

    def _bare_types(
        self, limit: Price | None, stop: Price | None, loss: Price | None, profit: Price | None
    ) -> tuple[Price | None, Price | None, Price | None, Price | None]:
        """Give a bare "stop" or "limit" the price that stands at "at"."""
        at = limit if limit and limit.kind == "AT" else None
        if "LIMIT" in self.bare and not self.clauses.conditions:
            ask_unless(limit, "missing_price", missing=("limit_price",))
        for kind in ("STOP", "STOP_LOSS"):
            if kind in self.bare and not (stop or loss) and not self.clauses.conditions:
                ask_unless(at, "missing_price", missing=("stop_price",))
                stop, loss = (at, loss) if kind == "STOP" else (stop, at)
                limit = at = None
        if "TAKE_PROFIT" in self.bare and not profit:
            ask_unless(at, "missing_price", missing=("take_profit",))
            profit, limit = at, None
        ask_unless("MARKET" not in self.words or not limit, "contradictory", missing=("type",))
        return limit, stop, loss, profit

    def _trailing(self) -> dict[str, Any]:
        trail = self._one("TRAIL")
        if not trail:
            raise AskBack("missing_price", missing=("trail",))
        others = [p for p in self.said if p is not trail]
        ask_unless(not others and not self.clauses.conditions, "unsupported_combination", missing=("type",))
        # "Buy 10 with a trailing stop" may mean the entry or an exit after it; "trailing stop order to buy" is clear.
        ask_unless(not self.opens or "TRAIL" in self.bare, "ambiguous_type")
        ask_unless(trail.unit != "NUM", "ambiguous_units", missing=("trail",))
        key = "trail_percent" if trail.unit == "PERCENT" else "trail_price"
        return {"type": OrderType.TRAILING_STOP, key: trail.value}

    def _stop_limit(self, stop: Price | None, limit: Price | None, profit: Price | None) -> dict[str, Any]:
        ask_unless(stop and limit, "missing_price", missing=("stop_price", "limit_price"))
        ask_unless(not profit and not self.clauses.conditions, "unsupported_combination")
        return self._typed(OrderType.STOP_LIMIT, limit=limit, stop=stop)

    def _typed(self, kind: OrderType, *, limit: Price | None = None, stop: Price | None = None) -> dict[str, Any]:
        ask_unless(not (stop and stop.unit == "PERCENT"), "unsupported_relative_price", missing=("stop_price",))
        if kind is OrderType.STOP_LIMIT and limit and stop and limit.value and stop.value:
            # A purchase's limit lies at or above its stop; otherwise two different orders may be meant.
            beyond = limit.value >= stop.value if self.side is Side.BUY else limit.value <= stop.value
            ask_unless(beyond, "contradictory", missing=("limit_price", "stop_price"))
        fields: dict[str, Any] = {"type": kind}
        if limit:
            fields["limit_price"] = limit.value
        if stop:
            fields["stop_price"] = stop.value
        ask_unless("MARKET" not in self.words or not limit, "contradictory", missing=("type",))
        return fields

    # -- entries -------------------------------------------------------------------------------------------------------
    def _entry(
        self, limit: Price | None, stop: Price | None, loss: Price | None, profit: Price | None
    ) -> dict[str, Any]:
        if stop and (profit or loss):
            # "At 150, stop 140, target 170": beside a target, a stop is the exit.
            ask_unless(not loss, "ambiguous_price", missing=("stop_price",))
            stop, loss = None, stop
        if stop and limit:
            order = [p.kind for p in self.said]
            clear = limit.kind == "LIMIT" and order.index("STOP") < order.index("LIMIT")
            ask_unless(clear, "ambiguous_price", missing=("type",))
            return self._typed(OrderType.STOP_LIMIT, limit=limit, stop=stop)
        if stop:
            return self._typed(OrderType.STOP, stop=stop)
        base = self._typed(OrderType.LIMIT if limit else OrderType.MARKET, limit=limit)
        return base | self._exits(loss, profit, base.get("limit_price"))

    def _exits(self, loss: Price | None, profit: Price | None, entry: Decimal | None) -> dict[str, Any]:
        ask_unless(
            "BRACKET" not in self.words or (loss and profit), "missing_price", missing=("take_profit", "stop_loss")
        )
        if not loss and not profit:
            return {}
        fields: dict[str, Any] = {"order_class": OrderClass.BRACKET if loss and profit else OrderClass.OTO}
        if loss:
            fields["stop_loss"] = _stop_loss(loss, self.loss_limit)
        if profit:
            fields["take_profit"] = _take_profit(profit)
        self._check_loss_limit(loss)
        self._check_order_of_prices(loss, profit, entry)
        return fields

    def _check_loss_limit(self, loss: Price | None) -> None:
        """The limit of a stop loss lies at or beyond its stop, where the price is going."""
        if loss and loss.value and self.loss_limit and loss.unit != "PERCENT":
            beyond = self.loss_limit <= loss.value if self._long() else self.loss_limit >= loss.value
            ask_unless(beyond, "contradictory", missing=("stop_loss",))

    def _check_order_of_prices(self, loss: Price | None, profit: Price | None, entry: Decimal | None) -> None:
        """The exits of a purchase lie around its entry, loss below and profit above; of a short sale, the other way."""
        prices = [loss.value if loss and loss.unit != "PERCENT" else None, entry]
        prices.append(profit.value if profit and profit.unit != "PERCENT" else None)
        rising = [p for p in (prices if self._long() else prices[::-1]) if p is not None]
        ask_unless(rising == sorted(set(rising)), "contradictory", missing=("stop_loss", "take_profit"))

    def _long(self) -> bool:
        return (self.side is Side.BUY) == self.opens

    # -- exits ---------------------------------------------------------------------------------------------------------
    def _exit(self, limit: Price | None, stop: Price | None, profit: Price | None) -> dict[str, Any]:
        ask_unless(len([p for p in self.said if p.kind in ("STOP", "STOP_LOSS")]) <= 1, "ambiguous_price")
        ask_unless(not (limit and profit), "ambiguous_price", missing=("limit_price",))
        pair = bool(self.words & {"OR", "BRACKET"})
        if stop and limit and limit.kind == "LIMIT" and not pair:
            return self._typed(OrderType.STOP_LIMIT, limit=limit, stop=stop)
        target = profit or limit
        if stop and target:
            return self._pair(stop, target)
        ask_unless("BRACKET" not in self.words and "OR" not in self.words, "missing_price", missing=("stop_loss",))
        if stop:
            return self._typed(OrderType.STOP, stop=stop)
        if target:
            ask_unless(target.unit != "PERCENT", "unsupported_relative_price", missing=("limit_price",))
            return self._typed(OrderType.LIMIT, limit=target)
        return self._typed(OrderType.MARKET)

    def _pair(self, stop: Price, target: Price) -> dict[str, Any]:
        ask_unless("MARKET" not in self.words, "contradictory", missing=("type",))
        self._check_order_of_prices(stop, target, None)
        return {
            "type": OrderType.LIMIT,
            "order_class": OrderClass.OCO,
            "take_profit": _take_profit(target),
            "stop_loss": _stop_loss(stop, None),
        }

    # -- conditions ----------------------------------------------------------------------------------------------------
    def _conditional(
        self, limit: Price | None, stop: Price | None, loss: Price | None, profit: Price | None
    ) -> dict[str, Any]:
        turned = [self._turned(c) for c in self.clauses.conditions]
        kinds = [kind for kind, _ in turned]
        ask_unless(len(set(kinds)) == len(kinds) and not stop, "ambiguous_price", missing=("price",))
        if len(turned) == 2:
            ask_unless(not self.opens and not (limit or loss or profit), "unsupported_condition")
            prices = dict(turned)
            return self._pair(prices["STOP"], prices["LIMIT"])
        kind, price = turned[0]
        if kind == "STOP":
            ask_unless((not (loss and not self.opens) and not profit) or self.opens, "ambiguous_price")
            ask_unless(not (loss or profit), "unsupported_combination", missing=("type",))
            return self._typed(OrderType.STOP_LIMIT if limit else OrderType.STOP, limit=limit, stop=price)
        ask_unless(not limit and "MARKET" not in self.words, "contradictory", missing=("limit_price",))
        return self._entry(price, None, loss, profit) if self.opens else self._exit(price, loss, profit)

    def _turned(self, condition: Condition) -> tuple[str, Price]:
        """A condition on the order's own symbol is a limit or a stop, by side and direction."""
        up = condition.direction != "DOWN"
        if condition.direction == "REACH" and self.side is Side.BUY:
            raise AskBack("ambiguous_condition", missing=("direction",))
        kind = "STOP" if up == (self.side is Side.BUY) else "LIMIT"
        ask_unless(condition.price > 0, "invalid_price", missing=("price",))
        return kind, Price("LIMIT" if kind == "LIMIT" else "STOP", condition.price, "NUM", None)


def _stop_loss(price: Price, limit: Decimal | None) -> StopLoss:
    if price.unit == "PERCENT":
        return StopLoss(percent=price.value, limit_price=limit)
    return StopLoss(stop_price=price.value, limit_price=limit)


def _take_profit(price: Price) -> TakeProfit:
    if price.unit == "PERCENT":
        return TakeProfit(percent=price.value)
    return TakeProfit(limit_price=price.value)
