"""The REST verbs of conversations: list, search, begin, rename, delete, export; and what is used and left."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import quote

from jupyter_server.auth.decorator import authorized
from tornado import web

from jupyter_autocoder.chat import COMMANDS, encode, to_markdown, to_notebook
from jupyter_autocoder.events import Variable
from jupyter_autocoder.server.base import Endpoint
from jupyter_autocoder.server.protocol import MAX_FRAME, Listing

EXPORTED_MESSAGES = 10_000
MAX_COUNTED = 50


class Conversations(Endpoint):
    """``/conversations``: list, search, begin; follow a notebook that was renamed."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """List the person's conversations; ``notebook`` and ``query`` narrow it."""
        found = await asyncio.to_thread(
            self.house.services.history.conversations,
            self.owner,
            notebook=self.get_query_argument("notebook", None),
            query=self.get_query_argument("query", "")[:200],
        )
        self.answer({"conversations": [encode(item) for item in found]})

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Begin a conversation."""
        body = self.body()
        notebook, title = self.text(body, "notebook"), self.text(body, "title")
        made = await asyncio.to_thread(self.house.services.history.create, self.owner, notebook=notebook, title=title)
        self.house.tell(self.owner, Listing())
        self.answer(encode(made), status=201)

    @web.authenticated
    @authorized
    async def patch(self) -> None:
        """Let the person's conversations about ``notebook``, or a folder of notebooks, follow it ``to`` another path.

        An empty ``to`` says that it was deleted: its conversations are kept, and belong to no notebook any more.
        """
        body = self.body()
        notebook, to = self.text(body, "notebook"), self.text(body, "to")
        if not notebook:
            raise web.HTTPError(400, "the notebook is not named")
        moved = await asyncio.to_thread(self.house.services.history.move, self.owner, notebook, to)
        await self.house.moved(self.owner, moved)
        self.answer({"moved": moved})


class OneConversation(Endpoint):
    """``/conversations/ID``: rename, delete."""

    @web.authenticated
    @authorized
    async def patch(self, id: str) -> None:
        """Give it another title."""
        title = self.text(self.body(), "title")
        if not title.strip():
            raise web.HTTPError(400, "the title is empty")
        renamed = await asyncio.to_thread(self.house.services.history.rename, self.owner, id, title)
        self.house.renamed(self.owner, id, renamed.title)
        self.answer(encode(renamed))

    @web.authenticated
    @authorized
    async def delete(self, id: str) -> None:
        """Delete it; `gone` is False when the administrator's retention keeps a hidden copy."""
        gone = await self.house.delete(self.owner, id)
        self.answer({"gone": gone})


class Export(Endpoint):
    """``/conversations/ID/export``: a file to download."""

    @web.authenticated
    @authorized
    async def get(self, id: str) -> None:
        """Give the conversation as ``format=markdown`` or ``format=notebook``."""
        history = self.house.services.history
        conversation = await asyncio.to_thread(history.conversation, self.owner, id)
        messages = await asyncio.to_thread(history.messages, self.owner, id, limit=EXPORTED_MESSAGES)
        if self.get_query_argument("format", "markdown") == "notebook":
            text, ending = json.dumps(to_notebook(conversation, messages), indent=1) + "\n", "ipynb"
        else:
            text, ending = to_markdown(conversation, messages), "md"
        name = quote(f"{conversation.title or 'conversation'}.{ending}", safe="")
        self.set_header("Content-Type", "application/octet-stream")
        self.set_header("Content-Disposition", f"attachment; filename*=UTF-8''{name}")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.finish(text, set_content_type="application/octet-stream")


class Tokens(Endpoint):
    """``/tokens``: how much of the model's context some texts take."""

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Count the tokens of each of ``texts``."""
        texts = self.body().get("texts")
        if not isinstance(texts, list) or len(texts) > MAX_COUNTED or not all(_countable(text) for text in texts):
            raise web.HTTPError(400, f"texts is not a list of at most {MAX_COUNTED} texts")
        self.answer({"tokens": await asyncio.to_thread(self.house.services.count_all, texts)})


class Variables(Endpoint):
    """``/variables``: what the variables of a notebook are, to choose from."""

    @web.authenticated
    @authorized("execute")  # type: ignore[untyped-decorator]
    async def get(self) -> None:
        """List the variables of ``notebook``, each with what the model would be shown; `rows` of values are in it."""
        services = self.house.services
        if services.notebooks is None:
            raise web.HTTPError(404, "there are no kernels here")
        shown = services.settings.notebook
        rows = shown.rows_shown if shown.show_data else 0
        found = await services.notebooks.variables(self.get_query_argument("notebook"), rows=rows)
        told = await asyncio.to_thread(lambda: [self._told(variable) for variable in found])
        self.answer({"rows": rows, "variables": told})

    def _told(self, variable: Variable) -> dict[str, str]:
        """Secrets are hidden before a person chooses: a column may be named by one, a row may hold one."""
        parts = (variable.name, variable.type, variable.summary, variable.sample)
        name, kind, summary, sample = (self.house.services.redact(part)[0] for part in parts)
        about = f"{name}: {kind}" + (f" ({summary})" if summary else "")
        text = f"{about}\n{sample}" if sample else about
        return {"name": name, "type": kind, "summary": summary, "text": text}


class Budget(Endpoint):
    """``/budget``: one sentence for the status bar, and what the sidebar needs to know of the settings."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Tell what is left, the model's name, and whether a deleted conversation is gone for good."""
        services = self.house.services
        remaining = await asyncio.to_thread(services.remaining, self.owner)
        self.answer(
            {
                "remaining": remaining,
                "model": services.settings.model.name,
                "keep_deleted": services.history.keep_deleted,
                "commands": COMMANDS,
            }
        )


def _countable(text: Any) -> bool:
    return isinstance(text, str) and len(text) <= MAX_FRAME


ID = r"([0-9a-zA-Z_-]{1,64})"
HANDLERS: tuple[tuple[str, type[Endpoint]], ...] = (
    (r"conversations", Conversations),
    (rf"conversations/{ID}", OneConversation),
    (rf"conversations/{ID}/export", Export),
    (r"tokens", Tokens),
    (r"variables", Variables),
    (r"budget", Budget),
)
