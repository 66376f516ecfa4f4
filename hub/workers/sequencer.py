"""The one writer of the log: leads by a lease on the database's clock, gives positions in batches, notifies."""

from __future__ import annotations

import logging
import time
import uuid
from typing import TYPE_CHECKING

from hub.errors import Unavailable
from hub.store import connect, log

if TYPE_CHECKING:
    from collections.abc import Callable

    from hub.settings import WorkerSettings
    from hub.store import Connection

logger = logging.getLogger(__name__)

MOST = 2000
SLOW_S = 0.5
QUIET_LOOKS = 200  # in a row that found nothing; each takes processor time that an idle node has no use for
QUIET_TIMES = 4


class BatchSize:
    """
    How many events are placed at once: fewer after a batch that took long or failed, more again after others.

    An alert that closes costs as much as it had events and readers. Without this, a pile of them could take longer
    than a statement may, and every try would take it on again.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self.now = most

    def took(self, seconds: float) -> None:
        """The last batch was placed."""
        self.now = max(1, self.now // 4) if seconds > SLOW_S else min(self._most, self.now * 2)

    def failed(self) -> None:
        """The last batch was not placed."""
        self.now = max(1, self.now // 8)


def pause_s(poll_ms: int, empty_looks: int) -> float:
    """Until the next look, after so many in a row that found nothing: as configured, or longer where all is quiet."""
    return poll_ms * (QUIET_TIMES if empty_looks >= QUIET_LOOKS else 1) / 1000


def run(database_url: str, settings: WorkerSettings, stopping: Callable[[], bool]) -> None:
    """Lead or wait to lead until told to stop."""
    me = uuid.uuid4()
    size = BatchSize()
    while not stopping():
        try:
            with connect(database_url, name="puente-sequencer") as conn:
                _take_part(conn, me, settings, size, stopping)
        except Unavailable as error:
            size.failed()
            logger.warning("sequencer waits: %s", type(error.__cause__).__name__)
            time.sleep(0.5)


def _take_part(
    conn: Connection, me: uuid.UUID, settings: WorkerSettings, size: BatchSize, stopping: Callable[[], bool]
) -> None:
    while not stopping():
        led = log.take_lease(conn, "sequencer", me, lease_ms=settings.lease_ms)
        if led is None:
            time.sleep(settings.lease_ms / 4000)
            continue
        leader, position = led
        logger.info("leads with fence %d from position %d", leader.fence, position)
        try:
            _lead(conn, leader, settings, size, stopping)
        except log.Deposed:
            logger.warning("deposed with fence %d", leader.fence)
    log.drop_lease(conn, "sequencer", me)


def _lead(
    conn: Connection, leader: log.Leader, settings: WorkerSettings, size: BatchSize, stopping: Callable[[], bool]
) -> None:
    empty_looks = 0
    while not stopping():
        began_s = time.monotonic()
        asked = size.now
        batch = log.assign(conn, leader, most=asked, lease_ms=settings.lease_ms)
        size.took(time.monotonic() - began_s)
        empty_looks = 0 if batch.assigned else empty_looks + 1
        if batch.assigned < asked:
            time.sleep(pause_s(settings.sequencer_poll_ms, empty_looks))
