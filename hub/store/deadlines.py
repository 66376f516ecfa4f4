"""Deadlines: which agency must acknowledge which event, from when it came to what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

import orjson
from psycopg.rows import class_row, dict_row, tuple_row

from hub.recipients import SETTLING, Awaited
from hub.store import array

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from hub.store import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What is to be acknowledged until when, and the step of which ladder comes at `due_at`."""

    event: UUID
    position: int
    ladder: str
    is_urgent: bool
    required_by: datetime
    step: int
    due_at: datetime


def add(conn: Connection, opening: Opening, agencies: Collection[str], at: datetime) -> None:
    """Open it for these agencies; for whom it was before, it stays as it is."""
    conn.execute(
        """
        INSERT INTO deadline (event, agency, position, ladder, is_urgent, required_by, step, since, due_at)
        SELECT %(event)s, a.id, %(position)s, %(ladder)s, %(urgent)s, %(required)s, %(step)s, %(at)s, %(due)s
          FROM unnest(%(agencies)s::text[]) AS a (id) ON CONFLICT DO NOTHING
        """,
        {
            "event": opening.event,
            "position": opening.position,
            "ladder": opening.ladder,
            "urgent": opening.is_urgent,
            "required": opening.required_by,
            "step": opening.step,
            "due": opening.due_at,
            "agencies": array(agencies),
            "at": at,
        },
    )


_ANSWERED = """
UPDATE deadline d SET state = substring(a.type FROM 5), closed_at = %(at)s
  FROM {answers}
 WHERE d.event = about_event(a.text) AND d.agency = a.source AND d.state IN ('open', 'ended')
   AND a.type = ANY(%(types)s::text[]) AND a.recalled_at IS NULL
"""
_BY_ANSWERS = _ANSWERED.format(answers="event a") + " AND a.hub_id = ANY(%(events)s::uuid[])"
_BEFORE = (
    _ANSWERED.format(answers="event e JOIN event a ON a.subject = e.subject AND a.source <> e.source")
    + " AND e.hub_id = ANY(%(events)s::uuid[]) AND d.event = e.hub_id"
)


def answer(conn: Connection, answers: Collection[UUID], at: datetime) -> int:
    """Close what these acknowledgements and refusals answer; how many that were."""
    return conn.execute(_BY_ANSWERS, {"events": array(answers), "types": array(SETTLING), "at": at}).rowcount


def answer_late(conn: Connection, events: Collection[UUID], at: datetime) -> int:
    """Close what was answered before its deadline was opened."""
    return conn.execute(_BEFORE, {"events": array(events), "types": array(SETTLING), "at": at}).rowcount


# Not by `state = 'open'`, for which there is an index of all that is open: these look for those of one event.


def overtake(conn: Connection, ends: Collection[UUID], at: datetime) -> int:
    """The alerts or cases that these events ended are over: nobody need acknowledge what came before."""
    done = conn.execute(
        """
        UPDATE deadline d SET state = 'overtaken', closed_at = %(at)s
          FROM event c JOIN event e ON e.source = c.source AND e.subject = c.subject AND e.hub_id <> c.hub_id
         WHERE c.hub_id = ANY(%(ends)s::uuid[]) AND d.event = e.hub_id AND d.closed_at IS NULL AND e."time" <= c."time"
        """,
        {"ends": array(ends), "at": at},
    )
    return done.rowcount


def recall(conn: Connection, recalls: Collection[UUID], at: datetime) -> int:
    """What these events take back need not be acknowledged."""
    done = conn.execute(
        """
        UPDATE deadline d SET state = 'overtaken', closed_at = %(at)s FROM event c
         WHERE c.hub_id = ANY(%(recalls)s::uuid[]) AND d.event = about_event(c.text) AND d.closed_at IS NULL
        """,
        {"recalls": array(recalls), "at": at},
    )
    return done.rowcount


@dataclass(frozen=True, slots=True)
class Deadline:
    """One that is due: `step` comes now; the one that was taken last, and when."""

    event: UUID
    agency: str
    position: int
    ladder: str
    is_urgent: bool
    step: int
    escalated: int | None
    escalated_at: datetime | None

    @property
    def is_unreached(self) -> bool:
        """Whether its last step was taken and found nobody: then the same one comes next."""
        return self.escalated == self.step


def due(conn: Connection, at: datetime, *, limit: int) -> list[Deadline]:
    """At most `limit` that are due, the oldest first, held until the transaction ends; those held by others are not."""
    return (
        conn.cursor(row_factory=class_row(Deadline))
        .execute(
            """
            SELECT event, agency, position, ladder, is_urgent, step, escalated, escalated_at FROM deadline
             WHERE state = 'open' AND due_at <= %s ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED
            """,
            (at, limit),
        )
        .fetchall()
    )


