"""Alpaca, on alpaca-py (extra ``alpaca``): paper or live, one POST per order, string decimals on the wire.

What is worked around, measured on alpaca-py 0.44: it repeats a POST on 429 and 504 (up to four orders), has no time
limit, sends amounts as floats, and its error's `code` raises on a body that is no JSON. So only GETs are retried here,
every request has a limit, orders go as our own dict of strings, and errors are read from the response itself. The two
private names this rests on (`_one_request`, `_session`) are why the version is pinned; a contract test holds them.
"""

from __future__ import annotations

import datetime as dt
import os
import stat
import tomllib
import warnings
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote as quoted

from jupyter_autocoder.broking.base import Broker, Execution, Report, SeenBefore
from jupyter_autocoder.errors import BrokerError, SettingsError
from jupyter_autocoder.settings import TradeSettings
from jupyter_autocoder.store import Store
from jupyter_autocoder.trade.limits import Capabilities
from jupyter_autocoder.trade.market import ZERO, Account, Asset, Hours, Mode, OpenOrder, Position, Quote
from jupyter_autocoder.trade.states import State
from jupyter_autocoder.trade.terms import Intent, OrderClass, OrderType, Side, TimeInForce
from jupyter_autocoder.trade.tickets import Leg, plain

DATA_URL: Final = "https://data.alpaca.markets"
TIMEOUT: Final = 8.0
_GET_RETRIES: Final = 1
_GET_PAUSE: Final = 1
# A body of the broker's with one of these proves that nothing was done; every other failure is in doubt.
_PROOF: Final = frozenset({400, 401, 403, 422})
_DUPLICATE: Final = "client_order_id must be unique"
_STATES: Final[Mapping[str, State]] = {
    "partially_filled": State.PARTIALLY_FILLED,
    "filled": State.FILLED,
    "canceled": State.CANCELLED,
    "expired": State.EXPIRED,
    "replaced": State.REPLACED,
    "rejected": State.REJECTED,
    "pending_cancel": State.CANCEL_REQUESTED,
}
_CAPABILITIES: Final = Capabilities(
    idempotency="permanent",
    fractional_types=frozenset({OrderType.MARKET}),
    notional_types=frozenset({OrderType.MARKET}),
    extended_hours=True,
    short=True,
)
# What goes into the audit of an answer: enough to find the order again, nothing of the account.
_KEPT: Final = ("id", "client_order_id", "status", "submitted_at", "filled_at", "filled_qty", "filled_avg_price")


