"""A fake of Alpaca's trading server on a loopback socket, with the rules that its OpenAPI document does not state.

Where that document is at hand every request body and every answer is checked against it; `problems` lists what broke
it. `faults` names what happens to the next orders, one each: see `_Handler.do_POST`.
"""

from __future__ import annotations

import datetime as dt
import json
import threading
import time
import uuid
from collections.abc import Mapping
from decimal import Decimal as D
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import jsonschema

SPEC = Path(__file__).parents[2].parent / "shared" / "schemas" / "alpaca-trading.openapi.json"
KEYS = ("PKTEST", "sekret-value-1")
OPEN = {"new", "accepted", "partially_filled", "held", "pending_cancel"}
KNOWN = {
    "symbol", "qty", "notional", "side", "type", "time_in_force", "limit_price", "stop_price", "trail_price",
    "trail_percent", "extended_hours", "client_order_id", "order_class", "take_profit", "stop_loss", "position_intent",
}  # fmt: skip
NEEDS = {"limit": ["limit_price"], "stop": ["stop_price"], "stop_limit": ["limit_price", "stop_price"]}


class FakeAlpaca:
    """The server; a context manager. `posts` are the bodies of all orders that arrived."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.cash = D(100_000)
        self.prices = {"AAPL": D(150), "MSFT": D(400)}
        self.orders: dict[str, dict[str, Any]] = {}
        self.held: dict[str, D] = {}
        self.posts: list[dict[str, Any]] = []
        self.requests: list[tuple[str, str]] = []
        self.faults: list[str] = []
        self.get_faults: list[str] = []
        self.problems: list[str] = []
        self.account_number = "PA000123"
        self.hang = 0.0
        self.spec = json.loads(SPEC.read_text()) if SPEC.exists() else None
        handler = type("Handler", (_Handler,), {"fake": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> FakeAlpaca:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.thread.join(timeout=5)
        self.server.server_close()

    # -- rules -----------------------------------------------------------------------------------------------------
    def refusal(self, body: dict[str, Any]) -> tuple[int, str] | None:
        """What the document leaves out and the real server refuses."""
        if extra := set(body) - KNOWN:
            return 422, f"unknown fields {sorted(extra)}"
        if any(one["client_order_id"] == body.get("client_order_id") for one in self.orders.values()):
            return 422, "client_order_id must be unique"
        if not body.get("symbol") or body["symbol"] not in self.prices:
            return 422, f"asset {body.get('symbol')} not found"
        pair = body.get("order_class") == "oco"
        if (body.get("qty") is None) == (body.get("notional") is None):
            return 422, "exactly one of qty or notional is required"
        size = D(body.get("qty") or body["notional"])
        if size <= 0:
            return 422, "qty must be > 0"
        for name in [] if pair else NEEDS.get(body["type"], []):
            if not body.get(name):
                return 422, f"{body['type']} orders require {name}"
        fraction = body.get("notional") is not None or size != size.to_integral_value()
        if fraction and (body["type"] != "market" or body["time_in_force"] != "day"):
            return 422, "fractional orders must be market DAY orders"
        if body.get("extended_hours") and (body["type"] != "limit" or body["time_in_force"] not in ("day", "gtc")):
            return 422, "extended hours order must be DAY or GTC limit orders"
        return self._funds(body, size)

    def _funds(self, body: dict[str, Any], size: D) -> tuple[int, str] | None:
        price = D(body.get("limit_price") or self.prices[body["symbol"]])
        shares = size if body.get("qty") else size / price
        if body["side"] == "buy" and shares * price > self.cash:
            return 403, "insufficient buying power"
        promised = sum(
            D(one["qty"]) for one in self.orders.values()
            if (one["symbol"], one["side"]) == (body["symbol"], "sell") and one["status"] in OPEN and one["qty"]
        )  # fmt: skip
        free = self.held.get(body["symbol"], D(0)) - promised
        if body["side"] == "sell" and body.get("position_intent") != "sell_to_open" and shares > free:
            return 403, "insufficient qty available for order"
        return None

    def place(self, body: dict[str, Any], *, part: D | None = None) -> dict[str, Any]:
        now = dt.datetime.now(dt.UTC).isoformat()
        order = {
            "id": str(uuid.uuid4()), "created_at": now, "submitted_at": now, "updated_at": now, "filled_at": None,
            "asset_id": str(uuid.uuid4()), "asset_class": "us_equity", "status": "accepted", "filled_qty": "0",
            "filled_avg_price": None, "notional": None, "qty": None, "limit_price": None, "stop_price": None,
            "trail_price": None, "trail_percent": None, "extended_hours": False, "order_class": "", "legs": None,
            "replaces": None, "replaced_by": None, "hwm": None, "expired_at": None, "canceled_at": None,
            "failed_at": None,
        }  # fmt: skip
        order.update({name: value for name, value in body.items() if name not in ("take_profit", "stop_loss")})
        order["order_type"] = body["type"]
        order.setdefault("client_order_id", str(uuid.uuid4()))
        with self.lock:
            self.orders[order["id"]] = order
            self.match(order, part=part)
        return order

    def match(self, order: dict[str, Any], *, part: D | None = None) -> None:
        price, limit = self.prices[order["symbol"]], order["limit_price"]
        buy = order["side"] == "buy"
        waits = order["type"] not in ("market", "limit") or order["order_class"] in ("oco", "bracket")
        if waits or (limit is not None and (price > D(limit) if buy else price < D(limit))):
            return
        total = D(order["qty"]) if order["qty"] else (D(order["notional"]) / price).quantize(D("0.000000001"))
        done = total if part is None else part
        moved = done - D(order["filled_qty"])
        self.held[order["symbol"]] = self.held.get(order["symbol"], D(0)) + (moved if buy else -moved)
        self.cash += -moved * price if buy else moved * price
        order.update(filled_qty=str(done), filled_avg_price=str(price), filled_at=order["created_at"])
        order["status"] = "filled" if done == total else "partially_filled"

    def check(self, method: str, path: str, status: int, answer: Any) -> None:
        self._check(answer, path, method, ("responses", str(status)))

    def check_body(self, body: Any) -> None:
        self._check(body, "/v2/orders", "post", ("requestBody",))

    def _check(self, value: Any, path: str, method: str, where: tuple[str, ...]) -> None:
        if self.spec is None:
            return
        found: Any = self.spec["paths"].get(path, {}).get(method.lower(), {})
        for key in where:
            found = found.get(key, {})
        schema = found.get("content", {}).get("application/json", {}).get("schema")
        if schema is None:
            return
        root = {**_modern(schema), "components": _modern(self.spec["components"])}
        for error in jsonschema.Draft202012Validator(root).iter_errors(value):
            self.problems.append(f"{method} {path} {where}: {error.message[:200]}")


def _modern(schema: Any) -> Any:
    """OpenAPI 3.0's `nullable` in the words of JSON Schema."""
    if isinstance(schema, list):
        return [_modern(one) for one in schema]
    if not isinstance(schema, Mapping):
        return schema
    made = {key: _modern(value) for key, value in schema.items() if key != "nullable"}
    if schema.get("nullable") and isinstance(made.get("type"), str):
        made["type"] = [made["type"], "null"]
        if "enum" in made:
            made["enum"] = [*made["enum"], None]
    return made


