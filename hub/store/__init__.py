"""The only package that speaks SQL: connections, transactions, and what a lost database looks like to the rest."""

from __future__ import annotations

import select
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

import psycopg
from psycopg.pq import DiagnosticField, ExecStatus, TransactionStatus
from psycopg_pool import ConnectionPool, PoolTimeout

from hub.errors import Refused, Unavailable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

Connection: TypeAlias = psycopg.Connection[tuple[object, ...]]


class Unstorable(Exception):
    """PostgreSQL refuses a value; the event that carries it can never be stored."""


# Nothing the hub does takes long; what does is stuck, and a stuck holder of a row lock stops others.
# Every statement has its index, and is planned once: planning a page anew costs three times what finding it does. A
# plan is made when the tables may still be empty, so those that are only good on small tables are not to be chosen.
# Not so what is done to queues as a whole, which grow by the hour: that is planned each time (`prepare=False`).
_SESSION = (
    "-c statement_timeout=15000 -c lock_timeout=5000 -c idle_in_transaction_session_timeout=10000"
    " -c plan_cache_mode=force_generic_plan -c jit=off"
    " -c enable_seqscan=off -c enable_bitmapscan=off -c enable_hashjoin=off -c enable_mergejoin=off"
    " -c timezone=UTC -c application_name={name}"
)

# A host that falls silent is noticed in half a minute; on a Unix socket this means nothing.
_NETWORK: dict[str, Any] = {
    "connect_timeout": 5,  # seconds
    "keepalives_idle": 10,  # seconds
    "keepalives_interval": 5,  # seconds
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,  # milliseconds
}

# What migration 0005 made for gateways: it owns nothing and sees the rows of whom it answers. As an option of the
# connection it is also what RESET ROLE and DISCARD ALL come back to.
GATEWAY_ROLE = "puente_gateway"
_SAY = b"SELECT set_config('puente.reader', $1, false)"
_SAY_FOR_NOW = "SELECT set_config('puente.reader', %s, true)"  # until the transaction ends
_SAID = b"puente_reader"  # the name it is prepared under


class _Gateway(psycopg.Connection[tuple[object, ...]]):
    """A connection of a gateway, which shows the rows that `reader` may have; of nobody, none."""

    reader = ""


def open_pool(url: str, *, name: str, most: int) -> ConnectionPool[Connection]:
    """A pool of at most `most` connections that are checked before use, so a database restart is survived."""
    return _open_pool(url, name, most, psycopg.Connection, _SESSION.format(name=name))


def open_gateway_pool(url: str, *, name: str, most: int) -> ConnectionPool[Connection]:
    """The same for a gateway: its connections have the rights of `GATEWAY_ROLE` and show one reader's rows each."""
    return _open_pool(url, name, most, _Gateway, f"{_SESSION.format(name=name)} -c role={GATEWAY_ROLE}")


def _open_pool(url: str, name: str, most: int, kind: type[Connection], options: str) -> ConnectionPool[Connection]:
    pool = ConnectionPool(
        url,
        connection_class=kind,
        kwargs={"options": options, "autocommit": True, **_NETWORK},
        min_size=1,
        max_size=most,
        timeout=5.0,
        reconnect_timeout=1e9,
        check=_check,
        name=name,
        open=False,
    )
    pool.open()
    return pool


def _check(conn: Connection) -> None:
    """
    Cheaper than a query: an idle connection from which something can be read has ended, or is about to.

    Raises:
        psycopg.OperationalError: it has.
    """
    waiting = select.poll()
    waiting.register(conn.pgconn.socket, select.POLLIN)
    if waiting.poll(0):
        ConnectionPool.check_connection(conn)


@contextmanager
def connect(url: str, *, name: str) -> Iterator[Connection]:
    """
    One autocommit connection of its own, for workers and for LISTEN.

    Raises:
        Unavailable: the database is away, or went away.
    """
    try:
        with psycopg.connect(url, autocommit=True, options=_SESSION.format(name=name), **_NETWORK) as conn:
            yield conn
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise Unavailable from error


