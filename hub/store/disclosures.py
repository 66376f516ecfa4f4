"""Who saw an agency's events: entries of the audit, by event or for all of them. In a transaction alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg.rows import class_row, dict_row, tuple_row

from hub.read_rows import Read

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime
    from uuid import UUID

    from hub.store import Connection


@dataclass(frozen=True, slots=True)
class Seen:
    """One event in one answer: who got it, when, as what, on which grant, to which purpose, by which way."""

    leaf: int
    at: datetime
    agency: str
    person: str | None
    way: str
    event: UUID
    projection: str
    grant: str
    purpose: str | None


# An inverted index has no other way of being read, and its entries are gathered before anything else is asked of them.
_BY_INDEX = "SET LOCAL enable_bitmapscan = on"
# In the order of their leaves, in which nothing comes late; an entry without one shows when the notary has been there.
_OF_EVENT = """
WITH naming AS MATERIALIZED (
    SELECT a.no FROM audit a WHERE a.events @> ARRAY[%(event)s::uuid] AND a.action = 'disclose'
)
SELECT l.index FROM naming n JOIN audit_leaf l ON l.no = n.no WHERE l.index >= %(start)s
 ORDER BY l.index LIMIT %(limit)s
"""
_OF_SOURCE = """
SELECT d.leaf FROM disclosed d WHERE d.source = %(source)s AND d.leaf >= %(start)s ORDER BY d.leaf LIMIT %(limit)s
"""
# The grant's purpose is that of its newest version at the time, where the token did not name one.
_SEEN = """
SELECT wanted.leaf, r.agency, a.person,
       CASE WHEN starts_with(a.client, 'border:') THEN (a.detail::json->>'at')::timestamptz ELSE a.at END AS at,
       a.object AS way, x.event, x.projection, x.grant_id AS "grant",
       coalesce(a.purpose, (SELECT g.purpose FROM access_grant g
                             WHERE g.id = x.grant_id AND g.state NOT IN ('proposed', 'withdrawn')
                             ORDER BY (g.proposed_at <= a.at) DESC, g.version DESC LIMIT 1)) AS purpose
  FROM unnest(%(leaves)s::bigint[]) AS wanted (leaf)
  JOIN audit_leaf l ON l.index = wanted.leaf JOIN audit a ON a.no = l.no
 CROSS JOIN LATERAL unnest(a.events, a.projections, a.grants) AS x (event, projection, grant_id)
 CROSS JOIN LATERAL unnest(coalesce(a.readers, ARRAY[a.agency])) AS r (agency)
  JOIN event e ON e.hub_id = x.event
 WHERE e.source = %(source)s AND (%(event)s::uuid IS NULL OR x.event = %(event)s)
 ORDER BY wanted.leaf, x.event, r.agency
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Of which source, or which of its events; from which leaf of the audit's tree on."""

    source: str
    event: UUID | None
    start: int
    limit: int


def entries(conn: Connection, asked: Question) -> list[int]:
    """The leaves of the entries that name the event, or any event of the source, in order."""
    conn.execute(_BY_INDEX)
    parameters = {"start": asked.start, "limit": asked.limit}
    if asked.event is None:
        rows = conn.execute(_OF_SOURCE, parameters | {"source": asked.source}).fetchall()
    else:
        rows = conn.execute(_OF_EVENT, parameters | {"event": asked.event}).fetchall()
    return [int(str(row[0])) for row in rows]


def seen(conn: Connection, asked: Question, leaves: Sequence[int]) -> list[Seen]:
    """What these entries say of the source's events, and of nobody else's."""
    parameters = {"leaves": list(leaves), "source": asked.source, "event": asked.event}
    return conn.cursor(row_factory=class_row(Seen)).execute(_SEEN, parameters).fetchall()


def consented(conn: Connection, consents: Collection[str]) -> dict[str, tuple[str, ...]]:
    """The members that each of these consents opened."""
    rows = (
        conn.cursor(row_factory=tuple_row)
        .execute("SELECT id::text, fields FROM consent WHERE id = ANY(%s::uuid[])", (list(consents),))
        .fetchall()
    )
    return {consent: tuple(members) for consent, members in rows}


