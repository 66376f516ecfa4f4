"""What a copy of the database is compared with, and what must change in it before it may serve."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from hub.store import connect

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from hub.store import Connection

NAME = "puente-copies"
SEEDED = {"directory", "lease", "subscribed"}  # rows that migrations write: a database that holds only these is empty
SHOWN = ("audit", "rejection")  # their numbers have been shown to agencies


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeHead:
    """The newest signed head of the audit's Merkle tree."""

    size: int
    root: str
    at: str
    signed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What a database holds: rows by table, applied migrations, the newest signed tree head if there is one."""

    migrations: tuple[str, ...]
    tables: dict[str, int]
    tree_head: TreeHead | None


@contextmanager
def snapshot(url: str) -> Iterator[tuple[Contents, str]]:
    """What the database holds at one moment, and the snapshot's name, by which `pg_dump` sees the same moment."""
    with connect(url, name=NAME) as conn, conn.transaction():
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        _without_limits(conn)
        row = conn.execute("SELECT pg_export_snapshot()").fetchone()
        assert row is not None  # noqa: S101 - a function gives a row
        yield contents(conn), str(row[0])


def contents(conn: Connection) -> Contents:
    """What this database holds."""
    return Contents(migrations=_migrations(conn), tables=_rows(conn), tree_head=_tree_head(conn))


def held(url: str) -> Contents:
    """The same, of a database that nobody else uses yet."""
    with connect(url, name=NAME) as conn, conn.transaction():
        _without_limits(conn)
        return contents(conn)


def _without_limits(conn: Connection) -> None:
    """To count and to wait for `pg_dump` takes longer than anything that serves may take."""
    conn.execute("SET LOCAL statement_timeout = 0")
    conn.execute("SET LOCAL idle_in_transaction_session_timeout = 0")


def _rows(conn: Connection) -> dict[str, int]:
    found = conn.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename !~ '^_?yoyo' ORDER BY tablename"
    ).fetchall()
    rows = {}
    for (table,) in found:
        count = conn.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(str(table)))).fetchone()
        rows[str(table)] = int(str(count[0])) if count else 0
    return rows


def _migrations(conn: Connection) -> tuple[str, ...]:
    if not _is_there(conn, "_yoyo_migration"):
        return ()
    rows = conn.execute("SELECT migration_id FROM _yoyo_migration ORDER BY migration_id").fetchall()
    return tuple(str(name) for (name,) in rows)


def _tree_head(conn: Connection) -> TreeHead | None:
    if not _is_there(conn, "tree_head"):
        return None
    row = conn.execute(
        "SELECT size, encode(root, 'hex'), to_json(at) #>> '{}', signed FROM tree_head ORDER BY size DESC LIMIT 1"
    ).fetchone()
    return TreeHead(size=int(str(row[0])), root=str(row[1]), at=str(row[2]), signed=str(row[3])) if row else None


def _is_there(conn: Connection, table: str) -> bool:
    row = conn.execute("SELECT to_regclass(%s) IS NOT NULL", (table,)).fetchone()
    return bool(row and row[0])


def settle(url: str) -> None:
    """
    Make a restored database fit to serve again.

    Whatever was given out after the backup must not be mistaken for what comes now: positions, numbers and versions
    go on in a range that was never used, tokens issued before are void, and nobody leads.
    """
    with connect(url, name=NAME) as conn, conn.transaction():
        _without_limits(conn)
        conn.execute("UPDATE lease SET holder = NULL, until = '-infinity', fence = fence + 1, seen_at = NULL")
        conn.execute("UPDATE lease SET position = ((position >> 32) + 1) << 32 WHERE name = 'sequencer'")
        conn.execute("UPDATE agency SET epoch = epoch + 65536")
        conn.execute("UPDATE directory SET version = ((version >> 32) + 1) << 32")
        for table in SHOWN:
            conn.execute(
                sql.SQL(
                    "SELECT setval(pg_get_serial_sequence({name}, 'no'),"
                    " ((coalesce(max(no), 0) >> 32) + 1) << 32) FROM {table}"
                ).format(name=table, table=sql.Identifier(table))
            )
        if _is_there(conn, "audit_gap"):  # numbers of transactions mean nothing on another server
            conn.execute("UPDATE audit_gap SET horizon = pg_snapshot_xmax(pg_current_snapshot())")


