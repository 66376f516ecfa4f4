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

BATCH = 2000


def run(database_url: str, settings: WorkerSettings, stopping: Callable[[], bool]) -> None:
    """Lead or wait to lead until told to stop."""
    me = uuid.uuid4()
    while not stopping():
        try:
            with connect(database_url, name="puente-sequencer") as conn:
                _take_part(conn, me, settings, stopping)
        except Unavailable as error:
            logger.warning("sequencer waits: %s", type(error.__cause__).__name__)
            time.sleep(0.5)


def _take_part(conn: Connection, me: uuid.UUID, settings: WorkerSettings, stopping: Callable[[], bool]) -> None:
    while not stopping():
        led = log.take_lease(conn, "sequencer", me, lease_ms=settings.lease_ms)
        if led is None:
            time.sleep(settings.lease_ms / 4000)
            continue
        fence, position = led
        logger.info("leads with fence %d from position %d", fence, position)
        try:
            _lead(conn, me, fence, settings, stopping)
        except log.Deposed:
            logger.warning("deposed with fence %d", fence)
    log.drop_lease(conn, "sequencer", me)


def _lead(conn: Connection, me: uuid.UUID, fence: int, settings: WorkerSettings, stopping: Callable[[], bool]) -> None:
    while not stopping():
        batch = log.assign(conn, me, fence, most=BATCH, lease_ms=settings.lease_ms)
        if batch.assigned < BATCH:
            time.sleep(settings.sequencer_poll_ms / 1000)
