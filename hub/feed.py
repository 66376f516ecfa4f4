"""Read the feed: what this reader may see, in log order, from a cursor on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.filters import EVERYTHING, seen_in
from hub.principal import READ
from hub.reading import Asking, Shown, choose, comes_later, disclose, is_late, owe_ends, require_scope
from hub.store import log

if TYPE_CHECKING:
    from hub.filters import Filter
    from hub.lanes import Reach
    from hub.store import Connection
    from hub.stored import Stored

# Only coarse lanes hold candidates that are not shown; a reader behind very many of them gets a short page.
ROUNDS = 8


@dataclass(frozen=True, slots=True)
class Page:
    """Events in log order; `position` is where the next page starts, `more` whether there may be something already."""

    shown: tuple[Shown, ...]
    position: int
    more: bool


def read_feed(
    conn: Connection, asking: Asking, *, after: int, limit: int, wanted: Filter = EVERYTHING, where: str = "feed"
) -> Page:
    """
    One page of at most `limit` events that are `wanted` behind position `after`, on an autocommit connection.

    `where` names the way that they take in the disclosure entry.

    Two statements: what the reader may see, and the entry that says so, which is only written while the picture that
    it was decided with is still the current one.

    The position only moves with what the reader may see, wanted or not, or past a long stretch of what it may not: an
    answer gives no count of events beyond the reader's rights.

    Raises:
        Denied: the token has no right to read events.
        Stale: the picture has changed; authenticate and ask again.
    """
    require_scope(conn, asking, READ)
    reach = asking.reach()
    within = asking.within(wanted.status)
    position = after
    for _ in range(ROUNDS):
        rows = log.candidates(conn, asking.reader, within, after=position, limit=limit)
        seen = _in_their_place(choose(asking, _once(rows, asking, wanted.status)), reach)
        chosen = _wanted(seen, asking, wanted)
        # An end that is owed from now on, by this or another reading of the same reader, may belong on this very page.
        if owe_ends(conn, asking, chosen) or _misses_an_end(conn, asking, rows, chosen, after=position, limit=limit):
            rows = log.candidates(conn, asking.reader, within, after=position, limit=limit)
            seen = _in_their_place(choose(asking, _once(rows, asking, wanted.status)), reach)
            chosen = _wanted(seen, asking, wanted)
        shown = disclose(conn, asking, chosen, where)
        is_full = len(rows) == limit
        last = rows[-1] if is_full else seen[-1].row if seen else None
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


def _misses_an_end(
    conn: Connection, asking: Asking, rows: list[Stored], chosen: list[Shown], *, after: int, limit: int
) -> bool:
    if not any(is_late(item) for item in chosen):
        return False
    held = {row.position for row in rows if row.is_owed}
    upto = (rows[-1].position or 0) if len(rows) == limit else None
    return not held.issuperset(log.owed_between(conn, asking.reader, after, upto))


def _in_their_place(chosen: list[Shown], reach: Reach) -> list[Shown]:
    return [item for item in chosen if not comes_later(item, reach.grants)]


def _wanted(seen: list[Shown], asking: Asking, wanted: Filter) -> list[Shown]:
    if wanted.takes_all:
        return seen
    return [item for item in seen if wanted.wants(seen_in(item.text), asking.reader)]
