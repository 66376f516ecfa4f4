"""
Keeps the broker's topics and rules in step with the agency table: at once when it changes, and against drift.

The table is the truth and the broker follows: whoever is suspended writes no more within two seconds. So this has a
process of its own, which waits for nothing else, and a second one that takes over when the first one dies. Two that
act at once do no harm that lasts: what each does is read from the table, and before one gives anything it makes sure
that it still leads.
"""

from __future__ import annotations

import logging
import time
import uuid
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from hub.errors import Unavailable
from hub.store import Connection, access, agencies, connect, listening, log, outflow
from hub.workers.access import Care, Wanted, look
from hub.workers.opening import opened
from hub.workers.topics import NotProjected

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)

LEASE_MS = 1200
TAKEOVER_S = 0.1  # how often one that waits tries
POLL_S = 0.4  # a third of the lease: how often it is renewed, and how late a change is seen whose notification is lost
DRIFT_S = 10.0
RETRY_S = 0.5
AGAIN_S = 0.02  # the controller answers before the broker acts on it
SLOW_S = 10.0
NOBODY_READS = access.Outs()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciler:
    """What the worker is given; `kafka` are the connection settings of a kafka-python client."""

    database_url: str
    kafka: dict[str, Any]
    node: str
    prefix: str
    drift_s: float = DRIFT_S  # how often it looks although nothing has changed


def run(reconciler: Reconciler, stopping: Callable[[], bool]) -> None:
    """Lead or wait to lead until told to stop; a lost database or broker is waited for."""
    me = uuid.uuid4()
    while not stopping():
        try:
            # Who cannot reach the broker does not lead: another one may.
            with (
                connect(reconciler.database_url, name="puente-reconciler") as conn,
                closing(opened(KafkaAdminClient, **reconciler.kafka)) as admin,
            ):
                listening.listen(conn, "directory")
                listening.listen(conn, outflow.CHANNEL)
                _take_part(reconciler, conn, admin, me, stopping)
        except log.Deposed:
            logger.warning("deposed")
        except (Unavailable, KafkaError, NotProjected) as error:
            why = str(error) if isinstance(error, NotProjected) else type(error).__name__
            logger.warning("reconciler waits: %s", why)
            time.sleep(RETRY_S)


def _take_part(
    reconciler: Reconciler, conn: Connection, admin: KafkaAdminClient, me: uuid.UUID, stopping: Callable[[], bool]
) -> None:
    warm_at_s = time.monotonic() + DRIFT_S
    while not stopping():
        led = log.take_lease(conn, access.NAME, me, lease_ms=LEASE_MS)
        if led is None:
            time.sleep(TAKEOVER_S)
            if (
                time.monotonic() >= warm_at_s
            ):  # a connection that the broker has closed would cost the takeover a second
                admin.list_topics()
                warm_at_s = time.monotonic() + DRIFT_S
            continue
        leader, version = led
        logger.info("leads with fence %d from directory version %d", leader.fence, version)
        try:
            _lead(_Broker(reconciler, conn, admin, leader), version, stopping)
        finally:
            log.drop_lease(conn, access.NAME, me)


def _lead(broker: _Broker, version: int, stopping: Callable[[], bool]) -> None:
    """`version` is that of the directory that the broker's rules are known to have followed last."""
    look_at_s = 0.0
    followed = _Cause(version)
    wanted: Wanted | None = None
    while not stopping():
        broker.go_on()
        if broker.cause() != followed or time.monotonic() >= look_at_s:
            followed, wanted = broker.follow(followed, wanted, stopping)
            look_at_s = time.monotonic() + broker.reconciler.drift_s
        listening.wait(broker.conn, most_s=POLL_S)


@dataclass(frozen=True, slots=True)
class _Cause:
    """What the broker's rules follow: the directory, by its version, and who reads events there."""

    version: int
    outs: access.Outs = NOBODY_READS


@dataclass(frozen=True, slots=True)
class _Broker:
    """The broker in the hands of the one that leads."""

    reconciler: Reconciler
    conn: Connection
    admin: KafkaAdminClient
    leader: log.Leader

    def go_on(self) -> None:
        """Go on leading; raises `Deposed` when another leads."""
        log.keep_lease(self.conn, self.leader, lease_ms=LEASE_MS)

    def cause(self) -> _Cause:
        """As things stand."""
        return _Cause(agencies.version_of(self.conn), access.outs(self.conn))

    def _has_moved_on(self, since: _Cause) -> bool:
        return self.cause() != since

    def follow(self, followed: _Cause, before: Wanted | None, stopping: Callable[[], bool]) -> tuple[_Cause, Wanted]:
        """
        Look until everything is as the tables say; what the broker follows then.

        `before` is what was wanted last: a directory that has changed in something else explains no difference.
        """
        told = _Told()
        slow_at_s = time.monotonic() + SLOW_S
        with_settings = self.cause().version == followed.version
        while True:
            outs, enrolled = access.outs(self.conn), access.enrolled(self.conn)
            cause = _Cause(enrolled.version, outs)
            wanted = wanted_by(enrolled, self.reconciler, outs)
            told.is_drift = cause == followed or wanted == before
            care = Care(
                before_giving=self.go_on,
                is_overtaken=partial(self._has_moved_on, cause),
                changed=told,
            )
            if look(self.admin, wanted, care, with_settings=with_settings):
                access.saw(self.conn, self.leader, version=enrolled.version)
                return cause, wanted
            if stopping():
                return followed, wanted
            if time.monotonic() > slow_at_s:
                logger.warning("the broker does not act on the rules yet")
                slow_at_s = time.monotonic() + SLOW_S
            time.sleep(AGAIN_S)
            self.go_on()


def wanted_by(enrolled: access.Enrolled, reconciler: Reconciler, outs: access.Outs = NOBODY_READS) -> Wanted:
    """Topics for everyone enrolled, rights for those that are active; topics to read for those that want one."""
    return Wanted(
        prefix=reconciler.prefix,
        node_principal=f"{reconciler.node}-node",
        agencies=enrolled.active,
        others=enrolled.others,
        outs=tuple(one for one in outs.wanting if one in enrolled.active),  # of another moment, perhaps
        readers=tuple(one for one in outs.readers if one in enrolled.active),
    )


class _Told:
    """
    Tells once of each thing that was put right, until the broker was seen to act on it.

    Drift, a difference that no change of the table explains, is somebody's doing, and an operator wants to know.
    """

    def __init__(self) -> None:
        self.is_drift = False
        self._done: set[tuple[str, str]] = set()

    def __call__(self, what: str, about: str) -> None:
        if (what, about) not in self._done:
            self._done.add((what, about))
            level, drift = (logging.WARNING, "drift: ") if self.is_drift else (logging.DEBUG, "")
            logger.log(level, "%s%s: %s", drift, what, about)
