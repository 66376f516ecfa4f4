"""Which events the public was given as CAP documents, and which of them it no longer is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from psycopg.rows import class_row

from hub.store import array
from hub.store.events import COLUMNS, PLACE, stored

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from hub.store import Connection
    from hub.stored import Stored

# PostgreSQL's 'infinity' has no counterpart in Python.
STANDS = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """A document that was made; `ended_at` is `STANDS` while it is there."""

    event: UUID
    source: str
    subject: str
    status: str
    position: int
    sent: str
    ended_at: datetime


_PUBLICATION = f"""
SELECT event, source, subject, status, position, sent, least(ended_at, '{STANDS.isoformat()}'::timestamptz) AS ended_at
  FROM publication WHERE agency = %(agency)s
"""  # noqa: S608 - a constant


def standing(conn: Connection, agency: str, since: datetime) -> list[Publication]:
    """The documents that are there, and those that ended after `since`."""
    return _found(conn, "AND ended_at > %(since)s", agency=agency, since=since)


def of_subjects(conn: Connection, agency: str, subjects: Collection[tuple[str, str]]) -> list[Publication]:
    """All documents ever made of these alerts (source and subject), in the order of the log."""
    sources, names = [source for source, _ in subjects], [subject for _, subject in subjects]
    chosen = "AND (source, subject) IN (SELECT * FROM unnest(%(sources)s::text[], %(names)s::text[])) ORDER BY position"
    return _found(conn, chosen, agency=agency, sources=sources, names=names)


def _found(conn: Connection, chosen: str, **told: object) -> list[Publication]:
    cursor = conn.cursor(row_factory=class_row(Publication))
    return cursor.execute(f"{_PUBLICATION} {chosen}".encode(), told).fetchall()


def is_made(conn: Connection, agency: str, event: UUID) -> bool:
    """Whether a document was ever made of this event."""
    row = conn.execute("SELECT FROM publication WHERE agency = %s AND event = %s", (agency, event)).fetchone()
    return row is not None


def events_of(conn: Connection, agency: str, since: datetime) -> list[Stored]:
    """What `agency` may see of the alerts that have a document which is there, or ended after `since`."""
    rows = conn.execute(
        f"""
        SELECT {COLUMNS}, l.is_owed
          FROM (SELECT DISTINCT p.source, p.subject FROM publication p
                 WHERE p.agency = %(reader)s AND p.ended_at > %(since)s) p
          JOIN event e ON e.subject = p.subject AND e.source = p.source
         CROSS JOIN LATERAL ({PLACE}) l
        """,  # noqa: S608 - constants only
        {"reader": agency, "since": since},
    ).fetchall()
    return [stored(row) for row in rows]


def add(conn: Connection, agency: str, made: Sequence[Publication]) -> None:
    """Note documents that are made; one that had ended is there again (its end was taken back)."""
    if made:
        conn.cursor().executemany(
            """
            INSERT INTO publication (agency, event, source, subject, status, position, sent)
            VALUES (%s, %s, %s, %s, %s, %s, %s)
                ON CONFLICT (agency, event) DO UPDATE SET ended_at = 'infinity' WHERE publication.ended_at <> 'infinity'
            """,
            [(agency, one.event, one.source, one.subject, one.status, one.position, one.sent) for one in made],
        )


def end(conn: Connection, agency: str, ended: Mapping[UUID, datetime]) -> None:
    """Note documents that are no longer there, each since when; who noted it first stands."""
    if ended:
        conn.execute(
            """
            UPDATE publication p SET ended_at = n.ended_at
              FROM unnest(%(events)s::uuid[], %(ends)s::timestamptz[]) AS n (event, ended_at)
             WHERE p.agency = %(agency)s AND p.event = n.event AND p.ended_at = 'infinity'
            """,
            {"agency": agency, "events": array(list(ended)), "ends": list(ended.values())},
        )
