"""Agencies, their credentials, and the version of the whole directory."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from psycopg.rows import kwargs_row

from hub.directory import Agency, Credential, Directory, Kind, Standing

if TYPE_CHECKING:
    from datetime import datetime

    from hub.store import Connection


_COLUMNS = ("id", "name", "kind", "country", "jurisdictions", "publishes", "languages", "standing", "epoch")


def _agency(**row: Any) -> Agency:
    lists = {name: tuple(row[name]) for name in ("jurisdictions", "publishes", "languages")}
    return Agency(**row | lists | {"kind": Kind(row["kind"]), "standing": Standing(row["standing"])})


def directory(conn: Connection) -> Directory:
    """Everyone enrolled, and the version that a later statement can check; one statement, so both are of one moment."""
    rows = conn.execute(
        """
        SELECT d.version, a.id, a.name, a.kind, a.country, a.jurisdictions, a.publishes, a.languages, a.standing,
               a.epoch
          FROM directory d LEFT JOIN agency a ON true
        """
    ).fetchall()
    enrolled = [_agency(**dict(zip(_COLUMNS, row[1:], strict=True))) for row in rows if row[1] is not None]
    return Directory(int(str(rows[0][0])), MappingProxyType({agency.id: agency for agency in enrolled}))


def version_of(conn: Connection) -> int:
    """The directory's present version."""
    row = conn.execute("SELECT version FROM directory").fetchone()
    assert row is not None  # noqa: S101 - the migration inserts the only row
    return int(str(row[0]))


def enrol(conn: Connection, agency: Agency) -> bool:
    """Add `agency` or bring its row up to date; True when something changed."""
    changed = conn.execute(
        """
        INSERT INTO agency AS a (id, name, kind, country, jurisdictions, publishes, languages, standing)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
        ON CONFLICT (id) DO UPDATE SET (name, kind, jurisdictions, publishes, languages, standing, epoch)
           = (excluded.name, excluded.kind, excluded.jurisdictions, excluded.publishes, excluded.languages,
              excluded.standing, a.epoch + (a.standing <> excluded.standing)::int)
         WHERE (a.name, a.kind, a.jurisdictions, a.publishes, a.languages, a.standing)
            IS DISTINCT FROM (excluded.name, excluded.kind, excluded.jurisdictions, excluded.publishes,
                              excluded.languages, excluded.standing)
        """,
        (
            agency.id,
            agency.name,
            agency.kind.value,
            agency.country,
            list(agency.jurisdictions),
            list(agency.publishes),
            list(agency.languages),
            agency.standing.value,
        ),
    )
    return changed.rowcount == 1


def set_standing(conn: Connection, agency_id: str, standing: Standing) -> bool:
    """Suspend, retire or reinstate; every token issued before is void. False when there is no such agency."""
    done = conn.execute("UPDATE agency SET standing = %s, epoch = epoch + 1 WHERE id = %s", (standing.value, agency_id))
    return done.rowcount == 1


def give_credential(conn: Connection, credential: Credential) -> None:
    """Register a client and its public key; registering again replaces the key and voids earlier tokens."""
    with conn.transaction():
        replaced = conn.execute(
            """
            INSERT INTO credential AS c (client_id, agency, public_key_pem, scopes, jurisdictions, expires_at)
            VALUES (%s, %s, %s, %s, %s, %s)
            ON CONFLICT (client_id) DO UPDATE
               SET (public_key_pem, scopes, jurisdictions, expires_at, is_enabled)
                 = (excluded.public_key_pem, excluded.scopes, excluded.jurisdictions, excluded.expires_at, true)
             WHERE c.agency = excluded.agency
            RETURNING (xmax <> 0)
            """,
            (
                credential.client_id,
                credential.agency,
                credential.public_key_pem,
                sorted(credential.scopes),
                list(credential.jurisdictions),
                credential.expires_at,
            ),
        ).fetchone()
        if replaced is not None and replaced[0]:
            conn.execute("UPDATE agency SET epoch = epoch + 1 WHERE id = %s", (credential.agency,))


def credential(conn: Connection, client_id: str) -> Credential | None:
    """The client, whatever its state."""
    return (
        conn.cursor(row_factory=kwargs_row(_credential))
        .execute(
            """
            SELECT client_id, agency, public_key_pem, scopes, jurisdictions, expires_at, is_enabled
              FROM credential WHERE client_id = %s
            """,
            (client_id,),
        )
        .fetchone()
    )


def _credential(**row: Any) -> Credential:
    return Credential(**row | {"scopes": frozenset(row["scopes"]), "jurisdictions": tuple(row["jurisdictions"])})


def spend_assertion(conn: Connection, client_id: str, jti: str, expires_at: datetime) -> bool:
    """Note a client assertion as used; False when it was used before."""
    conn.execute("DELETE FROM assertion_seen WHERE expires_at < clock_timestamp() - interval '1 minute'")
    spent = conn.execute(
        "INSERT INTO assertion_seen (client_id, jti, expires_at) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
        (client_id, jti, expires_at),
    )
    return spent.rowcount == 1
