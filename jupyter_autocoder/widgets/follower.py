"""Follows a ticket at the broker until it is done, and tells its card."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from jupyter_autocoder.desk import CardPort
from jupyter_autocoder.errors import AutocoderError

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 10.0


class Follower:
    """One daemon thread per ticket that is on its way; none while it waits for a person or is done."""

    def __init__(self, port: CardPort, *, on_news: Callable[[dict[str, Any]], None]) -> None:
        self._port = port
        self._on_news = on_news
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def look(self, card: dict[str, Any]) -> None:
        """Begin to follow when the card says that something is on its way."""
        if card["done"] or not card["cancellable"]:
            return
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._follow, name="autocoder-ticket", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """End the thread, waiting a moment for it unless it is the caller."""
        self._stop.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout=2.0)

    def _follow(self) -> None:
        pause, before = FIRST_PAUSE, None
        while not self._stop.wait(pause):
            pause = min(pause * 1.5, LONGEST_PAUSE)
            try:
                entry = self._port.refresh()
                if entry != before:
                    before, pause = entry, FIRST_PAUSE
                    self._on_news(self._port.draw())
            except AutocoderError:
                continue  # The broker or the store is away for a moment; the card keeps what it knows.
            if entry.done:
                return
