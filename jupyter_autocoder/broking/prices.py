"""Where the paper broker's prices come from: a file replayed on a clock of its own, or prices set by hand.

A file is CSV with a header: ``time`` (ISO 8601), ``symbol``, and ``bid`` with ``ask``, or ``last`` (also called
``price`` or ``close``), or all three. Gaps of over an hour end a session and are skipped, so that the replay goes round
the clock. All processes agree on the moment of the replay, since it follows from the time of day alone.
"""

from __future__ import annotations

import bisect
import csv
import datetime as dt
import itertools
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Protocol

from jupyter_autocoder.errors import SettingsError
from jupyter_autocoder.trade.market import Hours, Quote

SAMPLES = Path(__file__).parent / "data" / "sample_prices.csv"
SAMPLE_SPEED = 10.0
LONGEST_FILE = 64 * 2**20
SESSION_GAP = 3600.0
_LAST_NAMES = ("last", "price", "close")


class PriceSource(Protocol):
    """Prices by the wall's clock; all times are epoch seconds."""

    note: str

    def quote(self, symbol: str, now: float) -> Quote | None:
        """The price at a moment, None for a symbol that is not there."""

    def path(self, symbol: str, since: float, until: float) -> Sequence[Quote]:
        """Every price after `since` up to `until`, oldest first, the one in force at `until` last."""

    def hours(self, now: float) -> Hours:
        """Whether orders fill, and when the session ends."""


@dataclass(frozen=True, slots=True)
class _Row:
    offset: float
    quote: Quote


