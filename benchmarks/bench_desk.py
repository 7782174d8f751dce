"""The desk's numbers: ``python benchmarks/bench_desk.py``.

From a sentence to a card, from a click to the one POST (the paper broker is the store itself, so the POST is timed at
its door), and lists of ten thousand tickets. The disk's fsync is most of what a click costs; it is shown beside them.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from jupyter_autocoder.broking import audit
from jupyter_autocoder.broking.paper import PaperBroker
from jupyter_autocoder.broking.prices import sample_prices
from jupyter_autocoder.desk import Claim, Desk, Who
from jupyter_autocoder.settings import Settings, TradeSettings
from jupyter_autocoder.store import Store
from jupyter_autocoder.trade.states import State
from jupyter_autocoder.trade.terms import Side
from jupyter_autocoder.trade.tickets import Leg, Ticket

ROUNDS = 100
TICKETS = 10_000
SYMBOLS = ("AAPL", "MSFT", "F", "KO", "SPY")


def milliseconds(act: Callable[[], object]) -> float:
    begin = time.perf_counter()
    act()
    return (time.perf_counter() - begin) * 1000


def row(name: str, found: list[float], budget: float | None) -> None:
    found = sorted(found)
    high = found[int(len(found) * 0.95) - 1] if len(found) > 1 else found[0]
    limit = "" if budget is None else f"{budget:8.0f}"
    print(f"{name:46} {statistics.median(found):9.2f} {high:9.2f} {limit:>8}")


def fsyncs(folder: Path) -> list[float]:
    file = os.open(folder / "probe", os.O_CREAT | os.O_WRONLY)
    found = []
    for _ in range(ROUNDS):
        os.write(file, b"x" * 4096)
        found.append(milliseconds(lambda: os.fsync(file)))
    os.close(file)
    return found


def sentences(desk: Desk) -> list[float]:
    def act(number: int) -> None:
        outcome = desk.take(f"buy {number % 3 + 1} shares of {SYMBOLS[number % len(SYMBOLS)]} at 1.0{number % 9}")
        assert outcome.data["state"] == "pending"

    return [milliseconds(lambda number=number: act(number)) for number in range(ROUNDS)]  # type: ignore[misc]


def clicks(desk: Desk, broker: Any) -> tuple[list[float], list[float]]:
    """Milliseconds to the door of the POST, and until the whole answer is there."""
    posted: list[float] = []
    real = broker.submit

    def submit(order: Leg, *, client_order_id: str) -> Any:
        posted.append(time.perf_counter())
        return real(order, client_order_id=client_order_id)

    broker.submit = submit
    to_post, whole = [], []
    for number in range(ROUNDS):
        entry = desk.take(f"buy {number % 7 + 1} shares of {SYMBOLS[number % len(SYMBOLS)]}").entry
        assert entry is not None
        ticks = frozenset(one.key for one in entry.ticket.warnings)
        nonce = desk.control(entry.id, desk.me)
        said = Claim(ticket=entry.id, hash=entry.hash, nonce=nonce, who=desk.me, ticks=ticks)
        begin = time.perf_counter()
        desk.confirm(said)
        whole.append((time.perf_counter() - begin) * 1000)
        to_post.append((posted[-1] - begin) * 1000)
    return to_post, whole


def fill_up(desk: Desk, count: int) -> None:
    who = Who(actor="human", person=desk.owner, session="bench")
    now = int(time.time() * 1000)
    leg = Leg(side=Side.BUY, symbol="AAPL", qty=Decimal(1), cost=Decimal(150))
    from jupyter_autocoder.broking import rows

    with desk.store.write() as tx:
        for number in range(count):
            ticket = Ticket(
                id=f"b{number:06}", owner=desk.owner, mode="paper", broker="paper", account="PAPER-bench",
                text=f"buy {number}", legs=(leg,), created=now + number, expires=now + 10**9,
            )  # fmt: skip
            rows.insert_ticket(tx, ticket, who, State.PENDING)
            rows.insert_legs(tx, ticket, State.PENDING)
            audit.append(tx, who, "propose", ticket=ticket.id, after="pending", ticket_hash=ticket.hash)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        settings = TradeSettings(
            price_band=1e9, max_orders_per_minute=10**9, max_daily_orders=10**9, max_daily_notional=1e12,
            limit_ttl=10_000, paper_cash=1e9,
        )  # fmt: skip
        store = Store(f"{name}/store.db")
        broker = PaperBroker(store, sample_prices(), settings, account="PAPER-bench")
        desk = Desk(store, settings=Settings(trade=settings), broker=broker, owner="bench", session="bench")
        print(f"{'':46} {'median ms':>9} {'p95 ms':>9} {'budget':>8}")
        row("first sentence, reader and tables cold", [milliseconds(lambda: desk.take("buy 1 KO at 60"))], None)
        row("fsync of this disk", fsyncs(Path(name)), None)
        row("a sentence to a card", sentences(desk), 50)
        to_post, whole = clicks(desk, broker)
        row("a click to the POST", to_post, 20)
        row("a click to the broker's answer on the card", whole, None)
        fill_up(desk, TICKETS)
        row(f"list of 100 out of {TICKETS} tickets", [milliseconds(desk.tickets) for _ in range(20)], 100)
        everything = [milliseconds(lambda: desk.tickets(limit=TICKETS * 2)) for _ in range(10)]
        row(f"list of all {TICKETS} tickets", everything, 100)
        row(f"a sentence to a card among {TICKETS} tickets", sentences(desk), 50)
        row("the audit verified", [milliseconds(lambda: audit.verify(store)) for _ in range(3)], None)
        store.close()


if __name__ == "__main__":
    main()