def analyze(url: str) -> None:
    """Statistics are not part of a copy, and the first plans are made from them."""
    with connect(url, name=NAME) as conn:
        conn.execute("SET statement_timeout = 0")
        conn.execute("ANALYZE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A database by its URL, seen from the server it is on."""

    url: str

    @property
    def name(self) -> str:
        """The database's name."""
        return str(conninfo_to_dict(self.url)["dbname"])

    def beside(self, name: str) -> Place:
        """Another database of the same server."""
        return Place(url=urlsplit(self.url)._replace(path=f"/{quote(name)}").geturl())

    def for_program(self, passfile: Path) -> str:
        """How PostgreSQL's programs connect; the password goes into a file, since command lines can be read."""
        told = conninfo_to_dict(self.url)
        if password := told.pop("password", None):
            escaped = str(password).replace("\\", "\\\\").replace(":", "\\:")
            passfile.touch(mode=0o600)
            passfile.write_text(f"*:*:*:*:{escaped}\n")
            told["passfile"] = str(passfile)
        return make_conninfo("", **{key: value for key, value in told.items() if value is not None})

    def is_there(self) -> bool:
        """Whether the server has it."""
        with self._server() as conn:
            return bool(conn.execute("SELECT 1 FROM pg_database WHERE datname = %s", (self.name,)).fetchone())

    def users(self) -> list[str]:
        """Who is connected to it now."""
        with self._server() as conn:
            rows = conn.execute(
                "SELECT DISTINCT coalesce(nullif(application_name, ''), usename::text, '?') FROM pg_stat_activity"
                " WHERE datname = %s AND backend_type <> 'autovacuum worker' ORDER BY 1",  # which gives way by itself
                (self.name,),
            ).fetchall()
        return [str(name) for (name,) in rows]

    def is_empty(self) -> bool:
        """Whether it holds nothing but what the migrations write."""
        return not any(rows for table, rows in held(self.url).tables.items() if table not in SEEDED)

    def create(self) -> None:
        """Make it anew, without a row or a table; what a restore that was cut short has left goes."""
        self.drop()
        with self._server() as conn:
            conn.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(self.name)))

    def drop(self) -> None:
        """Remove it with the sessions in it."""
        with self._server() as conn:
            conn.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(self.name)))

    def give_way(self, to: Place, *, at: datetime) -> Place:
        """Let `to` take this database's name, at once or not at all; this one goes on under another, given back."""
        aside = self.beside(f"{self.name}_before_{at:%Y%m%d_%H%M%S}")
        rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
        with self._server() as conn, conn.transaction():
            if conn.execute("SELECT 1 FROM pg_database WHERE datname = %s", (self.name,)).fetchone():
                conn.execute(rename.format(sql.Identifier(self.name), sql.Identifier(aside.name)))
            conn.execute(rename.format(sql.Identifier(to.name), sql.Identifier(self.name)))
        return aside

    @contextmanager
    def _server(self) -> Iterator[Connection]:
        with connect(self.beside("postgres").url, name=NAME) as conn:
            conn.execute("SET statement_timeout = 0")
            yield conn


class NotAllowed(Exception):
    """The server does not let us; it says why."""


@contextmanager
def told_why() -> Iterator[None]:
    """
    Turn what the server refuses into `NotAllowed`.

    Raises:
        NotAllowed: no right to create databases, a database in use, and the like.
    """
    try:
        yield
    except psycopg.Error as error:
        raise NotAllowed(str(error.diag.message_primary or type(error).__name__)) from error
