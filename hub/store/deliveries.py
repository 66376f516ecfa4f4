"""Deliveries: each telling of one subscription, from when it is due to what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson
from psycopg.rows import dict_row, tuple_row

from hub.store import array

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from hub.store import Connection


@dataclass(frozen=True, slots=True)
class Wanted:
    """One event that one subscription is to be told of; `about`: why it is told once more, if it is."""

    subscription: UUID
    event: UUID
    position: int
    is_urgent: bool
    due_at: datetime
    about: str | None = None


# Numbers are given in the order of positions. What waits for a paused one is held; a pending one is told nothing. No
# list is joined with another one, which would be done row by row.
_PUT = """
WITH wanted AS (
    SELECT w.subscription, array_agg(w.event ORDER BY w.position) AS events,
           array_agg(w.position ORDER BY w.position) AS positions,
           array_agg(w.is_urgent ORDER BY w.position) AS urgencies, array_agg(w.due_at ORDER BY w.position) AS times,
           array_agg(w.about ORDER BY w.position) AS reasons
      FROM json_to_recordset(%(wanted)s) AS w (subscription uuid, event uuid, position bigint, is_urgent boolean,
                                       due_at timestamptz, about text)
     GROUP BY w.subscription
), counted AS (
    UPDATE tally t SET seq = t.seq + cardinality(w.events) FROM wanted w JOIN subscription s ON s.id = w.subscription
     WHERE t.subscription = w.subscription AND s.state IN ('enabled', 'paused')
    RETURNING w.*, t.seq - cardinality(w.events) AS before, s.part, s.state
)
INSERT INTO delivery (subscription, part, kind, seq, event, position, is_urgent, state, due_at, since, about)
SELECT c.subscription, c.part, 'event', c.before + x.n, x.event, x.position, x.is_urgent,
       CASE c.state WHEN 'paused' THEN 'held' ELSE 'due' END, x.due_at, %(at)s, x.about
  FROM counted c CROSS JOIN LATERAL unnest(c.events, c.positions, c.urgencies, c.times, c.reasons)
       WITH ORDINALITY AS x (event, position, is_urgent, due_at, about, n)
