"""What goes across the border: how far each peer has come, envelopes as they were signed, and what was released."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from psycopg.rows import class_row, tuple_row

from hub.border.envelope import Sealed
from hub.store import array
from hub.store.events import COLUMNS, stored

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from hub.store import Connection
    from hub.stored import Stored

SPAN = 50_000  # positions looked at in one round, so that no round takes long


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """
    How far the way to a peer has come: `position` of our log, `leaf` of our audit.

    `directory`: the version of its signed directory that is held here, which releases to it name.
    """

    peer: str
    country: str
    prefix: str
    state: str
    stream: UUID
    seq: int
    hash: bytes
    position: int
    leaf: int
    receipted: int
    directory: int


def lock(conn: Connection, peer: str) -> Way | None:
    """The way to a peer, held until the transaction ends; None for one that was never trusted."""
    return (
        conn.cursor(row_factory=class_row(Way))
        .execute(
            """
            SELECT c.peer, p.country, p.prefix, p.state, c.stream, c.out_seq AS seq, c.out_hash AS hash, c.position,
                   c.leaf, c.receipted, c.directory
              FROM crossing c JOIN peer p ON p.node = c.peer WHERE c.peer = %s FOR UPDATE OF c
            """,
            (peer,),
        )
        .fetchone()
    )


def move(conn: Connection, way: Way) -> None:
    """Note how far it has come."""
    conn.execute(
        "UPDATE crossing SET out_seq = %s, out_hash = %s, position = %s, leaf = %s WHERE peer = %s",
        (way.seq, way.hash, way.position, way.leaf, way.peer),
    )


@dataclass(frozen=True, slots=True)
class Departure:
    """An envelope that is made; of one with an event, which, and as which projections it goes."""

    sealed: Sealed
    event: UUID | None = None
    projections: tuple[str, ...] = ()


def add(conn: Connection, peer: str, made: Sequence[Departure]) -> None:
    """Keep envelopes until, and after, they are answered."""
    conn.cursor().executemany(
        """
        INSERT INTO departure (peer, seq, kind, event, projections, hash, head, body)
        VALUES (%s, %s, %s, %s, %s::text[], %s, %s, %s)
        """,
        [
            (
                peer,
                one.sealed.head.seq,
                one.sealed.head.kind.value,
                one.event,
                array(one.projections),
                one.sealed.head.digest,
                one.sealed.signed,
                one.sealed.body,
            )
            for one in made
        ],
    )


@dataclass(frozen=True, slots=True)
class Waiting:
    """A signed envelope as it was kept."""

    seq: int
    signed: str
    body: str


def waiting(conn: Connection, peer: str, *, most: int, most_bytes: int) -> list[Waiting]:
    """The first envelopes that are not answered, in sequence: at least one, and no more bytes than may go at once."""
    rows = conn.execute(
        """
        SELECT seq, head, body FROM (
            SELECT seq, head, body, sum(length(head) + length(body) + 2) OVER (ORDER BY seq) AS bytes
              FROM (SELECT seq, head, body FROM departure
                     WHERE peer = %(peer)s AND receipted_at IS NULL ORDER BY seq LIMIT %(most)s) d) d
         WHERE bytes <= %(bytes)s OR seq = (SELECT min(seq) FROM departure
                                             WHERE peer = %(peer)s AND receipted_at IS NULL)
         ORDER BY seq
        """,
        {"peer": peer, "most": most, "bytes": most_bytes},
    ).fetchall()
    return [Waiting(int(str(seq)), str(head), str(body)) for seq, head, body in rows]


def log_end(conn: Connection) -> int:
    """The newest position of the log."""
    row = conn.execute("SELECT position FROM lease WHERE name = 'sequencer'").fetchone()
    return int(str(row[0])) if row else 0


def marks(conn: Connection, peer: str) -> tuple[object, ...]:
    """What moves when there may be something to send: rules, lanes, log, audit, and how far the peer has come."""
    row = conn.execute(
        """
        SELECT d.version, (SELECT max(id) FROM lane), (SELECT position FROM lease WHERE name = 'sequencer'),
               (SELECT max(index) FROM audit_leaf), c.position, c.leaf, c.receipted, c.out_seq
          FROM directory d, crossing c WHERE c.peer = %s
        """,
        (peer,),
        binary=True,
    ).fetchone()
    return row or ()


_PLACED = f"""
    SELECT {COLUMNS}, false AS is_owed, NULL AS offered_by
      FROM log l JOIN event e ON e.hub_id = l.event
     WHERE l.position > %(after)s AND l.position <= %(until)s
       AND (l.lane IN (SELECT unnest(%(lanes)s::int[]))) IS TRUE
     ORDER BY l.position LIMIT %(limit)s
"""  # noqa: S608 - constants only
_OFFERED = f"""
    SELECT {COLUMNS.replace("l.position", "o.position")}, false AS is_owed, o.grant_id AS offered_by
      FROM offer o JOIN event e ON e.hub_id = o.event JOIN log l ON l.event = o.event
     WHERE o.position > %(after)s AND o.position <= %(until)s AND o.reader IS NULL
       AND (e.lane IN (SELECT unnest(%(lanes)s::int[]))) IS TRUE
     ORDER BY o.position LIMIT %(limit)s
