"""Follows a ticket, in the store and at the broker, until it is done, and tells its card."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Any

from jupyter_autocoder.desk import CardPort, Entry
from jupyter_autocoder.errors import AutocoderError
from jupyter_autocoder.trade.states import WAITS_FOR_PERSON

# Seconds. A look is one small read of the store: what another face or program did shows here within a second.
LOOK = 0.5
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 10.0


class Follower:
    """One daemon thread per ticket on show that is not done.

    The store is looked at all the time; the broker is asked only about what is on its way there, less and less often
    while nothing changes, and the clock about what has expired.
    """

    def __init__(self, port: CardPort, *, on_news: Callable[[dict[str, Any]], None]) -> None:
        self._port = port
        self._on_news = on_news
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._pause = FIRST_PAUSE
        self._due = 0.0

    def look(self, card: dict[str, Any]) -> None:
        """Begin to follow, unless the card says that the ticket is done."""
        if card["done"]:
            return
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._due = time.monotonic() + FIRST_PAUSE
                self._thread = threading.Thread(target=self._follow, name="autocoder-ticket", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """End the thread, waiting a moment for it unless it is the caller."""
        self._stop.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout=2.0)

    def _follow(self) -> None:
        while not self._stop.wait(LOOK):
            # While a message is answered there is nothing to tell: its answer is the card as it stands.
            with self._port.between() as mine, contextlib.suppress(AutocoderError):
                # Suppressed: the broker or the store is away for a moment; the card keeps what it knows.
                if mine and self._ends():
                    return

    def _ends(self) -> bool:
        """Tell what is new; return whether nothing more can come."""
        entry = self._port.look()
        if self._is_due(entry):
            entry = self._port.refresh()
        if entry != self._port.drawn:
            self._pause = FIRST_PAUSE
            self._on_news(self._port.draw())
        # Drawing may have gone on to the ticket that its proceeds made.
        return self._port.look().done

    def _is_due(self, entry: Entry) -> bool:
        """Whether more than the store has to be asked: the clock while a person is awaited, then the broker."""
        if entry.done:
            return False
        if entry.state in WAITS_FOR_PERSON:
            return self._port.desk.book.now() >= entry.expires
        if time.monotonic() < self._due:
            return False
        self._due = time.monotonic() + self._pause
        self._pause = min(self._pause * 1.5, LONGEST_PAUSE)
        return True
