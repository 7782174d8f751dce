from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from enum import Enum, auto
from typing import Any, ClassVar


class Side(Enum):
    BUY = auto()
    SELL = auto()

    def __str__(self) -> str:
        return self.name.lower()


@dataclass(frozen=True)
class Trade:
    symbol: str
    quantity: int
    price: Decimal
    side: Side = Side.BUY
    when: date = field(default_factory=date.today)

    def __post_init__(self) -> None:
        if self.quantity <= 0:
            raise ValueError(f"quantity must be positive, got {self.quantity!r}")
        object.__setattr__(self, "symbol", self.symbol.upper())

    @property
    def value(self) -> Decimal:
        return (self.price * self.quantity).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


class Book(ABC):
    _count: ClassVar[int] = 0
    __slots__ = ("__secret", "_name", "_trades")

    def __new__(cls, *args: Any, **kwargs: Any) -> Book:
        cls._count += 1
        return super().__new__(cls)

    def __init__(self, name: str) -> None:
        self._name = name
        self._trades: list[Trade] = []
        self.__secret = 42

    def __repr__(self) -> str:
        return f"<{self.__class__.__name__} {self._name!r} with {len(self)} trades>"

    def __len__(self) -> int:
        return len(self._trades)

    def __iter__(self) -> Iterator[Trade]:
        return iter(self._trades)

    def __getitem__(self, index: int) -> Trade:
        return self._trades[index]

    def __contains__(self, symbol: object) -> bool:
        return any(t.symbol == symbol for t in self._trades)

    def __add__(self, other: Book) -> Book:
        merged = type(self)(f"{self._name}+{other._name}")
        merged._trades = self._trades + other._trades
        return merged

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Book) and self._trades == other._trades

    def __hash__(self) -> int:
        return hash(tuple(self._trades))

    def __enter__(self) -> Book:
        return self

    def __exit__(self, exc_type: type | None, exc: BaseException | None, tb: Any) -> None:
        print(f"closing {self._name} at {datetime.now():%Y-%m-%d}")

    def __call__(self, trade: Trade) -> None:
        self.add(trade)

    @abstractmethod
    def add(self, trade: Trade) -> None: ...

    @classmethod
    def how_many(cls) -> int:
        return cls._count

    @staticmethod
    def _round(x: Decimal) -> Decimal:
        return round(x, 2)


class NettedBook(Book):
    def __init__(self, name: str, *, limit: int = 100) -> None:
        super().__init__(name)
        self.limit = limit
        self._positions: dict[str, int] = defaultdict(int)

    def add(self, trade: Trade) -> None:
        sign = 1 if trade.side is Side.BUY else -1
        self._positions[trade.symbol] += sign * trade.quantity
        if abs(self._positions[trade.symbol]) > self.limit:
            raise RuntimeError("limit")
        self._trades.append(trade)


if __name__ == "__main__":
    with NettedBook("main") as book:
        book(Trade("aapl", 10, Decimal("190.255")))
        book.add(Trade("MSFT", 5, Decimal("410.10"), when=date.today() - timedelta(days=1)))
        for t in book:
            print(asdict(t), t.value, str(t.side))
        print(book, len(book), "AAPL" in book, Book.how_many())