class AlpacaBroker(Broker):
    """One Alpaca account; `mode` chooses the endpoint, the urls replace it for tests."""

    name = "alpaca"

    def __init__(
        self, key_id: str, secret: str, *, mode: Mode, url: str = "", data_url: str = DATA_URL, timeout: float = TIMEOUT
    ) -> None:
        self.mode = mode
        self.note = "" if mode == "live" else "Play money at Alpaca, filled by its simulator."
        self._data_url = data_url
        self._client = _client(key_id, secret, mode=mode, url=url, timeout=timeout)

    def __repr__(self) -> str:
        return f"AlpacaBroker(mode={self.mode!r})"

    def capabilities(self) -> Capabilities:
        return _CAPABILITIES

    def account(self) -> Account:
        found = self._get("/account")
        equity, before = _decimal(found.get("equity")), _decimal(found.get("last_equity"))
        change = ZERO if equity is None or before is None else equity - before
        blocks = [name for name in ("account_blocked", "trading_blocked", "trade_suspended_by_user") if found.get(name)]
        return Account(
            id=str(found.get("account_number") or found["id"]),
            mode=self.mode,
            cash=_decimal(found.get("cash")) or ZERO,
            equity=equity or ZERO,
            buying_power=_decimal(found.get("buying_power")) or ZERO,
            # Alpaca tells no realised loss; the fall of the equity since yesterday holds it and the open losses.
            day_loss=max(-change, ZERO),
            day_gain=change,
            blocked=f"Alpaca says: {', '.join(blocks).replace('_', ' ')}" if blocks else "",
        )

    def positions(self) -> Sequence[Position]:
        return [_position(one) for one in self._get("/positions")]

    def open_orders(self) -> Sequence[OpenOrder]:
        found = self._get("/orders", {"status": "open", "nested": "true", "limit": 500})
        return [order for one in found for order in _open_orders(one)]

    def quote(self, symbol: str) -> Quote | None:
        if "/" in symbol:
            path, version, data = "/crypto/us/snapshots", "v1beta3", {"symbols": symbol}
            found = self._get(path, data, base_url=self._data_url, api_version=version).get("snapshots", {})
        else:
            found = self._get("/stocks/snapshots", {"symbols": symbol}, base_url=self._data_url)
        return _quote(symbol, found.get(symbol) or {})

    def asset(self, symbol: str) -> Asset | None:
        found = self._get(f"/assets/{quoted(symbol, safe='')}", missing=True)
        if found is None:
            return None
        return Asset(
            symbol=str(found["symbol"]),
            name=str(found.get("name") or ""),
            exchange=str(found.get("exchange") or ""),
            tradable=bool(found.get("tradable")) and found.get("status") == "active",
            fractionable=bool(found.get("fractionable")),
            shortable=bool(found.get("shortable")),
        )

    def hours(self) -> Hours:
        found = self._get("/clock")
        next_open, next_close = _time(found.get("next_open")), _time(found.get("next_close"))
        note = "" if found.get("is_open") else f"It opens {str(found.get('next_open', ''))[:16].replace('T', ' ')} ET."
        return Hours(open=bool(found.get("is_open")), next_open=next_open, next_close=next_close, note=note)

    def submit(self, order: Leg, *, client_order_id: str) -> Report:
        body = wire(order, client_order_id)
        return _report(_ask(lambda: self._client.post("/orders", body)))

    def lookup(self, client_order_id: str) -> Report | None:
        found = self._get("/orders:by_client_order_id", {"client_order_id": client_order_id}, missing=True)
        return None if found is None else _report(found)

    def cancel(self, client_order_id: str) -> None:
        report = self.lookup(client_order_id)
        if report is None:
            raise BrokerError(f"Alpaca does not know the order {client_order_id}", definite=True, status=404)
        _ask(lambda: self._client.delete(f"/orders/{quoted(report.broker_order_id, safe='')}"), empty=True)

    def executions(self, *, since: float) -> Sequence[Execution]:
        """Filled orders as one fill each, at their average price."""
        after = dt.datetime.fromtimestamp(since, dt.UTC).isoformat()
        found = self._get("/orders", {"status": "closed", "after": after, "direction": "asc", "limit": 500})
        return [_execution(one) for one in found if _decimal(one.get("filled_qty"))]

    def close(self) -> None:
        self._client._session.close()

    def _get(self, path: str, data: Mapping[str, Any] | None = None, *, missing: bool = False, **where: str) -> Any:
        try:
            return _ask(lambda: self._client.get(path, dict(data or {}), **where))
        except BrokerError as error:
            if missing and error.status == 404 and error.definite:
                return None
            raise


def make(settings: TradeSettings, store: Store, owner: str) -> Broker:
    """The entry point ``alpaca``; raises SettingsError when the extra or the keys are missing."""
    mode: Mode = "live" if settings.mode == "live" else "paper"
    key_id, secret = _keys(settings, mode)
    return AlpacaBroker(key_id, secret, mode=mode)


def wire(order: Leg, client_order_id: str) -> dict[str, Any]:
    """The order as Alpaca reads it: amounts as strings, nothing that was not said."""
    pair = order.order_class is OrderClass.OCO
    body: dict[str, Any] = {
        "symbol": order.symbol,
        "side": order.side.value,
        "type": order.type.value,
        "time_in_force": order.tif.value,
        "client_order_id": client_order_id,
        "qty": order.qty,
        "notional": order.notional,
        "limit_price": None if pair else order.limit_price,
        "stop_price": order.stop_price,
        "trail_percent": order.trail_percent,
        "trail_price": order.trail_price,
        "extended_hours": True if order.extended_hours else None,
        "order_class": order.order_class,
        "position_intent": {Intent.SHORT: "sell_to_open", Intent.COVER: "buy_to_close"}.get(order.intent)
        if order.intent is not None
        else None,
    }
    if order.take_profit is not None:
        body["take_profit"] = {"limit_price": order.take_profit}
    if order.stop_loss is not None:
        body["stop_loss"] = {"stop_price": order.stop_loss, "limit_price": order.stop_loss_limit}
    return dict(plain(body))


