"""What agencies have shown to hold: recorded with the digest of its document, and withdrawn, never changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg.rows import class_row

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from hub.directory import Attestation
    from hub.store import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """An attestation as a row: whose, on which document, who recorded it, and who withdrew it why."""

    id: str
    agency: str
    kind: str
    valid_from: datetime
    valid_until: datetime
    document_sha256: str
    recorded_by: str
    withdrawn_by: str | None
    withdrawn_at: datetime | None
    reason: str | None


_COLUMNS = """id::text, agency, kind, valid_from, valid_until, encode(document_sha256, 'hex') AS document_sha256,
       recorded_by, withdrawn_by, withdrawn_at, reason"""


def record(conn: Connection, agency: str, attestation: Attestation, *, document_sha256: str, recorded_by: str) -> Held:
    """A new attestation."""
    held = (
        conn.cursor(row_factory=class_row(Held))
        .execute(
            f"""
            INSERT INTO attestation (agency, kind, valid_from, valid_until, document_sha256, recorded_by)
            VALUES (%s, %s, %s, %s, decode(%s, 'hex'), %s) RETURNING {_COLUMNS}
            """,  # noqa: S608 - a constant list of columns
            (
                agency,
                attestation.kind,
                attestation.valid_from,
                attestation.valid_until,
                document_sha256,
                recorded_by,
            ),
        )
        .fetchone()
    )
    assert held is not None  # noqa: S101 - an insert without a conflict clause returns its row
    return held


def locked(conn: Connection, attestation_id: UUID) -> Held | None:
    """One attestation as it is now, held until the transaction ends."""
    return (
        conn.cursor(row_factory=class_row(Held))
        .execute(f"SELECT {_COLUMNS} FROM attestation WHERE id = %s FOR UPDATE", (attestation_id,))  # noqa: S608 - as above
        .fetchone()
    )


def listed(conn: Connection, *, agency: str | None, after: UUID, limit: int) -> list[Held]:
    """Attestations in the order they were recorded in, behind the id `after`: of one agency, or of all."""
    return (
        conn.cursor(row_factory=class_row(Held))
        .execute(
            f"""
            SELECT {_COLUMNS} FROM attestation
             WHERE id > %(after)s {"" if agency is None else "AND agency = %(agency)s"} ORDER BY id LIMIT %(limit)s
            """,  # noqa: S608 - constants only
            {"after": after, "agency": agency, "limit": limit},
        )
        .fetchall()
    )


def withdraw(conn: Connection, attestation_id: str, *, by: str, at: datetime, reason: str) -> None:
    """End an attestation now; what depends on it ends with it."""
    conn.execute(
        "UPDATE attestation SET (withdrawn_by, withdrawn_at, reason) = (%s, %s, %s) WHERE id = %s",
        (by, at, reason, attestation_id),
    )
