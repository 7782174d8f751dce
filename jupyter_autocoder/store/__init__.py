"""The database that servers, kernels and commands share: a private SQLite file, or PostgreSQL by URL.

::

    store = Store()                       # the settings' [store] url; empty: a file in Jupyter's data folder
    with store.write() as tx:             # one writer at a time, on both databases
        left = tx.row("SELECT n FROM things WHERE name = ?", "a")
        tx.run("UPDATE things SET n = n + 1, at = ? WHERE name = ?", tx.now(), "a")
    with store.read() as tx:              # a consistent snapshot that blocks nobody
        rows = tx.rows("SELECT * FROM things")

Every failure of the database is a StoreUnavailable that says what to do, a broken rule of the schema a StoreConflict.
A part that keeps tables here adds a migration: see `jupyter_autocoder.store.schema`.
"""

from __future__ import annotations

from jupyter_autocoder.store.database import Store
from jupyter_autocoder.store.driver import Row, Statement
from jupyter_autocoder.store.transaction import Reading, Writing

__all__ = ["Reading", "Row", "Statement", "Store", "Writing"]
