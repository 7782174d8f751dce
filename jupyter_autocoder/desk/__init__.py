"""The desk: words become a ticket, a person's click an order, and the order is followed to its end."""

from __future__ import annotations

from jupyter_autocoder.broking.audit import Who
from jupyter_autocoder.broking.entries import Claim, Entry
from jupyter_autocoder.desk.desk import Desk
from jupyter_autocoder.desk.outcome import Outcome
from jupyter_autocoder.desk.port import CardPort
from jupyter_autocoder.desk.questions import question

__all__ = ["CardPort", "Claim", "Desk", "Entry", "Outcome", "Who", "question"]
