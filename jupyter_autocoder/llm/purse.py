"""A bound on what one run may spend in all, beside the limits that all processes share.

It is counted here and not in the store: a run's money is its own, whatever else its person does meanwhile, and over
midnight too.
"""

from __future__ import annotations

import functools
import threading

from jupyter_autocoder.errors import BudgetExceeded, PriceUnknown
from jupyter_autocoder.events import Usage
from jupyter_autocoder.llm.refusals import dollars
from jupyter_autocoder.llm.reservation import Ask, Reservation


@functools.cache
def purse_of_run(size: int, pid: int) -> Purse:
    """The one purse of the process `pid` for its run, however often a client is made in it; `size` in micro-USD."""
    return Purse(size)


class Purse:
    """Holds `size` micro-USD for the governors of one run, which ask one after the other.

    What is open counts at its estimate, what has ended at its cost.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._spent = 0
        self._open: dict[str, int] = {}
        self._lock = threading.Lock()

    @property
    def spent(self) -> int:
        """What is spent or open, in micro-USD."""
        with self._lock:
            return self._spent + sum(self._open.values())

    def allow(self, ask: Ask) -> None:
        """Raise BudgetExceeded where there is too little left for `ask`, PriceUnknown where nobody knows."""
        if ask.cost is None:
            what = f"the price of {ask.model} is not known, and this run may cost {dollars(self.size)} at most"
            do = f"name its price in a prices file (AUTOCODER_MODEL_PRICES_FILE), not {ask.model}, or no --max-cost"
            raise PriceUnknown(what, model=ask.model, do=do)
        if (spent := self.spent) + ask.cost > self.size:
            raise BudgetExceeded(
                f"this run may cost {dollars(self.size)} at most, which does not allow this",
                limit="usd_per_run",
                budget=self.size,
                spent=spent,
                asked=ask.cost,
                why=f"{dollars(spent)} are spent or reserved, this may cost up to {dollars(ask.cost)}",
                do="ask for less (a shorter prompt, fewer output tokens, a cheaper model), or raise --max-cost",
            )

    def put_aside(self, reservation: Reservation) -> None:
        with self._lock:
            self._open[reservation.id] = reservation.ask.cost or 0

    def end(self, reservation: Reservation, usage: Usage) -> None:
        """Take what `reservation` cost in the end; the second time it is called for one, nothing."""
        with self._lock:
            aside = self._open.pop(reservation.id, None)
            if aside is not None:
                self._spent += aside if usage.cost is None else usage.cost
