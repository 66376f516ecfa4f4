"""The one that closes the audit's tree: gives each entry its leaf, and signs the head once a second if it is new."""

from __future__ import annotations

import logging
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hub import tree
from hub.errors import Unavailable
from hub.store import connect, log
from hub.store.tree import SETTLED_MS
from hub.workers.sequencer import BatchSize

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from hub.merkle import Head
    from hub.store import Connection
    from hub.store.log import Leader

logger = logging.getLogger(__name__)

PAUSE_AFTER_FORK_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Notary:
    """What the worker is given. `sign` makes a signed head; `now` is the clock it is dated by."""

    database_url: str
    sign: Callable[[Head], str]
    now: Callable[[], datetime]
    poll_s: float = 1.0
    lease_ms: int = 5000
    settled_ms: int = SETTLED_MS


def run(notary: Notary, stopping: Callable[[], bool]) -> None:
    """Lead or wait to lead until told to stop; a lost database is waited for."""
    me = uuid.uuid4()
    size = BatchSize()
    while not stopping():
        try:
            with connect(notary.database_url, name="puente-notary") as conn:
                _take_part(notary, conn, me, size, stopping)
        except Unavailable as error:
            size.failed()
            logger.warning("notary waits: %s", type(error.__cause__).__name__)
            time.sleep(0.5)


def _take_part(notary: Notary, conn: Connection, me: uuid.UUID, size: BatchSize, stopping: Callable[[], bool]) -> None:
    while not stopping():
        led = log.take_lease(conn, "notary", me, lease_ms=notary.lease_ms)
        if led is None:
            time.sleep(min(notary.poll_s, notary.lease_ms / 4000))
            continue
        leader, _ = led
        logger.info("leads with fence %d", leader.fence)
        try:
            _lead(notary, conn, leader, size, stopping)
        except log.Deposed:
            logger.warning("deposed with fence %d", leader.fence)
        except tree.Forked:
            # Nothing is signed that contradicts what was signed before; somebody has to look.
            logger.critical("the stored audit tree is not the one that was signed last; nothing more is signed")
            time.sleep(PAUSE_AFTER_FORK_S)
    log.drop_lease(conn, "notary", me)


def _lead(notary: Notary, conn: Connection, leader: Leader, size: BatchSize, stopping: Callable[[], bool]) -> None:
    while not stopping():
        began_s = time.monotonic()
        asked = size.now
        added = tree.extend(
            conn,
            tree.Turn(leader=leader, most=asked, lease_ms=notary.lease_ms, settled_ms=notary.settled_ms),
            notary.sign,
            notary.now(),
        )
        size.took(time.monotonic() - began_s)
        if added < asked:
            time.sleep(notary.poll_s)
