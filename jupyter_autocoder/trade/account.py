"""What a reading may know of the account: holdings, and a connected broker's list of assets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Signed shares by symbol (below zero is short); `assets` maps a broker's symbols to names, empty if unknown."""

    positions: Mapping[str, Decimal] = field(default_factory=dict)
    assets: Mapping[str, str] = field(default_factory=dict)

    def held(self, symbol: str) -> Decimal:
        return self.positions.get(symbol, Decimal(0))


def account_of(source: object) -> Account:
    """Read an account from an `Account`, or from a mapping or object with `positions` and `assets`; None knows nothing.

    Positions may be a mapping of symbols to shares, or a list of mappings or objects with `symbol` and `qty`. What
    cannot be understood is left out: an account only ever helps.
    """
    if isinstance(source, Account):
        return source
    assets = _get(source, "assets")
    named = {str(k): str(v or "") for k, v in assets.items()} if isinstance(assets, Mapping) else {}
    return Account(positions=dict(_positions(_get(source, "positions"))), assets=named)


def _get(source: object, key: str) -> Any:
    return source.get(key) if isinstance(source, Mapping) else getattr(source, key, None)


def _positions(found: object) -> list[tuple[str, Decimal]]:
    if isinstance(found, Mapping):
        pairs = [(str(symbol), _get(held, "qty") if _is_record(held) else held) for symbol, held in found.items()]
    elif isinstance(found, (list, tuple)):
        pairs = [(str(_get(one, "symbol")), _signed(one)) for one in found]
    else:
        return []
    return [(symbol, shares) for symbol, held in pairs if (shares := _decimal(held)) is not None]


def _is_record(held: object) -> bool:
    return isinstance(held, Mapping) or hasattr(held, "qty")


def _signed(one: object) -> Any:
    shares = _decimal(_get(one, "qty"))
    return -shares if shares is not None and shares > 0 and str(_get(one, "side")) == "short" else shares


def _decimal(value: object) -> Decimal | None:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
