"""One conversation with a PostgreSQL server, by libpq alone: prepared statements, texts in, plain values out.

A reservation is a handful of tiny statements under a lock that everybody waits for, so what each of them costs here is
what limits a hub. The driver's cursors take several times as long as the server's own work; this is what they would do
for the few types the store uses, with a time limit on every answer, which libpq does not have.
"""

from __future__ import annotations

import select
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from psycopg.pq.abc import PGconn, PGresult

# Type numbers of pg_type, which never change.
_INT8, _FLOAT8, _BYTEA, _NUMERIC, _BOOL, _UNKNOWN = 20, 701, 17, 1700, 16, 0
_INTEGERS: Final = frozenset((20, 21, 23))
_FLOATS: Final = frozenset((700, 701))
_MOST_PREPARED: Final = 300


class ServerError(Exception):
    """A statement failed; `sqlstate` is the server's code, empty when the connection itself failed."""

    def __init__(self, text: str, sqlstate: str = "") -> None:
        super().__init__(text)
        self.sqlstate = sqlstate


class Wire:
    """A connected `PGconn` that runs one statement at a time and waits at most `timeout` seconds for its answer."""

    def __init__(self, connection: PGconn, *, timeout: float) -> None:
        from psycopg import Error, pq

        self._pq = pq
        self._failures = Error
        self._good = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK, pq.ExecStatus.EMPTY_QUERY)
        self._connection = connection
        self._timeout = timeout
        self._prepared: dict[tuple[str, tuple[int, ...]], bytes] = {}
        self._poll = select.poll()
        self._poll.register(connection.socket, select.POLLIN)

    def alive(self) -> bool:
        """Whether the connection stands and nobody is in the middle of a word.

        What the server says unasked is nearly always its good-bye, and what is left of an interrupted answer would be
        taken for the next one's: in both cases a new connection is the better one.
        """
        return self._connection.status == self._pq.ConnStatus.OK and not self._poll.poll(0)

    def idle(self) -> bool:
        """Whether no transaction is open."""
        return self._connection.transaction_status == self._pq.TransactionStatus.IDLE

    def simple(self, sql: str) -> list[dict[str, Any]]:
        """Run statements without parameters and return the rows of the last one."""
        self._send(lambda: self._connection.send_query(sql.encode()))
        return _rows(self._answer())

    def query(self, sql: str, params: Sequence[Any]) -> list[dict[str, Any]]:
        """Run one statement with ``$1`` placeholders and return its rows."""
        return _rows(self._execute(sql, params))

    def change(self, sql: str, params: Sequence[Any]) -> int:
        """Run one statement with ``$1`` placeholders and return how many rows it touched."""
        return self._execute(sql, params).command_tuples or 0

    def together(self, *transactions: Sequence[tuple[str, Sequence[Any]]]) -> list[list[list[dict[str, Any]]]]:
        """Send all statements at once, as transactions of their own, and return the rows of each statement of each.

        The first failure is raised: of its transaction nothing has happened, or it is not known where the connection
        was lost; those before it stand.
        """
        self._make_room(sum(map(len, transactions)))
        ready = [[self._ready(sql, params) for sql, params in steps] for steps in transactions]
        self._connection.enter_pipeline_mode()
        try:
            for statements in ready:
                for name, values in statements:
                    self._connection.send_query_prepared(name, values)
                self._connection.pipeline_sync()
            self._send(lambda: None)
            answers = [self._results(len(statements)) for statements in ready]
        except self._failures as error:
            raise ServerError(str(error)) from None
        finally:
            try:
                self._connection.exit_pipeline_mode()
            except self._failures:
                # Answers are outstanding that nobody will read.
                self._connection.finish()
        for results in answers:
            if isinstance(results, ServerError):
                raise results
        return [[_rows(result) for result in results] for results in answers if not isinstance(results, ServerError)]

    def _results(self, count: int) -> list[PGresult] | ServerError:
        """Read the answers to `count` statements and to the end of their transaction, or why it failed."""
        deadline = time.monotonic() + self._timeout
        results: list[PGresult] = []
        failed: ServerError | None = None
        while True:
            result = self._next(deadline)
            if result is None and self._connection.status == self._pq.ConnStatus.OK:
                # Only the end of one statement's answer.
                continue
            if result is None:
                break
            if result.status == self._pq.ExecStatus.PIPELINE_SYNC:
                break
            results.append(result)
            if result.status not in self._good and result.status != self._pq.ExecStatus.PIPELINE_ABORTED:
                failed = failed or self._failure(result)
        if failed is not None or len(results) != count:
            return failed or ServerError("the server closed the connection")
        return results

    def _execute(self, sql: str, params: Sequence[Any]) -> PGresult:
        self._make_room(1)
        name, values = self._ready(sql, params)
        self._send(lambda: self._connection.send_query_prepared(name, values))
        return self._answer()

    def _make_room(self, wanted: int) -> None:
        if len(self._prepared) + wanted > _MOST_PREPARED:
            self.simple("DEALLOCATE ALL")
            self._prepared.clear()

    def _ready(self, sql: str, params: Sequence[Any]) -> tuple[bytes, list[bytes | None]]:
        encoded = [_encoded(value) for value in params]
        key = (sql, tuple(kind for _, kind in encoded))
        return self._prepared.get(key) or self._prepare(key), [value for value, _ in encoded]

    def _prepare(self, key: tuple[str, tuple[int, ...]]) -> bytes:
        name = b"s%d" % len(self._prepared)
        self._send(lambda: self._connection.send_prepare(name, key[0].encode(), key[1]))
        self._answer()
        self._prepared[key] = name
        return name

    def _send(self, send: Callable[[], None]) -> None:
        try:
            send()
            while self._connection.flush():
                select.select([], [self._connection.socket], [], self._timeout)
        except self._failures as error:
            raise ServerError(str(error)) from None

    def _answer(self) -> PGresult:
        """Wait for all results of what was sent and return the last; the first failure is raised."""
        deadline = time.monotonic() + self._timeout
        last: PGresult | None = None
        failed: ServerError | None = None
        while (result := self._next(deadline)) is not None:
            last = result
            if result.status not in self._good:
                failed = failed or self._failure(result)
        if failed is not None or last is None:
            raise failed or ServerError("the server closed the connection")
        return last

    def _next(self, deadline: float) -> PGresult | None:
        try:
            while self._connection.is_busy():
                if not self._poll.poll(max(deadline - time.monotonic(), 0) * 1000):
                    self._connection.finish()
                    raise ServerError(f"the server has not answered for {self._timeout:.0f} s")
                self._connection.consume_input()
            return self._connection.get_result()
        except self._failures as error:
            raise ServerError(str(error)) from None

    def _failure(self, result: PGresult) -> ServerError:
        state = result.error_field(self._pq.DiagnosticField.SQLSTATE)
        text = result.error_field(self._pq.DiagnosticField.MESSAGE_PRIMARY) or result.error_message
        return ServerError(text.decode(errors="replace").strip(), (state or b"").decode())


