"""Offers: events that a right opens late, queued to come again at new positions of the log."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from psycopg.rows import kwargs_row

from hub.stored import Behind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hub.store import Connection

# Ids are UUIDv7, so they tell when; positions follow them but for what was in flight together.
IN_FLIGHT = 10_000  # positions

_COLUMNS = "e.hub_id, e.lane, e.jurisdictions, e.audience, e.accepted_at, e.offers"


def hold(conn: Connection) -> datetime:
    """
    Let nobody publish until this transaction ends, and say what time it is.

    What was accepted before is visible to it, what is accepted later is accepted after it: so every event is either
    offered with a right, or newer than it. Held for milliseconds, and only by what opens a right.
    """
    conn.execute("LOCK TABLE pending IN SHARE ROW EXCLUSIVE MODE")
    row = conn.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None  # noqa: S101 - a SELECT without FROM returns one row
    assert isinstance(row[0], datetime)  # noqa: S101 - and this is its type
    return row[0]


def of_active(conn: Connection, source: str, lanes: Sequence[int], *, at: datetime, limit: int) -> list[Behind]:
    """The newest `limit` events in these lanes that belong to subjects which are open and not over, oldest first."""
    rows = _behind(
        conn,
        f"""
        WITH open AS (
            SELECT s.source, s.subject FROM subject_state s
             WHERE s.source = %(source)s AND NOT s.is_closed AND (s.active_until IS NULL OR s.active_until > %(at)s)
             UNION
            SELECT e.source, e.subject FROM pending p JOIN event e ON e.hub_id = p.event
             WHERE p.is_kept AND NOT p.closes AND NOT p.is_offer AND e.source = %(source)s
               AND (e.active_until IS NULL OR e.active_until > %(at)s)
        )
        (SELECT {_COLUMNS}, l.position AS place, 0 AS part
           FROM open o JOIN event e ON e.subject = o.subject AND e.source = o.source JOIN log l ON l.event = e.hub_id
          WHERE e.lane = ANY(%(lanes)s))
        UNION ALL
        (SELECT {_COLUMNS}, p.no, 1
           FROM pending p JOIN event e ON e.hub_id = p.event
           JOIN open o ON e.subject = o.subject AND e.source = o.source
          WHERE NOT p.is_offer AND e.lane = ANY(%(lanes)s))
        ORDER BY part DESC, place DESC LIMIT %(limit)s
        """,  # noqa: S608 - a constant list of columns
        {"source": source, "lanes": list(lanes), "at": at, "limit": limit},
    )
    return rows[::-1]


def accepted_since(conn: Connection, lanes: Sequence[int], since: datetime, *, limit: int) -> list[Behind]:
    """The newest `limit` events in these lanes that were accepted at or after `since`, oldest first."""
    rows = _behind(
        conn,
        f"""
        (SELECT {_COLUMNS}, l.position AS place, 0 AS part
           FROM unnest(%(lanes)s::int[]) AS wanted (lane) CROSS JOIN LATERAL (
                SELECT position, event FROM log WHERE lane = wanted.lane AND position >= %(first)s
                 ORDER BY position DESC LIMIT %(limit)s) l
           JOIN event e ON e.hub_id = l.event
          WHERE e.accepted_at >= %(since)s)
        UNION ALL
        (SELECT {_COLUMNS}, p.no, 1 FROM pending p JOIN event e ON e.hub_id = p.event
          WHERE NOT p.is_offer AND e.lane = ANY(%(lanes)s) AND e.accepted_at >= %(since)s)
        ORDER BY part DESC, place DESC LIMIT %(limit)s
        """,  # noqa: S608 - a constant list of columns
        {"lanes": list(lanes), "since": since, "first": first_position(conn, since), "limit": limit},
    )
    return rows[::-1]


def first_position(conn: Connection, since: datetime) -> int:
    """A position before which nothing in the log was accepted at or after `since`."""
    row = conn.execute(
        """
        SELECT coalesce((SELECT l.position FROM event e JOIN log l ON l.event = e.hub_id
                          WHERE e.hub_id >= %s ORDER BY e.hub_id LIMIT 1),
                        (SELECT max(position) FROM log), 0)
        """,
        (UUID(int=int(max(since.timestamp() - 1, 0) * 1000) << 80),),
    ).fetchone()
    assert row is not None  # noqa: S101 - a SELECT without FROM returns one row
    return max(int(str(row[0])) - IN_FLIGHT, 0)


def _behind(conn: Connection, statement: str, parameters: dict[str, Any]) -> list[Behind]:
    return conn.cursor(row_factory=kwargs_row(_row)).execute(statement, parameters).fetchall()


def _row(**row: Any) -> Behind:
    del row["place"], row["part"]
    lists = {name: tuple(row[name]) for name in ("jurisdictions", "audience")}
    return Behind(**row | lists | {"offers": frozenset(row["offers"])})


def offer(conn: Connection, rows: Sequence[tuple[Behind, str]]) -> None:
    """Queue these events, in this order, each under the name of the grant that opens it; the last offer counts."""
    parameters = ([row.hub_id for row, _ in rows], [row.lane for row, _ in rows], [name for _, name in rows])
    again = (parameters[0], parameters[2])
    conn.execute(
        """
        DELETE FROM offer o USING unnest(%s::uuid[], %s::text[]) AS again (event, name)
         WHERE o.event = again.event AND o.grant_id = again.name
        """,
        again,
    )
    # IS TRUE: by a hash table, whatever the session prefers; what waits has no index.
    conn.execute(
        """
        DELETE FROM pending p
         WHERE p.is_offer AND ((p.event, p.offer_grant) IN (SELECT * FROM unnest(%s::uuid[], %s::text[]))) IS TRUE
        """,
        again,
    )
    conn.execute(
        """
        INSERT INTO pending (event, lane, is_kept, closes, is_offer, offer_grant)
        SELECT o.event, o.lane, false, false, true, o.name
          FROM unnest(%s::uuid[], %s::int[], %s::text[]) WITH ORDINALITY AS o (event, lane, name, no) ORDER BY o.no
        """,
        parameters,
    )
