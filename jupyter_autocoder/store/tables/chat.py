"""The sidebar's conversations; `data` is a message's JSON, `body` its text alone, for searching."""

from __future__ import annotations

from typing import Final

from jupyter_autocoder.store.migration import Migration

CHAT: Final = Migration(
    version=2,
    min_reader=1,
    part="chat",
    statements=(
        "CREATE TABLE chat_conversations (id TEXT PRIMARY KEY, owner TEXT NOT NULL, notebook TEXT NOT NULL, "
        "title TEXT NOT NULL, created DOUBLE PRECISION NOT NULL, changed DOUBLE PRECISION NOT NULL, "
        "deleted DOUBLE PRECISION)",
        "CREATE INDEX chat_conversations_by_owner ON chat_conversations (owner, changed)",
        "CREATE TABLE chat_messages (conversation TEXT NOT NULL, id TEXT NOT NULL, position BIGINT NOT NULL, "
        "body TEXT NOT NULL, data TEXT NOT NULL, deleted DOUBLE PRECISION, PRIMARY KEY (conversation, id))",
        "CREATE INDEX chat_messages_by_position ON chat_messages (conversation, position)",
    ),
)
