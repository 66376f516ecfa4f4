"""What subscriptions need without anything having come: a sign of life, and an end to what has failed for days."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from hub.store import audit, claims, deliveries, subscriptions
from hub.subscribing import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from hub.carrying import End
    from hub.store import Connection
    from hub.subscribing import Subscription

logger = logging.getLogger(__name__)

# From when it first failed; and on so many days, since a clock that jumps makes a moment look like three days.
FAILING_FOR, FAILED_DAYS = timedelta(days=3), 4
HEARTBEATS_AT_ONCE = 1000


def finish(conn: Connection, node: str, ends: Iterable[End], at: datetime) -> None:
    """
    Write down how tries ended, and what follows for their subscriptions, on an autocommit connection.

    One after the other: who holds tallies must not come to deliveries, which others lock first. What was proven comes
    first, since who dies in between is not told of it again.
    """
    ended = list(ends)
    for one in ended:
        if one.proves:
            subscriptions.prove(conn, one.subscription)
    outcomes = [
        claims.Outcome(no=one.no, state=one.state, code=one.code, again_at=one.again_at, bounces=one.bounces)
        for one in ended
    ]
    claims.settle(conn, outcomes, at)
    for one in ended:
        found = None if one.disables is None else subscriptions.one(conn, one.subscription)
        if found is not None and one.disables is not None:
            with conn.transaction():
                deliveries.change_states(conn)
                disable(conn, node, found[0], one.disables, at)


def disable(conn: Connection, node: str, one: Subscription, reason: Reason, at: datetime) -> bool:
    """
    Tell it nothing any more, and tell its agency so by its other subscriptions; whether it was not so before.

    Where there are no others, `GET /v1/me` warns of it, and the operator's log names it.

    In a transaction that began with `hub.store.deliveries.change_states`.
    """
    if not subscriptions.disable(conn, one.id, reason):
        return False
    deliveries.withdraw(conn, one.id)
    if not deliveries.put_notices(conn, one.agency, f"disabled:{one.id}:{reason}", at, beside=one.id):
        logger.warning("subscription %s is disabled (%s), and its agency has no other to be told by", one.id, reason)
    audit.note(conn, node, "subscription.disable", {"subscription": str(one.id), "of": one.agency, "reason": reason})
    return True


def tend(conn: Connection, node: str, at: datetime, heartbeat: timedelta) -> tuple[int, int]:
    """
    Queue heartbeats for quiet webhooks and disable webhooks that have failed for three days; how many of each.

    What a clock that was ahead has put off for too long comes when it should, first of all.
    """
    moved = deliveries.set_back(conn, at)
    beats = deliveries.put_heartbeats(conn, at - heartbeat, at, most=HEARTBEATS_AT_ONCE) if heartbeat else 0
    disabled = 0
    with conn.transaction():
        deliveries.change_states(conn)
        for one in subscriptions.failing(conn, at - FAILING_FOR, days=FAILED_DAYS):
            disabled += disable(conn, node, one, Reason.FAILING, at)
    if moved or beats or disabled:
        deliveries.notify(conn)
    return beats, disabled
