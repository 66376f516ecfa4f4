"""Read the active alerts: what a duty officer needs at the start of a shift."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.principal import READ
from hub.reading import Asking, Shown, choose, disclose, require_scope
from hub.store import alerts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hub.store import Connection

EACH = 10  # events of one alert that are looked at: where each is decided by itself, the newest may be for others


def read_active(conn: Connection, asking: Asking, *, status: str, limit: int) -> list[Shown]:
    """
    Every alert that is neither closed nor expired, newest first: of each the newest event that the reader may see.

    Raises:
        Denied: the token has no right to read events.
        Stale: the picture has changed.
    """
    require_scope(conn, asking, READ)
    asking.require_current(conn)
    known = asking.view.lanes.lanes
    lanes = [lane for lane in asking.within(status).lanes if known[lane].facts.type.startswith("alert.")]
    wanted = alerts.Wanted(status=status, lanes=lanes, each=EACH, limit=limit * EACH)
    newest = _newest(choose(asking, alerts.newest(conn, wanted, at=asking.at)))
    return disclose(conn, asking, [one for one in newest if _goes_on(one, asking)][:limit], "alerts.active")


def _newest(chosen: Iterable[Shown]) -> list[Shown]:
    """The first of each alert, newest first."""
    first: dict[tuple[str, str], Shown] = {}
    for one in chosen:
        first.setdefault((one.row.source, one.row.subject), one)
    return sorted(first.values(), key=lambda one: one.row.position or 0, reverse=True)


def _goes_on(item: Shown, asking: Asking) -> bool:
    """What has ended stays so for who may not read that it was opened again."""
    timing = item.row.timing
    return timing.lapsed_at is None and (timing.active_until is None or timing.active_until > asking.at)
