"""By which ways which desks have been told of an event, and where nobody can be told anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg.rows import tuple_row

from hub.store import array

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from hub.store import Connection

# From the events on: what was told of them is little, beside all that a subscription was ever told.
_TOLD = """
WITH told AS MATERIALIZED (
    SELECT DISTINCT d.event, d.subscription FROM delivery d
     WHERE d.event = ANY(%(events)s::uuid[]) AND d.state IN ('due', 'delivered', 'failed')
)
SELECT t.event, s.agency, s.desk, array_agg(DISTINCT s.channel)
  FROM told t JOIN subscription s ON s.id = t.subscription
 WHERE s.agency = ANY(%(agencies)s::text[]) GROUP BY t.event, s.agency, s.desk
"""


def told(
    conn: Connection, events: Collection[UUID], agencies: Collection[str]
) -> dict[tuple[UUID, str], dict[str, frozenset[str]]]:
    """By event and agency: the desks that have been told, or are about to, or were told in vain, and by which ways."""
    asked = {"events": array(events), "agencies": array(agencies)}
    found: dict[tuple[UUID, str], dict[str, frozenset[str]]] = {}
    for event, agency, desk, ways in conn.cursor(row_factory=tuple_row).execute(_TOLD, asked).fetchall():
        found.setdefault((event, agency), {})[desk] = frozenset(ways)
    return found


def untold(conn: Connection) -> int:
    """How many subscriptions were disabled, not by their agencies, that have no other by which they could be told."""
    row = conn.execute(
        """
        SELECT count(*) FROM subscription s
         WHERE s.state = 'disabled' AND s.reason IN ('failing', 'gone', 'unsubscribed')
           AND NOT EXISTS (SELECT FROM subscription o
                            WHERE o.agency = s.agency AND o.state = 'enabled' AND o.channel <> 'kafka')
        """
    ).fetchone()
    return int(str(row[0])) if row else 0
