"""What a person used and what is left, in the sidebar's words."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from jupyter_autocoder.errors import NoKey
from jupyter_autocoder.settings import Settings
from jupyter_autocoder.store import Store

if TYPE_CHECKING:
    from jupyter_autocoder.llm.reservation import Left

DAY = 86_400.0
_SHORT = {
    "requests_per_minute": "requests this minute",
    "requests_per_day": "requests today",
    "tokens_per_minute": "tokens this minute",
    "usd_per_day": "today",
    "usd_per_month": "this month",
}


class Spending:
    """Reads the ledger that all faces share; every call blocks on the database."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings = settings
        self._store = store

    def remaining(self, owner: str) -> str:
        """Say in a few words what is left; empty where nothing is limited."""
        left = {one.limit: one for one in self._left(owner)}
        money = [
            f"${left[name].left / 1e6:.2f} left {_SHORT[name]}"
            for name in ("usd_per_day", "usd_per_month")
            if name in left
        ]
        counts = [
            f"{left[name].left} of {left[name].size} {_SHORT[name]}"
            for name in ("requests_per_minute", "requests_per_day")
            if name in left
        ]
        return " · ".join([*money[:1], *counts])

    def usage(self, owner: str) -> str:
        """Give what was used today and in the last thirty days, as Markdown."""
        from jupyter_autocoder.llm.usage import usage_report

        now = time.time()
        lines: list[str] = []
        # Lists: a table of five columns is wider than a sidebar.
        for title, since in (("The last 24 hours", now - DAY), ("The last 30 days", now - 30 * DAY)):
            lines.append(f"**{title}**\n")
            rows = usage_report(self._store, since, "model", user=owner)
            for row in rows:
                cost = f"${row.cost / 1e6:.4f}" + (" and unknown" if row.unpriced else "")
                requests = f"{row.requests:,} request{'' if row.requests == 1 else 's'}"
                lines.append(
                    f"- {row.name}: {requests}, {row.input_tokens:,} tokens in, {row.output_tokens:,} out, {cost}"
                )
            lines.append("" if rows else "- nothing\n")
        return "\n".join(lines)

    def limits(self, owner: str) -> str:
        """Give every limit with what is used of it, as Markdown."""
        left = self._left(owner)
        if not left:
            return "There are no limits: the model runs on this machine. `[limits]` in `autocoder.toml` sets some."
        lines = ["| limit | used | of |", "|---|---|---|"]
        for one in left:
            money = one.limit.startswith("usd")
            used, size = (f"${one.used / 1e6:.2f}", f"${one.size / 1e6:.2f}") if money else (one.used, one.size)
            wait = f" (next free in {one.resets_in:.0f} s)" if one.used >= one.size else ""
            lines.append(f"| {one.limit.replace('_', ' ')} | {used}{wait} | {size} |")
        return "\n".join(lines)

    def _left(self, owner: str) -> tuple[Left, ...]:
        from jupyter_autocoder.llm.governor import Governor
        from jupyter_autocoder.llm.providers import provider

        try:
            local = provider(self._settings.model).local
        except NoKey:
            local = False
        return Governor(self._store, self._settings.limits, user=owner, local=local).remaining()
