"""The Jupyter Server extension: wiring only."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from jupyter_core.paths import jupyter_path
from jupyter_server.extension.application import ExtensionApp
from jupyter_server.utils import url_path_join

from jupyter_autocoder import portal
from jupyter_autocoder import settings as settings_module
from jupyter_autocoder.chat import Client, History
from jupyter_autocoder.events import Verdict
from jupyter_autocoder.server.base import SETTINGS_KEY
from jupyter_autocoder.server.handlers import HANDLERS, ID
from jupyter_autocoder.server.house import House
from jupyter_autocoder.server.kernels import Kernels
from jupyter_autocoder.server.sandboxes import Sandboxes
from jupyter_autocoder.server.services import NotebookRunner, Services
from jupyter_autocoder.server.socket import ChatSocket
from jupyter_autocoder.server.spending import Spending
from jupyter_autocoder.server.trading import Desks, Switch, TicketPort
from jupyter_autocoder.server.window import room
from jupyter_autocoder.settings import Settings
from jupyter_autocoder.store import Store

URL = "jupyter_autocoder"
# Seconds: half a second of work that would slow the start of the server and of the page that is opened with it.
WARM_AFTER = 10.0
NO_SIDEBAR = "jupyter_autocoder: the chat sidebar is not installed; `jupyter autocoder doctor` says how to get it"


class AutocoderApp(ExtensionApp):
    """Adds the sidebar's socket and endpoints to a Jupyter server."""

    name = "jupyter_autocoder"
    load_other_extensions = True

    def initialize_settings(self) -> None:
        """Build the services and the house that uses them."""
        kernels = None
        if self.serverapp is not None:
            kernels = Kernels(self.serverapp.session_manager, self.serverapp.kernel_manager)
        self.settings[SETTINGS_KEY] = House(build(settings_module.current(), notebooks=kernels))
        self._warming = threading.Timer(WARM_AFTER, _warm_up)
        self._warming.daemon = True
        self._warming.start()
        if not any(Path(folder, "labextensions", "jupyter-autocoder").is_dir() for folder in jupyter_path()):
            self.log.warning(NO_SIDEBAR)

    def initialize_handlers(self) -> None:
        """Add the routes below ``/jupyter_autocoder``."""
        self.handlers.append((url_path_join("/", URL, "socket"), ChatSocket))
        routes = (*HANDLERS, (f"tickets/{ID}", TicketPort), ("trading", Switch))
        self.handlers.extend((url_path_join("/", URL, route), handler) for route, handler in routes)

    async def stop_extension(self) -> None:
        """Stop what runs and close the sandboxes."""
        self._warming.cancel()
        house: House = self.settings[SETTINGS_KEY]
        await house.close()


def _warm_up() -> None:
    from jupyter_autocoder.desk.warm import warm_up

    warm_up()


def build(settings: Settings, *, store: Store | None = None, notebooks: NotebookRunner | None = None) -> Services:
    """Wire the real services; the database and the model's client are opened at first use."""
    store = store or Store(settings.store.url)
    spending = Spending(settings, store)
    return Services(
        settings=settings,
        history=History(store, keep_deleted=settings.chat.keep_deleted),
        portal=portal.portal(),
        client=lambda owner, notebook: _client(settings, store, owner, notebook),
        check=lambda source: _check(settings, source),
        sandboxes=Sandboxes(lambda: _sandbox(settings), most=settings.chat.sandboxes, idle=settings.sandbox.pool_idle),
        redact=_redact,
        count=lambda text: _count(settings, text),
        room=lambda: room(settings),
        remaining=spending.remaining,
        usage=spending.usage,
        limits=spending.limits,
        trading=Desks(
            settings, store, client=lambda owner: _client(settings, store, owner, ""), wait=portal.portal().call
        ),
        notebooks=notebooks,
    )


@contextlib.asynccontextmanager
async def _client(settings: Settings, store: Store, owner: str, notebook: str) -> AsyncIterator[Client]:
    from jupyter_autocoder.llm import GovernedClient

    async with GovernedClient(settings, store=store, face="chat", notebook=notebook, user=owner) as client:
        yield client


def _check(settings: Settings, source: str) -> Verdict:
    from jupyter_autocoder.policy import Policy, check

    return check(source, Policy.from_settings(settings.policy))


def _sandbox(settings: Settings) -> Any:
    from jupyter_autocoder.sandbox import Sandbox

    return Sandbox(settings.sandbox)


def _redact(text: str) -> tuple[str, int]:
    from jupyter_autocoder.llm.redaction import redact

    clean = redact(text)
    return clean, max(clean.count(" removed]") - text.count(" removed]"), int(clean != text))


def _count(settings: Settings, text: str) -> int:
    from jupyter_autocoder.llm.tokens import count_text

    return count_text(text, model=settings.model.name)
