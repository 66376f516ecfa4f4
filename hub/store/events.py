"""Accepted events: one statement stores one, queues it for the log and writes its audit entry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row, scalar_row

from hub.store import Unstorable, array
from hub.store.prepared import Statement
from hub.stored import Draft, Stored
from hub.timing import Timing
from schemas.registry import closes, tells_state

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from hub.store import Connection

# One autocommit statement without lock or NOTIFY in it (a lock per publish costs four times as much). It stores only
# while the directory is the one the decision was made with, so a suspended agency is refused by the database itself.
_APPEND = """
WITH stored AS (
    INSERT INTO event (source, id, type, subject, lane, jurisdictions, audience, "time", digest, public_until,
                       active_until, lapses, projection_version, cuts, text)
    SELECT %s, %s, %s, %s, %s, %s::text[], %s::text[], %s, %s, %s, %s, %s, %s, %s, %s
      FROM directory WHERE version = %s
        ON CONFLICT (source, id) DO NOTHING
    RETURNING hub_id
), queued AS (
    INSERT INTO pending (event, lane, is_kept, closes) SELECT hub_id, %s, %s, %s FROM stored
), noted AS (
    INSERT INTO audit (agency, client, action, is_allowed, reason, policy, events, person)
    SELECT %s, %s, 'publish', true, %s, %s, ARRAY[hub_id], %s FROM stored
)
SELECT hub_id FROM stored
"""
_APPEND_ONE = Statement(b"puente_append", _APPEND)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A draft with the lane it was given and what its audit entry says."""

    draft: Draft
    lane: int
    directory_version: int
    client: str
    reason: str
    policy: str
    person: str | None = None


def _parameters(entry: Entry) -> tuple[object, ...]:
    draft, timing = entry.draft, entry.draft.timing
    return (
        draft.source,
        draft.id,
        draft.type,
        draft.subject,
        entry.lane,
        array(draft.facts.jurisdictions),
        array(draft.facts.audience or ()),
        draft.time,
        draft.digest,
        timing.public_until,
        timing.active_until,
        timing.lapses,
        draft.projection_version,
        draft.cuts,
        draft.text,
        entry.directory_version,
        entry.lane,
        tells_state(draft.type),
        closes(draft.type),
        draft.source,
        entry.client,
        entry.reason,
        entry.policy,
        entry.person,
    )


def append(conn: Connection, entry: Entry) -> UUID | None:
    """Store one event; None when its identity is already there, or the directory has moved on."""
    stored = _APPEND_ONE.rows(conn, _parameters(entry))
    return stored[0][0] if stored else None


def append_many(conn: Connection, entries: Sequence[Entry]) -> list[UUID | None]:
    """
    The same for a batch, in order, inside the caller's transaction; the statements travel together.

    Raises:
        Unstorable: PostgreSQL refuses a value of one of them; the transaction is spent.
    """
    if not entries:
        return []
    cursor = conn.cursor(row_factory=scalar_row)
    try:
        cursor.executemany(_APPEND, [_parameters(entry) for entry in entries], returning=True)
        return [result.fetchone() for result in cursor.results()]
    except psycopg.DataError as error:
        raise Unstorable from error


@dataclass(frozen=True, slots=True)
class Held:
    """An identity that is taken: by which stored event, with which digest."""

    hub_id: UUID
    digest: bytes


def held(conn: Connection, source: str, event_id: str) -> Held | None:
    """The event stored under this identity."""
    return (
        conn.cursor(row_factory=class_row(Held))
        .execute("SELECT hub_id, digest FROM event WHERE source = %s AND id = %s", (source, event_id))
        .fetchone()
    )


def placed(conn: Connection, identities: Sequence[tuple[str, str]]) -> dict[tuple[str, str], bool]:
    """Of these identities (source and id) the stored ones, each with whether it has its place in the log."""
    rows = conn.execute(
        """
        SELECT e.source, e.id, l.event IS NOT NULL
          FROM unnest(%s::text[], %s::text[]) AS asked (source, id) JOIN event e USING (source, id)
          LEFT JOIN log l ON l.event = e.hub_id
        """,
        ([source for source, _ in identities], [event_id for _, event_id in identities]),
    ).fetchall()
    return {(str(source), str(event_id)): bool(is_placed) for source, event_id, is_placed in rows}


