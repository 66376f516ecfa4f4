"""What comes across the border: how far each peer has come, and copies of its events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

import psycopg
from psycopg.rows import class_row, scalar_row, tuple_row

from hub.store import Unstorable, array

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from hub.crossed import Copy
    from hub.store import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Coming:
    """How far a peer has come; `stream` None: nothing has arrived from it yet."""

    peer: str
    country: str
    prefix: str
    state: str
    stream: UUID | None
    seq: int
    hash: bytes


def lock(conn: Connection, peer: str) -> Coming | None:
    """The same, held until the transaction ends; None for one that was never trusted."""
    return (
        conn.cursor(row_factory=class_row(Coming))
        .execute(
            """
            SELECT c.peer, p.country, p.prefix, p.state, c.in_stream AS stream, c.in_seq AS seq, c.in_hash AS hash
              FROM crossing c JOIN peer p ON p.node = c.peer WHERE c.peer = %s FOR UPDATE OF c
            """,
            (peer,),
        )
        .fetchone()
    )


def heard(conn: Connection, peer: str, at: datetime) -> None:
    """A good batch has come, if only to say that it is still there."""
    conn.execute("UPDATE crossing SET heard_at = %s WHERE peer = %s", (at, peer))


def note_current(conn: Connection, peer: str, *, age_s: float) -> None:
    """We know how things stand over there, or stood so many seconds ago."""
    conn.execute(
        """
        UPDATE crossing SET current_at = greatest(current_at, clock_timestamp() - make_interval(secs => %s))
         WHERE peer = %s
        """,
        (age_s, peer),
    )


@dataclass(frozen=True, slots=True)
class Arrived:
    """An envelope that was dealt with."""

    seq: int
    kind: str
    event: UUID | None
    hash: bytes
    outcome: str


def move(conn: Connection, coming: Coming, arrived: Sequence[Arrived]) -> None:
    """Note what was dealt with, and how far the peer has come with it."""
    conn.cursor().executemany(
        "INSERT INTO arrival (peer, seq, kind, event, hash, outcome) VALUES (%s, %s, %s, %s, %s, %s)",
        [(coming.peer, one.seq, one.kind, one.event, one.hash, one.outcome) for one in arrived],
    )
    conn.execute(
        "UPDATE crossing SET in_stream = %s, in_seq = %s, in_hash = %s WHERE peer = %s",
        (coming.stream, coming.seq, coming.hash, coming.peer),
    )


def known(conn: Connection, peer: str, first: int, last: int) -> dict[int, tuple[bytes, str]]:
    """Envelopes that came before: by sequence the digest of their head, and what became of them."""
    rows = (
        conn.cursor(row_factory=tuple_row)
        .execute(
            "SELECT seq, hash, outcome FROM arrival WHERE peer = %s AND seq BETWEEN %s AND %s",
            (peer, first, last),
            binary=True,
        )
        .fetchall()
    )
    return {seq: (digest, outcome) for seq, digest, outcome in rows}


def places(conn: Connection, peer: str, after: int, *, limit: int) -> list[tuple[int, int]]:
    """Where events stand in our log that came with envelopes behind `after`: sequence and position."""
    rows = conn.execute(
        """
        SELECT a.seq, l.position FROM arrival a JOIN log l ON l.event = a.event
         WHERE a.peer = %s AND a.seq > %s AND a.outcome IN ('stored', 'narrowed') ORDER BY a.seq LIMIT %s
        """,
        (peer, after, limit),
        binary=True,
    ).fetchall()
    return [(int(str(seq)), int(str(position))) for seq, position in rows]


def stop(conn: Connection, peer: str, reason: str) -> None:
    """Take nothing more from a peer, and send it nothing, until somebody has looked."""
    conn.execute("UPDATE peer SET state = 'stopped', reason = %s WHERE node = %s AND state = 'open'", (reason, peer))


def taken(conn: Connection, copies: Collection[Copy]) -> frozenset[UUID]:
    """Ids of copies that are those of other events here."""
    rows = (
        conn.cursor(row_factory=scalar_row)
        .execute(
            """
        SELECT c.hub_id FROM unnest(%s::uuid[], %s::text[], %s::text[]) AS c (hub_id, source, id)
          JOIN event e ON (e.hub_id = c.hub_id AND (e.source, e.id) <> (c.source, c.id))
        UNION ALL
        SELECT c.hub_id FROM unnest(%s::uuid[], %s::text[], %s::text[]) AS c (hub_id, source, id)
          JOIN event e ON e.source = c.source AND e.id = c.id AND e.hub_id <> c.hub_id
        """,
            2
            * ([one.hub_id for one in copies], [one.draft.source for one in copies], [one.draft.id for one in copies]),
            binary=True,
        )
        .fetchall()
    )
    return frozenset(rows)


# A new event takes its place in the log like any other. One that is here gets what has come of it now: more, or less.
_PUT = """
WITH put AS (
    INSERT INTO event AS e (hub_id, source, id, type, subject, lane, jurisdictions, audience, "time", digest,
                            accepted_at, public_until, active_until, lapses, projection_version, cuts, text, offers)
    VALUES (%s, %s, %s, %s, %s, %s, %s::text[], %s::text[], %s, %s, %s, %s, %s, %s, %s, %s, %s, %s::text[])
        ON CONFLICT (source, id) DO UPDATE
       SET lane = excluded.lane, jurisdictions = excluded.jurisdictions, audience = excluded.audience,
           public_until = excluded.public_until, active_until = excluded.active_until, lapses = excluded.lapses,
           digest = excluded.digest, cuts = excluded.cuts, text = excluded.text,
           offers = ARRAY(SELECT DISTINCT o FROM unnest(e.offers || excluded.offers) AS o)
    RETURNING e.hub_id, e.lane, (xmax = 0) AS is_new
), queued AS (
    INSERT INTO pending (event, lane, is_kept, closes) SELECT hub_id, lane, %s, %s FROM put WHERE is_new
), moved AS (
    UPDATE log l SET lane = p.lane FROM put p WHERE l.event = p.hub_id AND NOT p.is_new AND l.lane <> p.lane
), stands AS (
    UPDATE subject_state s SET lane = p.lane FROM put p
     WHERE s.event = p.hub_id AND NOT p.is_new AND s.source = %s AND s.subject = %s AND s.lane <> p.lane
)
SELECT is_new FROM put
"""


def put(conn: Connection, copies: Sequence[tuple[Copy, int, bool, bool]]) -> list[bool]:
    """
    Store copies, each with its lane, whether its subject keeps a state, and whether it closes it; which are new.

    Raises:
        Unstorable: PostgreSQL refuses a value of one of them; the transaction is spent.
    """
    if not copies:
        return []
    cursor = conn.cursor()
    try:
        cursor.executemany(_PUT, [_parameters(*one) for one in copies], returning=True)
        return [bool(row[0]) for result in cursor.results() if (row := result.fetchone()) is not None]
    except psycopg.DataError as error:
        raise Unstorable from error


def _parameters(copy: Copy, lane: int, is_kept: bool, closes: bool) -> tuple[object, ...]:
    draft, timing = copy.draft, copy.draft.timing
    return (
        copy.hub_id,
        draft.source,
        draft.id,
        draft.type,
        draft.subject,
        lane,
        array(draft.facts.jurisdictions),
        array(draft.facts.audience or ()),
        draft.time,
        draft.digest,
        copy.accepted_at,
        timing.public_until,
        timing.active_until,
        timing.lapses,
        draft.projection_version,
        draft.cuts,
        draft.text,
        array(copy.offers),
        is_kept,
        closes,
        draft.source,
        draft.subject,
    )


def offer(conn: Connection, event: UUID, lane: int, name: str) -> None:
    """A copy that is here is offered anew under a grant of its node: it comes again, at a new position."""
    conn.execute(
        "INSERT INTO pending (event, lane, is_kept, closes, is_offer, offer_grant)"
        " VALUES (%s, %s, false, false, true, %s)",
        (event, lane, name),
    )


def here(conn: Connection, hub_ids: Sequence[UUID]) -> bool:
    """Whether any of these events is here already."""
    row = conn.execute("SELECT EXISTS (SELECT FROM event WHERE hub_id = ANY(%s::uuid[]))", (array(hub_ids),)).fetchone()
    return row is not None and bool(row[0])


def sent_by(conn: Connection, peer: str, events: Sequence[UUID]) -> dict[UUID | None, str]:
    """Of these events those that we sent to a peer, each with its source."""
    rows = (
        conn.cursor(row_factory=tuple_row)
        .execute(
            """
        SELECT e.hub_id, e.source FROM event e JOIN agency a ON a.id = e.source AND a.peer IS NULL
         WHERE e.hub_id = ANY(%s::uuid[])
           AND EXISTS (SELECT FROM departure d WHERE d.event = e.hub_id AND d.peer = %s AND d.kind = 'event')
        """,
            (array(events), peer),
            binary=True,
        )
        .fetchall()
    )
    return dict(rows)


def record(conn: Connection, peer: str, policy: str, stored: Sequence[UUID]) -> None:
    """Put on record which events came from a peer."""
    if stored:
        conn.execute(
            """
            INSERT INTO audit (agency, client, action, is_allowed, reason, policy, events)
            VALUES (%s, 'border', 'border.receive', true, 'received', %s, %s::uuid[])
            """,
            (peer, policy, array(stored)),
        )


def empty(conn: Connection, hub_ids: Sequence[UUID], texts: Sequence[str], cuts: Sequence[str]) -> None:
    """Of copies that may not be read any more nothing stays but their notices."""
    conn.execute("DELETE FROM protected_copy WHERE event = ANY(%s::uuid[])", (list(hub_ids),))
    conn.execute(
        """
        UPDATE event e SET text = t.text, cuts = t.cuts, digest = sha256(convert_to(t.text, 'UTF8'))
          FROM unnest(%s::uuid[], %s::text[], %s::text[]) AS t (hub_id, text, cuts) WHERE e.hub_id = t.hub_id
        """,
        (list(hub_ids), list(texts), list(cuts)),
    )


def uncovered(conn: Connection, peer: str, *, limit: int) -> list[UUID]:
    """Copies from a peer, still with a text, that none of its grants opens any more to anybody here."""
    return (
        conn.cursor(row_factory=scalar_row)
        .execute(
            """
        SELECT e.hub_id FROM lane l JOIN agency a ON a.id = l.source AND a.peer = %s
          JOIN log g ON g.lane = l.id JOIN event e ON e.hub_id = g.event
         WHERE NOT EXISTS (SELECT FROM way_lane w WHERE w.lane = l.id AND w.way <> '@' || l.source)
           AND length(e.cuts) > length(substring(e.cuts FROM E'\\nnotice [0-9 ]+\\n'))
         LIMIT %s
        """,
            (peer, limit),
            binary=True,
        )
        .fetchall()
    )
