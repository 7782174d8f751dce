"""What became of some words or a click."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from jupyter_autocoder.broking.entries import Entry
from jupyter_autocoder.errors import ExitCode
from jupyter_autocoder.trade.orders import Reading
from jupyter_autocoder.trade.states import WAITS_FOR_PERSON

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
