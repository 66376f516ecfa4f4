"""What opened late for one reader comes again, at a new position of the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.store import array
from hub.store.events import COLUMNS, stored

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from hub.store import Connection
    from hub.stored import Stored

_ACTIVE = f"""
SELECT {COLUMNS}
  FROM subject_state s
  JOIN event e ON e.source = s.source AND e.subject = s.subject
  JOIN log l ON l.event = e.hub_id
 WHERE NOT s.is_closed AND (s.active_until IS NULL OR s.active_until > %(at)s)
   AND e.lane = ANY(%(lanes)s::int[]) AND NOT is_answer(e.type) AND NOT starts_with(e.type, 'control.')
 ORDER BY l.position
"""  # noqa: S608 - constants only


def active(conn: Connection, lanes: Sequence[int], *, at: datetime) -> list[Stored]:
    """Every event in these lanes whose alert or case has neither closed nor run out at `at`, in log order."""
    rows = conn.execute(_ACTIVE, {"lanes": array(lanes), "at": at}, binary=True).fetchall()
    return [stored(row) for row in rows]


def offer(conn: Connection, reader: str, rows: Sequence[Stored]) -> int:
    """Queue these events for `reader` alone; they keep their order. How many."""
    conn.execute(
        """
        INSERT INTO pending (event, lane, is_kept, closes, is_offer, offer_reader)
        SELECT o.event, o.lane, false, false, true, %s
          FROM unnest(%s::uuid[], %s::int[]) WITH ORDINALITY AS o (event, lane, no) ORDER BY o.no
        """,
        (reader, array([row.hub_id for row in rows]), array([row.lane for row in rows])),
    )
    return len(rows)
