"""Conversations in the store: each belongs to one person, and nobody else's id opens it.

Every call blocks on the database; a server makes them in worker threads.
"""

from __future__ import annotations

import itertools
import json
import unicodedata
import uuid
from typing import Any

from jupyter_autocoder.chat.records import Conversation, Malformed, Message, decode, encode
from jupyter_autocoder.errors import ConversationMissing
from jupyter_autocoder.store import Reading, Row, Store, Writing

TITLE_LENGTH = 80
SHOWN_MESSAGES = 500
_COLUMNS = "id, title, notebook, created, changed"
# Bodies are stored folded; LOWER is for those of an older version, which are not.
_SAID = (
    "SELECT 1 FROM chat_messages m WHERE m.conversation = chat_conversations.id AND m.deleted IS NULL "
    "AND LOWER(m.body) LIKE ? ESCAPE '!'"
)


class History:
    """The conversations of all persons; `keep_deleted` is the administrator's retention: hidden, but not destroyed."""

    def __init__(self, store: Store, *, keep_deleted: bool = False) -> None:
        self._store = store
        self.keep_deleted = keep_deleted

    def create(self, owner: str, *, notebook: str = "", title: str = "") -> Conversation:
        """Begin a conversation; without a title it takes its first question's words."""
        with self._store.write() as tx:
            now = tx.now()
            made = Conversation(id=uuid.uuid4().hex, title=_title(title), notebook=notebook, created=now, changed=now)
            tx.run(
                f"INSERT INTO chat_conversations ({_COLUMNS}, owner) VALUES (?, ?, ?, ?, ?, ?)",  # noqa: S608
                made.id,
                made.title,
                made.notebook,
                made.created,
                made.changed,
                owner,
            )
        return made

    def conversation(self, owner: str, id: str) -> Conversation:
        """Return one conversation; raises ConversationMissing when this person has none of that id."""
        with self._store.read() as tx:
            return _owned(tx, owner, id)

    def conversations(
        self, owner: str, *, notebook: str | None = None, query: str = "", limit: int = 200
    ) -> list[Conversation]:
        """List conversations, newest first; `query` is looked for in titles and in what was said."""
        where = ["owner = ?", "deleted IS NULL"]
        params: list[Any] = [owner]
        if notebook is not None:
            where.append("notebook = ?")
            params.append(notebook)
        sought = _folded(query)
        columns, order = _COLUMNS, "ORDER BY changed DESC, id"
        if sought:
            columns += f", EXISTS ({_SAID}) AS said"
            params.insert(0, f"%{_literal(sought)}%")
        else:
            order += " LIMIT ?"
            params.append(limit)
        sql = f"SELECT {columns} FROM chat_conversations WHERE {' AND '.join(where)} {order}"  # noqa: S608
        with self._store.read() as tx:
            rows = tx.rows(sql, *params)
        # Titles are few and short: they are folded here, as no two databases do it alike.
        found = (row for row in rows if row.get("said") or sought in _folded(row["title"]))
        return [_conversation(row) for row in itertools.islice(found, limit)]

    def rename(self, owner: str, id: str, title: str) -> Conversation:
        """Give a conversation another title."""
        with self._store.write() as tx:
            _owned(tx, owner, id)
            tx.run("UPDATE chat_conversations SET title = ? WHERE id = ?", _title(title), id)
            return _owned(tx, owner, id)

    def move(self, owner: str, notebook: str, to: str) -> list[str]:
        """Let a person's conversations follow a notebook, or all notebooks of a folder, to where it is now.

        An empty `to` says that it is gone: they are kept, and belong to no notebook any more. Returns their ids.
        """
        inside = f"{notebook}/"
        with self._store.write() as tx:
            rows = tx.rows(
                "SELECT id, notebook FROM chat_conversations WHERE owner = ? AND deleted IS NULL "
                "AND (notebook = ? OR SUBSTR(notebook, 1, ?) = ?)",
                owner,
                notebook,
                len(inside),
                inside,
            )
            for row in rows:
                path = to and to + row["notebook"][len(notebook) :]
                tx.run("UPDATE chat_conversations SET notebook = ? WHERE id = ?", path, row["id"])
        return [row["id"] for row in rows]

    def delete(self, owner: str, id: str) -> bool:
        """Delete a conversation and say whether it is gone for good (False: retention keeps a hidden copy)."""
        with self._store.write() as tx:
            _owned(tx, owner, id)
            if self.keep_deleted:
                tx.run("UPDATE chat_conversations SET deleted = ? WHERE id = ?", tx.now(), id)
            else:
                tx.run("DELETE FROM chat_messages WHERE conversation = ?", id)
                tx.run("DELETE FROM chat_conversations WHERE id = ?", id)
        return not self.keep_deleted

    def clear(self, owner: str, id: str) -> bool:
        """Delete every message of a conversation; the answer is `delete`'s."""
        with self._store.write() as tx:
            _owned(tx, owner, id)
            if self.keep_deleted:
                tx.run("UPDATE chat_messages SET deleted = ? WHERE conversation = ? AND deleted IS NULL", tx.now(), id)
            else:
                tx.run("DELETE FROM chat_messages WHERE conversation = ?", id)
        return not self.keep_deleted

    def messages(self, owner: str, id: str, *, limit: int = SHOWN_MESSAGES) -> list[Message]:
        """Return the last `limit` messages, oldest first."""
        with self._store.read() as tx:
            _owned(tx, owner, id)
            rows = tx.rows(
                "SELECT data FROM chat_messages WHERE conversation = ? AND deleted IS NULL "
                "ORDER BY position DESC LIMIT ?",
                id,
                limit,
            )
        return [message for row in reversed(rows) if (message := _message(row)) is not None]

    def count(self, owner: str, id: str) -> int:
        """Return how many messages a conversation has."""
        with self._store.read() as tx:
            _owned(tx, owner, id)
            row = tx.row("SELECT COUNT(*) AS n FROM chat_messages WHERE conversation = ? AND deleted IS NULL", id)
        return int(row["n"]) if row is not None else 0

    def message(self, owner: str, conversation: str, id: str) -> Message | None:
        """Return one message, None where there is none."""
        with self._store.read() as tx:
            _owned(tx, owner, conversation)
            row = tx.row(
                "SELECT data FROM chat_messages WHERE conversation = ? AND id = ? AND deleted IS NULL",
                conversation,
                id,
            )
        return None if row is None else _message(row)

    def add(self, owner: str, conversation: str, message: Message) -> bool:
        """Append a message; False, and nothing written, when one of that id is there already."""
        with self._store.write() as tx:
            found = _owned(tx, owner, conversation)
            added = tx.run(
                "INSERT INTO chat_messages (conversation, id, position, body, data) "
                "SELECT ?, ?, COALESCE(MAX(position), 0) + 1, ?, ? FROM chat_messages WHERE conversation = ? "
                "ON CONFLICT (conversation, id) DO NOTHING",
                conversation,
                message.id,
                _folded(message.text),
                _dump(message),
                conversation,
            )
            if added:
                title = found.title or (_title(message.text) if message.role == "person" else "")
                tx.run(
                    "UPDATE chat_conversations SET changed = ?, title = ? WHERE id = ?", tx.now(), title, conversation
                )
        return bool(added)

    def remove(self, owner: str, conversation: str, id: str) -> None:
        """Take one message away, for good: one that turned out to be none."""
        with self._store.write() as tx:
            _owned(tx, owner, conversation)
            tx.run("DELETE FROM chat_messages WHERE conversation = ? AND id = ?", conversation, id)

    def save(self, owner: str, conversation: str, message: Message) -> None:
        """Write a message's new state over its old one; one that was deleted meanwhile stays deleted."""
        with self._store.write() as tx:
            _owned(tx, owner, conversation)
            tx.run(
                "UPDATE chat_messages SET body = ?, data = ? WHERE conversation = ? AND id = ?",
                _folded(message.text),
                _dump(message),
                conversation,
                message.id,
            )


