"""What every endpoint of the sidebar has in common: who asks, and how an error is told."""

from __future__ import annotations

import json
from typing import Any

from jupyter_server.auth.identity import IdentityProvider, PasswordIdentityProvider
from jupyter_server.base.handlers import APIHandler, JupyterHandler
from tornado import web

from jupyter_autocoder.chat import problem_of
from jupyter_autocoder.errors import AutocoderError, ConversationMissing, GovernorError, StoreError, UserError
from jupyter_autocoder.llm.identity import current_user
from jupyter_autocoder.server.house import House

AUTH_RESOURCE = "jupyter_autocoder"
SETTINGS_KEY = "jupyter_autocoder_house"
MAX_BODY = 1024 * 1024


def owner_of(handler: JupyterHandler) -> str:
    """Name the person whom the server authenticated; nothing in the request has a say.

    Jupyter's own token and password sign a person in without knowing who it is and invent a new anonymous name for each
    browser; there the person is the account that runs the server. Any other provider (JupyterHub's) knows.
    """
    if type(handler.identity_provider) in (IdentityProvider, PasswordIdentityProvider):
        return current_user()
    return str(handler.current_user.username)


class Endpoint(APIHandler):
    """A REST endpoint: authenticated by the base class, authorized by the decorator on each verb."""

    auth_resource = AUTH_RESOURCE

    @property
    def house(self) -> House:
        """The server's rooms."""
        found: House = self.settings[SETTINGS_KEY]
        return found

    @property
    def owner(self) -> str:
        """The person who asks."""
        return owner_of(self)

    def body(self) -> dict[str, Any]:
        """Give the request's JSON object; 400 on anything else."""
        if len(self.request.body) > MAX_BODY:
            raise web.HTTPError(413)
        try:
            value = json.loads(self.request.body or b"{}")
        except (ValueError, RecursionError):
            raise web.HTTPError(400, "the body is not JSON") from None
        if not isinstance(value, dict):
            raise web.HTTPError(400, "the body is not an object")
        return value

    def text(self, value: dict[str, Any], name: str, *, most: int = 1000) -> str:
        """Give one text of a body; empty when it is absent, 400 when it is none."""
        text = value.get(name, "")
        if not isinstance(text, str) or len(text) > most or any("\ud800" <= char <= "\udfff" for char in text):
            raise web.HTTPError(400, f"{name} is not a text of at most {most} characters")
        return text

    def answer(self, value: Any, *, status: int = 200) -> None:
        """End the request with a JSON value."""
        self.set_status(status)
        self.finish(json.dumps(value, default=str))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Tell our own errors as what, why and do, with a status that fits; everything else as Jupyter does."""
        error = (kwargs.get("exc_info") or (None, None, None))[1]
        if isinstance(error, AutocoderError):
            self.set_status(_status(error))
            problem = problem_of(error)
            self.finish(
                json.dumps({"message": problem.what, "kind": problem.kind, "why": problem.why, "do": problem.do})
            )
        else:
            super().write_error(status_code, **kwargs)

    def log_exception(self, kind: Any, error: Any, trace: Any) -> None:
        """An error of ours that a person will read needs no traceback in the log."""
        if not isinstance(error, AutocoderError):
            super().log_exception(kind, error, trace)


def _status(error: AutocoderError) -> int:
    if isinstance(error, ConversationMissing):
        return 404
    if isinstance(error, UserError):
        return 400
    if isinstance(error, GovernorError):
        return 429
    return 503 if isinstance(error, StoreError) else 409
