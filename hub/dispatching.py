"""
From the log to each subscription's queue: who is to be told of what has come, decided once for all, in order.

What is queued is decided anew by whoever sends it, so a right that ends meanwhile ends it. Positions are passed once:
the cursor moves in the transaction that queues.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from hub import broadcast
from hub.awaiting import open_deadlines
from hub.filters import seen_in
from hub.store import deliveries, log, subscriptions
from hub.store.coming import coming
from hub.store.deliveries import Wanted
from hub.subscribing import QUEUED, State
from schemas.registry import closes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from hub.filters import Seen
    from hub.ladders import Ladders
    from hub.picture import Picture, View
    from hub.principal import Principal
    from hub.store import Connection
    from hub.store.coming import Coming
    from hub.subscribing import Subscription

AT_ONCE = 200  # positions
LEASE = "dispatcher"


@dataclass(slots=True)
class Subscribers:
    """Who wants to be told, by principal; kept in memory for as long as nothing about it changes."""

    by_principal: Mapping[Principal, tuple[Subscription, ...]] = field(default_factory=dict)
    _version: tuple[int, int] = (-1, -1)

    def refresh(self, conn: Connection, view: View) -> None:
        """Read them anew if any has changed, or any agency has."""
        directory = view.rules.directory
        version = subscriptions.version(conn), directory.version
        if version == self._version:
            return
        found: defaultdict[Principal, list[Subscription]] = defaultdict(list)
        for one in subscriptions.told(conn, QUEUED):
            agency = directory.active(one.agency)
            if agency is not None and one.state is not State.PENDING:
                found[one.principal(agency)].append(one)
        self.by_principal = {principal: tuple(held) for principal, held in found.items()}
        self._version = version


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead:
    """Who moves the log's cursor on, and how far it has come; for how long the lease is renewed by that."""

    leader: log.Leader
    position: int
    lease_ms: int

    def at(self, position: int) -> Lead:
        """The same, having come further."""
        return replace(self, position=position)


def fan_out(
    conn: Connection, picture: Picture, subscribers: Subscribers, lead: Lead, at: datetime, *, ladders: Ladders
) -> tuple[int, int]:
    """
    Queue what has come behind the leader's position: the position now, and how much was queued.

    By `ladders`, deadlines are opened and closed with it; before deliveries are touched, as whoever escalates does.

    Raises:
        Stale: the rules have moved on; refresh and come again.
        hub.store.log.Deposed: another leads.
    """
    with conn.transaction():
        deliveries.keep_states(conn)
        view = picture.view
        rows = coming(conn, after=lead.position, limit=AT_ONCE)
        if not rows:
            return lead.position, 0
        position = rows[-1].row.position or lead.position
        # First, so that nobody else may take over from one that has much to do.
        log.move_lease(conn, lead.leader, position=position, lease_ms=lead.lease_ms)
        picture.require_current(conn, view)
        subscribers.refresh(conn, view)
        open_deadlines(conn, view, rows, ladders, at)
        wanted = [one for each in rows for one in _wanted(view, each, subscribers.by_principal, at)]
        # First what waits, and then who is told: whoever settles holds deliveries, too, before it comes to tallies.
        ended = [each.row.hub_id for each in rows if closes(each.row.type) and not each.is_offer]
        if ended:
            deliveries.overtake(conn, ended)
            deliveries.notify(conn, deliveries.ENDED)
        queued = deliveries.put(conn, wanted, at) if wanted else 0
        if queued:
            deliveries.notify(conn)
    return position, queued


def _wanted(
    view: View, come: Coming, subscribers: Mapping[Principal, tuple[Subscription, ...]], at: datetime
) -> Iterator[Wanted]:
    row = come.row
    seen: dict[int, Seen] = {}  # who is told alike is shown the same object
    for principal, shown in broadcast.decide_for(view, come, subscribers, at):
        found = seen.get(id(shown))
        if found is None:
            found = seen[id(shown)] = seen_in(shown.text)
        for one in subscribers[principal]:
            if one.filter.wants(found, principal.agency.id):
                due_at = one.due_at(at, is_urgent=found.is_urgent)
                yield Wanted(one.id, row.hub_id, row.position or 0, found.is_urgent, due_at)
