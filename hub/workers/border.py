"""Sends what is released to each trusted node: a thread a peer, one leader a peer, the log as the queue.

Whatever the outage, at most a window of envelopes is made ahead; the rest waits in the log where it is anyway. A peer
that is removed is left within a second, one that comes is served within a second.
"""

from __future__ import annotations

import logging
import random
import threading
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hub import departures, peers, rollover
from hub.border.batch import MOST_SENT_BYTES
from hub.departures import Sender
from hub.errors import Unavailable
from hub.picture import Picture
from hub.store import connect, listening, log, receipts
from hub.store import peers as stored
from hub.workers.courier import Courier, Undelivered, Waybill
from hub.workers.naps import nap
from hub.workers.tls import context_for

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from hub.border_keys import Signer
    from hub.limits import Limits
    from hub.store import Connection
    from hub.store.peers import Peer
    from hub.workers.tls import ClientCertificate

logger = logging.getLogger(__name__)

LEASE_MS = 3000
LOOK_S = 0.5  # how often peers are looked at, and leases renewed; a third of what would make a lease run out
POLL_S = 0.2  # what is not notified of (a grant that begins, a read that got its leaf) goes so much later at most
BEAT_S = 5.0  # an empty batch says that we are here
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 15.0
ENDING_S = 1.5
# What only operators can mend, on both sides: one that has not stopped would follow a stream that is over.
ENDS = {
    "fork": "it holds other envelopes under numbers that we give anew",
    "stopped": "it has stopped over there, until an operator begins again",
    "stream": "it follows another stream of ours than the one that goes on here",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Border:
    """What the worker is given. `window` and `batch` count envelopes."""

    database_url: str
    node: str
    limits: Limits
    signer: Signer
    anchor: Callable[[datetime], rollover.OwnAnchor]
    client: ClientCertificate | None
    window: int
    batch: int
    now: Callable[[], datetime]


class Backoff:
    """How long to leave the other side alone: longer after each failure, and never all at once (full jitter)."""

    def __init__(self) -> None:
        self._most_s = FIRST_PAUSE_S

    def next_s(self) -> float:
        """Up to twice as long as the last time."""
        pause_s = random.uniform(0, self._most_s)  # noqa: S311 - no secret
        self._most_s = min(2 * self._most_s, LONGEST_PAUSE_S)
        return pause_s

    def reset(self) -> None:
        """It answered."""
        self._most_s = FIRST_PAUSE_S


def run(border: Border, stopping: Callable[[], bool]) -> None:
    """Serve every open peer until told to stop; a lost database is waited for."""
    me = uuid.uuid4()
    ways: dict[str, _Way] = {}
    told_of: set[str] = set()
    try:
        while not stopping():
            try:
                with connect(border.database_url, name="puente-border") as conn:
                    while not stopping():
                        _tend(border, conn, me, ways, told_of)
                        nap(LOOK_S, stopping)
            except Unavailable as error:
                logger.warning("border waits: %s", type(error.__cause__).__name__)
                nap(LOOK_S, stopping)
    finally:
        _end(border, ways)


def _tend(border: Border, conn: Connection, me: uuid.UUID, ways: dict[str, _Way], told_of: set[str]) -> None:
    """Begin what is new, end what is gone, renew what is led."""
    found = {peer.node: peer for peer in stored.all_peers(conn)}
    for node, peer in found.items():
        if peer.state != "stopped":
            told_of.discard(node)
        elif node not in told_of:
            told_of.add(node)
            logger.error("crossing to %s is stopped: %s; `puente peer resume %s` begins again", node, peer.reason, node)
    for node, way in list(ways.items()):
        if not way.is_of(found.get(node)) or not way.thread.is_alive():
            way.told.set()
            del ways[node]
    for node, peer in found.items():
        if peer.state == "open" and node not in ways:
            ways[node] = _Way(border, peer, me)
    for way in ways.values():
        leader = way.leader
        if leader is not None:
            try:
                log.move_lease(conn, leader, position=0, lease_ms=LEASE_MS)
            except log.Deposed:
                way.depose(leader)


def _end(border: Border, ways: dict[str, _Way]) -> None:
    for way in ways.values():
        way.told.set()
    until_s = time.monotonic() + ENDING_S
    for way in ways.values():
        way.thread.join(max(0.0, until_s - time.monotonic()))
    with suppress(Unavailable), connect(border.database_url, name="puente-border") as conn:
        for node, way in ways.items():
            log.drop_lease(conn, stored.lease_of(node), way.holder)


class _Way:
    """What is sent to one peer, in a thread. `leader` is set while it leads."""

    def __init__(self, border: Border, peer: Peer, me: uuid.UUID) -> None:
        self.border = border
        self.peer = peer
        self.holder = uuid.uuid5(me, peer.url)
        self.told = threading.Event()
        self.leader: log.Leader | None = None
        self.thread = threading.Thread(target=self._run, name=f"border-{peer.node}", daemon=True)
        self.thread.start()

    def is_of(self, peer: Peer | None) -> bool:
        """Whether this is still how that peer is to be served."""
        served = (self.peer.url, self.peer.authority, "open")
        return peer is not None and (peer.url, peer.authority, peer.state) == served

    def depose(self, leader: log.Leader) -> None:
        """Another leads, unless it has been taken back meanwhile."""
        if self.leader == leader:
            self.leader = None

    def _run(self) -> None:
        while not self.told.is_set():
            try:
                with connect(self.border.database_url, name=f"puente-border-{self.peer.node}") as conn:
                    self._take_part(conn)
            except Unavailable as error:
                logger.warning("border to %s waits: %s", self.peer.node, type(error.__cause__).__name__)
            except Exception as error:  # nobody else would hear of it, and its words may repeat a value
                logger.error("border to %s fails: %s", self.peer.node, type(error).__name__)
            self.leader = None
            self.told.wait(LOOK_S)

    def _take_part(self, conn: Connection) -> None:
        name = stored.lease_of(self.peer.node)
        while not self.told.is_set():
            led = log.take_lease(conn, name, self.holder, lease_ms=LEASE_MS)
            if led is None:
                self.told.wait(LOOK_S)
                continue
            self.leader = leader = led[0]
            logger.info("leads the border to %s with fence %d", self.peer.node, leader.fence)
            try:
                context = context_for(self.peer.authority, self.border.client)
                with Courier(self.peer.url, context) as courier:
                    Round(self.border, self.peer, conn, courier).go_on(self._stopping)
            finally:
                log.drop_lease(conn, name, self.holder)

    def _stopping(self) -> bool:
        return self.told.is_set() or self.leader is None


@dataclass(slots=True)
class _Sign:
    """Signs for one peer, with a key that it knows."""

    signer: Signer
    known: frozenset[str]

    def __call__(self, payload: Mapping[str, Any], typ: str) -> str:
        return self.signer.sign_for(self.known, payload, typ)


class Round:
    """Build, post, settle, over one connection to the database and one to the peer."""

    def __init__(self, border: Border, peer: Peer, conn: Connection, courier: Courier) -> None:
        self.border, self.peer, self.conn, self.courier = border, peer, conn, courier
        self.sign = _Sign(border.signer, stored.known_kids(conn, peer.node))
        self.sender = Sender(node=border.node, picture=Picture.unread(border.limits), sign=self.sign)
        self.told_of = b""  # by digest, our keys as the peer was last told of them
        self.sent_s = 0.0

    def go_on(self, stopping: Callable[[], bool]) -> None:
        """Send what there is, as soon as it is there, until told to stop."""
        backoff = Backoff()
        for channel in ("log", "directory"):
            listening.listen(self.conn, channel)
        while not stopping():
            try:
                is_more = self.once()
            except Undelivered as failure:
                self._failed(failure.code)
                nap(backoff.next_s(), stopping)
                continue
            if is_more is None:
                listening.wait(self.conn, most_s=POLL_S)
            else:
                backoff.reset()

    def once(self) -> int | None:
        """
        One batch, or an empty one when none was sent for a while: how many envelopes; None when nothing was due.

        Raises:
            Undelivered: it was not taken.
        """
        conn, node, at = self.conn, self.peer.node, self.border.now()
        way = stored.crossing(conn, node)
        assert way is not None  # noqa: S101 - it is made with the peer
        room = self.border.window - (way.out_seq - way.receipted)
        if room > 0:
            self._tell_keys(at)
            departures.build(conn, self.sender, node, at, most=room)
        waiting = departures.waiting(conn, node, most=self.border.batch, most_bytes=MOST_SENT_BYTES)
        if not waiting and time.monotonic() - self.sent_s < BEAT_S:
            return None
        rules = self.sender.picture.view.rules
        bill = Waybill(
            origin=self.border.node,
            destination=node,
            stream=waiting[0].head.stream if waiting else way.stream,
            first=waiting[0].head.seq if waiting else way.receipted + 1,
            placed=receipts.placed(conn, node),
            policy=rules.version,
            rules=rules.directory.version,
            at=at,
        )
        delivered = self.courier.deliver(bill, waiting, self.sign, stored.keys_of(conn, node))
        answered = self.border.now()
        departures.settle(conn, node, delivered.receipt, delivered.signed, answered)
        stored.note_sent(conn, node, answered)
        if rollover.note_taken(conn, node, waiting, delivered.receipt):
            self.sign.known = stored.known_kids(conn, node)
        self.sent_s = time.monotonic()
        return len(waiting)

    def _tell_keys(self, at: datetime) -> None:
        own = self.border.anchor(at)
        if own.digest != self.told_of:
            rollover.tell_keys(self.conn, self.sender, self.peer.node, own, at)
            self.told_of = own.digest

    def _failed(self, code: str) -> None:
        conn, node = self.conn, self.peer.node
        stored.note_failure(conn, node, code, self.border.now())
        if self._ends(code) and peers.stop(conn, self.border.node, node, code):
            logger.error("crossing to %s is stopped: %s", node, ENDS[code])

    def _ends(self, code: str) -> bool:
        """Whether nothing more is to be sent; one that has begun again waits for the other side to do so as well."""
        way = stored.crossing(self.conn, self.peer.node)
        has_begun_again = way is not None and way.receipted == 0
        return code in ENDS and not (code == "stopped" and has_begun_again)
