"""What a subscriber would have been told since some time, for previews and recovery: the feed's reading, filtered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.filters import seen_in
from hub.reading import choose, comes_later, disclose
from hub.store import log, offers

if TYPE_CHECKING:
    from datetime import datetime

    from hub.filters import Filter, Seen
    from hub.reading import Asking, Shown
    from hub.store import Connection

PAGE = 500
MOST_PAGES = 40  # one request looks at so much of the log at most


@dataclass(frozen=True, slots=True)
class Past:
    """An event that would have been told, with what its reader sees of it."""

    shown: Shown
    seen: Seen


@dataclass(frozen=True, slots=True)
class Replay:
    """At most as many as were asked for, in the order of the log; `more`: there may be others behind `position`."""

    found: tuple[Past, ...]
    position: int
    more: bool


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of the past: what came at or after `since`, behind position `after`; at most `limit` events of it."""

    since: datetime
    after: int
    limit: int

    @classmethod
    def of(cls, conn: Connection, since: datetime, limit: int) -> Stretch:
        """From the first position that can hold something of that time."""
        return cls(since, offers.first_position(conn, since) - 1, limit)


def replay(conn: Connection, asking: Asking, wanted: Filter, stretch: Stretch) -> Replay:
    """
    The next events of it that the principal may have now and that the filter wants, in a transaction.

    That they are there is put on record as told by a pointer; what they say is for the feed.

    Raises:
        Stale: the rules have moved on.
    """
    asking.require_current(conn)
    reach = asking.reach()
    within = asking.within(wanted.status)
    found: dict[int, Past] = {}
    position, is_full = stretch.after, True
    for _ in range(MOST_PAGES):
        rows = log.candidates(conn, asking.reader, within, after=position, limit=PAGE)
        for shown in choose(asking, rows):
            seen = seen_in(shown.text)
            is_of_then = shown.row.offered_by is not None or shown.row.accepted_at >= stretch.since
            if is_of_then and wanted.wants(seen, asking.reader) and not comes_later(shown, reach.grants):
                found.setdefault(shown.row.position or 0, Past(shown, seen))
        is_full = len(rows) == PAGE
        position = rows[-1].position or position if rows else position
        if not is_full or len(found) >= stretch.limit:
            break
    told = [found[place] for place in sorted(found)][: stretch.limit]
    is_cut = len(found) > len(told)
    disclose(conn, asking, [one.shown.as_pointer() for one in told], "pointer.preview")
    end = told[-1].shown.row.position or position if is_cut else position
    return Replay(tuple(told), end, is_cut or is_full)