def _encoded(value: Any) -> tuple[bytes | None, int]:
    """Return a parameter's text and type; the server finds out by itself what a text is meant to be."""
    if value is None:
        return None, _UNKNOWN
    if isinstance(value, int):
        # A bool too: the tables keep 0 and 1.
        return b"%d" % value, _INT8
    if isinstance(value, float):
        return repr(value).encode(), _FLOAT8
    if isinstance(value, bytes):
        return b"\\x" + value.hex().encode(), _BYTEA
    text = value.encode()
    if b"\0" in text:
        msg = "PostgreSQL cannot store a text with a NUL character"
        raise ValueError(msg)
    return text, _UNKNOWN


def _rows(result: PGresult) -> list[dict[str, Any]]:
    columns = [((result.fname(index) or b"").decode(), result.ftype(index)) for index in range(result.nfields)]
    return [
        {name: _decoded(result.get_value(row, column), kind) for column, (name, kind) in enumerate(columns)}
        for row in range(result.ntuples)
    ]


def _decoded(value: bytes | None, kind: int) -> Any:
    if value is None:
        return None
    if kind in _INTEGERS:
        return int(value)
    if kind in _FLOATS:
        return float(value)
    if kind == _NUMERIC:
        # The sum of whole numbers is numeric here, and a whole number on SQLite.
        return float(value) if b"." in value or b"N" in value else int(value)
    if kind == _BOOL:
        return int(value == b"t")
    if kind == _BYTEA:
        return bytes.fromhex(value[2:].decode())
    return value.decode()
