"""The governor's refusals in words: which limit of whom, how much of it is used, and what to do."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from jupyter_autocoder.errors import BudgetExceeded, RateLimited
from jupyter_autocoder.llm.scopes import Counted

_OWNERS: Final = {"user": "your", "key": "this API key's", "model": "this model's"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A rate that is used up for `wait` more seconds (inf: this attempt can never fit)."""

    limit: str
    counted: Counted
    size: int
    wait: float
    asked: int = 1

    def error(self) -> RateLimited:
        unit, _, per = self.limit.partition("_per_")
        unit = unit.removesuffix("s") if self.size == 1 else unit
        what = f"{_OWNERS[self.counted.scope]} limit of {self.size:,} {unit} per {per} is reached"
        if math.isinf(self.wait):
            why = f"one request asks for {self.asked:,}, so waiting would not help"
            do = f"ask for less, or raise [limits] {self.limit} where the account allows it"
        else:
            why = f"there is room again in {duration(self.wait)}"
            do = f"wait {duration(self.wait)}, or raise [limits] {self.limit} where the account allows it"
        name = self.limit if self.counted.scope == "user" else f"{self.counted.scope}_{self.limit}"
        return RateLimited(what, limit=name, retry_after=self.wait, why=why, do=do)


def budget_exceeded(limit: str, counted: Counted, *, spent: int, asked: int) -> BudgetExceeded:
    budget: int = getattr(counted.limits, limit)
    per = limit.rpartition("_")[2]
    owner = _OWNERS[counted.scope]
    return BudgetExceeded(
        f"{owner} budget of {dollars(budget)} per {per} does not allow this",
        limit=limit if counted.scope == "user" else f"{counted.scope}_{limit}",
        budget=budget,
        spent=spent,
        asked=asked,
        why=f"{dollars(spent)} are spent or reserved, this may cost up to {dollars(asked)}",
        do=f"ask for less (a shorter prompt, fewer output tokens, a cheaper model), or raise [limits] {limit}",
    )


def duration(seconds: float) -> str:
    """Say a time as people do: 0.3 s, 42 s, 3 min 20 s, 5 h 10 min."""
    if seconds < 1:
        return f"{max(seconds, 0.1):.1f} s"
    whole = math.ceil(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def dollars(micro: int) -> str:
    """Say micro-USD in dollars, with as many places as the sum needs, at least two."""
    digits = f"{abs(micro) // 1_000_000:,}.{abs(micro) % 1_000_000:06d}"
    whole, _, places = digits.partition(".")
    return f"{'-' if micro < 0 else ''}${whole}.{places.rstrip('0').ljust(2, '0')}"
