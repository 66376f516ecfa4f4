"""Grants with owners and parties as rows, without the people who would have proposed and approved them one by one."""

from __future__ import annotations

from collections.abc import Sequence

from hub.directory import BEGINNING, NEVER, Agency
from hub.grants import Grant
from hub.store import Connection
from hub.store import grants as stored_grants

RECORDER = "us-ca-sdpd.recorder"


def put(conn: Connection, held: Sequence[Grant]) -> None:
    """These grants in the place of all others, each on an agreement of its own where it is not a file's."""
    with conn.transaction(), conn.pipeline():
        conn.execute("DELETE FROM grant_owner")
        conn.execute("DELETE FROM access_grant")
        stored_grants.replace_imported(conn, held, bytes(32))
        for grant in held:
            if grant.owners is None and grant.parties is None:
                continue
            _agreement(conn, grant)
            conn.execute(
                "UPDATE access_grant SET (agreement, is_imported) = (%s, %s) WHERE id = %s",
                (grant.id, grant.owners is None, grant.id),
            )
            for owner in grant.owners or ():
                conn.execute(
                    "INSERT INTO grant_owner (grant_id, version, agency, events_from) VALUES (%s, %s, %s, %s)",
                    (grant.id, grant.version, owner.agency, owner.events_from),
                )


def _agreement(conn: Connection, grant: Grant) -> None:
    conn.execute(
        """
        INSERT INTO agreement (id, title_en, title_es, legal_basis, document_sha256, valid_from, valid_until, state)
        VALUES (%s, 'Test', 'Prueba', 'as stated', %s, %s, %s, 'in_force') ON CONFLICT DO NOTHING
        """,
        (grant.id, bytes(32), BEGINNING, NEVER),
    )
    conn.execute("DELETE FROM agreement_party WHERE agreement = %s", (grant.id,))
    for party in grant.parties or ():
        conn.execute(
            "INSERT INTO agreement_party (agreement, agency, kind, country) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT DO NOTHING",
            (grant.id, party.agency, party.kind and party.kind.value, party.country),
        )


def attest(conn: Connection, agencies: Sequence[Agency]) -> None:
    """Record what these agencies hold."""
    conn.execute(
        """
        INSERT INTO person (id, agency, name, roles, state)
        VALUES (%s, 'us-ca-sdpd', 'Sample', '{officer}', 'active')
        """,
        (RECORDER,),
    )
    for agency in agencies:
        for held in agency.attestations:
            conn.execute(
                """
                INSERT INTO attestation (agency, kind, valid_from, valid_until, document_sha256, recorded_by)
                VALUES (%s, %s, %s, %s, %s, %s)
                """,
                (agency.id, held.kind, held.valid_from, held.valid_until, bytes(32), RECORDER),
            )
