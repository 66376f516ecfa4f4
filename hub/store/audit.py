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


def received(conn: Connection, source: str, subject: str) -> frozenset[str]:
    """Which other agencies got an event of this subject: those are told when it closes. In a transaction alone."""
    conn.execute("SET LOCAL enable_bitmapscan = on")  # an inverted index has no other way of being read
    rows = conn.execute(
        """
        SELECT DISTINCT a.agency FROM event e JOIN audit a ON a.events @> ARRAY[e.hub_id]
         WHERE e.subject = %s AND e.source = %s AND a.is_allowed AND a.action = 'disclose' AND a.agency <> e.source
        """,
        (subject, source),
    ).fetchall()
    return frozenset(str(row[0]) for row in rows)


def received_event(conn: Connection, hub_id: UUID) -> frozenset[str]:
    """Which agencies got this event: those are told what became of it. In a transaction alone."""
    conn.execute("SET LOCAL enable_bitmapscan = on")
    rows = conn.execute(
        """
        SELECT DISTINCT a.agency FROM audit a
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
        SELECT a.at::text, a.agency, x.projection, x.grant_id
          FROM audit a CROSS JOIN LATERAL unnest(a.events, a.projections, a.grants) AS x (event, projection, grant_id)
         WHERE a.events @> ARRAY[%s::uuid] AND a.action = 'disclose' AND x.event = %s
         ORDER BY a.no
        """,
        (hub_id, hub_id),
    ).fetchall()
    return [Reading(*map(str, row)) for row in rows]
