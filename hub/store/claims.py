"""Deliveries on their way: taken on by one process for a while, and what became of each try."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

import orjson
from psycopg.rows import class_row

from hub.store import array

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime, timedelta

    from hub.store import Connection


@dataclass(frozen=True, slots=True)
class Claim:
    """What somebody has taken on to send until `due_at`; of an event its position, of the rest what it is about."""

    no: int
    subscription: UUID
    kind: str
    seq: int | None
    event: UUID | None
    position: int | None
    is_urgent: bool
    about: str | None
    tries: int
    made_at: datetime
    told: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """
    Whose: subscriptions by this channel, of these parts, of agencies that are not `busy`.

    At most `most` in all and `each` of one agency, of a `slow` one two: who does not answer holds up itself alone.
    `urgent`: only what is, or only what is not; None: both.
    """

    channel: str
    parts: Collection[int]
    most: int
    each: int = 16
    busy: Collection[str] = ()
    slow: Collection[str] = ()
    urgent: bool | None = None


_CLAIM = """
WITH ready AS (
    SELECT d.no, d.due_at, d.agency
      FROM unnest(%(parts)s::smallint[]) AS p (part) CROSS JOIN LATERAL (
           SELECT d.no, d.due_at, s.agency FROM delivery d JOIN subscription s ON s.id = d.subscription
            WHERE d.part = p.part AND d.state = 'due' AND d.due_at <= %(at)s AND s.channel = %(channel)s
              AND (s.state = 'enabled' OR d.kind <> 'event') AND NOT s.agency = ANY(%(busy)s::text[])
              AND d.is_urgent = coalesce(%(urgent)s, d.is_urgent)
            ORDER BY d.due_at LIMIT %(share)s FOR UPDATE OF d SKIP LOCKED) d
), ranked AS (
    SELECT r.*, row_number() OVER (PARTITION BY r.agency ORDER BY r.due_at, r.no) AS n FROM ready r
), taken AS (
    SELECT k.no, k.due_at FROM ranked k
     WHERE k.n <= CASE WHEN k.agency = ANY(%(slow)s::text[]) THEN 2 ELSE %(each)s END
     ORDER BY k.due_at, k.no LIMIT %(most)s
), claimed AS (
    UPDATE delivery d SET due_at = %(until)s, since = %(at)s, tries = d.tries + 1
      FROM taken WHERE d.no = ANY(ARRAY(SELECT no FROM taken)) AND d.no = taken.no
    RETURNING d.no, d.subscription, d.kind, d.seq, d.event, d.position, d.is_urgent, d.about, d.tries, d.made_at,
              taken.due_at AS waited_since
)
SELECT c.no, c.subscription, c.kind, c.seq, c.event, c.position, c.is_urgent, c.about, c.tries, c.made_at, t.seq AS told
  FROM claimed c JOIN tally t ON t.subscription = c.subscription ORDER BY c.waited_since, c.no
"""


def claim(conn: Connection, reach: Reach, at: datetime, lease: timedelta) -> list[Claim]:
    """
    Take on what is due, oldest first: nobody else does until the lease is over.

    Who dies with it loses it then, and it is sent by another, under the same id.
    """
    asked = _asked(reach, at) | {"until": at + lease}
    # Planned each time, as `settle` is.
    return conn.cursor(row_factory=class_row(Claim)).execute(_CLAIM, asked, prepare=False).fetchall()


def _asked(reach: Reach, at: datetime) -> dict[str, object]:
    return {
        "parts": array(reach.parts),
        "channel": reach.channel,
        "busy": array(reach.busy),
        "slow": array(reach.slow),
        "urgent": reach.urgent,
        "each": reach.each,
        "most": reach.most,
        # What is locked and not taken is locked in vain; yet one part may have more than another.
        "share": max(2 * reach.most // max(1, len(reach.parts)), 2 * reach.each),
        "at": at,
    }


_WAITS = """
SELECT 1 FROM unnest(%(parts)s::smallint[]) AS p (part) CROSS JOIN LATERAL (
       SELECT FROM delivery d JOIN subscription s ON s.id = d.subscription
        WHERE d.part = p.part AND d.state = 'due' AND d.due_at <= %(at)s AND s.channel = %(channel)s
          AND (s.state = 'enabled' OR d.kind <> 'event') AND NOT s.agency = ANY(%(busy)s::text[])
          AND d.is_urgent = coalesce(%(urgent)s, d.is_urgent) LIMIT 1) d
 LIMIT 1
