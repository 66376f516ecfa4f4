"""What has come to the log since: for those who tell many readers at once, each row with whom it is owed or offered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.store import array
from hub.store.events import COLUMNS, stored

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    from hub.store import Connection
    from hub.stored import Stored


@dataclass(frozen=True, slots=True, kw_only=True)
class Coming:
    """
    An event at a position of the log, or offered anew at a position of its own.

    `owed`: agencies that are told of it whatever their rights are by now. `offered_to`: the one reader it is offered
    to, None for all under the grant `row.offered_by`.
    """

    row: Stored
    is_offer: bool
    offered_to: str | None
    owed: frozenset[str]


_LOG = """
    SELECT position, event, lapsed_at, false AS is_offer, NULL::text AS grant_id, NULL::text AS reader FROM log
"""
_OFFERS = """
    SELECT o.position, o.event, p.lapsed_at, true, o.grant_id, o.reader FROM offer o JOIN log p ON p.event = o.event
"""
_ROWS = f"""
SELECT {COLUMNS}, false, CASE WHEN l.reader IS NULL THEN l.grant_id END, l.is_offer, l.reader,
       ARRAY(SELECT w.agency FROM owed w WHERE w.position = l.position)
  FROM page l JOIN event e ON e.hub_id = l.event ORDER BY l.position
"""  # noqa: S608 - a constant list of columns
_COMING = f"""
WITH page AS (
    ({_LOG} WHERE position > %(after)s ORDER BY position LIMIT %(limit)s)
    UNION ALL
    ({_OFFERS} WHERE o.position > %(after)s ORDER BY o.position LIMIT %(limit)s)
    ORDER BY position LIMIT %(limit)s
) {_ROWS}
"""
_AT = f"""
WITH page AS (
    {_LOG} WHERE position = ANY(%(positions)s::bigint[])
    UNION ALL
    {_OFFERS} WHERE o.position = ANY(%(positions)s::bigint[])
) {_ROWS}
"""


def coming(conn: Connection, *, after: int, limit: int) -> list[Coming]:
    """The next `limit` positions of the log behind `after` that hold something, in order."""
    rows = conn.execute(_COMING, {"after": after, "limit": limit}, binary=True).fetchall()
    return [_coming(*row) for row in rows]


def _coming(*row: object) -> Coming:
    *columns, is_offer, reader, owed = row
    return Coming(
        row=stored(tuple(columns)),
        is_offer=bool(is_offer),
        offered_to=None if reader is None else str(reader),
        owed=frozenset(owed) if isinstance(owed, list) else frozenset(),
    )


def at_positions(conn: Connection, positions: Collection[int]) -> dict[int, Coming]:
    """What came at these positions, by position."""
    rows = conn.execute(_AT, {"positions": array(positions)}, binary=True).fetchall()
    found = (_coming(*row) for row in rows)
    return {one.row.position or 0: one for one in found}


def newest(conn: Connection) -> int:
    """The highest position that was given."""
    row = conn.execute("SELECT position FROM lease WHERE name = 'sequencer'").fetchone()
    return int(str(row[0])) if row else 0


@dataclass(frozen=True, slots=True)
class Edges:
    """How far the log reaches: the highest position that was given, and the lowest that is still kept."""

    newest: int
    oldest: int


def edges(conn: Connection) -> Edges:
    """Both ends. Of an empty log the lowest position that is kept is the one to come."""
    row = conn.execute(
        "SELECT position, (SELECT min(position) FROM log) FROM lease WHERE name = 'sequencer'",
    ).fetchone()
    highest, lowest = row if row is not None else (0, None)
    last = int(str(highest))
    return Edges(last, last + 1 if lowest is None else int(str(lowest)))


def still_open(conn: Connection, events: Collection[UUID]) -> bool:
    """
    Whether none of these events has lapsed; then none does until the transaction ends.

    Who discloses an event while the sequencer places its end would not be on record yet when that looks for those who
    are owed the end. Their rows are held, so that it looks after this transaction; and one that it holds itself is
    passed over and counts as lapsed, so that nobody waits for somebody who waits for him.
    """
    rows = conn.execute(
        "SELECT lapsed_at IS NULL FROM log WHERE event = ANY(%s::uuid[]) FOR SHARE SKIP LOCKED", (array(events),)
    ).fetchall()
    return len(rows) == len(events) and all(is_open for (is_open,) in rows)
