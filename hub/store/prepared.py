"""The statements behind most requests, sent with libpq itself: psycopg's way takes four times the processor time."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, DiagnosticField, ExecStatus, Format, TransactionStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg.pq.abc import PGresult

    from hub.store import Connection

_PLACE = re.compile(r"%s|%\((\w+)\)s")
_DONE = frozenset({ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK})
_UNPREPARED = b"26000"  # not prepared yet on this connection, or no longer, after a rollback


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL with psycopg's placeholders, `%s` or `%(name)s`; what is passed is text, as PostgreSQL reads it."""

    name: bytes
    text: str
    names: tuple[str, ...] = field(init=False)  # of the parameters, in the order that `run` takes them in
    _sent: bytes = field(init=False)

    def __post_init__(self) -> None:
        numbers: dict[str, int] = {}
        # A name that comes again is the same parameter; a place without a name is one of its own.
        numbered = _PLACE.sub(
            lambda p: f"${numbers.setdefault(p[1] or str(len(numbers)), len(numbers) + 1)}", self.text
        )
        object.__setattr__(self, "names", tuple(numbers))
        object.__setattr__(self, "_sent", numbered.encode())

    def run(self, conn: Connection, parameters: Sequence[object], *, result: Format = Format.TEXT) -> PGresult:
        """
        Send it; on an autocommit connection outside of transactions it is planned once.

        Raises:
            psycopg.Error: as psycopg would.
        """
        pgconn = conn.pgconn
        values: list[Any] = [_written(value) for value in parameters]  # None is NULL, which its types leave out
        if pgconn.transaction_status != TransactionStatus.IDLE:  # a name that is not known would end the transaction
            return checked(conn, pgconn.exec_params(self._sent, values, result_format=result))
        came = pgconn.exec_prepared(self.name, values, result_format=result)
        if came.error_field(DiagnosticField.SQLSTATE) == _UNPREPARED:
            checked(conn, pgconn.prepare(self.name, self._sent))
            came = pgconn.exec_prepared(self.name, values, result_format=result)
        return checked(conn, came)

    def rows(self, conn: Connection, parameters: Sequence[object]) -> list[tuple[Any, ...]]:
        """The same; its rows."""
        came = self.run(conn, parameters, result=Format.BINARY)
        transformer = Transformer(conn)
        transformer.set_pgresult(came, format=Format.BINARY)
        return transformer.load_rows(0, came.ntuples, tuple)


def checked(conn: Connection, came: PGresult) -> PGresult:
    """
    A result that is one.

    Raises:
        psycopg.OperationalError: the connection is lost. What libpq says of itself has no SQLSTATE, and it may say so
            before it calls the connection bad.
        psycopg.DatabaseError: what the server says.
    """
    if came.status in _DONE:
        return came
    if conn.pgconn.status == ConnStatus.BAD or came.error_field(DiagnosticField.SQLSTATE) is None:
        raise psycopg.OperationalError(came.get_error_message())
    raise error_from_result(came)


def _written(value: object) -> bytes | None:
    """
    A value as text that PostgreSQL reads.

    Raises:
        psycopg.DataError: no text in PostgreSQL holds a NUL, and libpq would cut it off there.
    """
    if value is None:
        return None
    if isinstance(value, str):
        written = value.encode()
        if b"\0" in written:
            raise psycopg.DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")
        return written
    if isinstance(value, bytes):
        return b"\\x" + value.hex().encode()
    if isinstance(value, datetime):
        return value.isoformat().encode()
    return str(value).encode()  # numbers, true and false, ids
