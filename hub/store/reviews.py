"""Access reviews: which grants nobody has confirmed for long, and what became of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from psycopg.rows import class_row, dict_row

if TYPE_CHECKING:
    from datetime import datetime

    from hub.granting import Version
    from hub.store import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """Started by somebody, about these grants, to be answered until `due_at`."""

    id: UUID
    started_by: str
    started_at: datetime
    due_at: datetime
    grants: list[str]


_UNCONFIRMED = """
SELECT g.id, g.version, o.agency FROM access_grant g
  LEFT JOIN grant_owner o ON o.grant_id = g.id
       AND NOT EXISTS (SELECT FROM grant_part p
                        WHERE p.grant_id = g.id AND p.agency = o.agency AND p.side = 'source' AND p.state = 'revoked')
 WHERE g.state IN ('in_force', 'suspended') AND g.valid_until > %(at)s
   AND (g.is_imported OR o.agency IS NOT NULL)
   AND (%(agency)s::text IS NULL OR o.agency = %(agency)s OR (g.is_imported AND g.source_agency = %(agency)s))
   AND CASE WHEN g.is_imported THEN coalesce(g.confirmed_at, g.proposed_at)
            ELSE greatest(o.approved_at, coalesce(o.confirmed_at, o.approved_at)) END < %(before)s
   AND coalesce(o.confirm_until, g.confirm_until) IS NULL
 ORDER BY g.id, o.agency
"""


def unconfirmed(
    conn: Connection, *, agency: str | None, before: datetime, at: datetime
) -> list[tuple[str, str | None]]:
    """Grants that stand, and the owners whose last word on them is older than `before`; None for one from the file."""
    rows = (
        conn.cursor(row_factory=dict_row)
        .execute(_UNCONFIRMED, {"agency": agency, "before": before, "at": at})
        .fetchall()
    )
    return list(dict.fromkeys((row["id"], row["agency"]) for row in rows))


def start(conn: Connection, by: str, due_at: datetime, asked: list[tuple[str, str | None]]) -> Review:
    """Ask the owners of these grants; who stays silent ends its part at `due_at`."""
    for grant_id, agency in asked:
        if agency is None:
            conn.execute(
                """
                UPDATE access_grant SET (confirm_until, revision) = (%s, revision + 1)
                 WHERE id = %s AND state IN ('in_force', 'suspended')
                """,
                (due_at, grant_id),
            )
            continue
        conn.execute(
            "UPDATE grant_owner SET confirm_until = %s WHERE grant_id = %s AND agency = %s", (due_at, grant_id, agency)
        )
        conn.execute(
            "UPDATE access_grant SET revision = revision + 1 WHERE id = %s AND state IN ('in_force', 'suspended')",
            (grant_id,),
        )
    row = (
        conn.cursor(row_factory=class_row(Review))
        .execute(
            """
            INSERT INTO review (started_by, due_at, grants) VALUES (%s, %s, %s)
            RETURNING id, started_by, started_at, due_at, grants
            """,
            (by, due_at, list(dict.fromkeys(grant_id for grant_id, _ in asked))),
        )
        .fetchone()
    )
    assert row is not None  # noqa: S101 - RETURNING gives the row
    return row


def confirm(conn: Connection, version: Version, agency: str, person: str) -> None:
    """The owner's word: its part goes on. For a grant from the file, one owner's word is all there is."""
    grant = version.grant
    conn.execute(
        """
        UPDATE grant_owner SET (confirmed_by, confirmed_at, confirm_until) = (%s, clock_timestamp(), NULL)
         WHERE grant_id = %s AND agency = %s
        """,
        (person, grant.id, agency),
    )
    conn.execute(
        """
        UPDATE access_grant
           SET (confirmed_by, confirmed_at, confirm_until, revision) = (%s, clock_timestamp(), NULL, revision + 1)
         WHERE id = %s AND version = %s
        """,
        (person, grant.id, grant.version),
    )


def newest(conn: Connection, limit: int) -> list[Review]:
    """The last reviews, newest first."""
    return (
        conn.cursor(row_factory=class_row(Review))
        .execute("SELECT id, started_by, started_at, due_at, grants FROM review ORDER BY id DESC LIMIT %s", (limit,))
        .fetchall()
    )


def one(conn: Connection, review_id: UUID) -> Review | None:
    """One review."""
    return (
        conn.cursor(row_factory=class_row(Review))
        .execute("SELECT id, started_by, started_at, due_at, grants FROM review WHERE id = %s", (review_id,))
        .fetchone()
    )


def answers(conn: Connection, review: Review) -> list[dict[str, Any]]:
    """Each grant of a review and each of its owners: when it was last confirmed, and until when it is asked."""
    return (
        conn.cursor(row_factory=dict_row)
        .execute(
            """
            SELECT g.id, g.source_agency, o.agency, g.is_imported, g.state,
                   CASE WHEN g.is_imported THEN g.confirmed_at ELSE o.confirmed_at END AS confirmed_at,
                   CASE WHEN g.is_imported THEN g.confirm_until ELSE o.confirm_until END AS confirm_until
              FROM access_grant g LEFT JOIN grant_owner o ON o.grant_id = g.id AND o.version = g.version
             WHERE g.id = ANY(%s) AND g.version = (SELECT max(v.version) FROM access_grant v
                                                    WHERE v.id = g.id AND v.state <> 'proposed')
             ORDER BY g.id, o.agency
            """,
            (review.grants,),
        )
        .fetchall()
    )
