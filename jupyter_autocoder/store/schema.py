"""The tables, as a list of additive migrations, and the rule about versions that share one store.

How to add tables
    Write ``store/tables/<part>.py`` with one `Migration` (import it, `Each` and `append_only` from
    ``jupyter_autocoder.store.migration``) that takes the next free version, and append it to `MIGRATIONS` below. A
    published migration is never edited; a later change is another migration. Only add: tables, indexes, columns with a
    default. Then an older version can go on writing, and `min_reader` stays what it was: the version of the newest
    migration that older code must not live with, copied from the last entry when yours is purely additive.

    Statements are written once for both databases in the types TEXT, BIGINT, DOUBLE PRECISION and BYTEA; where the
    databases differ use `Each(sqlite=..., postgres=...)`. ``BIGINT`` is also right for booleans (0 and 1) and for money
    (micro-units). `append_only(table)` makes a table refuse UPDATE and DELETE. ``ON CONFLICT ... DO UPDATE`` and
    ``RETURNING`` work on both.

Versions that share one store
    ``schema_version`` has a row per applied migration. A store with fewer rows than this list is brought up to date
    under the write lock; one with more (a newer version was here) is used as it is when no row's `min_reader` is above
    our own version, and refused with StoreTooNew otherwise, at opening and every few seconds later.
"""

from __future__ import annotations

from typing import Final

from jupyter_autocoder.store.migration import Migration
from jupyter_autocoder.store.tables.chat import CHAT
from jupyter_autocoder.store.tables.governor import GOVERNOR
from jupyter_autocoder.store.tables.trade import TRADE

VERSION_TABLE: Final = (
    "CREATE TABLE IF NOT EXISTS schema_version ("
    "version BIGINT PRIMARY KEY, min_reader BIGINT NOT NULL, part TEXT NOT NULL, at DOUBLE PRECISION NOT NULL)"
)

MIGRATIONS: Final[tuple[Migration, ...]] = (GOVERNOR, CHAT, TRADE)
