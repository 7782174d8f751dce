"""What a step of the schema is, in the words of both databases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from jupyter_autocoder.store.driver import Dialect


@dataclass(frozen=True, slots=True, kw_only=True)
class Each:
    """A statement that the databases spell differently; an empty text is no statement at all."""

    sqlite: str
    postgres: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One step of the schema: `part` names who keeps the tables, `min_reader` the oldest version that may use them."""

    version: int
    min_reader: int
    part: str
    statements: tuple[str | Each, ...]

    def __post_init__(self) -> None:
        if not 1 <= self.min_reader <= self.version:
            msg = f"migration {self.version}: min_reader {self.min_reader} must lie between 1 and the version"
            raise ValueError(msg)

    def sql(self, dialect: Dialect) -> Iterator[str]:
        """Yield the statements in the words of one database."""
        for statement in self.statements:
            text = statement if isinstance(statement, str) else getattr(statement, dialect)
            if text:
                yield text


def append_only(table: str) -> tuple[Each, ...]:
    """Statements after which rows of `table` can be added and read, never changed or removed."""
    function = f"{table}_is_append_only"
    message = f"{table} is append-only"
    refuse = Each(
        sqlite="",
        postgres=f"CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{message}' USING ERRCODE = 'restrict_violation'; END $$",
    )
    rows = tuple(
        Each(
            sqlite=f"CREATE TRIGGER {table}_no_{verb} BEFORE {verb} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{message}'); END",
            postgres=f"CREATE TRIGGER {table}_no_{verb} BEFORE {verb} ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION {function}()",
        )
        for verb in ("update", "delete")
    )
    truncate = Each(
        sqlite="",
        postgres=f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {function}()",
    )
    return (refuse, *rows, truncate)
