"""
What a source does to its event after it is out. Everything here runs in one transaction, with the owner's rights.

An answer is decided on a picture of the rules, and proves in the statement that discloses it that the directory still
has the version of that picture. So a change of an event raises the version: who had decided before it commits is told
that its picture is stale, and decides anew on the event as it is now. To check each row of an answer once more would
cost every reader; raising the version costs the rare change what any change of a grant costs.

That leaves who is in the middle of the statement when the change commits: it sees the old version, would get the text
after the recall, and might be missed by the sequencer, which owes the news to those who have an entry. The change
therefore takes the empty table `disclosing` for itself. Who discloses holds it from before the statement takes its
snapshot, so it has either committed before the change goes on, or waits for it and then sees the new version. A reader
pays next to nothing for a lock that nobody else wants.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from psycopg.rows import class_row, tuple_row

from hub.store import array

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from hub.store import Connection
    from hub.stored import Draft


def hold(conn: Connection) -> None:
    """
    Let nothing be disclosed and nothing get its position until the transaction ends; the first thing it locks.

    The sequencer first: it may wait for who discloses, and nobody who discloses waits for it.
    """
    conn.execute("SELECT 1 FROM lease WHERE name = 'sequencer' FOR UPDATE")
    conn.execute("LOCK TABLE disclosing IN ACCESS EXCLUSIVE MODE")


def announce(conn: Connection, hub_id: UUID, by: UUID) -> None:
    """The control event `by` is owed to whoever had received `hub_id`; and every picture of the rules is stale."""
    conn.execute("UPDATE pending SET changed = %s WHERE event = %s", (hub_id, by))
    make_stale(conn)


def make_stale(conn: Connection) -> None:
    """Every picture of the rules is stale: who has decided on one decides anew."""
    conn.execute("UPDATE directory SET version = version + 1")
    conn.execute("SELECT pg_notify('directory', '')")


def recalled_by(conn: Connection, hub_id: UUID) -> UUID | None:
    """The control event that took it back."""
    row = (
        conn.cursor(row_factory=tuple_row)
        .execute("SELECT recalled_by FROM event WHERE hub_id = %s", (hub_id,))
        .fetchone()
    )
    return None if row is None else row[0]


# Where a subject stands without what was taken back: as the sequencer would have put it (assign_positions).
_STANDS = """
INSERT INTO subject_state (source, subject, event, lane, "time", active_until, is_closed)
SELECT e.source, e.subject, e.hub_id, e.lane, e."time", e.active_until, c.closes
  FROM event e JOIN log l ON l.event = e.hub_id
 CROSS JOIN LATERAL (SELECT closes(e.type)) c
 WHERE e.source = %(source)s AND e.subject = %(subject)s AND e.recalled_at IS NULL
   AND NOT is_answer(e.type) AND NOT starts_with(e.type, 'control.')
 ORDER BY e."time" DESC, c.closes DESC, l.position DESC LIMIT 1
"""

# What lapsed with an end that was taken back, and with no other.
_LAST = """
UPDATE log l SET lapsed_at = NULL FROM event e
 WHERE e.source = %(source)s AND e.subject = %(subject)s AND l.event = e.hub_id AND l.lapsed_at IS NOT NULL
   AND NOT EXISTS (SELECT FROM event c JOIN log p ON p.event = c.hub_id
                    WHERE c.source = e.source AND c.subject = e.subject AND c.recalled_at IS NULL
                      AND closes(c.type) AND c."time" >= e."time")
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The event that is changed, of which subject, and the lane it is in from now on."""

    event: UUID
    source: str
    subject: str
    lane: int


def recall(conn: Connection, target: Target, by: UUID) -> None:
    """It is its source's alone, offered and owed to nobody, and no part of where its subject stands."""
    named: dict[str, Any] = {"event": target.event, "lane": target.lane, "by": by}
    named |= {"source": target.source, "subject": target.subject}
    for statement in (
        """
        UPDATE event SET (lane, recalled_at, recalled_by) = (%(lane)s, clock_timestamp(), %(by)s)
         WHERE hub_id = %(event)s
        """,
        "UPDATE log SET lane = %(lane)s WHERE event = %(event)s",
        "DELETE FROM pending WHERE event = %(event)s AND is_offer",
        "UPDATE pending SET (lane, is_kept, closes) = (%(lane)s, false, false) WHERE event = %(event)s",
        "DELETE FROM offer WHERE event = %(event)s",
        "DELETE FROM owed o USING log l WHERE l.event = %(event)s AND o.position = l.position",
        "DELETE FROM subject_state WHERE source = %(source)s AND subject = %(subject)s",
        _STANDS,
        _LAST,
    ):
        conn.execute(statement, named)


def tighten(conn: Connection, target: Target, draft: Draft) -> None:
    """It is the event with its new label; as it was it is kept for saying what was disclosed until now."""
    named: dict[str, Any] = {"event": target.event, "lane": target.lane}
    named |= {"audience": array(draft.facts.audience or ()), "lapses": draft.timing.lapses}
    named |= {"public_until": draft.timing.public_until, "active_until": draft.timing.active_until}
    named |= {"version": draft.projection_version, "cuts": draft.cuts, "text": draft.text}
    for statement in (
        """
        INSERT INTO earlier_text (event, until, projection_version, cuts, text)
        SELECT hub_id, clock_timestamp(), projection_version, cuts, text FROM event WHERE hub_id = %(event)s
        """,
        """
        UPDATE event SET (lane, audience, lapses, public_until, active_until, projection_version, cuts, text)
                       = (%(lane)s, %(audience)s::text[], %(lapses)s, %(public_until)s, %(active_until)s, %(version)s,
                          %(cuts)s, %(text)s)
         WHERE hub_id = %(event)s
        """,
        "UPDATE log SET lane = %(lane)s WHERE event = %(event)s",
        "UPDATE pending SET lane = %(lane)s WHERE event = %(event)s",
        """
        UPDATE subject_state SET (lane, active_until) = (%(lane)s, %(active_until)s) WHERE event = %(event)s
        """,
        # A page is cut before its events are looked at: what leads nowhere any more must not fill it.
        """
        DELETE FROM offer o
         WHERE o.event = %(event)s
           AND NOT EXISTS (SELECT FROM way_lane w
                            WHERE w.lane = %(lane)s
                              AND CASE WHEN o.reader IS NULL THEN w.way = split_part(o.grant_id, '@', 1)
                                  ELSE w.way IN (SELECT r.way FROM reader_way r WHERE r.reader = o.reader) END)
        """,
    ):
        conn.execute(statement, named)


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """An event as it stood until a moment."""

    event: UUID
    until: datetime
    projection_version: int
    cuts: str
    text: str


def earlier(conn: Connection, hub_ids: Collection[UUID]) -> list[Earlier]:
    """How these events stood before their labels were changed, the oldest first."""
    return (
        conn.cursor(row_factory=class_row(Earlier))
        .execute(
            """
            SELECT event, until, projection_version, cuts, text FROM earlier_text
             WHERE event = ANY(%s::uuid[]) ORDER BY event, until
            """,
            (array(hub_ids),),
        )
        .fetchall()
    )