def _owned(tx: Reading | Writing, owner: str, id: str) -> Conversation:
    row = tx.row(
        f"SELECT {_COLUMNS} FROM chat_conversations WHERE id = ? AND owner = ? AND deleted IS NULL",  # noqa: S608
        id,
        owner,
    )
    if row is None:
        raise ConversationMissing("there is no such conversation", conversation=id, do="begin a new one")
    return _conversation(row)


def _conversation(row: Row) -> Conversation:
    return Conversation(**{name: row[name] for name in ("id", "title", "notebook", "created", "changed")})


def _message(row: Row) -> Message | None:
    """Read one stored message; a newer version's record that ours cannot read is left out, not fatal."""
    try:
        return decode(Message, json.loads(row["data"]))
    except (Malformed, ValueError):
        return None


def _dump(message: Message) -> str:
    # ensure_ascii also escapes NUL and lone surrogates, which a database would refuse.
    return json.dumps(encode(message), ensure_ascii=True, default=str)


def _plain(text: str) -> str:
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def _folded(text: str) -> str:
    """A text as it is compared in a search: no two ways to write the same letters, and no capitals in any script."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", _plain(text)).casefold())


def _title(text: str) -> str:
    words = " ".join(_plain(text).split())
    return words if len(words) <= TITLE_LENGTH else words[: TITLE_LENGTH - 1].rstrip() + "…"


def _literal(text: str) -> str:
    for character in "!%_":
        text = text.replace(character, f"!{character}")
    return text