@dataclass(frozen=True, slots=True)
class Unread:
    """An event that no other agency has got; `event` None: where the stretch that was looked at ends."""

    position: int
    event: UUID
    type: str
    accepted_at: datetime
    is_read: bool


_UNREAD = """
SELECT l.position, e.hub_id AS event, e.type, e.accepted_at,
       EXISTS (SELECT FROM audit a WHERE a.events @> ARRAY[e.hub_id] AND a.action = 'disclose'
                  AND coalesce(a.readers, ARRAY[a.agency]) <> ARRAY[e.source]) AS is_read
  FROM (SELECT l.position, l.event FROM log l WHERE l.lane = ANY(%(lanes)s) AND l.position > %(after)s
         ORDER BY l.position LIMIT %(limit)s) l
  JOIN event e ON e.hub_id = l.event
 ORDER BY l.position
"""


def unread(conn: Connection, lanes: Sequence[int], *, after: int, limit: int) -> list[Unread]:
    """The next `limit` events of these lanes, each with whether another agency has got it."""
    conn.execute(_BY_INDEX)
    parameters = {"lanes": list(lanes), "after": after, "limit": limit}
    return conn.cursor(row_factory=class_row(Unread)).execute(_UNREAD, parameters).fetchall()


# What gateways of this node gave its own agencies of what other nodes sent, for those nodes' originators to know.
_OF_PEER = """
WITH wanted AS (
    SELECT DISTINCT d.leaf FROM disclosed d WHERE d.source = ANY(%(sources)s) AND d.leaf >= %(start)s
     ORDER BY d.leaf LIMIT %(limit)s
)
SELECT w.leaf, x.event, r.agency, a.at, x.projection, split_part(x.grant_id, ':', 2) AS "grant", a.purpose,
       coalesce(a.object, '') AS way
  FROM wanted w JOIN audit_leaf l ON l.index = w.leaf JOIN audit a ON a.no = l.no
 CROSS JOIN LATERAL unnest(a.events, a.projections, a.grants) AS x (event, projection, grant_id)
 CROSS JOIN LATERAL unnest(coalesce(a.readers, ARRAY[a.agency])) AS r (agency)
  JOIN event e ON e.hub_id = x.event AND e.source = ANY(%(sources)s)
 ORDER BY w.leaf, x.event, r.agency
"""


def reads_of(conn: Connection, sources: Collection[str], *, start: int, limit: int) -> tuple[list[Read], int]:
    """Reads of these sources' events in `limit` entries from leaf `start` on, and the leaf to go on from."""
    asked = {"sources": list(sources), "start": start, "limit": limit}
    rows = conn.cursor(row_factory=dict_row).execute(_OF_PEER, asked).fetchall()
    leaf = max((row["leaf"] for row in rows), default=start - 1) + 1
    return [Read(**{name: value for name, value in row.items() if name != "leaf"}) for row in rows], leaf


def note_reads(conn: Connection, peer: str, reads: Sequence[Read], policy: str) -> int:
    """Note who over there read events of ours; reads of others, or of what we never sent, are left out. How many."""
    done = conn.execute(
        """
        INSERT INTO audit (agency, client, action, is_allowed, reason, policy, purpose, object, events, projections,
                           grants, detail)
        SELECT r.agency, 'border:' || %(peer)s, 'disclose', true, 'read', %(policy)s, r.purpose, 'border.' || r.way,
               ARRAY[r.event], ARRAY[r.projection], ARRAY[r.grant_id], json_build_object('at', r.at)::text
          FROM unnest(%(events)s::uuid[], %(agencies)s::text[], %(times)s::timestamptz[], %(projections)s::text[],
                      %(grants)s::text[], %(purposes)s::text[], %(ways)s::text[])
               AS r (event, agency, at, projection, grant_id, purpose, way)
         WHERE EXISTS (SELECT FROM departure d WHERE d.event = r.event AND d.peer = %(peer)s)
        """,
        {
            "peer": peer,
            "policy": policy,
            "events": [one.event for one in reads],
            "agencies": [one.agency for one in reads],
            "times": [one.at for one in reads],
            "projections": [one.projection for one in reads],
            "grants": [one.grant for one in reads],
            "purposes": [one.purpose for one in reads],
            "ways": [one.way for one in reads],
        },
    )
    return done.rowcount
