"""
Mails what subscriptions by mail are to be told: takes on what is due, hands it to the relay, writes down its answer.

Nothing is taken on while the relay is away, so that an outage of ours is nobody's failure and no try. What is urgent
has sessions of its own: it waits behind nothing else. What is not, and is due at once for one subscription, comes in
one mail.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING

from hub import errands, mails, tending
from hub.carrying import End
from hub.errands import Carrier
from hub.errors import Unavailable
from hub.mail_ends import ends_of
from hub.picture import Picture, Stale
from hub.store import claims, connect, deliveries, listening, subscriptions
from hub.store.claims import Reach
from hub.subscribing import PARTS, Channel
from hub.workers.naps import nap
from hub.workers.relaying import RelayAway

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from hub.errands import Errand
    from hub.limits import Limits
    from hub.mails import Letterhead
    from hub.store import Connection
    from hub.workers.mail_budget import Budget
    from hub.workers.relaying import Relay

logger = logging.getLogger(__name__)

LOOK_S = 1.0  # how late something is seen that nobody notified of
HOLD_S = 10.0  # what is not sent so long after it was taken on is given back: the lease is 30 s
CHECK_S = 1.0  # how old the answer may be that something may still be told
REST_S = 5.0  # while the relay is away
MOST_URGENT, MOST_ROUTINE = 64, 1000  # deliveries taken on at once: a digest has many


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailer:
    """What the worker is given. `sessions` are those for what is urgent, beside one for the rest."""

    database_url: str
    node: str
    limits: Limits
    letterhead: Letterhead
    envelope_sender: str
    relay: Callable[[], Relay]
    budget: Budget
    sessions: int
    now: Callable[[], datetime]


def run(mailer: Mailer, stopping: Callable[[], bool]) -> None:
    """Mail until told to stop; a lost database and a relay that is away are waited for."""
    lanes = [_Lane(mailer, is_urgent=True) for _ in range(mailer.sessions)]
    lanes.append(_Lane(mailer, is_urgent=False))
    threads = [threading.Thread(target=lane.run, args=(stopping,), name="lane", daemon=True) for lane in lanes]
    for thread in threads:
        thread.start()
    while not stopping() and all(thread.is_alive() for thread in threads):
        time.sleep(LOOK_S / 4)
    for thread in threads:
        thread.join(2 * HOLD_S)
    if not stopping():
        raise RuntimeError("a lane has ended")  # its own words are in the log; whoever started us starts us again


@dataclass(slots=True)
class _Lane:
    """One session with the relay and one connection to the database."""

    mailer: Mailer
    is_urgent: bool
    carrier: Carrier = field(init=False)
    relay: Relay = field(init=False)

    def __post_init__(self) -> None:
        self.carrier = Carrier((self.mailer.node, "mailer"), Picture.unread(self.mailer.limits))
        self.relay = self.mailer.relay()

    def run(self, stopping: Callable[[], bool]) -> None:
        while not stopping():
            try:
                with connect(self.mailer.database_url, name="puente-mailer") as conn:
                    listening.listen(conn, deliveries.DUE)
                    while not stopping():
                        if not self._round(conn, stopping):
                            self.relay.leave()
                            listening.wait(conn, most_s=LOOK_S)
            except Unavailable as error:
                logger.warning("mailer waits: %s", type(error.__cause__).__name__)
                time.sleep(LOOK_S)
            except RelayAway as away:
                logger.warning("the relay takes no mails: %s", away.code)
                nap(REST_S, stopping)
        self.relay.leave()

    def _reach(self) -> Reach:
        busy = () if self.is_urgent else self.mailer.budget.spent()
        most = MOST_URGENT if self.is_urgent else MOST_ROUTINE
        return Reach(channel=Channel.EMAIL, parts=range(PARTS), most=most, each=most, busy=busy, urgent=self.is_urgent)

    def _round(self, conn: Connection, stopping: Callable[[], bool]) -> bool:
        """Send what is due now; whether there was any. Raises `RelayAway`: what was taken on is given back."""
        mailer, reach = self.mailer, self._reach()
        if not claims.waits(conn, reach, mailer.now()):
            return False
        self.relay.ready()
        began_s = time.monotonic()
        try:
            found = errands.take(conn, self.carrier, reach, mailer.now())
        except Stale:
            self.carrier.picture.refresh(conn)
            return True
        self._send(conn, found, began_s, stopping)
        return bool(found)

    def _send(self, conn: Connection, found: Sequence[Errand], began_s: float, stopping: Callable[[], bool]) -> None:
        """One mail after the other; what it does not come to is given back, and that was no try."""
        waiting, checked_s = deque(self._grouped(found)), began_s
        back: list[Errand] = []
        try:
            while waiting and not stopping() and time.monotonic() - began_s < HOLD_S:
                if time.monotonic() - checked_s > CHECK_S:
                    self._drop_over(conn, waiting)
                    checked_s = time.monotonic()
                    if not waiting:
                        break
                fits = self.mailer.budget.spend(waiting[0][0].subscription.agency)
                if not fits and not self.is_urgent:
                    back += waiting.popleft()
                    continue
                self._carry(conn, waiting[0])
                waiting.popleft()
        finally:
            back += [each for group in waiting for each in group]
            if back:
                claims.put_back(conn, [each.claim.no for each in back], self.mailer.now())

    def _grouped(self, found: Sequence[Errand]) -> Iterator[list[Errand]]:
        """What goes into one mail: what is urgent comes by itself, until its agency gets so much that it is joined."""
        spent = self.mailer.budget.spent()

        def key(one: Errand) -> tuple[str, str, int]:
            is_alone = self.is_urgent and one.subscription.agency not in spent
            return str(one.subscription.id), one.claim.kind, one.claim.no if is_alone else 0

        ordered = sorted(found, key=lambda one: (*key(one), one.claim.seq or 0, one.claim.no))
        groups = [list(group) for _, group in groupby(ordered, key=key)]
        yield from sorted(groups, key=lambda group: min(one.claim.no for one in group))

    def _drop_over(self, conn: Connection, waiting: deque[list[Errand]]) -> None:
        """What may be told no more, since its alert has ended or a right has, while it waited for its turn here."""
        mailer, held = self.mailer, [each for group in waiting for each in group]
        try:
            over = errands.over(conn, self.carrier.picture, held, mailer.now())
        except Stale:
            self.carrier.picture.refresh(conn)
            over = errands.over(conn, self.carrier.picture, held, mailer.now())
        ends = [
            End(no=each.claim.no, subscription=each.subscription.id, state=state, code=state)
            for each in held
            if (state := over.get(each.claim.no)) is not None
        ]
        tending.finish(conn, mailer.node, ends, mailer.now())
        left = [[each for each in group if each.claim.no not in over] for group in waiting]
        waiting.clear()
        waiting.extend(group for group in left if group)

    def _carry(self, conn: Connection, group: Sequence[Errand]) -> None:
        mailer, at = self.mailer, self.mailer.now()
        reply = self.relay.send(mails.compose(mailer.letterhead, group, at), mailer.envelope_sender)
        bounced_at = None
        if reply.is_bounce:
            found = subscriptions.one(conn, group[0].subscription.id)
            bounced_at = None if found is None else found[1].bounced_at
        chance = random.random()  # noqa: S311 - no secret
        ends = ends_of(group, reply, at, bounced_at=bounced_at, chance=chance)
        tending.finish(conn, mailer.node, ends, at)
