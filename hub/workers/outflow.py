"""
The log to topics that agencies read: to each what the feed would give it, put on record before it is written.

It leads by a lease. What is on record and not in a topic yet, the last record there tells: who takes over goes on from
it, so nothing is written twice or left out. What may not be read any more goes within a moment: see `hub.outflow`.
"""

from __future__ import annotations

import logging
import time
import uuid
from contextlib import closing
from typing import TYPE_CHECKING

from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from hub.errors import Unavailable
from hub.picture import Stale
from hub.store import Connection, connect, listening, log, outflow
from hub.workers.opening import opened
from hub.workers.out_turns import LEASE_MS, NAME, Flow, Outflow
from hub.workers.outlet import Outlet
from hub.workers.topics import NotProjected

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)

ACK_TIMEOUT_S = 2.5  # shorter than the lease: who waits longer is deposed, and knows it
POLL_S = 0.25  # how late a change is seen whose notification is lost
PAUSE_S = 0.02  # a moment's events go out together
RETRY_S = 0.5


def run(worker: Outflow, stopping: Callable[[], bool]) -> None:
    """Lead or wait to lead until told to stop; a lost database or broker is waited for."""
    me = uuid.uuid4()
    while not stopping():
        try:
            with connect(worker.database_url, name="puente-outflow") as conn:
                led = log.take_lease(conn, NAME, me, lease_ms=LEASE_MS)
                if led is None:
                    time.sleep(LEASE_MS / 8000)
                    continue
                leader, _ = led
                try:
                    logger.info("leads with fence %d", leader.fence)
                    _lead(worker, conn, leader, stopping)
                finally:
                    log.drop_lease(conn, NAME, me)
        except log.Deposed:
            logger.warning("deposed")
        except (Unavailable, KafkaError, NotProjected) as error:
            why = str(error) if isinstance(error, NotProjected) else type(error).__name__
            logger.warning("outflow waits: %s", why)
            time.sleep(RETRY_S)


def _lead(worker: Outflow, conn: Connection, leader: log.Leader, stopping: Callable[[], bool]) -> None:
    for channel in ("directory", "log", outflow.CHANNEL):
        listening.listen(conn, channel)
    with (
        closing(opened(KafkaAdminClient, **worker.kafka)) as admin,
        Outlet(worker.kafka, ack_timeout_s=ACK_TIMEOUT_S) as outlet,
    ):
        flow = Flow(worker, conn, leader, admin, outlet)
        flow.take_over()
        while not stopping():
            try:
                has_more = flow.turn()
            except Stale:
                worker.picture.refresh(conn)
                continue
            if not has_more:
                listening.wait(conn, most_s=POLL_S)
                time.sleep(PAUSE_S)