COLUMNS = """e.hub_id, e.lane, l.position, e.source, e.type, e.subject, e.jurisdictions, e.audience, e.lapses,
       l.lapsed_at, e.public_until, e.active_until, e.projection_version, e.cuts, e.text, e.accepted_at, e.recalled_at,
       e.offers"""


def stored(row: tuple[Any, ...]) -> Stored:
    """A row of `COLUMNS`, and `is_owed` and `offered_by` where a query adds them."""
    hub_id, lane, position, source, type_, subject, jurisdictions, audience, lapses, lapsed, public, active, *rest = row
    version, cuts, text, accepted_at, recalled_at, offers, *came = rest
    return Stored(
        hub_id=hub_id,
        lane=lane,
        position=position,
        source=source,
        type=type_,
        subject=subject,
        jurisdictions=tuple(jurisdictions),
        audience=tuple(audience),
        timing=Timing(lapses=lapses, lapsed_at=lapsed, public_until=public, active_until=active),
        projection_version=version,
        cuts=cuts,
        text=text,
        accepted_at=accepted_at,
        recalled_at=recalled_at,
        offers=frozenset(offers),
        is_owed=bool(came and came[0]),
        offered_by=came[1] if len(came) > 1 else None,
    )


# Where an event stands in the log, and whether `reader` is owed it; who is may have no right to the log's own row.
PLACE = """
    (SELECT o.position, o.lapsed_at, true AS is_owed FROM owed_closing o
      WHERE o.agency = %(reader)s AND o.event = e.hub_id)
     UNION ALL
    (SELECT p.position, p.lapsed_at, false FROM log p WHERE p.event = e.hub_id)
     LIMIT 1
"""


def by_hub_id(conn: Connection, hub_id: UUID, reader: str) -> Stored | None:
    """One event, in the log or not yet; `is_owed` when `reader` is to hear that its subject closed."""
    row = conn.execute(
        f"""
        SELECT {COLUMNS}, l.is_owed FROM event e LEFT JOIN LATERAL ({PLACE}) l ON true WHERE e.hub_id = %(event)s
        """,  # noqa: S608 - constants only
        {"reader": reader, "event": hub_id},
    ).fetchone()
    return None if row is None else stored(row)


def by_hub_ids(conn: Connection, hub_ids: Collection[UUID]) -> dict[UUID, Stored]:
    """These events, in the log or not yet."""
    rows = conn.execute(
        f"SELECT {COLUMNS} FROM event e LEFT JOIN log l ON l.event = e.hub_id WHERE e.hub_id = ANY(%s::uuid[])",  # noqa: S608 - a constant list of columns
        (array(hub_ids),),
    ).fetchall()
    return {one.hub_id: one for one in map(stored, rows)}


def exists(conn: Connection, hub_id: UUID) -> bool:
    """Whether there is such an event at all, whoever may see it; for the record of a refusal."""
    row = conn.execute("SELECT is_event(%s)", (hub_id,)).fetchone()
    return row is not None and bool(row[0])


def of_subject(conn: Connection, subject: str, reader: str, lanes: Sequence[int], *, limit: int) -> list[Stored]:
    """The newest `limit` events of a subject, in log order: those in these lanes, and the closings `reader` is owed."""
    rows = conn.execute(
        f"""
        SELECT {COLUMNS}, l.is_owed
          FROM event e CROSS JOIN LATERAL ({PLACE}) l
         WHERE e.subject = %(subject)s
           AND (e.lane = ANY(%(lanes)s) OR (l.is_owed AND NOT starts_with(e.type, 'control.')))
         ORDER BY l.position DESC LIMIT %(limit)s
        """,  # noqa: S608 - constants only
        {"reader": reader, "subject": subject, "lanes": list(lanes), "limit": limit},
    ).fetchall()
    return [stored(row) for row in reversed(rows)]
