"""Tickets in the sidebar: words become a ticket, and a person's click here confirms it.

The endpoint of a card takes only what a browser of this server can send: the login cookie with its XSRF token, never an
API token (a kernel holds one). What the click may do is the desk's to say: hash, one-time nonce and the stored row.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jupyter_server.auth.decorator import authorized
from tornado import web

from jupyter_autocoder.errors import TradeRefused
from jupyter_autocoder.server.base import Endpoint
from jupyter_autocoder.server.protocol import Tickets
from jupyter_autocoder.server.services import Trading, Wait
from jupyter_autocoder.settings import Settings
from jupyter_autocoder.store import Store

if TYPE_CHECKING:
    from jupyter_autocoder.broking.audit import Who
    from jupyter_autocoder.desk import Desk
    from jupyter_autocoder.desk.help import Helper

OpenClient = Callable[[str], contextlib.AbstractAsyncContextManager[Any]]
# Kinds of readings that are a trade although nobody said so. Words that would have to be asked back ("about zebras":
# how many?) are for the model, unless they come after /trade.
_CLEAR = frozenset({"order", "orders", "cancel"})
_COOKIE_ONLY = "tickets are confirmed in the browser, by a person who is signed in; an API token is not enough"


@dataclass(frozen=True, slots=True, kw_only=True)
class Traded:
    """What became of words: text to show, and the ticket that waits, if any."""

    text: str
    ticket: str = ""


class Desks:
    """The desks of this server's persons; every method blocks.

    With `client`, which opens a person's governed client, a model helps to read words; `wait` runs it on its loop.
    """

    def __init__(
        self, settings: Settings, store: Store, *, client: OpenClient | None = None, wait: Wait | None = None
    ) -> None:
        self._settings = settings
        self._store = store
        self._client = client
        self._wait = wait
        self._desks: dict[str, Desk] = {}
        self._guard = threading.Lock()

    def take(self, owner: str, text: str, *, asked: bool, wait: Wait | None = None) -> Traded | None:
        """Act on words as far as words may; None when they are no trade and nobody said that they are (`asked`).

        `wait` runs a model's help so that the person can stop it.
        """
        from jupyter_autocoder.trade import read_command
        from jupyter_autocoder.trade.proposal import wants_help

        reading = read_command(text)
        clear = asked or str(reading.kind) in _CLEAR
        if not clear and not (self._client is not None and wants_help(reading)):
            return None
        outcome = self.desk(owner).take(text, helper=self._helper(owner, wait or self._wait))
        if not clear and outcome.entry is None:
            return None  # What the model did not call an instruction is for a conversation.
        ticket = outcome.entry.id if outcome.entry is not None else ""
        return Traded(text="" if ticket else outcome.text, ticket=ticket)

    def _helper(self, owner: str, wait: Wait | None) -> Helper | None:
        from jupyter_autocoder.autocoder import locked_by_environment

        if self._client is None or wait is None or locked_by_environment(os.environ):
            return None
        return lambda words: wait(self._propose, owner, words)

    async def _propose(self, owner: str, words: str) -> Mapping[str, Any] | None:
        from jupyter_autocoder.desk.help import propose

        assert self._client is not None
        async with self._client(owner) as client:
            return await propose(client, words)

    def card(self, owner: str, ticket: str) -> dict[str, Any]:
        """A person's ticket as texts, without a nonce."""
        self._owned(owner, ticket)
        found: dict[str, Any] = self.desk(owner).card(ticket)
        return found

    def answer(self, owner: str, session: str, ticket: str, message: dict[str, Any]) -> dict[str, Any]:
        """Give a card's control its answer; a problem is an answer too."""
        from jupyter_autocoder.desk import CardPort

        self._owned(owner, ticket)
        reply: dict[str, Any] = CardPort(self.desk(owner), ticket, self._who(owner, session)).handle(message)
        return reply

    def halt(self, owner: str, session: str) -> None:
        """Stop all trading; only the command line and the settings start it again."""
        from jupyter_autocoder.trade.limits import Switch as State

        desk = self.desk(owner)
        desk.set_trading(State.HALTED, self._who(owner, session), reason="halted in the sidebar")

    def state(self, owner: str) -> str:
        """``active``, ``reducing`` or ``halted``."""
        return str(self.desk(owner).trading())

    def desk(self, owner: str) -> Desk:
        """The person's desk, made at first use."""
        from jupyter_autocoder.desk import Desk

        with self._guard:
            if owner not in self._desks:
                self._desks[owner] = Desk(
                    self._store,
                    settings=self._settings,
                    owner=owner,
                    session="sidebar",
                    place="server",
                    helper=self._helper(owner, self._wait),
                )
            return self._desks[owner]

    def _owned(self, owner: str, ticket: str) -> None:
        entry = self.desk(owner).book.get(ticket)
        if entry.ticket.owner != owner and owner not in self._settings.trade.approvers:
            raise TradeRefused("there is no such ticket", reasons=("owner",))

    @staticmethod
    def _who(owner: str, session: str) -> Who:
        from jupyter_autocoder.broking.audit import Who

        return Who(actor="human", person=owner, session=session)


class _TradeEndpoint(Endpoint):
    """An endpoint that is there only where trading is."""

    @property
    def trading(self) -> Trading:
        found = self.house.services.trading
        if found is None:
            raise web.HTTPError(404, "there is no trading here")
        return found

    @property
    def session(self) -> str:
        """The browser, by a hash of its cookies: a nonce works in the browser that fetched it."""
        names = (self.identity_provider.get_cookie_name(self), "_xsrf")
        cookies = "\n".join(self.get_cookie(name) or "" for name in names)
        return f"browser-{hashlib.sha256(cookies.encode()).hexdigest()[:16]}"

    def only_by_cookie(self) -> None:
        """Refuse whoever comes with an API token."""
        if self.token_authenticated:
            raise web.HTTPError(403, _COOKIE_ONLY)


class TicketPort(_TradeEndpoint):
    """``/tickets/ID``: look at a card; speak for its control."""

    @web.authenticated
    @authorized
    async def get(self, id: str) -> None:
        """Give the card's texts."""
        self.answer(await asyncio.to_thread(self.trading.card, self.owner, id))

    @web.authenticated
    @authorized("execute")  # type: ignore[untyped-decorator]
    async def post(self, id: str) -> None:
        """Answer one message of the card's control: draw, confirm, dismiss, cancel, edit, retry."""
        self.only_by_cookie()
        message = self.body()
        reply = await asyncio.to_thread(self.trading.answer, self.owner, self.session, id, message)
        if message.get("kind") not in ("draw", "alive"):
            self.house.tell(self.owner, Tickets(ticket=id))
        self.answer(reply)


class Switch(_TradeEndpoint):
    """``/trading``: whether orders may leave, and the halt."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Tell the switch's state."""
        self.answer({"state": await asyncio.to_thread(self.trading.state, self.owner)})

    @web.authenticated
    @authorized("execute")  # type: ignore[untyped-decorator]
    async def post(self) -> None:
        """Halt all trading; there is no way back from here."""
        self.only_by_cookie()
        if self.body() != {"state": "halted"}:
            raise web.HTTPError(400, "trading can only be halted here; `jupyter autocoder trading active` resumes it")
        await asyncio.to_thread(self.trading.halt, self.owner, self.session)
        self.house.tell(self.owner, Tickets(ticket=""))
        self.answer({"state": "halted"})