"""


def waits(conn: Connection, reach: Reach, at: datetime) -> bool:
    """Whether anything is due: for who looks whether it could be sent at all before taking it on."""
    return conn.execute(_WAITS, _asked(reach, at), prepare=False).fetchone() is not None


def put_back(conn: Connection, numbers: Collection[int], at: datetime) -> None:
    """
    What was taken on and could not be tried is due at once; that it was taken on counts for no try.

    It stays something that was taken on before, though: what it tells is on record already.
    """
    conn.execute(
        """
        UPDATE delivery SET due_at = %(at)s, since = %(at)s, tries = greatest(tries - 1, 1)
         WHERE no = ANY(%(numbers)s::bigint[]) AND state = 'due'
        """,
        {"at": at, "numbers": array(numbers)},
    )


def defer(conn: Connection, reach: Reach, agencies: Collection[str], at: datetime, until: datetime) -> int:
    """
    What waits by the way and in the parts of `reach` for agencies that do not answer is not looked at before `until`,
    in its order; how much that is.

    Whoever claims would otherwise pass over all of it, each time.
    """
    done = conn.execute(
        """
        WITH found AS MATERIALIZED (
            SELECT d.no FROM subscription s JOIN delivery d ON d.subscription = s.id
             WHERE s.agency = ANY(%(agencies)s::text[]) AND s.channel = %(channel)s
               AND d.part = ANY(%(parts)s::smallint[]) AND d.state = 'due' AND d.due_at <= %(at)s
        ), held AS (
            SELECT d.no, d.due_at FROM delivery d
             WHERE d.no = ANY(ARRAY(SELECT no FROM found)) AND d.state = 'due' AND d.due_at <= %(at)s
             ORDER BY d.no FOR UPDATE SKIP LOCKED
        ), waiting AS (
            SELECT no, row_number() OVER (ORDER BY due_at, no) AS n FROM held
        )
        UPDATE delivery d SET since = %(at)s, due_at = %(until)s + w.n * interval '1 microsecond'
          FROM waiting w WHERE d.no = ANY(ARRAY(SELECT no FROM held)) AND d.no = w.no
        """,
        {
            "agencies": array(agencies),
            "channel": reach.channel,
            "parts": array(reach.parts),
            "at": at,
            "until": until,
        },
        prepare=False,
    )
    return done.rowcount


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one try: how it stands now, and when it is tried again if it still is due."""

    no: int
    state: str
    code: str
    again_at: datetime | None = None
    bounces: bool = False


_SETTLE = """
WITH came AS (
    SELECT * FROM json_to_recordset(%(outcomes)s) AS o (no bigint, state text, code text, again_at timestamptz,
                                                          bounces boolean)
), settled AS (
    UPDATE delivery d SET state = CASE c.state WHEN 'due' THEN d.state ELSE c.state END, outcome = c.code,
                          due_at = coalesce(c.again_at, d.due_at),
                          since = CASE WHEN c.again_at IS NULL THEN d.since ELSE %(at)s END,
                          ended_at = CASE WHEN c.state = 'due' THEN NULL ELSE %(at)s END
      FROM came c
     WHERE d.no = ANY(%(numbers)s::bigint[]) AND d.no = c.no AND d.state IN ('due', 'held')
    RETURNING d.subscription, d.state, d.outcome, c.bounces
), last AS (
    SELECT DISTINCT ON (s.subscription) s.subscription, s.state, s.outcome, s.bounces FROM settled s
     WHERE s.state IN ('delivered', 'due', 'held', 'failed') ORDER BY s.subscription, s.state <> 'delivered'
)
UPDATE tally t SET told_at = CASE WHEN o.state = 'delivered' THEN %(at)s ELSE t.told_at END,
                   failing_since = CASE WHEN o.state <> 'delivered' THEN least(t.failing_since, %(at)s) END,
                   failed_days = CASE WHEN o.state = 'delivered' THEN 0
                                      WHEN t.failed_on > %(at)s - interval '20 hours' THEN t.failed_days
                                      ELSE t.failed_days + 1 END,
                   failed_on = CASE WHEN o.state = 'delivered' THEN NULL
                                    WHEN t.failed_on > %(at)s - interval '20 hours' THEN least(t.failed_on, %(at)s)
                                    ELSE %(at)s END,
                   bounced_at = CASE WHEN o.bounces THEN least(t.bounced_at, %(at)s)
                                     WHEN o.state <> 'delivered' THEN t.bounced_at END,
                   outcome = o.outcome
  FROM last o WHERE t.subscription = o.subscription
"""


def settle(conn: Connection, outcomes: Sequence[Outcome], at: datetime) -> None:
    """
    Write down what became of tries; what has been overtaken meanwhile stays so.

    What fails 20 hours after it was counted has failed on another day: pauses of a day never fall short of that.

    In order, as they are overtaken: who waits for another here is waited for by nobody.
    """
    rows = [
        {"no": one.no, "state": one.state, "code": one.code, "again_at": one.again_at, "bounces": one.bounces}
        for one in sorted(outcomes, key=lambda one: one.no)
    ]
    numbers = array([row["no"] for row in rows])
    outcomes_json = orjson.dumps(rows).decode()
    # Planned each time: a plan kept from when the queue was empty reads all of it once it is not.
    conn.execute(_SETTLE, {"outcomes": outcomes_json, "numbers": numbers, "at": at}, prepare=False)
