"""Whatever a person, two cards, prices, the broker, the store and the clock do: orders are what was clicked, once."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal as D
from random import Random
from typing import Any

import pytest

from jupyter_autocoder.broking import audit
from jupyter_autocoder.broking.paper import PaperBroker
from jupyter_autocoder.broking.prices import SetPrices
from jupyter_autocoder.desk import CardPort, Desk, Who
from jupyter_autocoder.desk.lineage import origin
from jupyter_autocoder.errors import AutocoderError, BrokerError, StoreUnavailable
from jupyter_autocoder.settings import Settings, TradeSettings
from jupyter_autocoder.store import Store
from jupyter_autocoder.trade.limits import Switch
from jupyter_autocoder.trade.states import State

HALF = frozenset({State.CONFIRMED, State.SUBMITTING})
QUICK = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
ADA = Who(actor="human", person="ada", session="kernel-1")
TRADE = TradeSettings(max_orders_per_minute=1000, max_daily_orders=1000, max_daily_notional=1e9)
WORDS = (
    "buy 10 AAPL",
    "buy 5 MSFT at 400",
    "sell all my AAPL and buy MSFT with the proceeds",
    "sell 4 AAPL and put half of the proceeds into MSFT and half into F",
    "buy 5 MSFT, then sell 3 AAPL",
    "sell 2 AAPL and buy 3 F",
    "raise my limit on MSFT to 401",
    "close all my positions",
    "cancel all my orders",
)
TROUBLES = ("before", "after", "refused", "blind", "account", "cancel")


class Clock:
    now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class ShakyStore(Store):
    """A store that cannot be written after some more writes."""

    left: int | None = None

    def write(self) -> Any:
        if self.left is not None:
            if self.left <= 0:
                raise StoreUnavailable("the database is locked")
            self.left -= 1
        return super().write()


class ShakyBroker(PaperBroker):
    """A broker that fails in the ways of `trouble`; `seen` is told of every request for an order before it is made."""

    trouble: frozenset[str] = frozenset()
    seen: Any = None

    def _may(self, way: str, *, definite: bool = False) -> None:
        if way in self.trouble:
            raise BrokerError(f"trouble: {way}", definite=definite)

    def submit(self, order: Any, *, client_order_id: str) -> Any:
        self.seen(order, client_order_id)
        self._may("before")
        self._may("refused", definite=True)
        report = super().submit(order, client_order_id=client_order_id)
        self._may("after")
        return report

    def lookup(self, client_order_id: str) -> Any:
        self._may("blind")
        return super().lookup(client_order_id)

    def account(self) -> Any:
        self._may("account")
        return super().account()

    def cancel(self, client_order_id: str) -> None:
        self._may("cancel")
        super().cancel(client_order_id)


class Life:
    """One person with a few cards, and all that may happen to them; `random` decides."""

    def __init__(self, place: str, random: Random) -> None:
        self.random = random
        self.clock = Clock()
        self.store = ShakyStore(f"{place}/s", clock=self.clock)
        self.prices = SetPrices()
        for symbol, price in (("AAPL", "150"), ("MSFT", "400"), ("F", "10")):
            self.prices.set(symbol, price)
        self.broker = ShakyBroker(self.store, self.prices, TRADE, account="PAPER-ada")
        self.broker.seen = self.posted
        self.desk = Desk(
            self.store, settings=Settings(trade=TRADE), broker=self.broker, owner="ada", session="kernel-1",
            sleep=self.clock.sleep,
        )  # fmt: skip
        self.cards: list[CardPort] = []
        self.drawn: list[dict[str, Any]] = []
        self.clicked: set[str] = set()
        self.posts: Counter[str] = Counter()
        self.retried: Counter[str] = Counter()
        for words in ("buy 100 AAPL", "buy 20 F"):
            self.say(words)
            self.click(3, times=1, ticked=True, trouble=False)

    def step(self) -> None:
        """Do one thing; what needs a card is left out while there is none."""
        which, words = self.random.randrange(4), self.random.choice(WORDS)
        acts: list[tuple[int, Callable[[], None]]] = [
            (20, lambda: self.say(words)),
            (30, lambda: self.click(which, times=self.random.choice([1, 2]), ticked=self.random.random() < 0.85)),
            (7, lambda: self.click_late(which, self.random.randrange(10))),
            (10, lambda: self.press(which, self.random.choice(["dismiss", "cancel", "draw", "draw", "alive"]))),
            (6, lambda: self.edit(which, words)),
            (7, lambda: self.send_again(which)),
            (8, lambda: self.move(self.random.choice(["AAPL", "MSFT", "F"]), self.random.choice(["0.1", "3", "-4"]))),
            (5, lambda: self.pass_time(self.random.choice([0.5, 20.0, 61.0, 700.0, -5.0, -7200.0]))),
            (4, lambda: self.halt(which, self.random.choice([Switch.REDUCING, Switch.HALTED]))),
            (2, self.begin_anew),
            (2, self.put_right),
        ]
        self.random.choices([act for _, act in acts], [weight for weight, _ in acts])[0]()

    def posted(self, order: Any, client_order_id: str) -> None:
        """Look at every request for an order at the moment when it is made."""
        ticket, leg = client_order_id.removeprefix("jac-").split("-")
        entry = self.desk.book.get(ticket)
        self.posts[client_order_id] += 1
        assert entry.hash in self.clicked
        assert order == entry.order(int(leg))
        assert entry.legs[int(leg)].state is State.SUBMITTING
        assert self.posts[client_order_id] <= 1 + self.retried[client_order_id]
        assert self.desk.trading() is not Switch.HALTED
        quote = self.prices.quote(order.symbol, self.clock())
        assert quote is not None
        seen = entry.ticket.quotes[order.symbol].last
        assert abs(quote.last - seen) <= seen * D("0.005")
        before = entry.order(int(leg)).after
        assert before is None or entry.legs[before].state is State.FILLED

    # -- the person ------------------------------------------------------------------------------------------------
    def say(self, words: str) -> None:
        try:
            entry = self.desk.take(words).entry
        except AutocoderError:
            return
        if entry is not None:
            self.cards = [*self.cards[-2:], CardPort(self.desk, entry.id, ADA), CardPort(self.desk, entry.id, ADA)]

    def click(self, which: int, *, times: int, ticked: bool, trouble: bool = True) -> None:
        port = self.cards[which % len(self.cards)]
        message = self.confirming(self.look(port), ticked=ticked)
        with self.in_trouble(often=trouble):
            for _ in range(times):
                self.say_to(port, message)

    @contextlib.contextmanager
    def in_trouble(self, *, often: bool = True) -> Iterator[None]:
        """Half of the time something does not work: the broker in a way or two, or the store after some writes."""
        if often and self.random.random() < 0.5:
            self.broker.trouble = frozenset(self.random.sample(TROUBLES, self.random.choice([1, 1, 2])))
        if often and self.random.random() < 0.4:
            self.store.left = self.random.randrange(9)
        yield
        self.broker.trouble, self.store.left = frozenset(), None

    def click_late(self, which: int, what: int) -> None:
        """A click on what stood there some time ago, or on what stands on the other card."""
        port = self.cards[which % len(self.cards)]
        self.say_to(port, self.confirming(self.drawn[-1 - what % len(self.drawn)], ticked=True))

    def press(self, which: int, kind: str) -> None:
        port = self.cards[which % len(self.cards)]
        with self.in_trouble():
            self.say_to(port, {"kind": kind, "ticket": port.ticket})

    def edit(self, which: int, words: str) -> None:
        port = self.cards[which % len(self.cards)]
        self.say_to(port, {"kind": "edit", "text": words, "ticket": port.ticket})

    def send_again(self, which: int) -> None:
        """Wait until the broker has been searched for long enough, then send what it does not know once more."""
        port = self.cards[which % len(self.cards)]
        self.clock.now += 31
        drawn = self.say_to(port, {"kind": "draw"})
        for leg in drawn["card"]["retry"]:
            self.retried[f"jac-{drawn['card']['id']}-{leg}"] += 1
            with self.in_trouble():
                self.say_to(port, {**self.confirming(drawn, ticked=True), "kind": "retry", "leg": leg})

    def look(self, port: CardPort) -> dict[str, Any]:
        drawn = port.draw()
        self.drawn = [*self.drawn[-9:], drawn]
        return drawn

    def confirming(self, drawn: dict[str, Any], *, ticked: bool) -> dict[str, Any]:
        card = drawn["card"]
        if drawn["nonce"]:
            self.clicked.add(card["hash"])
        ticks = [warning["key"] for warning in card["warnings"]] if ticked else []
        return {"kind": "confirm", "ticket": card["id"], "hash": card["hash"], "nonce": drawn["nonce"], "ticks": ticks,
                "clicked": self.clock()}  # fmt: skip

    def say_to(self, port: CardPort, message: dict[str, Any]) -> dict[str, Any]:
        reply = port.handle(message)
        assert reply["kind"] in ("card", "alive", "away")
        if reply["kind"] == "card":
            self.drawn = [*self.drawn[-9:], reply]
        return reply

    # -- the world -------------------------------------------------------------------------------------------------
    def move(self, symbol: str, percent: str) -> None:
        quote = self.prices.quote(symbol, self.clock())
        assert quote is not None
        self.prices.set(symbol, str((quote.last * (100 + D(percent)) / 100).quantize(D("0.01"))))

    def pass_time(self, seconds: float) -> None:
        self.clock.now += seconds

    def halt(self, which: int, state: Switch) -> None:
        """Somebody stops trading, the person clicks all the same, and it goes on."""
        self.desk.set_trading(state, ADA)
        self.click(which, times=1, ticked=True)
        self.desk.set_trading(Switch.ACTIVE, ADA)

    def begin_anew(self) -> None:
        """What a new desk does first: it puts in order what it finds."""
        self.desk.recover()

    def put_right(self) -> None:
        """When nothing is in the way any more, nothing stays half done and no follow-up is missing."""
        self.clock.now += 130
        for _ in range(2):
            for one in self.desk.tickets(limit=10_000):
                self.desk.refresh(one.id)
        entries = [self.desk.book.get(one.id) for one in self.desk.tickets(limit=10_000)]
        stuck = [
            (leg.client_order_id, leg.state, leg.sent) for entry in entries for leg in entry.legs if leg.state in HALF
        ]
        assert not stuck
        for entry in entries:
            for index, follow_up in enumerate(entry.ticket.follow_ups):
                leg = entry.legs[follow_up.after]
                if leg.final and leg.filled_qty:
                    assert self.desk.book.made_of(origin(entry.id, index)) or "was not drafted" in leg.message

    def look_at_the_broker(self) -> None:
        """What is there was asked for, and the audit is whole."""
        with self.store.read() as tx:
            orders = [row["client_order_id"] for row in tx.rows("SELECT client_order_id FROM paper_orders")]
        assert set(orders) <= set(self.posts)
        assert audit.verify(self.store).ok


@pytest.mark.parametrize("seed", range(12))
def test_orders_are_what_was_clicked_once_and_nothing_is_left_half_done(seed: int) -> None:
    with tempfile.TemporaryDirectory(dir=QUICK) as place:
        life = Life(place, Random(seed))

        for _ in range(60):
            life.step()
            life.look_at_the_broker()
        life.put_right()

        life.store.close()
    assert len(life.posts) > 2, "something happened"
