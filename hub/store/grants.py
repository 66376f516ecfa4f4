"""Grants as rows: one per version, never changed in what they open, only in where they stand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hub.directory import BEGINNING, NEVER

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hub.grants import Grant
    from hub.store import Connection

IMPORTED = "imported"

_INSERT = """
INSERT INTO access_grant (id, version, agreement, source_agency, source_kind, source_country, reader_agency,
                          reader_kind, reader_country, types, jurisdictions, purpose, max_tlp, clearance, requires,
                          valid_from, valid_until, state, is_imported, proposed_by)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""


def _parameters(grant: Grant, *, is_imported: bool, proposed_by: str | None) -> tuple[object, ...]:
    source, reader = grant.source, grant.reader
    return (
        grant.id,
        grant.version,
        grant.agreement,
        source.agency,
        source.kind.value if source.kind else None,
        source.country,
        reader.agency,
        reader.kind.value if reader.kind else None,
        reader.country,
        list(grant.types),
        list(grant.jurisdictions),
        grant.purpose,
        int(grant.max_tlp),
        int(grant.clearance),
        list(grant.requires),
        grant.valid_from,
        grant.valid_until,
        grant.state.value,
        is_imported,
        proposed_by,
    )


def replace_imported(conn: Connection, grants: Iterable[Grant], document_sha256: bytes) -> None:
    """
    Put the grants of a file in the place of those that an earlier file brought, under an agreement of that name.

    They stand for every source they cover, as they did while they were a file.
    """
    with conn.transaction():
        conn.execute(
            """
            INSERT INTO agreement (id, title_en, title_es, legal_basis, document_sha256, valid_from, valid_until, state)
            VALUES (%s, 'Grants of the former file', 'Permisos del archivo anterior', 'as stated in the file', %s, %s,
                    %s, 'in_force')
            ON CONFLICT (id) DO UPDATE
               SET (document_sha256, version) = (excluded.document_sha256, agreement.version + 1)
            """,
            (IMPORTED, document_sha256, BEGINNING, NEVER),
        )
        conn.execute("DELETE FROM access_grant WHERE is_imported")
        conn.cursor().executemany(
            _INSERT,
            [_parameters(replace(grant, agreement=IMPORTED), is_imported=True, proposed_by=None) for grant in grants],
        )
