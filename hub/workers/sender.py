"""
Posts webhooks: takes on what is due, signs it, posts it, and writes down what became of it.

The queue is in PostgreSQL and everything about it is decided there; this keeps as many posts under way as it may. One
thread speaks to the database, one listens to it. When an alert ends or rights change, what is still on its way is asked
about once more, and what may not go on is called back.
"""

from __future__ import annotations

import asyncio
import logging
import random
import threading
import time
from collections import Counter, deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import uvloop

from hub import errands, tending, webhooks
from hub.carrying import End, end_of
from hub.errands import Carrier
from hub.errors import Unavailable
from hub.picture import Stale
from hub.store import claims, connect, deliveries, listening
from hub.store.claims import Reach
from hub.subscribing import Channel
from hub.workers.posting import Poster

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

    from hub.errands import Errand
    from hub.picture import Picture
    from hub.store import Connection
    from hub.webhooks import Signer

logger = logging.getLogger(__name__)

EACH = 16  # posts under way to one agency, so that none takes up all there are
SLOW = 2  # to one that has let us wait
SLOW_S = 3.0  # longer than this is slow
DEFERRED = timedelta(seconds=5)  # what waits for a slow one is not even looked at
IDLE_S = 0.25  # how late something is seen that nobody notified of: what failed and is due again
ROUND_S = 0.005  # what ends within so long is written down together
RETRY_S = 1.0
ENDING_S = 2.0
ROTATION_S = 24 * 3600  # how long the earlier secrets sign beside the new ones


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """What the worker is given. `gateway` is where receivers fetch; `parts` are those it has at the moment."""

    database_url: str
    node: str
    gateway: str
    picture: Picture
    signer: Signer
    poster: Callable[[], Poster]
    parts: Callable[[], Collection[int]]
    most: int
    now: Callable[[], datetime]


def run(sender: Sender, stopping: Callable[[], bool]) -> None:
    """Send until told to stop; a lost database is waited for."""
    carrier = Carrier((sender.node, "sender"), sender.picture)
    while not stopping():
        try:
            uvloop.run(_Round(sender, carrier).go_on(stopping))
        except Unavailable as error:
            logger.warning("sender waits: %s", type(error.__cause__).__name__)
            time.sleep(RETRY_S)


@dataclass(slots=True)
class _Round:
    """As long as one connection to the database holds."""

    sender: Sender
    carrier: Carrier
    under_way: dict[int, tuple[Errand, asyncio.Task[None]]] = field(default_factory=dict)
    ends: deque[End] = field(default_factory=deque)  # filled by the loop, emptied by the thread
    called_back: dict[int, str] = field(default_factory=dict)
    slow: set[str] = field(default_factory=set)
    defer_at_s: float = 0.0

    async def go_on(self, stopping: Callable[[], bool]) -> None:
        loop, wake, changed = asyncio.get_running_loop(), asyncio.Event(), threading.Event()
        told = threading.Event()
        ear = threading.Thread(target=_listen, args=(self.sender, loop, wake, changed, told), name="ear", daemon=True)
        with connect(self.sender.database_url, name="puente-sender") as conn, ThreadPoolExecutor(1, "store") as thread:
            ear.start()
            try:
                async with self.sender.poster() as poster:
                    while not stopping():
                        wake.clear()
                        found = await loop.run_in_executor(thread, self._look, conn, changed)
                        for errand in found:
                            task = asyncio.create_task(self._carry(poster, errand, wake))
                            self.under_way[errand.claim.no] = errand, task
                        await loop.run_in_executor(thread, self._tidy, conn)  # what is due does not wait for it
                        await self._pause(wake, is_more=bool(found))
                    await self._end()
                    self._finish(conn)
            finally:
                told.set()

    async def _end(self) -> None:
        """What is nearly there arrives; the rest is left to whoever comes next."""
        tasks = [task for _, task in self.under_way.values()]
        if tasks:
            _, left = await asyncio.wait(tasks, timeout=ENDING_S)
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    async def _pause(self, wake: asyncio.Event, *, is_more: bool) -> None:
        """Until something has come or ended; a moment in any case, so that what happens at once is done together."""
        await asyncio.sleep(ROUND_S)
        if is_more or self.ends:
            return
        try:
            async with asyncio.timeout(IDLE_S):
                await wake.wait()
        except TimeoutError:
            pass

    def _look(self, conn: Connection, changed: threading.Event) -> list[Errand]:
        """In the thread that speaks to the database: call back, take on more."""
        for _ in range(3):
            try:
                if changed.is_set():
                    changed.clear()
                    self._call_back(conn)
                return self._take(conn)
            except Stale:
                changed.set()
                self.sender.picture.refresh(conn)
        return []

    def _call_back(self, conn: Connection) -> None:
        carried = [errand for errand, _ in list(self.under_way.values())]
        if not carried:
            return
        over = errands.over(conn, self.sender.picture, carried, self.sender.now())
        for no, state in over.items():
            found = self.under_way.get(no)
            if found is not None:
                self.called_back[no] = state
                found[1].get_loop().call_soon_threadsafe(found[1].cancel)

    def _finish(self, conn: Connection) -> None:
        ends = [self.ends.popleft() for _ in range(len(self.ends))]
        if ends:
            tending.finish(conn, self.sender.node, ends, self.sender.now())

    def _reach(self) -> Reach:
        busy = Counter(errand.subscription.agency for errand, _ in list(self.under_way.values()))
        full = [agency for agency, many in busy.items() if many >= (SLOW if agency in self.slow else EACH)]
        room = max(0, self.sender.most - len(self.under_way))
        parts, slow = self.sender.parts(), tuple(self.slow)
        return Reach(channel=Channel.WEBHOOK, parts=parts, most=room, each=EACH, busy=full, slow=slow)

    def _take(self, conn: Connection) -> list[Errand]:
        reach = self._reach()
        return errands.take(conn, self.carrier, reach, self.sender.now()) if reach.most else []

    def _tidy(self, conn: Connection) -> None:
        """In the same thread: write down what has ended, put off what would be looked at in vain."""
        self._finish(conn)
        reach, at = self._reach(), self.sender.now()
        slow = [agency for agency in reach.busy if agency in self.slow]
        if slow and time.monotonic() >= self.defer_at_s:
            claims.defer(conn, reach, slow, at, at + DEFERRED)
            self.defer_at_s = time.monotonic() + DEFERRED.total_seconds() / 2

    async def _carry(self, poster: Poster, errand: Errand, wake: asyncio.Event) -> None:
        no, agency = errand.claim.no, errand.subscription.agency
        began_s = time.monotonic()
        try:
            headers, body = self._message(errand)
            outcome = await poster.post(errand.subscription.address, headers, body)
            chance = random.random()  # noqa: S311 - no secret
            self.ends.append(end_of(errand, outcome, self.sender.now(), chance))
            if time.monotonic() - began_s > SLOW_S:
                self.slow.add(agency)
            else:
                self.slow.discard(agency)
        except asyncio.CancelledError:
            state = self.called_back.pop(no, None)
            if state is not None:
                self.ends.append(End(no=no, subscription=errand.subscription.id, state=state, code=state))
            raise
        finally:
            self.called_back.pop(no, None)  # it may have ended before it heard
            del self.under_way[no]
            wake.set()

    def _message(self, errand: Errand) -> tuple[dict[str, str], bytes]:
        at, one = self.sender.now(), errand.subscription
        body = body_of(errand, self.sender.gateway, at)
        generations = [one.generation]
        if one.rotated_at is not None and (at - one.rotated_at).total_seconds() < ROTATION_S:
            generations.append(one.generation - 1)
        signed = self.sender.signer.sign(
            one.id, generations, webhook_id=id_of(errand), timestamp_s=int(at.timestamp()), body=body
        )
        return signed, body


