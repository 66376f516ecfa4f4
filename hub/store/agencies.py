"""Agencies, their credentials, and the version of the whole directory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg.rows import kwargs_row

from hub.directory import Agency, Credential, Kind, Standing
from hub.store import publish_rights

if TYPE_CHECKING:
    from datetime import datetime

    from hub.store import Connection


def version_of(conn: Connection) -> int:
    """The directory's present version."""
    row = conn.execute("SELECT version FROM directory").fetchone()
    assert row is not None  # noqa: S101 - the migration inserts the only row
    return int(str(row[0]))


def lock_directory(conn: Connection) -> None:
    """Nobody else changes who takes part until the transaction ends."""
    conn.execute("SELECT version FROM directory FOR UPDATE")


def enrol(conn: Connection, agency: Agency) -> bool:
    """Add `agency` or bring its row up to date; True when something changed. Its publish rights stand from now on."""
    with conn.transaction():
        changed = conn.execute(
            """
            INSERT INTO agency AS a (id, name, kind, country, jurisdictions, languages, standing, identifiers,
                                     duty_phone, duty_email)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
            ON CONFLICT (id) DO UPDATE SET (name, kind, jurisdictions, languages, standing, identifiers, duty_phone,
                                            duty_email, epoch, version)
               = (excluded.name, excluded.kind, excluded.jurisdictions, excluded.languages, excluded.standing,
                  excluded.identifiers, excluded.duty_phone, excluded.duty_email,
                  a.epoch + (a.standing <> excluded.standing)::int, a.version + 1)
             WHERE (a.name, a.kind, a.jurisdictions, a.languages, a.standing, a.identifiers, a.duty_phone,
                    a.duty_email)
                IS DISTINCT FROM (excluded.name, excluded.kind, excluded.jurisdictions, excluded.languages,
                                  excluded.standing, excluded.identifiers, excluded.duty_phone, excluded.duty_email)
            """,
            (
                agency.id,
                agency.name,
                agency.kind.value,
                agency.country,
                list(agency.jurisdictions),
                list(agency.languages),
                agency.standing.value,
                list(agency.identifiers),
                agency.duty_phone,
                agency.duty_email,
            ),
        )
        rights = publish_rights.replace_enrolled(conn, agency)
    return changed.rowcount == 1 or rights


def add(conn: Connection, agency: Agency) -> bool:
    """A new agency, without any right to publish; False when the id is taken."""
    done = conn.execute(
        """
        INSERT INTO agency (id, name, kind, country, jurisdictions, languages, identifiers, duty_phone, duty_email)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (id) DO NOTHING
        """,
        (
            agency.id,
            agency.name,
            agency.kind.value,
            agency.country,
            list(agency.jurisdictions),
            list(agency.languages),
            list(agency.identifiers),
            agency.duty_phone,
            agency.duty_email,
        ),
    )
    return done.rowcount == 1


def amend(conn: Connection, agency: Agency) -> None:
    """Write what may change of an agency, and its version."""
    conn.execute(
        """
        UPDATE agency SET (name, jurisdictions, languages, identifiers, duty_phone, duty_email, version)
                        = (%s, %s, %s, %s, %s, %s, %s) WHERE id = %s
        """,
        (
            agency.name,
            list(agency.jurisdictions),
            list(agency.languages),
            list(agency.identifiers),
            agency.duty_phone,
            agency.duty_email,
            agency.version,
            agency.id,
        ),
    )


_LOCKED = """
SELECT id, name, kind, country, jurisdictions, languages, standing, epoch, identifiers, duty_phone, duty_email, version,
       peer, is_shown
  FROM agency WHERE id = %s FOR UPDATE
"""


def locked(conn: Connection, agency_id: str) -> Agency | None:
    """One agency as it is now, held until the transaction ends; without its rights and attestations."""
    return conn.cursor(row_factory=kwargs_row(_agency)).execute(_LOCKED, (agency_id,)).fetchone()


def _agency(**row: Any) -> Agency:
    lists = {name: tuple(row[name]) for name in ("jurisdictions", "languages", "identifiers")}
    return Agency(**row | lists | {"kind": Kind(row["kind"]), "standing": Standing(row["standing"])})


def set_standing(conn: Connection, agency_id: str, standing: Standing) -> bool:
    """Suspend, retire or reinstate; every token issued before is void. False when there is no such agency."""
    done = conn.execute(
        """
        UPDATE agency SET standing = %(standing)s, epoch = epoch + 1, version = version + 1,
                          is_held = peer IS NOT NULL AND %(standing)s <> 'active'
         WHERE id = %(agency)s
        """,
        {"standing": standing.value, "agency": agency_id},
    )
    return done.rowcount == 1


def give_credential(conn: Connection, credential: Credential) -> None:
    """Register a client and its public key; registering again replaces the key and voids earlier tokens."""
    with conn.transaction():
        replaced = conn.execute(
            """
            INSERT INTO credential AS c (client_id, agency, public_key_pem, scopes, jurisdictions, expires_at, person)
            VALUES (%s, %s, %s, %s, %s, %s, %s)
            ON CONFLICT (client_id) DO UPDATE
               SET (public_key_pem, scopes, jurisdictions, expires_at, is_enabled, version)
                 = (excluded.public_key_pem, excluded.scopes, excluded.jurisdictions, excluded.expires_at, true,
                    c.version + 1)
             WHERE c.agency = excluded.agency AND c.person IS NOT DISTINCT FROM excluded.person
            RETURNING (xmax <> 0)
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
        ).fetchone()
        if replaced is not None and replaced[0]:
            void_tokens(conn, credential)


def void_tokens(conn: Connection, credential: Credential) -> None:
    """No token that was issued before counts: of the person, or of the agency's machines and people alike."""
    if credential.person is not None:
        conn.execute("UPDATE person SET epoch = epoch + 1 WHERE id = %s", (credential.person,))
    else:
        conn.execute("UPDATE agency SET epoch = epoch + 1 WHERE id = %s", (credential.agency,))


def credential(conn: Connection, client_id: str) -> Credential | None:
    """The client, whatever its state."""
    return (
        conn.cursor(row_factory=kwargs_row(_credential))
        .execute(
            """
            SELECT client_id, agency, public_key_pem, scopes, jurisdictions, expires_at, is_enabled, person, version
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
