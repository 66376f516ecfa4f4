"""Alerts that go on, whoever may read their newest events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.store import array
from hub.store.events import COLUMNS, stored

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from hub.store import Connection
    from hub.stored import Stored

_ACTIVE = f"""
SELECT {COLUMNS}
  FROM open_alerts(%(status)s, %(at)s) s
 CROSS JOIN LATERAL (
       SELECT e.hub_id, p.position, p.lapsed_at, e."time" FROM event e JOIN log p ON p.event = e.hub_id
        WHERE e.subject = s.subject AND e.source = s.source AND e.lane = ANY(%(lanes)s::int[]) AND e.recalled_at IS NULL
        ORDER BY e."time" DESC, p.position DESC LIMIT %(each)s) l
  JOIN event e ON e.hub_id = l.hub_id
 ORDER BY max(l.position) OVER (PARTITION BY s.source, s.subject) DESC, l."time" DESC, l.position DESC LIMIT %(limit)s
"""  # noqa: S608 - constants only


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Of alerts of this status: those in these lanes, `each` event at most of one alert, `limit` in all."""

    status: str
    lanes: Sequence[int]
    each: int
    limit: int


def newest(conn: Connection, wanted: Wanted, *, at: datetime) -> list[Stored]:
    """
    The newest events of each alert that has neither closed nor run out at `at`, as far as they are in these lanes.

    Alert by alert, in each the last word first. Whether that says that the alert goes on, is for the caller to see.
    """
    told = {
        "status": wanted.status,
        "at": at,
        "lanes": array(wanted.lanes),
        "each": wanted.each,
        "limit": wanted.limit,
    }
    return [stored(row) for row in conn.execute(_ACTIVE, told, binary=True).fetchall()]
