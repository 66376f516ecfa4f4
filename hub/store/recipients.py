"""What became of one event with whom it was for: when it crossed, who got it first when, and who answered what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg.rows import class_row, tuple_row

from hub.recipients import Answer, Sent

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from hub.store import Connection


def sent(conn: Connection, event: UUID) -> list[Sent]:
    """Every envelope that was about the event, by node, in sequence."""
    return (
        conn.cursor(row_factory=class_row(Sent))
        .execute(
            """
            SELECT peer, seq, kind, made_at, receipted_at, outcome, place
              FROM departure WHERE event = %s ORDER BY peer, seq
            """,
            (event,),
        )
        .fetchall()
    )


def first_reads(conn: Connection, event: UUID, source: str) -> dict[str, datetime]:
    """
    When each other agency got it first; of one across, when its own node handed it out. In a transaction alone.

    What a pointer told has not been got yet, and what is in a topic waits there to be read.

    Entries count from their commit on: unlike a list that is read on from a cursor, this waits for no notary.
    """
    conn.execute("SET LOCAL enable_bitmapscan = on")  # an inverted index has no other way of being read
    rows = (
        conn.cursor(row_factory=tuple_row)
        .execute(
            """
        SELECT r.agency, min(coalesce((a.detail::json->>'at')::timestamptz, a.at))
          FROM audit a CROSS JOIN LATERAL unnest(coalesce(a.readers, ARRAY[a.agency])) AS r (agency)
         WHERE a.events @> ARRAY[%s::uuid] AND a.action = 'disclose' AND a.is_allowed AND r.agency <> %s
           AND NOT a.object ~ '^(border[.])?(pointer[.]|kafka$)'
         GROUP BY r.agency
        """,
            (event, source),
        )
        .fetchall()
    )
    return dict(rows)


# The text is canonical JSON, in which no text that somebody wrote holds a bare quotation mark.
_ANSWERS = """
SELECT DISTINCT ON (e.source, e.type) e.source, e.type, e.accepted_at,
       substring(e.text FROM '"reason":"([a-z-]+)"')
  FROM event e
 WHERE e.subject = %(subject)s AND e.source <> %(source)s AND is_answer(e.type) AND e.recalled_at IS NULL
   AND strpos(e.text, %(about)s) > 0
 ORDER BY e.source, e.type, e.accepted_at
"""


def answers(conn: Connection, event: UUID, source: str, subject: str) -> dict[str, dict[str, Answer]]:
    """By agency, the first answer of each type to the event, as its own node accepted it."""
    asked = {"subject": subject, "source": source, "about": f'"event":"{event}"'}
    found: dict[str, dict[str, Answer]] = {}
    for agency, type_, at, reason in conn.cursor(row_factory=tuple_row).execute(_ANSWERS, asked).fetchall():
        found.setdefault(agency, {})[type_] = Answer(at, reason)
    return found


def owed(conn: Connection, position: int | None) -> frozenset[str]:
    """Who is told of an event at this position whatever its rights are by now."""
    rows = conn.execute("SELECT agency FROM owed WHERE position = %s", (position,)).fetchall()
    return frozenset(str(row[0]) for row in rows)
