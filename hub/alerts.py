"""Read the active alerts: what a duty officer needs at the start of a shift."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.principal import READ
from hub.reading import Asking, Shown, require_scope, show
from hub.store import log

if TYPE_CHECKING:
    from hub.store import Connection


def read_active(conn: Connection, asking: Asking, *, status: str, limit: int) -> list[Shown]:
    """
    The newest event of every alert that is neither closed nor expired, newest first.

    Raises:
        Denied: the token has no right to read events.
        Stale: the picture has changed.
    """
    require_scope(conn, asking, READ)
    asking.require_current(conn)
    lanes = asking.view.lanes.lanes
    wanted = [
        lane
        for lane in asking.reach().lanes
        if lanes[lane].facts.status == status and lanes[lane].facts.type.startswith("alert.")
    ]
    return show(conn, asking, log.active(conn, wanted, at=asking.at, limit=limit), "alerts.active")
