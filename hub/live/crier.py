"""
The live loop: one look at the log for everybody who listens, when something has come, and each half second.

A thread of its own waits for the database and looks; only what touches listeners runs in the event loop. A look proves
in the transaction that puts it on record that the rules it rests on are the present ones, and only then is anything
sent. When the rules change, every listener is looked at again before anything else is.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from hub.entrance import joined
from hub.errors import Unavailable
from hub.live import metrics
from hub.live.audience import REVOKED, SLOW
from hub.live.telling import Listening, Teller
from hub.picture import Stale
from hub.problems import without_words
from hub.store import coming, connect, listening

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence
    from types import TracebackType
    from typing import Any

    from hub.live.audience import Audience, Listener
    from hub.live.parts import Parts
    from hub.live.telling import Told
    from hub.picture import View
    from hub.store import Connection
    from hub.store.coming import Edges

    T = TypeVar("T")

logger = logging.getLogger(__name__)

ENDING_S = 2.0
LOOK_S = 0.5  # a notification may be lost
AGAIN_S = 0.002  # what was being changed when it was looked at will be there soon
FRESH_S = 1.5  # what was decided is not sent later than so
TRIES = 3  # to prove it in time; then each reads for itself
CHUNK = 200  # listeners between which the event loop gets its turn
MOST_ROWS = 500
MOST_LINES = 50_000  # made at once: rows by groups


class Crier:
    """
    Tells the audience. `oldest`: the lowest position that the log still has; 0 before the first look.

    `broken` is set when it could not go on. To be used as an asynchronous context manager in the listeners' event loop.
    """

    def __init__(self, parts: Parts, audience: Audience) -> None:
        self._parts = parts
        self._audience = audience
        self._teller = Teller(parts.node, parts.cursors)
        self._stopping = threading.Event()
        self._ends = os.pipe()
        for end in self._ends:
            os.set_blocking(end, False)
        self._thread = threading.Thread(target=self._run, name="crier", daemon=True)
        self._view: View | None = None
        self.broken: asyncio.Event = asyncio.Event()
        self._waiting: deque[asyncio.Future[None]] = deque()
        self.has_looked = False
        self.oldest = 0

    async def __aenter__(self) -> Crier:
        self._loop = asyncio.get_running_loop()
        self._thread.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self.look()
        await asyncio.to_thread(self._thread.join, ENDING_S)
        if not self._thread.is_alive():  # else it waits for a database that is silent, and ends with the process
            for end in self._ends:
                os.close(end)

    async def looked(self) -> None:
        """
        Returns after a look that begins now.

        Raises:
            Unavailable: the database does not answer.
        """
        waiting = self._loop.create_future()
        self._waiting.append(waiting)
        self.look()
        try:
            await asyncio.wait_for(waiting, FRESH_S)
        except TimeoutError:
            raise Unavailable from None

    def look(self) -> None:
        """Look at once: somebody has joined who has not seen everything yet."""
        with suppress(BlockingIOError):  # it is full of the same wish
            os.write(self._ends[1], b"!")

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                with connect(self._parts.database_url, name="puente-stream") as conn:
                    for channel in ("log", "directory"):
                        listening.listen(conn, channel)
                    while not self._stopping.is_set():
                        self._turn(conn)
                        listening.wait_or(conn, self._ends[0], most_s=LOOK_S)
                        self._drain()
            except Unavailable as error:
                logger.warning("streams wait: %s", type(error.__cause__).__name__)
                self._stopping.wait(LOOK_S)
            except Exception as error:  # without it nobody would be told anything any more, and nobody would know
                logger.error("unforeseen %s", type(error).__name__, exc_info=without_words(error))
                self._loop.call_soon_threadsafe(self.broken.set)
                return

    def _drain(self) -> None:
        """Forget for what it was woken."""
        with suppress(BlockingIOError):
            os.read(self._ends[0], 4096)

    def _in_loop(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def _turn(self, conn: Connection) -> None:
        """Tell of everything that there is now."""
        view = self._present(conn)
        waiting = [self._waiting.popleft() for _ in range(len(self._waiting))]
        edges = coming.edges(conn)
        while not self._stopping.is_set():
            heard = self._in_loop(self._listening(edges, waiting))
            if not heard:
                return
            limit = max(1, min(MOST_ROWS, MOST_LINES // len(heard)))
            rows = coming.coming(conn, after=min(one.since for one in heard), limit=limit)
            if not rows:
                self._in_loop(self._settle(heard, self._audience.known))
                return
            try:
                told = self._teller.tell(conn, view, rows, heard, self._parts.now())
            except Stale:
                self._stopping.wait(AGAIN_S)
                view = self._present(conn)
                continue
            self._send(conn, view, told, heard)
            if len(rows) < limit:
                return

    def _looked(self, edges: Edges, waiting: list[asyncio.Future[None]]) -> None:
        if not self.has_looked:
            self._audience.known = edges.newest
        self.oldest = edges.oldest
        self.has_looked = True
        while waiting:
            one = waiting.pop()
            if not one.done():
                one.set_result(None)

    def _present(self, conn: Connection) -> View:
        """The rules as they are, for this round: another thread may read newer ones, which nobody was looked at by."""
        view = self._parts.picture.present(conn)
        if self._view is None or view.rules is not self._view.rules:
            self._in_loop(self._reconsider())
        self._view = view
        return view

    async def _listening(self, edges: Edges, waiting: list[asyncio.Future[None]]) -> list[Listening]:
        """Who is to be told in this round; who joins later is of the next one. Who waits for a look has had it."""
        self._looked(edges, waiting)
        groups = self._audience.groups()
        if not groups:
            self._audience.known = max(self._audience.known, edges.newest)
        return [Listening(group, group.begin(self._audience.known)) for group in groups]

    def _send(self, conn: Connection, view: View, told: Told, heard: list[Listening]) -> None:
        """Give it to everybody; where that takes so long that it may no longer hold, prove it anew before going on."""
        for _ in range(TRIES):
            if self._in_loop(self._deliver(told)):
                break
            began_s = time.monotonic()
            if self._present(conn).rules is not view.rules:
                break
            told.proved_s = began_s
        self._in_loop(self._close(told, heard))

    async def _deliver(self, told: Told) -> bool:
        """Give out its lines, as long as they hold; whether that was all of them."""
        since = 0
        while told.lines:
            group, line = told.lines[0]
            text, hearers = line.joined(), told.hearers or group.hearers(line.position, self._audience.known)
            for first in range(0, len(hearers), CHUNK):
                at_s, some = time.monotonic(), hearers[first : first + CHUNK]
                if at_s - told.proved_s > FRESH_S:
                    told.hearers = hearers[first:]
                    return False
                metrics.EVENTS.inc(self._tell(some, line.position, text, at_s))
                since += len(some)
                if since >= CHUNK:
                    since = 0
                    await asyncio.sleep(0)
            told.hearers = ()
            told.lines.popleft()
        return True

    def _tell(self, listeners: Sequence[Listener], position: int, text: bytes, at_s: float) -> int:
        """Give it to so few that the event loop can wait; how many took it."""
        refused = [listener for listener in listeners if not listener.take(position, text, at_s)]
        for listener in refused:
            self._audience.end(listener, SLOW)
        return len(listeners) - len(refused)

    async def _close(self, told: Told, heard: list[Listening]) -> None:
        """Who is to read for itself, and who has not been given it, does from here on; the others know all of it."""
        for group, line in told.lines:
            self._audience.fall_behind(group, line.position - 1)
        for group, position in told.behind.items():
            self._audience.fall_behind(group, position)
        await self._settle(heard, told.last)
        for accepted_at in told.accepted_at:
            metrics.SECONDS.observe((self._parts.now() - accepted_at).total_seconds())

    async def _settle(self, heard: list[Listening], last: int) -> None:
        """All of them know everything up to `last`."""
        self._audience.known = max(self._audience.known, last)
        for one in heard:
            one.group.settle(last, is_all=last >= self._audience.known)

    async def _reconsider(self) -> None:
        """The rules are others: who may not ask any more is ended, and everybody else is put where they belong now."""
        for count, listener in enumerate(tuple(self._audience.everybody), 1):
            listener.reconsider()
            asking = joined(listener.claims, self._parts.picture, self._parts.now())
            if asking is None:
                self._audience.end(listener, REVOKED)
            elif listener.group is not None and listener.group.principal != asking.principal:
                self._audience.move(listener, asking.principal)
            if count % CHUNK == 0:
                await asyncio.sleep(0)
