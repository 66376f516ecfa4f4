"""The log: the order of everything, read by cursor; written by the one sequencer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg

from hub.store import array
from hub.store.events import COLUMNS, stored
from hub.store.prepared import Statement

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from hub.store import Connection
    from hub.stored import Stored

# Few lanes are read one by one from their own index range; many are filtered along the log, by a hash table: that is
# what IS TRUE is for, without it each lane of the log would be compared with each lane of the reader.
FEW_LANES = 16
NO_END = 2**63 - 1  # of positions


@dataclass(frozen=True, slots=True)
class Within:
    """Where a reader may find something: these lanes, and what these grants were offered with."""

    lanes: Sequence[int]
    grants: Sequence[str]


_OWED = """
    SELECT o.position, o.event, o.lapsed_at, true AS is_owed, NULL AS offered_by FROM owed_closing o
     WHERE o.agency = %(reader)s AND o.position > %(after)s ORDER BY o.position LIMIT %(limit)s
"""

# What opened late, at the position it was offered at: to everybody under a grant, or to this reader alone.
_OFFERED = """
    SELECT o.position, o.event, o.lapsed_at, false AS is_owed, o.grant_id AS offered_by
      FROM unnest(%(grants)s::text[]) AS held (id) CROSS JOIN LATERAL (
           SELECT position, event, lapsed_at, grant_id FROM offered
            WHERE grant_id = held.id AND reader IS NULL AND position > %(after)s ORDER BY position LIMIT %(limit)s) o
     ORDER BY o.position LIMIT %(limit)s
"""
_OFFERED_ALONE = """
    SELECT o.position, o.event, o.lapsed_at, false AS is_owed, NULL AS offered_by FROM offered o
     WHERE o.reader = %(reader)s AND o.position > %(after)s ORDER BY o.position LIMIT %(limit)s
"""
_BESIDES = f"""
    UNION ALL ({_OWED}) UNION ALL ({_OFFERED}) UNION ALL ({_OFFERED_ALONE})
    ORDER BY position, is_owed DESC LIMIT %(limit)s
