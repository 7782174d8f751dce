"""What became of some words or a click, and the sentences that ask back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from jupyter_autocoder.broking.entries import Entry
from jupyter_autocoder.errors import ExitCode
from jupyter_autocoder.trade import symbols
from jupyter_autocoder.trade.orders import Reading
from jupyter_autocoder.trade.states import WAITS_FOR_PERSON
from jupyter_autocoder.trade.terms import Kind

OutcomeKind = Literal["ticket", "answer", "ask", "nothing", "done"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of some words or a click: a ticket, an answer, a question back, nothing at all, or an act done.

    `text` is for people, `data` holds JSON's own types.
    """

    kind: OutcomeKind
    text: str
    entry: Entry | None = None
    reading: Reading | None = None
    data: dict[str, Any] = field(default_factory=dict)

    @property
    def exit_code(self) -> ExitCode:
        """How a command ends with this: a ticket that waits for a person is told apart from all else."""
        waits = self.entry is not None and self.entry.state in WAITS_FOR_PERSON
        return ExitCode.TICKET_WAITS if waits else ExitCode.DONE


def question(reading: Reading) -> str:
    """What to ask back, or why nothing was drafted, in one sentence."""
    if reading.kind is Kind.NONE:
        return f"No ticket: {reading.reason or 'these words ask for no trade'}."
    parts = [f"Not clear: {(reading.reason or 'not understood').replace('_', ' ')}."]
    if reading.missing:
        parts.append(f"Missing: {', '.join(reading.missing)}.")
    if reading.candidates:
        parts.append(f"Did you mean {', '.join(_listed(symbol) for symbol in reading.candidates)}?")
    return " ".join(parts)


def _listed(symbol: str) -> str:
    name, _ = names(symbol)
    return f"{symbol} ({name})" if name else symbol


def names(symbol: str) -> tuple[str, str]:
    listing = symbols.table().listings.get(symbol)
    return ("", "") if listing is None else (listing.name, listing.exchange)
