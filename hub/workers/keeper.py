"""
Looks at clock and calendar: calls the next desk where no acknowledgement has come, and says at 30, 7 and 1 days before
that an attestation, a key, a right or a grant is to end.

One leads at a time, so that one line is logged; that nothing is done twice, the database sees to. What consents of
another node had opened here and open no more, since their time is over, is thrown away.
"""

from __future__ import annotations

import logging
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub.errors import Unavailable
from hub.escalating import MOST_NAMED, escalate
from hub.picture import Stale
from hub.store import connect, log, protected
from hub.warning import warn
from hub.workers.naps import nap

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from hub.ladders import Ladders
    from hub.picture import Picture
    from hub.store import Connection

logger = logging.getLogger(__name__)

LEASE_MS = 5000
LOOK_S = 1.0  # deadlines are minutes


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeper:
    """What the worker is given."""

    database_url: str
    node: str
    picture: Picture
    ladders: Ladders
    now: Callable[[], datetime]


def run(keeper: Keeper, stopping: Callable[[], bool]) -> None:
    """Lead or wait to lead until told to stop; a lost database is waited for."""
    me = uuid.uuid4()
    while not stopping():
        try:
            with connect(keeper.database_url, name="puente-keeper") as conn:
                _take_part(keeper, conn, me, stopping)
        except log.Deposed:
            logger.warning("deposed")
        except Unavailable as error:
            logger.warning("keeper waits: %s", type(error.__cause__).__name__)
            time.sleep(LOOK_S)


def _take_part(keeper: Keeper, conn: Connection, me: uuid.UUID, stopping: Callable[[], bool]) -> None:
    while not stopping():
        led = log.take_lease(conn, "keeper", me, lease_ms=LEASE_MS)
        if led is None:
            nap(LOOK_S, stopping)
            continue
        leader, _ = led
        try:
            while not stopping():
                log.move_lease(conn, leader, position=0, lease_ms=LEASE_MS)
                _look(keeper, conn)
                while _escalated(keeper, conn) and not stopping():
                    log.move_lease(conn, leader, position=0, lease_ms=LEASE_MS)
                nap(LOOK_S, stopping)
        finally:
            log.drop_lease(conn, "keeper", me)


def _look(keeper: Keeper, conn: Connection) -> None:
    protected.forget_ended(conn)
    view = keeper.picture.refresh(conn)
    for warned in warn(conn, view, keeper.node, keeper.now()):
        ending = warned.ending
        logger.warning(
            "%s %s of %s ends at %s: within %d days",
            ending.what,
            ending.id,
            ending.agency or "several",
            ending.ends_at.isoformat(),
            warned.days,
        )


def _escalated(keeper: Keeper, conn: Connection) -> int:
    """How many deadlines moved on; when the rules have changed under it, the next look comes to them."""
    try:
        done = escalate(conn, keeper.picture, keeper.ladders, keeper.now())
    except Stale:
        return 0
    if done.due:
        logger.info("%d deadlines without an acknowledgement were moved on", done.due)
    for one in done.unreached:
        logger.error(
            "event %s: nobody at its issuer %s can be told that no acknowledgement came from %s%s; tried again",
            one.event,
            one.issuer,
            ", ".join(one.silent[:MOST_NAMED]),
            f" and {len(one.silent) - MOST_NAMED} more" if len(one.silent) > MOST_NAMED else "",
        )
    return done.due
