"""Clients of agencies' machines: their keys, the most their tokens may carry, and their end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg.rows import kwargs_row, tuple_row

from hub.directory import Credential
from hub.store import agencies

if TYPE_CHECKING:
    from datetime import datetime

    from hub.store import Connection

COLUMNS = "client_id, agency, public_key_pem, scopes, jurisdictions, expires_at, is_enabled, person, version"


def _credential(**row: Any) -> Credential:
    return Credential(**row | {"scopes": frozenset(row["scopes"]), "jurisdictions": tuple(row["jurisdictions"])})


def _of(agency: str | None) -> str:
    """Two statements rather than one with an OR, which no index serves."""
    return "" if agency is None else "AND agency = %(agency)s"


def add(conn: Connection, credential: Credential) -> bool:
    """A new client; False when the id is taken, by a machine or a person."""
    done = conn.execute(
        """
        INSERT INTO credential (client_id, agency, public_key_pem, scopes, jurisdictions, expires_at, person)
        VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (client_id) DO NOTHING
        """,
        (
            credential.client_id,
            credential.agency,
            credential.public_key_pem,
            sorted(credential.scopes),
            list(credential.jurisdictions),
            credential.expires_at,
            credential.person,
        ),
    )
    return done.rowcount == 1


def locked(conn: Connection, client_id: str) -> Credential | None:
    """One client as it is now, held until the transaction ends."""
    return (
        conn.cursor(row_factory=kwargs_row(_credential))
        .execute(f"SELECT {COLUMNS} FROM credential WHERE client_id = %s FOR UPDATE", (client_id,))  # noqa: S608
        .fetchone()
    )


def of_machines(conn: Connection, *, agency: str | None, after: str, limit: int) -> list[Credential]:
    """Machines' clients in order of ids, behind the id `after`: of one agency, or of all."""
    return (
        conn.cursor(row_factory=kwargs_row(_credential))
        .execute(
            f"""
            SELECT {COLUMNS} FROM credential
             WHERE person IS NULL AND client_id > %(after)s {_of(agency)} ORDER BY client_id LIMIT %(limit)s
            """,  # noqa: S608 - constants only
            {"after": after, "agency": agency, "limit": limit},
        )
        .fetchall()
    )


def ending(conn: Connection, *, before: datetime, agency: str | None = None) -> list[Credential]:
    """Clients that still count and whose keys end before `before`: of one agency, or of all."""
    return (
        conn.cursor(row_factory=kwargs_row(_credential))
        .execute(
            f"""
            SELECT {COLUMNS} FROM credential
             WHERE is_enabled AND expires_at < %(before)s {_of(agency)} ORDER BY client_id
            """,  # noqa: S608 - constants only
            {"before": before, "agency": agency},
        )
        .fetchall()
    )


def disable(conn: Connection, credential: Credential) -> None:
    """No new token for this client, and none that it has counts any more."""
    conn.execute(
        "UPDATE credential SET is_enabled = false, version = version + 1 WHERE client_id = %s", (credential.client_id,)
    )
    agencies.void_tokens(conn, credential)


def put_secret(conn: Connection, client_id: str, digest: bytes) -> None:
    """A client's only secret, by its digest; the one before counts no more."""
    conn.execute(
        """
        INSERT INTO credential_secret (client_id, digest) VALUES (%s, %s)
            ON CONFLICT (client_id) DO UPDATE SET (digest, made_at) = (excluded.digest, excluded.made_at)
        """,
        (client_id, digest),
    )


def secret(conn: Connection, client_id: str) -> bytes | None:
    """The digest of a client's secret."""
    row = (
        conn.cursor(row_factory=tuple_row)
        .execute("SELECT digest FROM credential_secret WHERE client_id = %s", (client_id,))
        .fetchone()
    )
    return None if row is None else bytes(row[0])


def drop_secret(conn: Connection, client_id: str) -> bool:
    """It counts no more; whether there was one."""
    return conn.execute("DELETE FROM credential_secret WHERE client_id = %s", (client_id,)).rowcount == 1


def has_twin(conn: Connection, client_id: str) -> bool:
    """Whether another client holds the same key. Asked after writing: the directory's row then orders the writers."""
    row = conn.execute(
        """
        SELECT 1 FROM credential mine JOIN credential other
            ON other.public_key_pem = mine.public_key_pem AND other.client_id <> mine.client_id
         WHERE mine.client_id = %s LIMIT 1
        """,
        (client_id,),
    ).fetchone()
    return row is not None