def _client(key_id: str, secret: str, *, mode: Mode, url: str, timeout: float) -> Any:
    try:
        with warnings.catch_warnings():
            # Its streaming part, which is not used here, imports what websockets calls legacy.
            warnings.simplefilter("ignore", DeprecationWarning)
            from alpaca.trading.client import TradingClient
        from requests.adapters import HTTPAdapter
    except ImportError:
        raise SettingsError(
            "the broker alpaca needs alpaca-py",
            source="[trade] broker",
            key="trade.broker",
            do="pip install 'jupyter-autocoder[alpaca]'",
        ) from None

    class Limited(HTTPAdapter):
        def send(self, request: Any, *args: Any, **options: Any) -> Any:
            options["timeout"] = options.get("timeout") or timeout
            return super().send(request, *args, **options)

    class Once(TradingClient):
        def _one_request(self, method: str, url: str, opts: Any, retry: int) -> Any:
            # With no retries left it raises at once: what may have been done is never done again.
            return super()._one_request(method, url, opts, retry if method.upper() == "GET" else 0)

    client = Once(api_key=key_id, secret_key=secret, paper=mode == "paper", url_override=url or None)
    client._retry, client._retry_wait = _GET_RETRIES, _GET_PAUSE
    # Neither a proxy's nor a .netrc file's word decides where keys and orders go.
    client._session.trust_env = False
    client._session.mount("https://", Limited())
    client._session.mount("http://", Limited())
    return client


def _ask(call: Callable[[], Any], *, empty: bool = False) -> Any:
    """Make one request and return its JSON; every failure becomes a BrokerError that says whether it is proven."""
    from alpaca.common.exceptions import APIError
    from requests.exceptions import RequestException

    try:
        answer = call()
    except APIError as error:
        raise _sorted(error) from None
    except RequestException as error:
        # The text of such an error may hold a whole URL; its kind is enough.
        raise BrokerError(f"Alpaca did not answer ({type(error).__name__})", definite=False) from None
    except ValueError:
        raise BrokerError("Alpaca's answer is no JSON", definite=False) from None
    if not isinstance(answer, (dict, list)) and not empty:
        raise BrokerError("Alpaca's answer is empty", definite=False)
    return answer


def _sorted(error: Any) -> BrokerError:
    """Tell a proven refusal from a failure that proves nothing."""
    response = error.response
    status = None if response is None else int(response.status_code)
    try:
        body = None if response is None else response.json()
    except ValueError:
        body = None
    if not isinstance(body, dict) or not isinstance(body.get("message"), str):
        return BrokerError(f"Alpaca failed (HTTP {status}) without saying why", definite=False, status=status)
    what = f"Alpaca: {body['message'][:300]}"
    if status == 422 and _DUPLICATE in body["message"]:
        return SeenBefore(what, definite=True, status=status)
    # A 404 with a body of theirs proves that what was asked for is not there; for a POST it proves nothing.
    known = status in _PROOF or (status == 404 and response.request.method != "POST")
    return BrokerError(what, definite=known, status=status)


def _report(found: Any) -> Report:
    try:
        filled = _decimal(found.get("filled_qty")) or ZERO
        state = _STATES.get(found["status"], State.ACCEPTED)
        if state is State.ACCEPTED and filled:
            state = State.PARTIALLY_FILLED
        return Report(
            client_order_id=str(found["client_order_id"]),
            broker_order_id=str(found["id"]),
            state=state,
            filled_qty=filled,
            filled_price=_decimal(found.get("filled_avg_price")),
            economics=_economics(found),
            raw={name: str(found[name]) for name in _KEPT if found.get(name) is not None},
        )
    except (KeyError, TypeError, AttributeError):
        raise BrokerError("Alpaca's answer is not an order", definite=False) from None


def _economics(found: Mapping[str, Any]) -> dict[str, str]:
    names = ["symbol", "side", "qty", "notional", "type", "limit_price", "stop_price"]
    if found.get("notional") is not None:
        names.remove("qty")  # What the dollars became, which the ticket cannot have said.
    if found.get("type") == "trailing_stop":
        names.remove("stop_price")  # Where the trail stands at the moment.
    return {name: str(found[name]) for name in names if found.get(name) is not None}