def answers(url: str) -> bool:
    """Whether the database is there."""
    try:
        with connect(url, name="puente-probe"):
            return True
    except Unavailable:
        return False


def speak_for(conn: Connection, reader: str) -> None:
    """
    From here on a gateway's connection shows what agency `reader` may have; another kind of connection shows all.

    Said only when it changes, on the session and outside of transactions, where nothing can undo it unnoticed; with
    libpq itself, since this comes before most requests: psycopg's way takes three times as much processor time, and
    its pipeline four times.
    """
    if not isinstance(conn, _Gateway) or conn.reader == reader:
        return
    assert conn.pgconn.transaction_status == TransactionStatus.IDLE  # noqa: S101 - a rollback would undo it
    result = conn.pgconn.exec_prepared(_SAID, [reader.encode()])
    if result.error_field(DiagnosticField.SQLSTATE) == b"26000":  # not prepared yet, or no longer, after a rollback
        conn.pgconn.prepare(_SAID, _SAY)
        result = conn.pgconn.exec_prepared(_SAID, [reader.encode()])
    if result.status != ExecStatus.TUPLES_OK:
        raise psycopg.OperationalError(result.error_message)
    conn.reader = reader


@contextmanager
def shown_to(conn: Connection, reader: str) -> Iterator[None]:
    """In a transaction: look at what agency `reader` may have, to see what an act of the caller opens to it."""
    if not isinstance(conn, _Gateway):
        yield
        return
    conn.execute(_SAY_FOR_NOW, (reader,))
    try:
        yield
    finally:  # a failed transaction undoes it by itself
        if conn.pgconn.transaction_status == TransactionStatus.INTRANS:
            conn.execute(_SAY_FOR_NOW, (conn.reader,))


@contextmanager
def connection(pool: ConnectionPool[Connection], reader: str = "") -> Iterator[Connection]:
    """
    An autocommit connection for single statements, which shows a gateway what agency `reader` may have.

    Whom its last borrower spoke for is forgotten first: who does not say for whom it asks sees no rows.

    Raises:
        Unavailable: the database is away.
    """
    try:
        with pool.connection() as conn:
            speak_for(conn, reader)
            yield conn
    except (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout) as error:
        raise Unavailable from error


@contextmanager
def transaction(pool: ConnectionPool[Connection], reader: str = "") -> Iterator[Connection]:
    """
    Commit on success, and on refusal: its audit entry must outlive it. Everything else rolls back.

    Use cases therefore decide, record and require before they write anything else.

    Raises:
        Unavailable: the database is away.
    """
    with connection(pool, reader) as conn:
        refusal: Refused | None = None
        with conn.transaction():
            try:
                yield conn
            except Refused as error:
                refusal = error
        if refusal is not None:
            raise refusal


@contextmanager
def administration(pool: ConnectionPool[Connection], reader: str) -> Iterator[Connection]:
    """
    `transaction` for an administrative act, with the rights of who owns the tables.

    An act looks at what others have (whom a grant would open an event to) and hands out no event, so the barrier that
    stands between readers and rows would only be in its way. It ends with the transaction.

    Raises:
        Unavailable: the database is away.
    """
    with transaction(pool, reader) as conn:
        with_owners_rights(conn)
        yield conn


def with_owners_rights(conn: Connection) -> None:
    """Until the transaction ends: for what was decided with the rights of a gateway, and changes more than it may."""
    conn.execute("SET LOCAL ROLE NONE")


def array(values: Collection[object]) -> str:
    """An array as PostgreSQL writes one, for `%s::type[]`: a tenth of what psycopg takes to pass a list."""
    items = "\0".join(map(str, values)).replace("\\", r"\\").replace('"', r"\"")  # no text in PostgreSQL holds a NUL
    return '{"' + items.replace("\0", '","') + '"}' if values else "{}"
