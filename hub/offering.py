"""Offer anew what a right opens behind its readers' cursors: a reader whose cursor is at the head misses nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hub.gaining import Readers, lanes_for, opened_by, with_grants
from hub.granting import Opens, Proposal
from hub.grants import GrantState
from hub.store import offers

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from hub.directory import Agency
    from hub.grants import Grant
    from hub.reading import Asking
    from hub.store import Connection
    from hub.stored import Behind

MOST = 10_000  # events offered with one act; the newest


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """How many events come again; `is_partial`: there were more, and older ones are to be asked for by id."""

    events: int = 0
    is_partial: bool = False

    def __add__(self, other: Offered) -> Offered:
        return Offered(events=self.events + other.events, is_partial=self.is_partial or other.is_partial)


def hold(conn: Connection, asking: Asking) -> datetime:
    """
    Let nothing be accepted meanwhile, and say what time it is for the log.

    Raises:
        Stale: something was, in a lane that the caller's picture does not have.
    """
    moment = offers.hold(conn)
    asking.require_current(conn)
    return moment


def chosen(
    conn: Connection, asking: Asking, source: Agency, proposal: Proposal, before: tuple[Grant, ...], *, most: int
) -> tuple[list[tuple[Behind, str]], bool]:
    """
    What an approval by `source` is to offer, in order, each with the name it is offered under; and whether that is
    not all. `before` are the versions that decide so far.
    """
    grant, lanes = proposal.grant, asking.view.lanes.lanes
    wanted = lanes_for(lanes.values(), source.id, (grant,))
    if proposal.opens is Opens.NOW or not wanted or not grant.valid_from <= asking.at:
        return [], False
    if proposal.opens is Opens.SINCE and proposal.opens_since is not None:
        rows = offers.accepted_since(conn, wanted, proposal.opens_since, limit=most + 1)
    else:
        rows = offers.of_active(conn, source.id, wanted, at=asking.at, limit=most + 1)
    known = [
        replace(row, offers=row.offers | {grant.offer_name}) if proposal.opens is Opens.ACTIVE else row for row in rows
    ]
    return _opened(asking, source, known, before, (grant,)), len(rows) > most


def approved(
    conn: Connection, asking: Asking, source: Agency, proposal: Proposal, before: tuple[Grant, ...]
) -> Offered:
    """Offer what an approval by `source` opens of the past, once its rows are written; `before`: as it was."""
    found, is_partial = chosen(conn, asking, source, proposal, before, most=MOST)
    return _offer(conn, found, is_partial=is_partial)


def resumed(
    conn: Connection, asking: Asking, sources: Iterable[Agency], grants: Sequence[Grant], since: datetime
) -> Offered:
    """Offer what a right that comes back opens: what was accepted since it stopped, and what is active."""
    total = Offered()
    lanes = asking.view.lanes.lanes
    for source in sources:
        wanted = lanes_for(lanes.values(), source.id, grants)
        if wanted:
            late = offers.accepted_since(conn, wanted, since, limit=MOST + 1)
            known = {row.hub_id for row in late}
            active = offers.of_active(conn, source.id, wanted, at=asking.at, limit=MOST + 1)
            rows = [row for row in active if row.hub_id not in known] + late
            found = _opened(asking, source, rows, (), grants)
            total += _offer(conn, found, is_partial=max(len(late), len(active)) > MOST)
    return total


def _opened(
    asking: Asking, source: Agency, rows: Iterable[Behind], before: tuple[Grant, ...], grants: Sequence[Grant]
) -> list[tuple[Behind, str]]:
    if not grants:
        return []
    rules, lanes = asking.view.rules, asking.view.lanes.lanes
    standing = [replace(grant, state=GrantState.IN_FORCE) for grant in grants]
    standing.sort(key=lambda one: -one.clearance)
    readers = Readers.of(standing[0], source.id, rules, asking.at)
    pair = with_grants(rules, before), rules
    opened = ((row, opened_by(lanes[row.lane].facts_of(row), readers, standing, pair, asking.at)) for row in rows)
    return [(row, grant.offer_name) for row, grant in opened if grant is not None]


def _offer(conn: Connection, found: list[tuple[Behind, str]], *, is_partial: bool) -> Offered:
    newest = found[-MOST:]
    if newest:
        offers.offer(conn, newest)
    return Offered(events=len(newest), is_partial=is_partial or len(found) > MOST)
