"""Topics that agencies read: how far each has come, whether it may be read, and what is in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg.rows import class_row

from hub.store import array

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime, timedelta
    from uuid import UUID

    from hub.store import Connection

OPEN, CLOSING, CLOSED = "open", "closing", "closed"
CHANNEL = "subscriptions"  # what is notified when a topic opens or closes; the reconciler hears of both alike


@dataclass(frozen=True, slots=True, kw_only=True)
class OutTopic:
    """One agency's; `position` None: what comes is passed over. `seq`: of its last record, `sent`: that is there."""

    agency: str
    subscription: UUID
    state: str
    position: int | None
    seq: int
    sent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OutRecord:
    """One record: which event it shows, where that came, what was shown (a keyed digest), and since when."""

    seq: int
    event: UUID
    position: int
    digest: bytes
    since: datetime | None = None
    is_again: bool = False


def topics(conn: Connection) -> list[OutTopic]:
    """Every topic that was ever written and may hold something."""
    return (
        conn.cursor(row_factory=class_row(OutTopic))
        .execute("SELECT agency, subscription, state, position, seq, sent FROM out_topic ORDER BY agency")
        .fetchall()
    )


def begin(conn: Connection, subscription: UUID) -> None:
    """A topic for what comes from where its subscription begins; it opens once it is seen to be empty."""
    conn.execute(
        """
        INSERT INTO out_topic (agency, subscription, position) SELECT agency, id, since FROM subscription WHERE id = %s
        """,
        (subscription,),
    )


def records(conn: Connection, agency: str) -> list[OutRecord]:
    """What is in a topic, or on its way there, in order."""
    return (
        conn.cursor(row_factory=class_row(OutRecord))
        .execute(
            """
            SELECT seq, event, position, digest, since, since < made_at AS is_again
              FROM out_record WHERE agency = %s ORDER BY seq
            """,
            (agency,),
        )
        .fetchall()
    )


def add(conn: Connection, agency: str, found: Sequence[OutRecord], *, position: int | None = None) -> None:
    """Records that follow; with where in the log the topic has come to by them."""
    conn.execute(
        """
        INSERT INTO out_record (agency, seq, event, position, digest, since)
        SELECT %(agency)s, r.seq, r.event, r.position, decode(r.digest, 'hex'), coalesce(r.since, now())
          FROM unnest(%(seqs)s::bigint[], %(events)s::uuid[], %(positions)s::bigint[], %(digests)s::text[],
                      %(since)s::timestamptz[]) AS r (seq, event, position, digest, since)
        """,
        {
            "agency": agency,
            "seqs": [one.seq for one in found],
            "events": [one.event for one in found],
            "positions": [one.position for one in found],
            "digests": [one.digest.hex() for one in found],
            "since": [one.since for one in found],
        },
    )
    conn.execute(
        """
        UPDATE out_topic SET seq = greatest(seq, %(seq)s), position = coalesce(%(position)s, position)
         WHERE agency = %(agency)s
        """,
        {"agency": agency, "seq": max((one.seq for one in found), default=0), "position": position},
    )


def note_sent(conn: Connection, agency: str, seq: int) -> None:
    """The broker has everything up to this one."""
    conn.execute("UPDATE out_topic SET sent = %s WHERE agency = %s", (seq, agency))


def close(conn: Connection, agencies: Collection[str]) -> None:
    """Nobody may read these any more, until they are seen to be empty."""
    conn.execute("UPDATE out_topic SET state = 'closing' WHERE agency = ANY(%s)", (array(agencies),))
    _notify(conn)


def empty(conn: Connection, agency: str, state: str) -> None:
    """It holds nothing any more; `state` says whether it may be read again."""
    if state == OPEN:
        conn.execute("DELETE FROM out_record WHERE agency = %s", (agency,))
    conn.execute("UPDATE out_topic SET state = %s, sent = seq WHERE agency = %s", (state, agency))
    _notify(conn)


def pass_over(conn: Connection, agency: str) -> None:
    """What was there, and what comes from now on, is not told."""
    conn.execute("DELETE FROM out_record WHERE agency = %s", (agency,))
    conn.execute("UPDATE out_topic SET (state, position) = ('closed', NULL) WHERE agency = %s", (agency,))


def start(conn: Connection, agency: str) -> None:
    """What comes is told again, from where its subscription begins anew, if it was passed over until now."""
    conn.execute(
        """
        UPDATE out_topic t SET position = s.since FROM subscription s
         WHERE t.agency = %s AND t.position IS NULL AND s.id = t.subscription
        """,
        (agency,),
    )


def forget(conn: Connection, agency: str) -> None:
    """Its agency wants no topic any more, and it is empty."""
    conn.execute("DELETE FROM out_topic WHERE agency = %s", (agency,))


def prune(conn: Connection, age: timedelta) -> int:
    """Forget records that the broker has forgotten; how many."""
    return conn.execute("DELETE FROM out_record WHERE made_at < clock_timestamp() - %s", (age,)).rowcount


def has_closing(conn: Connection, after: int) -> bool:
    """Whether something in the log behind this position ends an alert or case; with it lapses what was sent of it."""
    row = conn.execute(
        """
        SELECT EXISTS (SELECT FROM log l JOIN event e ON e.hub_id = l.event
                        WHERE l.position > %s AND closes(e.type))
        """,
        (after,),
    ).fetchone()
    return bool(row and row[0])


def _notify(conn: Connection) -> None:
    conn.execute("SELECT pg_notify(%s, '')", (CHANNEL,))
