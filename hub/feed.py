"""Read the feed: what this reader may see, in log order, from a cursor on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.principal import READ
from hub.reading import Asking, Shown, choose, comes_later, disclose, owe_ends, require_scope
from hub.store import log

if TYPE_CHECKING:
    from hub.lanes import Reach
    from hub.store import Connection
    from hub.stored import Stored

# Only coarse lanes hold candidates that are not shown; a reader behind very many of them gets a short page.
ROUNDS = 8


@dataclass(frozen=True, slots=True)
class Page:
    """Events in log order; `position` is where the next page starts, `more` whether it has something already."""

    shown: tuple[Shown, ...]
    position: int
    more: bool


def read_feed(conn: Connection, asking: Asking, *, after: int, limit: int, status: str) -> Page:
    """
    One page of at most `limit` events of this `status` behind position `after`, on an autocommit connection.

    Two statements: what the reader may see, and the entry that says so, which is only written while the picture that
    it was decided with is still the current one.

    The position only moves with what was shown, or past a long stretch of what was not: an answer gives no count of
    events beyond the reader's rights.

    Raises:
        Denied: the token has no right to read events.
        Stale: the picture has changed; authenticate and ask again.
    """
    require_scope(conn, asking, READ)
    lanes = asking.view.lanes.lanes
    reach = asking.reach()
    wanted = log.Within([lane for lane in reach.lanes if lanes[lane].facts.status == status], reach.grants)
    position = after
    for _ in range(ROUNDS):
        rows = log.candidates(conn, asking.principal.agency.id, wanted, after=position, limit=limit)
        chosen = _in_their_place(choose(asking, _once(rows, asking, status)), reach)
        if owe_ends(conn, asking, chosen):  # an end that is owed from now on may belong on this very page
            rows = log.candidates(conn, asking.principal.agency.id, wanted, after=position, limit=limit)
            chosen = _in_their_place(choose(asking, _once(rows, asking, status)), reach)
        shown = disclose(conn, asking, chosen, "feed")
        is_full = len(rows) == limit
        last = rows[-1] if is_full else shown[-1].row if shown else None
        position = last.position or position if last is not None else position
        if shown or not is_full:
            break
    if not shown:  # what was shown has proved it with its disclosure entry
        asking.require_current(conn)
    return Page(tuple(shown), position, is_full)


def _once(rows: list[Stored], asking: Asking, status: str) -> list[Stored]:
    """Each event once, as owed where it is; owed closings of another status belong to another feed."""
    best: dict[int | None, Stored] = {}
    for row in rows:
        if asking.lane_of(row).facts.status == status and (row.is_owed or row.position not in best):
            best[row.position] = row
    return list(best.values())


def _in_their_place(chosen: list[Shown], reach: Reach) -> list[Shown]:
    return [item for item in chosen if not comes_later(item, reach.grants)]
