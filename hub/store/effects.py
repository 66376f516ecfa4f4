"""How many events the lanes held lately: what a changed right is weighed with."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from hub.store.offers import first_position

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from hub.store import Connection


def count_by_lane(conn: Connection, lanes: Sequence[int], since: datetime) -> dict[int, int]:
    """Events of these lanes in the log since then; their ids are UUIDv7, so they tell when."""
    rows = conn.execute(
        """
        SELECT l.lane, count(*) FROM unnest(%s::int[]) AS wanted (lane) CROSS JOIN LATERAL (
               SELECT lane, event FROM log WHERE lane = wanted.lane AND position >= %s) l
         WHERE l.event >= %s GROUP BY l.lane
        """,
        (list(lanes), first_position(conn, since), UUID(int=int(since.timestamp() * 1000) << 80)),
    ).fetchall()
    return {int(str(lane)): int(str(number)) for lane, number in rows}