def id_of(errand: Errand) -> str:
    """The message's own id, the same at each try: of an event by its number, which is given once."""
    claim = errand.claim
    return f"event_{claim.subscription.hex}_{claim.seq}" if claim.seq is not None else f"{claim.kind}_{claim.no}"


def body_of(errand: Errand, gateway: str, at: datetime) -> bytes:
    """What is posted; of an event no more than a pointer to it."""
    claim, one, pointer = errand.claim, errand.subscription, errand.pointer
    if claim.kind == "verification":
        return webhooks.verification(one.id, one.nonce.hex, at)
    if claim.kind == "heartbeat":
        return webhooks.heartbeat(one.id, claim.told, at)
    if pointer is None:
        return webhooks.announcement(one.id, claim.about or "", at)
    notice = webhooks.Notice(
        type=pointer.seen.type,
        at=claim.made_at,
        event=pointer.event,
        subscription=one.id,
        seq=pointer.seq,
        status=pointer.seen.status,
        urgent=claim.is_urgent,
        severity=pointer.seen.severity,
        gateway=gateway,
        escalation=step_of(claim.about),
        ack_required_by=errand.required_by,
    )
    return webhooks.payload(notice)


def step_of(about: str | None) -> int | None:
    """The step of a ladder that this is told at, if it is told once more."""
    code, _, step = (about or "").partition(":")
    return int(step) if code == "escalation" else None


def _listen(
    sender: Sender,
    loop: asyncio.AbstractEventLoop,
    wake: asyncio.Event,
    changed: threading.Event,
    told: threading.Event,
) -> None:
    """Wakes the sender; `changed` is set when what is on its way may be so no longer. It looks by itself meanwhile."""
    while not told.is_set():
        try:
            with connect(sender.database_url, name="puente-sender-ear") as conn:
                for channel in (deliveries.DUE, deliveries.ENDED, "directory"):
                    listening.listen(conn, channel)
                while not told.is_set():
                    heard = listening.heard(conn, most_s=IDLE_S)
                    if heard - {deliveries.DUE}:
                        changed.set()
                    if heard and not told.is_set():
                        loop.call_soon_threadsafe(wake.set)
        except Unavailable:
            told.wait(RETRY_S)
        except RuntimeError:  # the loop has ended meanwhile
            return
