"""How the steps of reading give up: they ask the person back."""

from __future__ import annotations


class AskBack(Exception):
    """Raised when the words do not make one order: the reason, what is missing, and what may have been meant."""

    def __init__(self, reason: str, *, missing: tuple[str, ...] = (), candidates: tuple[str, ...] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.missing = missing
        self.candidates = candidates


def ask_unless(condition: object, reason: str, *, missing: tuple[str, ...] = ()) -> None:
    """Ask back with the reason unless the condition holds."""
    if not condition:
        raise AskBack(reason, missing=missing)