class CsvPrices:
    """A file of prices, replayed `speed` times as fast as the clock, again and again.

    Raises SettingsError naming the line when the file cannot be used.
    """

    def __init__(self, path: Path, *, speed: float = 1.0, label: str = "") -> None:
        self._path = path
        self._speed = speed
        self.note = label or f"prices replayed from {path.name}, not the market's"
        moments, found = _read(path)
        self._offsets, self._ends, self._length = _timeline(sorted(moments))
        self._rows: dict[str, list[_Row]] = {}
        for moment, quote in sorted(found, key=lambda item: item[0]):
            self._rows.setdefault(quote.symbol, []).append(_Row(self._offsets[moment], quote))

    @property
    def symbols(self) -> frozenset[str]:
        return frozenset(self._rows)

    def quote(self, symbol: str, now: float) -> Quote | None:
        rows = self._rows.get(symbol)
        if not rows:
            return None
        at = bisect.bisect_right(rows, now * self._speed % self._length, key=lambda row: row.offset) - 1
        # Before a symbol's first row of a round its last row of the round before is in force.
        return replace(rows[at].quote, time=now, source=self.note)

    def path(self, symbol: str, since: float, until: float) -> Sequence[Quote]:
        rows = self._rows.get(symbol)
        now = self.quote(symbol, until)
        if not rows or now is None:
            return ()
        begin, end = since * self._speed, until * self._speed
        begin = max(begin, end - self._length)
        passed = [
            replace(row.quote, time=moment / self._speed, source=self.note)
            for moment, row in self._passed(rows, begin, end)
        ]
        return [*passed, now]

    def _passed(self, rows: list[_Row], begin: float, end: float) -> Iterator[tuple[float, _Row]]:
        round_ = int(begin // self._length)
        while round_ * self._length <= end:
            for row in rows:
                moment = round_ * self._length + row.offset
                if begin < moment <= end:
                    yield moment, row
            round_ += 1

    def hours(self, now: float) -> Hours:
        offset = now * self._speed % self._length
        end = next((one for one in self._ends if one > offset), self._length)
        return Hours(
            open=True, next_close=now + (end - offset) / self._speed, note="It is the replay's own clock that counts."
        )


class SetPrices:
    """Prices set by hand, for tests and for trying things out; open until `open` says otherwise."""

    note = "prices set by hand"

    def __init__(self) -> None:
        self._quotes: dict[str, Quote] = {}
        self._lock = threading.Lock()
        self.state = Hours(open=True)

    def set(
        self, symbol: str, last: str, *, bid: str = "", ask: str = "", size: str = "", age: float | None = None
    ) -> None:
        """Set a symbol's price; bid and ask are the last price unless given. `age` freezes the time of the quote."""
        quote = Quote(
            symbol=symbol,
            bid=Decimal(bid or last),
            ask=Decimal(ask or last),
            last=Decimal(last),
            time=-1.0 if age is None else age,
            source=self.note,
            size=Decimal(size) if size else None,
        )
        with self._lock:
            self._quotes[symbol] = quote

    def forget(self, symbol: str) -> None:
        with self._lock:
            self._quotes.pop(symbol, None)

    def quote(self, symbol: str, now: float) -> Quote | None:
        with self._lock:
            quote = self._quotes.get(symbol)
        return None if quote is None else replace(quote, time=now if quote.time < 0 else now - quote.time)

    def path(self, symbol: str, since: float, until: float) -> Sequence[Quote]:
        quote = self.quote(symbol, until)
        return () if quote is None else (quote,)

    def hours(self, now: float) -> Hours:
        return self.state


def sample_prices() -> CsvPrices:
    """The prices that come with the package: made up, so that buying and filling can be tried on a Sunday."""
    label = "made-up sample prices, replayed ten times as fast around the clock, not the market's"
    return CsvPrices(SAMPLES, speed=SAMPLE_SPEED, label=label)


def _read(path: Path) -> tuple[set[float], list[tuple[float, Quote]]]:
    try:
        if path.stat().st_size > LONGEST_FILE:
            raise _bad(path, f"it is larger than {LONGEST_FILE // 2**20} MiB")
        with path.open(newline="", encoding="utf-8-sig") as file:
            table = csv.DictReader(file)
            found = [_row(path, line, row) for line, row in enumerate(table, start=2)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise _bad(path, str(error)) from None
    if not found:
        raise _bad(path, "it holds no prices")
    return {moment for moment, _ in found}, found


def _row(path: Path, line: int, row: dict[str, str]) -> tuple[float, Quote]:
    try:
        moment = dt.datetime.fromisoformat(row["time"])
        last_name = next((name for name in _LAST_NAMES if row.get(name)), "")
        bid = Decimal(row.get("bid") or row[last_name])
        ask = Decimal(row.get("ask") or row[last_name])
        last = Decimal(row[last_name]) if last_name else (bid + ask) / 2
        symbol = row["symbol"].strip().upper()
    except (KeyError, TypeError, ValueError, InvalidOperation, AttributeError):
        raise _bad(path, f"line {line} needs time, symbol and prices, not {row}") from None
    prices = (bid, ask, last)
    if not symbol or not all(price.is_finite() and price > 0 for price in prices) or bid > ask:
        raise _bad(path, f"line {line} has no sensible prices: {row}")
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    quote = Quote(symbol=symbol, bid=bid, ask=ask, last=last, time=0.0, sample_time=row["time"])
    return moment.timestamp(), quote


def _timeline(moments: list[float]) -> tuple[dict[float, float], list[float], float]:
    """Offsets of the moments with the nights cut out, the ends of sessions, and the length of one round."""
    steps = sorted(after - before for before, after in itertools.pairwise(moments))
    inside = [step for step in steps if step <= SESSION_GAP]
    usual = inside[len(inside) // 2] if inside else 60.0
    offsets, ends, offset = {moments[0]: 0.0}, [], 0.0
    for before, after in itertools.pairwise(moments):
        gap = after - before
        offset += gap if gap <= SESSION_GAP else usual
        if gap > SESSION_GAP:
            ends.append(offset)
        offsets[after] = offset
    return offsets, [*ends, offset + usual], offset + usual


def _bad(path: Path, why: str) -> SettingsError:
    return SettingsError(
        f"{path} cannot be used for prices", source=str(path), key="trade.prices", why=why, do="mend the file"
    )
