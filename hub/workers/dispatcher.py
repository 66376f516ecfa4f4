"""The log to subscriptions' queues: leads by a lease, passes each position once, and looks after subscriptions."""

from __future__ import annotations

import logging
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hub import dispatching, tending
from hub.dispatching import Lead, Subscribers
from hub.errors import Unavailable
from hub.picture import Stale
from hub.store import connect, listening, log

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, timedelta

    from hub.ladders import Ladders
    from hub.picture import Picture
    from hub.store import Connection

logger = logging.getLogger(__name__)

LEASE_MS = 2000
POLL_S = 0.5  # how late something is seen whose notification is lost
TEND_S = 5.0
RETRY_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatcher:
    """What the worker is given. `heartbeat`: how long a webhook hears nothing before it is told that all is well."""

    database_url: str
    node: str
    picture: Picture
    ladders: Ladders
    heartbeat: timedelta
    now: Callable[[], datetime]
    subscribers: Subscribers = field(default_factory=Subscribers)


def run(dispatcher: Dispatcher, stopping: Callable[[], bool]) -> None:
    """Lead or wait to lead until told to stop; a lost database is waited for."""
    me = uuid.uuid4()
    while not stopping():
        try:
            with connect(dispatcher.database_url, name="puente-dispatcher") as conn:
                dispatcher.picture.refresh(conn)
                listening.listen(conn, "log")
                _take_part(dispatcher, conn, me, stopping)
        except log.Deposed:
            logger.warning("deposed")
        except Unavailable as error:
            logger.warning("dispatcher waits: %s", type(error.__cause__).__name__)
            time.sleep(RETRY_S)


def _take_part(dispatcher: Dispatcher, conn: Connection, me: uuid.UUID, stopping: Callable[[], bool]) -> None:
    while not stopping():
        led = log.take_lease(conn, dispatching.LEASE, me, lease_ms=LEASE_MS)
        if led is None:
            time.sleep(LEASE_MS / 4000)
            continue
        leader, position = led
        logger.info("leads with fence %d from position %d", leader.fence, position)
        try:
            _lead(dispatcher, conn, Lead(leader=leader, position=position, lease_ms=LEASE_MS), stopping)
        finally:
            log.drop_lease(conn, dispatching.LEASE, me)


def _lead(dispatcher: Dispatcher, conn: Connection, lead: Lead, stopping: Callable[[], bool]) -> None:
    tend_at_s = renew_at_s = time.monotonic()
    while not stopping():
        if time.monotonic() >= tend_at_s:  # also while more and more comes
            tending.tend(conn, dispatcher.node, dispatcher.now(), dispatcher.heartbeat)
            tend_at_s = time.monotonic() + TEND_S
        came = _fan_out(dispatcher, conn, lead)
        if came > lead.position:
            lead = lead.at(came)
            renew_at_s = time.monotonic() + LEASE_MS / 4000
            continue
        if time.monotonic() >= renew_at_s:
            log.move_lease(conn, lead.leader, position=came, lease_ms=LEASE_MS)
            renew_at_s = time.monotonic() + LEASE_MS / 4000
        listening.wait(conn, most_s=POLL_S)


def _fan_out(dispatcher: Dispatcher, conn: Connection, lead: Lead) -> int:
    try:
        at, ladders = dispatcher.now(), dispatcher.ladders
        return dispatching.fan_out(conn, dispatcher.picture, dispatcher.subscribers, lead, at, ladders=ladders)[0]
    except Stale:
        dispatcher.picture.refresh(conn)
        return lead.position
