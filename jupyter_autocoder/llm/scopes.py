"""The three scopes in which every attempt counts, and how each is found in the tables."""

from __future__ import annotations

from dataclasses import dataclass

from jupyter_autocoder.llm.profiles import Effective, Limits
from jupyter_autocoder.llm.reservation import Ask, Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """One scope of one attempt: `name` in the counters, `where` with `params` among the reservations."""

    scope: Scope
    name: str
    where: str
    params: tuple[str, ...]
    limits: Limits

    @property
    def where_open(self) -> str:
        """`where` for the few open reservations: spelled so that no planner reads all of a user's instead."""
        return self.where.replace(" = ?", " || '' = ?")


def user_scope(user: str, limits: Limits) -> Counted:
    return Counted(scope="user", name=f"user:{user}", where="who = ?", params=(user,), limits=limits)


def key_scope(key: str, limits: Limits) -> Counted:
    return Counted(scope="key", name=f"key:{key}", where="fingerprint = ?", params=(key,), limits=limits)


def model_scope(key: str, model: str, limits: Limits) -> Counted:
    where = "fingerprint = ? AND model = ?"
    return Counted(scope="model", name=f"model:{key}:{model}", where=where, params=(key, model), limits=limits)


def scopes_of(user: str, ask: Ask, limits: Effective) -> tuple[Counted, Counted, Counted]:
    """Return the scopes of an attempt: its user, its key, and its model by that key."""
    return (
        user_scope(user, limits.user),
        key_scope(ask.key, limits.key),
        model_scope(ask.key, ask.model, limits.model(ask.model)),
    )
