"""What a peer was told of us, and as what each lane goes to it: what changes is told again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg.rows import tuple_row

from hub.store import array

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from hub.store import Connection


@dataclass(frozen=True, slots=True)
class LaneRelease:
    """
    As what the events of a lane go to a peer; `next` is where sending it from its beginning goes on.

    When a lane comes to be released as less, what had gone is closed over there and may be gone: of what was sent up to
    the sequence `since`, nothing counts as being there.
    """

    lane: int
    projections: tuple[str, ...]
    since: int = 0
    next: int | None = None
    until: int | None = None


def lane_releases(conn: Connection, peer: str) -> dict[int, LaneRelease]:
    """Every lane that was ever released to the peer."""
    rows = (
        conn.cursor(row_factory=tuple_row)
        .execute("SELECT lane, projections, since, next, until FROM lane_release WHERE peer = %s", (peer,), binary=True)
        .fetchall()
    )
    return {lane: LaneRelease(lane, tuple(projections), *rest) for lane, projections, *rest in rows}


def put_lane_releases(conn: Connection, peer: str, lanes: Sequence[LaneRelease]) -> None:
    """Note as what they go from now on."""
    conn.cursor().executemany(
        """
        INSERT INTO lane_release (peer, lane, projections, since, next, until) VALUES (%s, %s, %s::text[], %s, %s, %s)
            ON CONFLICT (peer, lane) DO UPDATE SET (projections, since, next, until)
                                               = (excluded.projections, excluded.since, excluded.next, excluded.until)
        """,
        [(peer, one.lane, array(one.projections), one.since, one.next, one.until) for one in lanes],
    )


def lane_behind(conn: Connection, peer: str) -> LaneRelease | None:
    """A lane that is to be sent from its beginning, and is not through yet."""
    row = (
        conn.cursor(row_factory=tuple_row)
        .execute(
            "SELECT lane, projections, since, next, until FROM lane_release WHERE peer = %s AND next IS NOT NULL"
            " ORDER BY lane LIMIT 1",
            (peer,),
            binary=True,
        )
        .fetchone()
    )
    return None if row is None else LaneRelease(row[0], tuple(row[1]), *row[2:])


def sent_rules(conn: Connection, peer: str, what: str) -> dict[str, bytes]:
    """Which of our rules the peer was sent, each by its digest."""
    rows = (
        conn.cursor(row_factory=tuple_row)
        .execute("SELECT id, digest FROM sent_rule WHERE peer = %s AND what = %s", (peer, what))
        .fetchall()
    )
    return dict(rows)


def put_sent_rules(conn: Connection, peer: str, what: str, digests: Mapping[str, bytes]) -> None:
    """Note what was sent."""
    conn.cursor().executemany(
        """
        INSERT INTO sent_rule (peer, what, id, digest) VALUES (%s, %s, %s, %s)
            ON CONFLICT (peer, what, id) DO UPDATE SET digest = excluded.digest
        """,
        [(peer, what, rule, digest) for rule, digest in digests.items()],
    )


def forget_sent_rules(conn: Connection, peer: str, what: str, rules: Collection[str]) -> None:
    """These have ended, and nothing will be said of them again."""
    conn.execute("DELETE FROM sent_rule WHERE peer = %s AND what = %s AND id = ANY(%s)", (peer, what, list(rules)))


def due_consents(conn: Connection, peer: str) -> frozenset[str]:
    """Consents that open something else by now than what was sent."""
    rows = conn.execute("SELECT id FROM sent_rule WHERE peer = %s AND what = 'consent' AND digest = ''", (peer,))
    return frozenset(str(row[0]) for row in rows.fetchall())


def shown(conn: Connection, peer: str) -> dict[str, bytes]:
    """Our agencies as the peer was told of them, each by its digest."""
    rows = (
        conn.cursor(row_factory=tuple_row)
        .execute("SELECT agency, digest FROM shown_agency WHERE peer = %s", (peer,))
        .fetchall()
    )
    return dict(rows)


def put_shown(conn: Connection, peer: str, rows: Sequence[tuple[str, str, bytes]], seq: int) -> None:
    """Agencies that the envelope `seq` tells of: id, kind, digest. The peer is yet to confirm them."""
    conn.cursor().executemany(
        """
        INSERT INTO shown_agency (peer, agency, kind, digest, seq) VALUES (%s, %s, %s, %s, %s)
            ON CONFLICT (peer, agency) DO UPDATE
           SET is_known = shown_agency.is_known AND shown_agency.kind = excluded.kind,
               kind = excluded.kind, digest = excluded.digest, seq = excluded.seq
        """,
        [(peer, agency, kind, digest, seq) for agency, kind, digest in rows],
    )


def forget_shown(conn: Connection, peer: str, agencies: Collection[str]) -> None:
    """Agencies that the peer is told are no longer shown."""
    conn.execute("DELETE FROM shown_agency WHERE peer = %s AND agency = ANY(%s)", (peer, list(agencies)))


def confirm_shown(conn: Connection, peer: str, receipted: int) -> None:
    """The peer has confirmed what it was told up to a sequence; nothing is written where nothing is new."""
    row = conn.execute(
        "SELECT EXISTS (SELECT FROM shown_agency WHERE peer = %s AND NOT is_known AND seq <= %s)", (peer, receipted)
    ).fetchone()
    if row is not None and row[0]:
        conn.execute(
            "UPDATE shown_agency SET is_known = true WHERE peer = %s AND NOT is_known AND seq <= %s", (peer, receipted)
        )
