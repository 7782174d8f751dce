"""What a rule is: an id, words for people and models, and a search through one scanned source."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from jupyter_autocoder.policy.scan import Scan


@dataclass(frozen=True, slots=True)
class Hit:
    """A place a rule objects to; an empty `fix` takes the rule's own."""

    node: ast.AST
    message: str
    fix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One reason to refuse code.

    `summary` is one line for lists, `reason` says why correct code can do without, `fix` is the advice that goes with a
    finding. `find` yields a hit per place and never raises on valid syntax. A rule with `switchable` False states what
    cannot be checked at all, so no setting turns it off.
    """

    id: str
    summary: str
    reason: str
    fix: str
    find: Callable[[Scan], Iterable[Hit]]
    switchable: bool = True


def nowhere(scan: Scan) -> Iterator[Hit]:
    """Yield nothing: the search of rules that are decided before there is a tree."""
    return iter(())
