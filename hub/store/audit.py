"""Audit entries: decisions, and one entry per answer that disclosed something."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from hub.store import array
from hub.store.prepared import Statement

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from hub.policy import Decision
    from hub.principal import Principal
    from hub.store import Connection


def record(
    conn: Connection,
    principal: Principal,
    action: str,
    decision: Decision,
    *,
    policy: str,
    subject: str | None = None,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """
    Write down what was decided about `action`; `subject` names its object, never with personal data.

    `detail` is for administrative acts: what was (`before`), what is (`after`), who stands behind it.
    """
    conn.execute(
        """
        INSERT INTO audit (agency, client, action, is_allowed, reason, policy, purpose, object, grants, person, detail)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
        """,
        (
            principal.agency.id,
            principal.client_id,
            action,
            decision.is_allowed,
            str(decision.reason),
            policy,
            principal.purpose,
            subject,
            [decision.grant] if decision.grant else None,
            _person(principal),
            None if detail is None else orjson.dumps(detail, option=orjson.OPT_SORT_KEYS).decode(),
        ),
    )


def note(conn: Connection, node: str, action: str, detail: Mapping[str, Any]) -> None:
    """Write down what was done on the node's own machine, by whoever may run commands there."""
    conn.execute(
        """
        INSERT INTO audit (agency, client, action, is_allowed, reason, policy, detail)
        VALUES (%s, 'node', %s, true, 'on the node itself', '', %s)
        """,
        (node, action, orjson.dumps(detail, option=orjson.OPT_SORT_KEYS).decode()),
    )


def _person(principal: Principal) -> str | None:
    return principal.person.id if principal.person is not None else None


@dataclass(frozen=True, slots=True)
class Disclosed:
    """One event of an answer: as which projection, on which grant (empty: own event or owed notice)."""

    event: UUID
    projection: str
    grant: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What an answer was decided on: the policy's version, and the directory and lanes it was decided with."""

    policy: str
    directory_version: int
    newest_lane: int


_DISCLOSE = Statement(
    b"puente_disclose",
    """
    INSERT INTO audit (agency, client, action, is_allowed, reason, policy, purpose, object, events, projections, grants,
                       person)
    SELECT %s, %s, 'disclose', true, 'read', %s, %s, %s, %s::uuid[], %s::text[], %s::text[], %s
      FROM directory d WHERE d.version = %s AND coalesce((SELECT max(id) FROM lane), 0) = %s
       AND NOT EXISTS (SELECT FROM disclosing)
    """,
)


def disclose(conn: Connection, principal: Principal, where: str, disclosed: Sequence[Disclosed], basis: Basis) -> bool:
    """
    Write the disclosure entry of one answer. It must commit before a byte of the answer leaves.

    False, and nothing written: the directory or the lanes have moved on since the answer was decided. It names the
    empty table `disclosing` because a change of an event waits for who does (hub/store/control.py).
    """
    done = _DISCLOSE.run(
        conn,
        (
            principal.agency.id,
            principal.client_id,
            basis.policy,
            principal.purpose,
            where,
            array([item.event for item in disclosed]),
            array([item.projection for item in disclosed]),
            array([item.grant for item in disclosed]),
            _person(principal),
            basis.directory_version,
            basis.newest_lane,
        ),
    )
    return done.command_tuples == 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One event of a fan-out that went to all these readers alike: as one projection, on one grant, to one purpose."""

    event: UUID
    projection: str
    grant: str
    purpose: str | None
    readers: Sequence[str]


MOST_READERS = 1000  # in one entry
_DISCLOSE_TO_MANY = """
INSERT INTO audit (agency, client, action, is_allowed, reason, policy, purpose, object, events, projections, grants,
                   readers)
SELECT CASE WHEN cardinality(b.readers) = 1 THEN b.readers[1] ELSE %(node)s END, %(client)s, 'disclose', true, 'read',
       %(policy)s, b.purpose, %(way)s, ARRAY[b.event], ARRAY[b.projection], ARRAY[b.grant_id],
       CASE WHEN cardinality(b.readers) > 1 THEN b.readers END
  FROM json_to_recordset(%(batches)s) AS b (event uuid, projection text, grant_id text, purpose text, readers text[])
  JOIN directory d ON d.version = %(directory)s AND coalesce((SELECT max(id) FROM lane), 0) = %(lane)s
   AND NOT EXISTS (SELECT FROM disclosing)
"""


def disclose_to_many(conn: Connection, by: tuple[str, str], way: str, batches: Sequence[Batch], basis: Basis) -> bool:
    """
    The same for a fan-out: one entry per event, projection and batch of readers, `by` a node's process.

    A reader alone gets an entry of its own, as for any answer. False, and nothing written: as for `disclose`.
    """
    split = [
        {
            "event": str(one.event),
            "projection": one.projection,
            "grant_id": one.grant,
            "purpose": one.purpose,
            "readers": one.readers[start : start + MOST_READERS],
        }
        for one in batches
        for start in range(0, len(one.readers), MOST_READERS)
    ]
    done = conn.execute(
        _DISCLOSE_TO_MANY,
        {
            "node": by[0],
            "client": by[1],
            "policy": basis.policy,
            "way": way,
            "batches": orjson.dumps(split).decode(),
            "directory": basis.directory_version,
            "lane": basis.newest_lane,
        },
    )
    return done.rowcount == len(split)


def received(conn: Connection, source: str, subject: str) -> frozenset[str]:
    """Which other agencies got an event of this subject: those are told when it closes. In a transaction alone."""
    conn.execute("SET LOCAL enable_bitmapscan = on")  # an inverted index has no other way of being read
    rows = conn.execute(
        """
        SELECT DISTINCT r.agency FROM event e JOIN audit a ON a.events @> ARRAY[e.hub_id]
         CROSS JOIN LATERAL unnest(coalesce(a.readers, ARRAY[a.agency])) AS r (agency)
         WHERE e.subject = %s AND e.source = %s AND a.is_allowed AND a.action = 'disclose' AND r.agency <> e.source
        """,
        (subject, source),
    ).fetchall()
    return frozenset(str(row[0]) for row in rows)


def received_event(conn: Connection, hub_id: UUID) -> frozenset[str]:
    """Which agencies got this event: those are told what became of it. In a transaction alone."""
    conn.execute("SET LOCAL enable_bitmapscan = on")
    rows = conn.execute(
        """
        SELECT DISTINCT r.agency FROM audit a
         CROSS JOIN LATERAL unnest(coalesce(a.readers, ARRAY[a.agency])) AS r (agency)
         WHERE a.events @> ARRAY[%s::uuid] AND a.is_allowed AND a.action = 'disclose'
        """,
        (hub_id,),
    ).fetchall()
    return frozenset(str(row[0]) for row in rows)


@dataclass(frozen=True, slots=True)
class Reading:
    """Who saw an event, when and as what."""

    at: str
    agency: str
    projection: str
    grant: str


def readings(conn: Connection, hub_id: UUID) -> list[Reading]:
    """Who saw this event: an indexed question."""
    rows = conn.execute(
        """
        SELECT a.at::text, r.agency, x.projection, x.grant_id
          FROM audit a CROSS JOIN LATERAL unnest(a.events, a.projections, a.grants) AS x (event, projection, grant_id)
         CROSS JOIN LATERAL unnest(coalesce(a.readers, ARRAY[a.agency])) AS r (agency)
         WHERE a.events @> ARRAY[%s::uuid] AND a.action = 'disclose' AND x.event = %s
         ORDER BY a.no
        """,
        (hub_id, hub_id),
    ).fetchall()
    return [Reading(*map(str, row)) for row in rows]