class _Handler(BaseHTTPRequestHandler):
    fake: FakeAlpaca
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        return

    def answer(self, status: int, value: Any, *, template: str = "", raw: str | None = None) -> None:
        if template:
            self.fake.check(self.command, template, status, value)
        data = (json.dumps(value) if raw is None else raw).encode() if status != 204 else b""
        self.send_response(status)
        self.send_header("Content-Type", "application/json" if raw is None else "text/html")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def refuse(self, status: int, message: str, code: int = 40010001) -> None:
        self.answer(status, {"code": code, "message": message})

    def allowed(self) -> bool:
        self.fake.requests.append((self.command, self.path))
        if (self.headers.get("APCA-API-KEY-ID"), self.headers.get("APCA-API-SECRET-KEY")) == KEYS:
            return True
        self.refuse(401, "unauthorized.")
        return False

    def do_GET(self) -> None:
        fake, url = self.fake, urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if not self.allowed():
            return
        if fake.get_faults and (fault := fake.get_faults.pop(0)):
            self.fault(fault)
            return
        with fake.lock:
            if url.path == "/v2/account":
                self.answer(200, self._account(), template=url.path)
            elif url.path == "/v2/clock":
                now = dt.datetime.now(dt.UTC)
                later = (now + dt.timedelta(hours=2)).isoformat()
                clock = {"timestamp": now.isoformat(), "is_open": True, "next_open": later, "next_close": later}
                self.answer(200, clock, template=url.path)
            elif url.path == "/v2/positions":
                self.answer(200, [self._position(*one) for one in fake.held.items() if one[1]], template=url.path)
            elif url.path == "/v2/orders":
                wanted = query.get("status", "open") == "open"
                found = [one for one in fake.orders.values() if (one["status"] in OPEN) is wanted]
                self.answer(200, found, template=url.path)
            elif url.path == "/v2/orders:by_client_order_id":
                self._one(lambda one: one["client_order_id"] == query["client_order_id"], url.path)
            elif url.path.startswith("/v2/assets/"):
                self._asset(unquote(url.path.removeprefix("/v2/assets/")))
            elif url.path == "/v2/stocks/snapshots":
                self.answer(200, {name: _snapshot(price) for name, price in fake.prices.items()
                                  if name in query["symbols"].split(",")})  # fmt: skip
            else:
                self.refuse(404, "endpoint not found.", 40410000)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        fake = self.fake
        if not self.allowed():
            return
        with fake.lock:
            fake.posts.append(body)
            fault = fake.faults.pop(0) if fake.faults else ""
            fake.check_body(body)
            refused = fake.refusal(body)
            order = None
            if not refused and not fault.startswith("before_") and fault != "reject":
                order = fake.place(body, part=D(fault.partition(":")[2]) if fault.startswith("part:") else None)
        if fault and not fault.startswith("part:"):
            self.fault(fault)
        elif refused:
            self.refuse(*refused)
        else:
            self.answer(200, order, template="/v2/orders")

    def do_DELETE(self) -> None:
        if not self.allowed():
            return
        with self.fake.lock:
            order = self.fake.orders.get(self.path.removeprefix("/v2/orders/"))
            if order is None:
                self.refuse(404, "order not found", 40410000)
            elif order["status"] not in OPEN:
                self.refuse(422, f'order is already in "{order["status"]}" state', 42210000)
            else:
                order.update(status="canceled", canceled_at=order["created_at"])
                self.answer(204, None)

    def fault(self, name: str) -> None:
        """`before_...` happens instead of the order, `after_...` after it was taken."""
        kind = name.removeprefix("before_").removeprefix("after_")
        if kind == "hang":
            time.sleep(self.fake.hang)
            self.close_connection = True
        elif kind == "disconnect":
            self.close_connection = True
            self.connection.shutdown(2)
        elif kind == "504":
            self.answer(504, None, raw="<html><body>504 Gateway Time-out</body></html>")
        elif kind == "429":
            self.refuse(429, "too many requests.", 42910000)
        elif kind == "html":
            self.answer(200, None, raw="<html>maintenance</html>")
        elif kind == "403html":
            self.answer(403, None, raw="<html>forbidden by a proxy</html>")
        elif kind == "empty":
            self.answer(200, None, raw="")
        elif kind == "reject":
            self.refuse(403, "potential wash trade detected", 40310000)
        elif kind == "422duplicate":
            self.refuse(422, "client_order_id must be unique", 40010001)
        else:
            raise AssertionError(name)

    def _one(self, wanted: Any, template: str) -> None:
        found = next((one for one in self.fake.orders.values() if wanted(one)), None)
        if found is None:
            self.refuse(404, "order not found", 40410000)
        else:
            self.fake.match(found) if found["status"] == "partially_filled" else None
            self.answer(200, found, template=template)

    def _asset(self, symbol: str) -> None:
        if symbol not in self.fake.prices:
            self.refuse(404, f"asset not found for {symbol}", 40410000)
            return
        asset = {
            "id": str(uuid.uuid4()), "class": "us_equity", "exchange": "NASDAQ", "symbol": symbol,
            "name": f"{symbol} Inc.", "status": "active", "tradable": True, "marginable": True,
            "shortable": True, "easy_to_borrow": True,
            "fractionable": True,
        }  # fmt: skip
        self.answer(200, asset, template="/v2/assets/{symbol_or_asset_id}")

    def _account(self) -> dict[str, Any]:
        worth = sum((qty * self.fake.prices[name] for name, qty in self.fake.held.items()), self.fake.cash)
        money = {name: str(self.fake.cash) for name in ("cash", "buying_power")}
        return {
            "id": str(uuid.uuid4()), "account_number": self.fake.account_number, "status": "ACTIVE", "currency": "USD",
            "equity": str(worth), "last_equity": "100000", "trading_blocked": False, "account_blocked": False, **money,
        }  # fmt: skip

    def _position(self, symbol: str, qty: D) -> dict[str, Any]:
        price = self.fake.prices[symbol]
        same = dict.fromkeys(
            ("market_value", "cost_basis", "unrealized_pl", "unrealized_plpc", "unrealized_intraday_pl",
             "unrealized_intraday_plpc", "lastday_price", "change_today"), str(price))  # fmt: skip
        return {
            "asset_id": str(uuid.uuid4()), "symbol": symbol, "exchange": "NASDAQ", "asset_class": "us_equity",
            "avg_entry_price": str(price), "qty": str(qty), "side": "long" if qty > 0 else "short",
            "current_price": str(price), "asset_marginable": True, **same,
        }  # fmt: skip


def _snapshot(price: D) -> dict[str, Any]:
    now = dt.datetime.now(dt.UTC).isoformat()
    half = D("0.01")
    return {
        "latestQuote": {"t": now, "ap": float(price + half), "bp": float(price - half), "as": 1, "bs": 1},
        "latestTrade": {"t": now, "p": float(price)},
    }
