"""The one WebSocket of a tab: authenticated, authorized, from this server's own pages only."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from jupyter_core.utils import ensure_async
from jupyter_server.auth.decorator import ws_authenticated
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.base.websocket import WebSocketMixin
from tornado import web
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from jupyter_autocoder import __version__
from jupyter_autocoder.chat import Problem
from jupyter_autocoder.server import protocol
from jupyter_autocoder.server.base import AUTH_RESOURCE, SETTINGS_KEY, owner_of
from jupyter_autocoder.server.house import House
from jupyter_autocoder.server.outbox import Outbox
from jupyter_autocoder.server.protocol import ProtocolError, Refused, Welcome

# Close codes of RFC 6455, section 7.4.1.
UNSUPPORTED, POLICY, TOO_MANY = 1003, 1008, 1013
# A browser of ours sends none; a tab may be old, so a few are answered before the door is shut.
MAX_ERRORS = 20


class ChatSocket(WebSocketMixin, WebSocketHandler, JupyterHandler):
    """Frames in, frames out; what they mean is the House's."""

    auth_resource = AUTH_RESOURCE

    def initialize(self) -> None:
        """Start without a connection."""
        self._outbox: Outbox | None = None
        self._errors = 0
        self._owner = ""

    @property
    def max_message_size(self) -> int:
        """Bytes of a frame; tornado closes on more."""
        return protocol.MAX_FRAME

    def skip_check_origin(self) -> bool:
        """Never: a token in a URL is no reason to let a stranger's page speak for the person."""
        return False

    @property
    def house(self) -> House:
        """The server's rooms."""
        found: House = self.settings[SETTINGS_KEY]
        return found

    @ws_authenticated
    async def get(self, *args: Any, **kwargs: Any) -> None:
        """Authorize, then shake hands."""
        user = self.current_user
        if not await ensure_async(self.authorizer.is_authorized(self, user, "execute", self.auth_resource)):
            raise web.HTTPError(403)
        self._owner = owner_of(self)
        handshake = super().get(*args, **kwargs)
        if handshake is not None:
            await handshake

    def open(self, *args: Any, **kwargs: Any) -> None:
        """Begin with who the server says this is."""
        super().open(*args, **kwargs)
        outbox = Outbox(self._send, resync=self._resync, hang_up=self._hang_up)
        if not self.house.enter(self._owner, outbox):
            outbox.close()
            self.close(TOO_MANY, "too many tabs")
            return
        self._outbox = outbox
        outbox.push(Welcome(protocol=protocol.VERSION, version=__version__, user=self._owner))

    async def on_message(self, message: str | bytes) -> None:
        """Read one frame; tornado reads the next when this returns, so a flood waits in the sender's socket."""
        if self._outbox is None:
            return
        if isinstance(message, bytes):
            self.close(UNSUPPORTED, "text frames only")
            return
        try:
            frame = protocol.read(message)
        except ProtocolError as error:
            self._refuse(error)
            return
        await self.house.handle(self._owner, self._outbox, frame)
        # A flood of cheap frames must not keep the loop from everybody else.
        await asyncio.sleep(0)

    def on_close(self) -> None:
        """Forget the tab."""
        if self._outbox is not None:
            self.house.leave(self._owner, self._outbox)
            self._outbox.close()
            self._outbox = None
        super().on_close()

    def _refuse(self, error: ProtocolError) -> None:
        self._errors += 1
        if self._errors > MAX_ERRORS or self._outbox is None:
            self.close(POLICY, "too many broken frames")
            return
        problem = Problem(kind="ProtocolError", what=str(error), do=error.do)
        self._outbox.push(Refused(request=error.request, conversation="", problem=problem))

    async def _send(self, text: str) -> None:
        with contextlib.suppress(WebSocketClosedError):
            await self.write_message(text)

    async def _resync(self, conversation: str) -> None:
        if self._outbox is not None:
            await self.house.resync(self._owner, self._outbox, conversation)

    def _hang_up(self) -> None:
        if self.ws_connection is not None:
            self.ws_connection._abort()