def _open_orders(found: Mapping[str, Any], *, exit_: bool = False) -> Sequence[OpenOrder]:
    qty, filled = _decimal(found.get("qty")), _decimal(found.get("filled_qty")) or ZERO
    order = OpenOrder(
        client_order_id=str(found.get("client_order_id") or ""),
        broker_order_id=str(found["id"]),
        symbol=str(found["symbol"]),
        side=Side(found["side"]),
        type=OrderType(found["type"]),
        # The stop of an exit pair sells the same shares as its profit.
        remaining=ZERO if exit_ and found["type"] != "limit" else (None if qty is None else qty - filled),
        limit_price=_decimal(found.get("limit_price")),
        stop_price=_decimal(found.get("stop_price")),
        tif=TimeInForce(found["time_in_force"]),
        exit=exit_,
    )
    legs = [one for leg in found.get("legs") or () for one in _open_orders(leg, exit_=True)]
    return [order, *legs]


def _position(found: Mapping[str, Any]) -> Position:
    qty = abs(_decimal(found.get("qty")) or ZERO)
    return Position(
        symbol=str(found["symbol"]),
        qty=-qty if found.get("side") == "short" else qty,
        cost=_decimal(found.get("avg_entry_price")) or ZERO,
        last=_decimal(found.get("current_price")),
    )


def _quote(symbol: str, found: Mapping[str, Any]) -> Quote | None:
    seen, trade = found.get("latestQuote") or {}, found.get("latestTrade") or {}
    bid, ask, last = _decimal(seen.get("bp")), _decimal(seen.get("ap")), _decimal(trade.get("p"))
    made = _time(seen.get("t"))
    # Outside the session one side may be zero: no price rather than a wrong one.
    if not bid or not ask or made is None:
        return None
    return Quote(symbol=symbol, bid=bid, ask=ask, last=last or (bid + ask) / 2, time=made, source="Alpaca")


def _execution(found: Mapping[str, Any]) -> Execution:
    return Execution(
        id=str(found["id"]),
        client_order_id=str(found.get("client_order_id") or ""),
        symbol=str(found["symbol"]),
        side=Side(found["side"]),
        qty=_decimal(found.get("filled_qty")) or ZERO,
        price=_decimal(found.get("filled_avg_price")) or ZERO,
        at=_time(found.get("filled_at")) or 0.0,
    )


def _decimal(value: object) -> Decimal | None:
    if value is None or value == "":
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise BrokerError(f"Alpaca sent {str(value)[:40]!r} for an amount", definite=False) from None
    return number if number.is_finite() else None


def _time(value: object) -> float | None:
    if not isinstance(value, str) or not value:
        return None
    try:
        return dt.datetime.fromisoformat(value).timestamp()
    except ValueError:
        return None


def _keys(settings: TradeSettings, mode: Mode) -> tuple[str, str]:
    """Keys from the file; for paper also from Alpaca's own variables. A kernel inherits variables, so live does not."""
    if settings.key_file:
        return _key_file(Path(settings.key_file).expanduser())
    key_id, secret = os.environ.get("APCA_API_KEY_ID", ""), os.environ.get("APCA_API_SECRET_KEY", "")
    if mode == "live" or not key_id or not secret:
        why = "live keys come from a file, since a kernel inherits the variables" if mode == "live" else ""
        what = f"there are no keys for Alpaca ({mode})"
        do = "write key_id and secret to a TOML file of mode 0600 and name it in [trade] key_file"
        raise SettingsError(what, source="[trade] key_file", key="trade.key_file", why=why, do=do)
    return key_id, secret


def _key_file(path: Path) -> tuple[str, str]:
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise SettingsError(
                f"{path} can be read by others", source=str(path), key="trade.key_file", do=f"chmod 600 {path}"
            )
        found = tomllib.loads(path.read_text(encoding="utf-8"))
        return str(found["key_id"]), str(found["secret"])
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError):
        what = f"{path} holds no keys"
        raise SettingsError(what, source=str(path), key="trade.key_file", do="write key_id and secret there") from None
