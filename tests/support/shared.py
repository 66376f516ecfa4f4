"""One database for many tests, put back before each: making another takes a hundred times the processor time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql
from psycopg_pool import ConnectionPool

from hub.store import Connection, open_gateway_pool

KEPT = {"directory", "lease", "subscribed"}  # the rows that the migrations wrote
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename !~ 'yoyo' ORDER BY 1"
_COLUMNS = """
SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
 WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
"""
# Functions, since their statements are planned once for all tests.
_WIPE = """
CREATE FUNCTION staged.wipe() RETURNS void LANGUAGE plpgsql SET search_path = public AS $$
BEGIN
    {deletes}
    UPDATE lease SET holder = NULL, fence = 0, until = '-infinity', position = 0;
END $$
"""
_RESTORE = """
CREATE FUNCTION staged.restore() RETURNS void LANGUAGE plpgsql SET search_path = public AS $$
BEGIN
    PERFORM staged.wipe();
    {inserts}
END $$
"""


class Shared:
    """The database at `url`, with the connections that outlive a test."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.gateway = open_gateway_pool(url, name="test-gateway", most=4)
        # A test may set what it likes; the next one finds the server's own settings.
        self._plain = ConnectionPool[Connection](
            url, min_size=0, max_size=4, kwargs={"autocommit": True}, reset=_reset, check=_check, open=True
        )
        # Past the triggers: what they kept when rows were written is put back as it was, and the audit can be emptied.
        self._keeper = psycopg.connect(url, autocommit=True, options="-c session_replication_role=replica")
        self._keeper.execute("CREATE SCHEMA staged")
        self._tables = [str(name) for (name,) in self._keeper.execute(_TABLES) if name not in KEPT]
        self._make(_WIPE, deletes=[self._delete(table) for table in self._tables])

    def stage(self) -> None:
        """Keep the rows that are there now: they are what `restore` puts back."""
        self._make(_RESTORE, inserts=[self._insert(table) for table in self._tables])

    def restore(self) -> None:
        """Back to the rows that were staged."""
        self._keeper.execute("SELECT staged.restore()")

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A connection with the rights of who owns the tables."""
        with self._plain.connection() as conn:
            yield conn

    def close(self) -> None:
        """End all of its connections."""
        self.gateway.close()
        self._plain.close()
        self._keeper.close()

    def _delete(self, table: str) -> sql.Composable:
        return sql.SQL("IF EXISTS (SELECT FROM {table}) THEN DELETE FROM {table}; END IF;").format(
            table=sql.Identifier(table)
        )

    def _insert(self, table: str) -> sql.Composable:
        named = {"table": sql.Identifier(table), "kept": sql.Identifier("staged", table)}
        self._keeper.execute(sql.SQL("CREATE TABLE {kept} AS TABLE {table}").format(**named))
        if self._keeper.execute(sql.SQL("SELECT count(*) FROM {kept}").format(**named)).fetchone() == (0,):
            return sql.SQL("")
        row = self._keeper.execute(_COLUMNS, (table,)).fetchone()
        assert row is not None
        columns = sql.SQL(str(row[0]))
        statement = "INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} FROM {kept};"
        return sql.SQL(statement).format(columns=columns, **named)

    def _make(self, function: str, **parts: list[sql.Composable]) -> None:
        joined = {name: sql.SQL("\n    ").join(part) for name, part in parts.items()}
        self._keeper.execute(sql.SQL(function).format(**joined))


def _reset(conn: Connection) -> None:
    conn.execute("RESET ALL")


def _check(conn: Connection) -> None:
    ConnectionPool.check_connection(conn)