def set_back(conn: Connection, at: datetime) -> int:
    """What began to wait in what is now the future waits anew: the clock was put back, and it would wait too long."""
    done = conn.execute(
        """
        WITH ahead AS (
            SELECT event, agency FROM deadline WHERE state = 'open' AND since > %(at)s
             ORDER BY since FOR UPDATE SKIP LOCKED
        )
        UPDATE deadline d SET due_at = %(at)s + (d.due_at - d.since), since = %(at)s
          FROM ahead a WHERE d.event = a.event AND d.agency = a.agency
        """,
        {"at": at},
    )
    return done.rowcount


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """What became of one that was due: the step that was taken, and the next one with its time; none: it is over."""

    event: UUID
    agency: str
    state: str
    taken: int | None
    step: int | None = None
    due_at: datetime | None = None


_MOVE = """
WITH moved AS (
    SELECT * FROM json_to_recordset(%(moves)s) AS m (event uuid, agency text, state text, taken smallint, step smallint,
                                                     due_at timestamptz)
)
UPDATE deadline d SET state = m.state, step = coalesce(m.step, d.step), since = %(at)s,
                      due_at = coalesce(m.due_at, d.due_at), escalated = coalesce(m.taken, d.escalated),
                      escalated_at = CASE WHEN m.taken IS NULL THEN d.escalated_at ELSE %(at)s END,
                      closed_at = CASE WHEN m.state = 'open' THEN NULL ELSE %(at)s END
  FROM moved m
 WHERE d.event = ANY(%(events)s::uuid[]) AND d.event = m.event AND d.agency = m.agency
"""


def move(conn: Connection, moves: Sequence[Move], at: datetime) -> None:
    """Write down what became of those that are held."""
    rows = [
        {
            "event": one.event,
            "agency": one.agency,
            "state": one.state,
            "taken": one.taken,
            "step": one.step,
            "due_at": one.due_at,
        }
        for one in moves
    ]
    events = array([one.event for one in moves])
    # Planned each time: a plan kept from when there were few reads all of them once there are many.
    conn.execute(_MOVE, {"moves": orjson.dumps(rows).decode(), "events": events, "at": at}, prepare=False)


def of_event(conn: Connection, event: UUID, at: datetime) -> dict[str, Awaited]:
    """By agency, until when it has to acknowledge an event, and who was called for that."""
    rows = (
        conn.cursor(row_factory=dict_row)
        .execute(
            """
            SELECT agency, required_by, state IN ('open', 'ended') AND required_by <= %s AS is_overdue,
                   escalated + 1 AS escalated, escalated_at,
                   state = 'open' AND coalesce(escalated = step, false) AS is_unreached
              FROM deadline WHERE event = %s
            """,
            (at, event),
        )
        .fetchall()
    )
    return {row.pop("agency"): Awaited(**row) for row in rows}


def unreached(conn: Connection) -> int:
    """How many deadlines there are whose last step has found nobody yet."""
    row = conn.execute("SELECT count(*) FROM deadline WHERE state = 'open' AND escalated = step").fetchone()
    return int(str(row[0])) if row else 0


def required(conn: Connection, asked: Collection[tuple[UUID, str]]) -> dict[tuple[UUID, str], datetime]:
    """Of these events and agencies those where an acknowledgement is waited for, with until when it is due."""
    rows = (
        conn.cursor(row_factory=tuple_row)
        .execute(
            """
            SELECT d.event, d.agency, d.required_by FROM unnest(%s::uuid[], %s::text[]) AS a (event, agency)
              JOIN deadline d ON d.event = a.event AND d.agency = a.agency
             WHERE d.state IN ('open', 'ended')
            """,
            (array([event for event, _ in asked]), array([agency for _, agency in asked])),
        )
        .fetchall()
    )
    return {(event, agency): required_by for event, agency, required_by in rows}


def own(conn: Connection, event: UUID) -> datetime | None:
    """Until when whoever a gateway's connection speaks for has to acknowledge an event; None: it need not any more."""
    row = (
        conn.cursor(row_factory=tuple_row)
        .execute("SELECT required_by FROM own_deadline WHERE event = %s", (event,))
        .fetchone()
    )
    return None if row is None else row[0]


def own_newest(conn: Connection, *, limit: int) -> dict[UUID, datetime]:
    """The same of every event that waits for its acknowledgement, at most `limit`, what is due last first."""
    rows = (
        conn.cursor(row_factory=tuple_row)
        .execute("SELECT event, required_by FROM own_deadline ORDER BY required_by DESC LIMIT %s", (limit,))
        .fetchall()
    )
    return dict(rows)


def awaited(conn: Connection, events: Collection[UUID]) -> list[tuple[UUID, str, int]]:
    """Of these events, by whom an acknowledgement is awaited still, or would be: the agency, and the position."""
    rows = conn.execute(
        "SELECT event, agency, position FROM deadline WHERE event = ANY(%s::uuid[]) AND state IN ('open', 'ended')",
        (array(events),),
        prepare=False,
    )
    return [(UUID(str(event)), str(agency), int(str(position))) for event, agency, position in rows.fetchall()]