"""


# Who queues reads how a subscription stands, and who changes that looks for what is queued: neither sees what the other
# has not committed. As two numbers it is no lock of `store.idempotency`.
_STATES = (1, 1)


def keep_states(conn: Connection) -> None:
    """Nobody changes how subscriptions stand until the transaction ends: first of all for who queues for many."""
    conn.execute("SELECT pg_advisory_xact_lock_shared(%s, %s)", _STATES)


def change_states(conn: Connection) -> None:
    """Nobody queues for many until the transaction ends: first of all for who changes how a subscription stands."""
    conn.execute("SELECT pg_advisory_xact_lock(%s, %s)", _STATES)


def put(conn: Connection, wanted: Sequence[Wanted], at: datetime) -> int:
    """Number them, one sequence for each subscription and no hole in it, and queue them; how many."""
    rows = [
        {
            "subscription": one.subscription,
            "event": one.event,
            "position": one.position,
            "is_urgent": one.is_urgent,
            "due_at": one.due_at,
            "about": one.about,
        }
        for one in wanted
    ]
    return conn.execute(_PUT, {"wanted": orjson.dumps(rows).decode(), "at": at}).rowcount


def put_other(
    conn: Connection,
    subscription: UUID,
    kind: str,
    at: datetime,
    about: str | None = None,
    *,
    is_urgent: bool = False,
    due_at: datetime | None = None,
) -> None:
    """Queue something that is no event, and takes no number: a verification, a heartbeat, a notice; due now."""
    conn.execute(
        """
        INSERT INTO delivery (subscription, part, kind, is_urgent, about, since, due_at)
        SELECT s.id, s.part, %s, %s, %s, %s, %s FROM subscription s WHERE s.id = %s
        """,
        (kind, is_urgent, about, at, due_at or at, subscription),
    )


def put_notices(conn: Connection, agency: str, about: str, at: datetime, *, beside: UUID) -> int:
    """
    Queue a notice for other subscriptions of an agency to which something may go; how many that are.

    For those by another channel than `beside` has, where there are any: what failed there may fail by all of its kind.
    """
    done = conn.execute(
        """
        INSERT INTO delivery (subscription, part, kind, is_urgent, about, due_at, since)
        SELECT o.id, o.part, 'notice', false, %(about)s, %(at)s, %(at)s
          FROM (
               SELECT s.id, s.part, s.channel = b.channel AS is_same, bool_and(s.channel = b.channel) OVER () AS are_all
                 FROM subscription b CROSS JOIN subscription s
                WHERE b.id = %(beside)s AND s.agency = %(agency)s AND s.id <> b.id AND s.state = 'enabled'
                  AND s.channel <> 'kafka') o
         WHERE o.are_all OR NOT o.is_same
        """,
        {"about": about, "at": at, "agency": agency, "beside": beside},
    )
    return done.rowcount


def put_heartbeats(conn: Connection, quiet_since: datetime, at: datetime, *, most: int) -> int:
    """Queue a heartbeat for webhooks that have heard nothing since then and have nothing coming; how many."""
    done = conn.execute(
        """
        INSERT INTO delivery (subscription, part, kind, is_urgent, due_at, since)
        SELECT s.id, s.part, 'heartbeat', false, %(at)s, %(at)s
          FROM subscription s JOIN tally t ON t.subscription = s.id
         WHERE s.channel = 'webhook' AND s.state = 'enabled' AND coalesce(t.told_at, s.created_at) < %(since)s
           AND NOT EXISTS (SELECT FROM delivery d WHERE d.subscription = s.id AND d.state IN ('due', 'held'))
         LIMIT %(most)s
        """,
        {"since": quiet_since, "at": at, "most": most},
        prepare=False,
    )
    return done.rowcount


DUE, ENDED = "delivery", "ended"  # where it is notified that something is to be sent, or may be no more


def notify(conn: Connection, channel: str = DUE) -> None:
    """Wake who sends."""
    conn.execute("SELECT pg_notify(%s, '')", (channel,))


def overtake(conn: Connection, events: Collection[UUID]) -> int:
    """
    The alerts or cases that these events ended are over: what waits of what came before is told nobody any more.

    How many that were.
    """
    done = conn.execute(
        """
        WITH over AS (
            SELECT d.no FROM event c
              JOIN event e ON e.source = c.source AND e.subject = c.subject AND e.hub_id <> c.hub_id
              JOIN delivery d ON d.event = e.hub_id AND d.state IN ('due', 'held')
             WHERE c.hub_id = ANY(%s::uuid[]) AND e."time" <= c."time" ORDER BY d.no FOR UPDATE OF d
        )
        UPDATE delivery d SET state = 'overtaken', ended_at = clock_timestamp() FROM over WHERE d.no = over.no
        """,
        (array(events),),
    )
    return done.rowcount


def hold(conn: Connection, subscription: UUID) -> None:
    """What waits goes on waiting, until it is let go."""
    held = "UPDATE delivery SET state = 'held' WHERE subscription = %s AND state = 'due'"
    conn.execute(held, (subscription,), prepare=False)


def let_go(conn: Connection, subscription: UUID, at: datetime) -> None:
    """What was held is due, in its order."""
    conn.execute(
        """
        UPDATE delivery SET state = 'due', since = %(at)s,
                            due_at = %(at)s + coalesce(seq, 0) * interval '1 microsecond'
         WHERE subscription = %(of)s AND state = 'held'
        """,
        {"at": at, "of": subscription},
        prepare=False,
    )


def set_back(conn: Connection, at: datetime) -> int:
    """
    What began to wait in what is the future by now waits anew, in its order: the clock was put right. How much that is.

    By 5 seconds, machines of one node may differ.
    """
    done = conn.execute(
        """
        WITH ahead AS (
            SELECT no, due_at - since AS wait FROM delivery
             WHERE state = 'due' AND since > %(at)s + interval '5 seconds' ORDER BY since FOR UPDATE SKIP LOCKED
        ), ordered AS (
            SELECT no, wait, row_number() OVER (ORDER BY no) AS n FROM ahead
        )
        UPDATE delivery d SET since = %(at)s, due_at = %(at)s + o.wait + o.n * interval '1 microsecond'
          FROM ordered o WHERE d.no = ANY(ARRAY(SELECT no FROM ahead)) AND d.no = o.no
        """,
        {"at": at},
        prepare=False,
    )
    return done.rowcount


def withdraw(conn: Connection, subscription: UUID) -> None:
    """Nothing that waits is told any more."""
    conn.execute(
        """
        UPDATE delivery SET state = 'withdrawn', ended_at = clock_timestamp()
         WHERE subscription = %s AND state IN ('due', 'held')
        """,
        (subscription,),
        prepare=False,
    )


def known(conn: Connection, subscription: UUID, events: Collection[UUID]) -> frozenset[UUID]:
    """Which of these events have arrived there, or are about to."""
    rows = conn.execute(
        """
        SELECT event FROM delivery WHERE subscription = %s AND event = ANY(%s::uuid[])
           AND state IN ('due', 'held', 'delivered')
        """,
        (subscription, array(events)),
    ).fetchall()
    return frozenset(UUID(str(row[0])) for row in rows)


def newest(conn: Connection, subscription: UUID, *, before: int | None, limit: int) -> list[dict[str, Any]]:
    """The last tellings of a subscription, newest first."""
    return (
        conn.cursor(row_factory=dict_row)
        .execute(
            """
            SELECT no, kind, seq, event::text, is_urgent, state, tries, made_at, due_at, ended_at, outcome FROM delivery
             WHERE subscription = %(of)s AND (%(before)s::bigint IS NULL OR no < %(before)s)
             ORDER BY no DESC LIMIT %(most)s
            """,
            {"of": subscription, "before": before, "most": limit},
        )
        .fetchall()
    )


def arrived(conn: Connection, event: UUID) -> dict[str, datetime]:
    """When each agency was first told of an event by a way on which it need not ask."""
    rows = (
        conn.cursor(row_factory=tuple_row)
        .execute(
            """
            SELECT s.agency, min(d.ended_at) FROM delivery d JOIN subscription s ON s.id = d.subscription
             WHERE d.event = %s AND d.state = 'delivered' GROUP BY s.agency
            """,
            (event,),
        )
        .fetchall()
    )
    return dict(rows)
