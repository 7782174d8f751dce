"""Trading by words, the pure part: what a sentence means, and what an order is."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_autocoder.trade.orders import Reading

__all__ = ["read_command"]


def read_command(text: str, account: object = None) -> Reading:
    """Say what a sentence means; see `reading.read_command`, which is imported at the first call."""
    from jupyter_autocoder.trade.reading import read_command as read

    return read(text, account)
