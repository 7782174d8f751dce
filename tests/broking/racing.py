"""A process of the race and kill tests: ``python racing.py confirm|die STORE ...``; helpers of their own, no test."""

from __future__ import annotations

import json
import os
import signal
import sys
import time

from jupyter_autocoder.broking.audit import Who
from jupyter_autocoder.broking.entries import Claim
from jupyter_autocoder.broking.paper import PaperBroker
from jupyter_autocoder.broking.prices import SetPrices
from jupyter_autocoder.broking.sending import Sender
from jupyter_autocoder.broking.tickets import TicketBook
from jupyter_autocoder.errors import TicketConflict, TradeRefused
from jupyter_autocoder.settings import TradeSettings
from jupyter_autocoder.store import Store
from jupyter_autocoder.trade.limits import Judgement
from jupyter_autocoder.trade.states import State

WHO = Who(actor="human", person="ada", session="race")


def broker(store: Store) -> PaperBroker:
    prices = SetPrices()
    prices.set("AAPL", "150")
    return PaperBroker(store, prices, TradeSettings(), account="PAPER-ada")


def confirm_all(store: Store, start: float) -> list[str]:
    """Confirm and send every pending ticket as fast as possible; return those that this process won."""
    book, won = TicketBook(store), []
    sender = Sender(book, broker(store))
    claims = []
    for one in sorted(book.recall(states=(State.PENDING,), limit=1000), key=lambda one: one.id):
        entry = book.get(one.id)
        claims.append(Claim(ticket=entry.id, hash=entry.hash, nonce=book.nonce(entry.id, WHO), who=WHO))
    time.sleep(max(0.0, start - time.time()))
    for claim in claims:
        try:
            verdict = book.confirm(claim, lambda *_: Judgement())
        except (TicketConflict, TradeRefused):
            continue
        if verdict.state is State.CONFIRMED:
            won.append(claim.ticket)
            sender.send(claim.ticket)
    return won


def die(store: Store, ticket: str, point: str) -> None:
    """Confirm and send one ticket, and end by SIGKILL at a point on the way."""

    def kill() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    book = TicketBook(store)
    entry = book.get(ticket)
    claim = Claim(ticket=ticket, hash=entry.hash, nonce=book.nonce(ticket, WHO), who=WHO)
    if point == "in_confirm":
        book.confirm(claim, lambda *_: kill() or Judgement())  # type: ignore[func-returns-value]
    book.confirm(claim, lambda *_: Judgement())
    if point == "after_confirm":
        kill()
    real = broker(store)
    if point == "in_submit":
        real.submit = lambda *_, **__: kill()  # type: ignore[assignment,method-assign,return-value,misc]
    sender = Sender(book, real)
    if point == "after_submit":
        sender.apply = lambda *_: kill()  # type: ignore[assignment,method-assign,return-value,misc]
    if point == "before_post":
        book.begin_send(ticket, 0)
        kill()
    sender.send(ticket)
    kill()


if __name__ == "__main__":
    shared = Store(sys.argv[2])
    if sys.argv[1] == "confirm":
        print(json.dumps(confirm_all(shared, float(sys.argv[3]))))
    else:
        die(shared, sys.argv[3], sys.argv[4])
    shared.close()