"""  # noqa: S608 - constants only


def since(conn: Connection, lanes: Collection[int], *, after: int, until: int, limit: int) -> list[Stored]:
    """What stands in these lanes of the log, or was offered anew from them, from one position to another, in order."""
    asked = {"lanes": array(lanes), "after": after, "until": until, "limit": limit}
    rows = [stored(row) for row in conn.execute(_PLACED, asked, binary=True).fetchall()]
    rows += [stored(row) for row in conn.execute(_OFFERED, asked, binary=True).fetchall()]
    rows.sort(key=lambda row: row.position or 0)
    return rows[:limit]


_LANE = f"""
    SELECT {COLUMNS} FROM log l JOIN event e ON e.hub_id = l.event
     WHERE l.lane = %(lane)s AND l.position > %(after)s AND l.position <= %(until)s ORDER BY l.position LIMIT %(limit)s
"""  # noqa: S608 - a constant list of columns


def of_lane(conn: Connection, lane: int, *, after: int, until: int, limit: int) -> list[Stored]:
    """The same for one lane, by its index."""
    asked = {"lane": lane, "after": after, "until": until, "limit": limit}
    return [stored(row) for row in conn.execute(_LANE, asked, binary=True).fetchall()]


def crossed(conn: Connection, peer: str, events: Collection[UUID], *, since: int = 0) -> dict[UUID, tuple[str, ...]]:
    """
    Of these events those that have gone to the peer and were not recalled since, each as what it last went.

    `since`: what went up to this sequence does not count.
    """
    rows = (
        conn.cursor(row_factory=tuple_row)
        .execute(
            """
        SELECT DISTINCT ON (event) event, kind, projections FROM departure
         WHERE peer = %s AND event = ANY(%s::uuid[]) AND seq > %s ORDER BY event, seq DESC
        """,
            (peer, array(events), since),
            binary=True,
        )
        .fetchall()
    )
    return {event: tuple(projections) for event, kind, projections in rows if kind == "event"}


_AHEAD = f"""
    SELECT {COLUMNS}
      FROM unnest(%(lanes)s::int[]) AS wanted (lane) CROSS JOIN LATERAL (
           SELECT position, event, lapsed_at FROM log
            WHERE lane = wanted.lane AND position > %(after)s ORDER BY position LIMIT %(limit)s) l
      JOIN event e ON e.hub_id = l.event ORDER BY l.position LIMIT %(limit)s
"""  # noqa: S608 - a constant list of columns


def ahead(conn: Connection, lanes: Collection[int], *, after: int, limit: int) -> list[Stored]:
    """What stands in a few lanes further on in the log, however long that is."""
    asked = {"lanes": array(lanes), "after": after, "limit": limit}
    return [stored(row) for row in conn.execute(_AHEAD, asked, binary=True).fetchall()]


def was_there(conn: Connection, peer: str, hub_id: UUID) -> bool:
    """Whether an event ever went to the peer, whatever became of it."""
    row = conn.execute(
        "SELECT EXISTS (SELECT FROM departure WHERE event = %s AND peer = %s AND kind = 'event')", (hub_id, peer)
    ).fetchone()
    return row is not None and bool(row[0])


_OF_SUBJECT = f"""
    SELECT {COLUMNS} FROM event e JOIN log l ON l.event = e.hub_id
     WHERE e.subject = %s AND e.source = %s AND e.recalled_at IS NULL AND NOT starts_with(e.type, 'control.')
     ORDER BY l.position
"""  # noqa: S608 - a constant list of columns


def of_subject(conn: Connection, source: str, subject: str) -> list[Stored]:
    """The events of a subject that stand, in the order of the log."""
    return [stored(row) for row in conn.execute(_OF_SUBJECT, (subject, source), binary=True).fetchall()]


def has_crossed(conn: Connection, peer: str, source: str, subject: str) -> bool:
    """Whether any event of a subject ever went to the peer."""
    row = conn.execute(
        """
        SELECT EXISTS (SELECT FROM event e JOIN departure d ON d.event = e.hub_id AND d.peer = %s
                        WHERE e.subject = %s AND e.source = %s AND d.kind = 'event')
        """,
        (peer, subject, source),
    ).fetchone()
    return row is not None and bool(row[0])


def record(conn: Connection, node: str, peer: str, policy: str, released: Sequence[tuple[UUID, str, str]]) -> None:
    """Put on record which events were released to a peer, as which projections, on which grants."""
    if not released:
        return
    conn.execute(
        """
        INSERT INTO audit (agency, client, action, is_allowed, reason, policy, object, events, projections, grants)
        VALUES (%s, 'border', 'border.release', true, 'released', %s, %s, %s::uuid[], %s::text[], %s::text[])
        """,
        (
            node,
            policy,
            peer,
            array([event for event, _, _ in released]),
            array([name for _, name, _ in released]),
            array([grant for _, _, grant in released]),
        ),
    )
