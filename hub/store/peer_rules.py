"""The rules of another node, as it sent them: its agencies, its limits, and its grants that open something here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from hub.directory import Agency
    from hub.grants import Grant
    from hub.store import Connection


def show(conn: Connection, peer: str, agencies: Sequence[Agency]) -> frozenset[str]:
    """Enrol agencies that a peer shows, or bring them up to date; the ids that are taken by agencies of others."""
    refused = set()
    for agency in agencies:
        done = conn.execute(
            """
            INSERT INTO agency AS a (id, name, kind, country, jurisdictions, languages, standing, identifiers,
                                     duty_phone, duty_email, peer)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
                ON CONFLICT (id) DO UPDATE SET (name, kind, jurisdictions, languages, standing, identifiers, duty_phone,
                                                duty_email, version)
                 = (excluded.name, excluded.kind, excluded.jurisdictions, excluded.languages,
                    CASE WHEN a.is_held THEN a.standing ELSE excluded.standing END,
                    excluded.identifiers, excluded.duty_phone, excluded.duty_email, a.version + 1)
                 WHERE a.peer = excluded.peer
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
                peer,
            ),
        )
        if done.rowcount == 1:
            _attest(conn, agency)
        else:
            refused.add(agency.id)
    return frozenset(refused)


def _attest(conn: Connection, agency: Agency) -> None:
    conn.execute("DELETE FROM shown_attestation WHERE agency = %s", (agency.id,))
    conn.cursor().executemany(
        "INSERT INTO shown_attestation (agency, kind, valid_from, valid_until) VALUES (%s, %s, %s, %s)",
        [(agency.id, one.kind, one.valid_from, one.valid_until) for one in agency.attestations],
    )


def note_directory(conn: Connection, peer: str, version: int) -> None:
    """How far its directory is known here; it only rises, since a part may come again."""
    conn.execute("UPDATE crossing SET directory = greatest(directory, %s) WHERE peer = %s", (version, peer))


def hide(conn: Connection, peer: str, agencies: Collection[str]) -> None:
    """Agencies that a peer no longer shows: they stay as who sent what came, and neither send nor read."""
    conn.execute(
        "UPDATE agency SET standing = 'retired', version = version + 1 WHERE peer = %s AND id = ANY(%s)",
        (peer, list(agencies)),
    )


def put_limits(conn: Connection, peer: str, document: Mapping[str, Any]) -> None:
    """The limits that a peer decides with."""
    conn.execute(
        "INSERT INTO peer_limits (peer, limits) VALUES (%s, %s)"
        " ON CONFLICT (peer) DO UPDATE SET limits = excluded.limits",
        (peer, orjson.dumps(document, option=orjson.OPT_SORT_KEYS).decode()),
    )


def put_grant(conn: Connection, peer: str, grant_id: str, standing: Sequence[tuple[Grant, Mapping[str, Any]]]) -> None:
    """What stands of one grant of a peer, in place of what stood: each as the policy has it and as it came."""
    conn.execute("DELETE FROM released_grant WHERE peer = %s AND id = %s", (peer, grant_id))
    conn.cursor().executemany(
        """
        INSERT INTO released_grant (peer, id, no, standing, source_agency, source_kind, source_country, reader_agency,
                                    reader_kind, reader_country, types, jurisdictions, max_tlp, sources,
                                    without_sources, without_readers, valid_from, valid_until)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
        """,
        [
            (
                peer,
                grant_id,
                no,
                orjson.dumps(came, option=orjson.OPT_SORT_KEYS).decode(),
                grant.source.agency,
                None if grant.source.kind is None else grant.source.kind.value,
                grant.source.country,
                grant.reader.agency,
                None if grant.reader.kind is None else grant.reader.kind.value,
                grant.reader.country,
                list(grant.types),
                list(grant.jurisdictions),
                int(grant.max_tlp),
                None if grant.owners is None else [owner.agency for owner in grant.owners],
                sorted(grant.without_sources),
                sorted(grant.without_readers),
                grant.valid_from,
                grant.valid_until,
            )
            for no, (grant, came) in enumerate(standing)
        ],
    )