"""

_PAGE = f"""
WITH page AS (
    (SELECT l.position, l.event, l.lapsed_at, false AS is_owed, NULL AS offered_by FROM log l
      WHERE l.position > %(after)s AND (l.lane IN (SELECT unnest(%(lanes)s::int[]))) IS TRUE
      ORDER BY l.position LIMIT %(limit)s)
    {_BESIDES}
)
SELECT {COLUMNS}, l.is_owed, l.offered_by FROM page l JOIN event e ON e.hub_id = l.event ORDER BY l.position
"""  # noqa: S608 - constants only

_PAGE_OF_FEW = f"""
WITH page AS (
    (SELECT l.position, l.event, l.lapsed_at, false AS is_owed, NULL AS offered_by
       FROM unnest(%(lanes)s::int[]) AS wanted (lane) CROSS JOIN LATERAL (
            SELECT position, event, lapsed_at FROM log
             WHERE lane = wanted.lane AND position > %(after)s ORDER BY position LIMIT %(limit)s) l
      ORDER BY l.position LIMIT %(limit)s)
    {_BESIDES}
)
SELECT {COLUMNS}, l.is_owed, l.offered_by FROM page l JOIN event e ON e.hub_id = l.event ORDER BY l.position
"""  # noqa: S608 - constants only

_MANY, _FEW = Statement(b"puente_page", _PAGE), Statement(b"puente_page_of_few", _PAGE_OF_FEW)


def candidates(conn: Connection, reader: str, reach: Within, *, after: int, limit: int) -> list[Stored]:
    """
    What `reader` may possibly see behind `after`, in order: the lanes within its reach, the closings it is owed, and
    what was offered to it anew.

    The query proposes, the policy disposes. An event may come twice, as owed and then by its lane; where the limit
    cuts between the two, the one that decides is on this side.
    """
    statement, parameters = page(reader, reach, after=after, limit=limit)
    return [stored(row) for row in statement.rows(conn, parameters)]


def page(reader: str, reach: Within, *, after: int, limit: int) -> tuple[Statement, list[object]]:
    """What `candidates` sends."""
    statement = _FEW if len(reach.lanes) <= FEW_LANES else _MANY
    told = {
        "reader": reader,
        "lanes": array(reach.lanes),
        "grants": array(reach.grants),
        "after": after,
        "limit": limit,
    }
    return statement, [told[name] for name in statement.names]


@dataclass(frozen=True, slots=True)
class Guard:
    """What a cached picture of the rules must match, read in the transaction that relies on it."""

    directory_version: int
    newest_lane: int


_GUARD = Statement(b"puente_guard", "SELECT d.version, coalesce((SELECT max(id) FROM lane), 0) FROM directory d")


def guard(conn: Connection) -> Guard:
    """The present versions."""
    (row,) = _GUARD.rows(conn, ())  # the migration inserts the only row
    return Guard(*row)


def owe_late(conn: Connection, reader: str, rows: Sequence[Stored]) -> int:
    """A reader that gets an event after its subject had closed is owed the closing too; how many that were new."""
    row = conn.execute(
        "SELECT owe_closings(%s, array_agg(e.hub_id)) FROM event e WHERE e.hub_id = ANY(%s)",
        (reader, [row.hub_id for row in rows]),
    ).fetchone()
    return int(str(row[0])) if row is not None and row[0] is not None else 0


def owed_between(conn: Connection, reader: str, after: int, upto: int | None) -> list[int]:
    """The positions behind `after`, up to and with `upto`, of the ends that `reader` is owed; None: of all the rest."""
    rows = conn.execute(
        "SELECT position FROM owed_closing WHERE agency = %s AND position > %s AND position <= %s",
        (reader, after, NO_END if upto is None else upto),
    ).fetchall()
    return [int(str(position)) for (position,) in rows]


def has_closed(conn: Connection, source: str, subject: str, sent_at: datetime) -> bool:
    """Whether a subject had ended when an event of that time was sent: then it has lapsed before it arrives."""
    row = conn.execute(
        'SELECT is_closed AND "time" >= %s FROM subject_state WHERE source = %s AND subject = %s',
        (sent_at, source, subject),
    ).fetchone()
    return row is not None and row[0] is True


class Deposed(Exception):
    """Another worker holds the lease now."""


@dataclass(frozen=True, slots=True)
class Leader:
    """Who leads: the holder of a lease, under this fence."""

    lease: str
    holder: UUID
    fence: int


@dataclass(frozen=True, slots=True)
class Batch:
    """What one round of sequencing did; `oldest_wait_s` is how long the oldest event had waited."""

    assigned: int
    newest: int
    oldest_wait_s: float


# Asked some hundred times a second by an idle node. A lease half over is renewed, so that is nothing to rest on.
_AT_REST = Statement(
    b"puente_at_rest",
    """
    SELECT l.position FROM lease l
     WHERE l.name = 'sequencer' AND l.holder = %s AND l.fence = %s
       AND l.until > clock_timestamp() + make_interval(secs => %s / 2000.0) AND NOT EXISTS (SELECT FROM pending)
    """,
)


def assign(conn: Connection, leader: Leader, *, most: int, lease_ms: int) -> Batch:
    """
    Give positions to at most `most` pending events and renew the lease, in one fenced statement; where there are none,
    look and leave everything as it is.

    Raises:
        Deposed: the lease has another holder, another fence, or has run out.
    """
    if at_rest := _AT_REST.rows(conn, (leader.holder, leader.fence, lease_ms)):
        return Batch(0, at_rest[0][0], 0.0)
    try:
        row = conn.execute(
            "SELECT * FROM assign_positions(%s, %s, %s, %s)", (leader.holder, leader.fence, most, lease_ms)
        ).fetchone()
    except psycopg.Error as error:
        if error.sqlstate == "PU001":
            raise Deposed from error
        raise
    assert row is not None  # noqa: S101 - the function returns one row or raises
    return Batch(int(str(row[0])), int(str(row[1])), float(str(row[2])))


def take_lease(conn: Connection, name: str, holder: UUID, *, lease_ms: int) -> tuple[Leader, int] | None:
    """
    Lead, if nobody else does: under a new fence, with the stored position; None while another's lease runs.

    Who lost its connection while it led takes its own lease again.
    """
    row = conn.execute(
        """
        UPDATE lease SET holder = %s, fence = fence + 1,
                         until = clock_timestamp() + make_interval(secs => %s / 1000.0)
         WHERE name = %s AND (until < clock_timestamp() OR holder = %s)
        RETURNING fence, position
        """,
        (holder, lease_ms, name, holder),
    ).fetchone()
    return None if row is None else (Leader(name, holder, int(str(row[0]))), int(str(row[1])))


def move_lease(conn: Connection, leader: Leader, *, position: int, lease_ms: int) -> None:
    """
    Renew the lease and note how far its holder has come.

    Raises:
        Deposed: the lease has another holder or fence, or has run out.
    """
    done = conn.execute(
        """
        UPDATE lease SET position = %s, until = clock_timestamp() + make_interval(secs => %s / 1000.0)
         WHERE name = %s AND holder = %s AND fence = %s AND until > clock_timestamp()
        """,
        (position, lease_ms, leader.lease, leader.holder, leader.fence),
    )
    if done.rowcount != 1:
        raise Deposed


def keep_lease(conn: Connection, leader: Leader, *, lease_ms: int) -> None:
    """
    Go on leading, also when the lease has run out, as long as nobody else has taken it.

    Raises:
        Deposed: another leads.
    """
    done = conn.execute(
        """
        UPDATE lease SET until = clock_timestamp() + make_interval(secs => %s / 1000.0)
         WHERE name = %s AND holder = %s AND fence = %s
        """,
        (lease_ms, leader.lease, leader.holder, leader.fence),
    )
    if done.rowcount != 1:
        raise Deposed


def drop_lease(conn: Connection, name: str, holder: UUID) -> None:
    """Let another take over at once, on an orderly end."""
    conn.execute("UPDATE lease SET until = '-infinity' WHERE name = %s AND holder = %s", (name, holder))


_SINCE = Statement(
    b"puente_since",
    f"""
    SELECT {COLUMNS}, a.status FROM log l JOIN event e ON e.hub_id = l.event JOIN lane a ON a.id = l.lane
     WHERE l.position > %s ORDER BY l.position LIMIT %s
    """,  # noqa: S608 - a constant list of columns
)


def since(conn: Connection, position: int, *, limit: int) -> list[tuple[Stored, str]]:
    """The log behind `position`, whole and in order, for the relay; with each event's status."""
    return [(stored(row[:-1]), str(row[-1])) for row in _SINCE.rows(conn, (position, limit))]


def oldest_pending_s(conn: Connection) -> float:
    """Seconds the oldest accepted event has waited for its position; 0 when none waits."""
    row = conn.execute(
        "SELECT coalesce(extract(epoch FROM clock_timestamp() - min(since)), 0)::float8 FROM pending"
    ).fetchone()
    return float(str(row[0])) if row else 0.0
