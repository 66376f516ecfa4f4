"""Routes of the stream process: `GET /v1/stream`, and `GET /v1/feed` with or without waiting."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from aiohttp import web
from aiohttp.http import HttpVersion11

from hub.asked import FeedQuery, StreamQuery
from hub.errors import Denied, NotAuthenticated, Unavailable
from hub.items import page as page_of
from hub.live import door, metrics
from hub.live.audience import EXPIRED, RESTARTING, REVOKED, SLOW, Audience
from hub.live.crier import FRESH_S, Crier
from hub.live.door import asked_for, claims_of
from hub.live.poll import Poll
from hub.live.reader import Read, Reader
from hub.live.stream import Stream
from hub.problems import HARDENED

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator

    from hub.live.audience import Listener
    from hub.live.parts import Parts

STREAM, FEED = StreamQuery(), FeedQuery()
# Proxies that buffer answers would keep a stream back (nginx reads the first of these).
HEADERS = {**HARDENED, "X-Accel-Buffering": "no"}
NEAR = 500  # positions behind: brought up by the live loop, for all at once, instead of reading alone
LOOK_S = 0.5
DRAIN_S = 0.02
ENDING_S = 2.0
TOO_OLD = "older-than-retained"


class Server:
    """Serves readers, as an asynchronous context manager in its event loop; `port` is where, once it does."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.audience = Audience(parts)
        self._crier = Crier(parts, self.audience)
        self._reader = Reader(parts)
        self.port = 0

    @asynccontextmanager
    async def serving(self, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
        """From here on; at the end, every stream is told that it may come back."""
        app = web.Application(middlewares=[door.door(self._parts)], client_max_size=1024)
        for path, handler in (("/v1/stream", self._stream), ("/v1/feed", self._feed)):
            app.router.add_route("GET", path, handler)
            app.router.add_route("HEAD", path, handler)
            app.router.add_route("OPTIONS", path, _options)
        runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=ENDING_S)
        await runner.setup()
        settings = self._parts.settings
        async with self._crier:
            watch = asyncio.create_task(self._watch())
            try:
                site = web.TCPSite(runner, settings.host, settings.port, ssl_context=tls, backlog=1024)
                await site.start()
                self.port = int(runner.addresses[0][1])
                yield self
            finally:
                self._end()
                await runner.cleanup()
                watch.cancel()
                with suppress(asyncio.CancelledError):
                    await watch
                self._reader.close()

    async def broken(self) -> None:
        """Returns when it cannot go on."""
        await self._crier.broken.wait()

    def _end(self) -> None:
        for listener in tuple(self.audience.everybody):
            self.audience.end(listener, RESTARTING)

    async def _watch(self) -> None:
        """Ends what has run out, and lets each stream be heard of now and then."""
        while True:
            await asyncio.sleep(LOOK_S)
            metrics.OPEN.set(len(self.audience.everybody))
            now_s, at = time.monotonic(), self._parts.now().timestamp()
            everybody = tuple(self.audience.everybody)  # most need nothing, so they are only asked, not called
            for first in range(0, len(everybody), 500):
                some = everybody[first : first + 500]
                for listener in [one for one in some if one.due_s <= now_s or one.claims.exp <= at]:
                    self._look_after(listener, now_s, at)
                await asyncio.sleep(0)

    def _look_after(self, listener: Listener, now_s: float, at: float) -> None:
        if listener.claims.exp <= at:
            self.audience.end(listener, EXPIRED)
        if isinstance(listener, Stream):
            listener.beat(now_s, self._parts.settings.heartbeat_s)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        asked = asked_for(request, STREAM)
        claims, wanted = claims_of(request), asked["wanted"]
        agency = await self._reader.admit(claims)
        with self.audience.place(agency):
            cursor = request.headers.get("Last-Event-ID") or asked["after"]
            if cursor is not None or not self._crier.has_looked:
                await self._crier.looked()
            known = self.audience.known
            after = known if cursor is None else self._parts.cursors.open(cursor, agency, wanted.status)
            response = web.StreamResponse(headers={**HEADERS, "Content-Type": "text/event-stream"})
            response.force_close()
            await response.prepare(request)
            transport = request.transport
            if request.method == "HEAD" or transport is None:
                return response
            settings = self._parts.settings
            stream = Stream(
                claims,
                wanted,
                after,
                transport,
                is_chunked=request.version >= HttpVersion11,
                most_bytes=settings.queue_kb * 1024,
            )
            self._greet(stream, agency, cursor)
            self.audience.everybody.add(stream)
            try:
                await self._serve(stream)
                stream.say("end", stream.ended or "", self._here(stream, agency))
            finally:
                self.audience.everybody.discard(stream)
                self.audience.leave(stream)
        return response

    def _greet(self, stream: Stream, agency: str, cursor: str | None) -> None:
        """Where to go on from, even if nothing comes; and whether something has been given up since, before that."""
        here = cursor or self._here(stream, agency)
        stream.say("begin", "resumed" if cursor else "new", here)
        if 0 < stream.seen < self._crier.oldest - 1:
            stream.seen = self._crier.oldest - 1
            stream.say("gap", TOO_OLD, self._here(stream, agency))

    def _here(self, stream: Stream, agency: str) -> str:
        """A cursor behind what it has seen, so that nothing up to there has to be looked through again."""
        return self._parts.cursors.seal_blind(stream.seen, agency, stream.wanted.status)

    async def _serve(self, stream: Stream) -> None:
        """Until it ends: read what it has missed, then listen; and again whenever it must read for itself."""
        must_read = stream.seen < self.audience.known - NEAR
        while stream.ended is None:
            if must_read and not await self._catch_up(stream):
                return
            stream.woken = asyncio.get_running_loop().create_future()
            if not self.audience.join(stream):
                self.audience.end(stream, REVOKED)
                return
            if stream.seen < self.audience.known:
                self._crier.look()
            await stream.woken
            stream.woken = None
            must_read = True

    async def _catch_up(self, stream: Stream) -> bool:
        """Send what the feed holds behind what it has seen, page by page; whether it is there."""
        while stream.ended is None:
            known = self.audience.known
            stream.is_outdated = False
            try:
                read = await self._reader.lines(stream.claims, stream.wanted, stream.seen)
            except (NotAuthenticated, Denied):
                self.audience.end(stream, REVOKED)
                return False
            except Unavailable:
                await asyncio.sleep(LOOK_S)
                continue
            if not await self._send(stream, read):
                continue
            stream.seen = max(stream.seen, read.position)
            if not read.more:
                stream.seen = max(stream.seen, known)
                return True
        return False

    async def _send(self, stream: Stream, read: Read) -> bool:
        """
        Send a page, no faster than it is taken; whether all of it was sent.

        Else the stream has ended, and goes on behind what it got; or the rest is too old by now, and is read anew.
        """
        for line in read.lines:
            if stream.ended is not None or stream.is_outdated or time.monotonic() - read.began_s > FRESH_S:
                return False
            if not stream.take(line.position, line.joined(), time.monotonic()):
                self.audience.end(stream, SLOW)
                return False
            metrics.EVENTS.inc()
            while stream.ended is None and stream.unsent_bytes > stream.most_bytes // 2:
                await asyncio.sleep(DRAIN_S)
        return stream.ended is None

    async def _feed(self, request: web.Request) -> web.StreamResponse:
        asked = asked_for(request, FEED)
        claims, wanted, after = claims_of(request), asked["wanted"], asked["after"]
        agency = await self._reader.admit(claims)
        position = self._parts.cursors.open(after, agency, wanted.status)
        if not self._crier.has_looked:
            await self._crier.looked()
        if request.method == "HEAD":
            return web.Response(headers={**HEADERS, "Content-Type": "application/json"})
        with self.audience.place(agency):
            until_s = time.monotonic() + asked["wait"]
            while True:
                known = self.audience.known
                found = await self._reader.page(claims, wanted, position, asked["limit"])
                left_s = until_s - time.monotonic()
                if found.has_some or found.more or left_s <= 0:
                    break
                if not await self._wait(Poll(claims, wanted, max(found.position, known)), left_s):
                    break
        has_moved = found.position != position or not after
        following = self._parts.cursors.seal(found.position, agency, wanted.status) if has_moved else after
        text = page_of(found.events, following, more=found.more)
        return web.Response(text=text, content_type="application/json", headers=HEADERS)

    async def _wait(self, poll: Poll, most_s: float) -> bool:
        """Whether something has happened that is worth reading again for."""
        self.audience.everybody.add(poll)
        try:
            if not self.audience.join(poll):
                return True
            if poll.seen < self.audience.known:
                self._crier.look()
            return await poll.wait(most_s) and not poll.is_over
        finally:
            self.audience.everybody.discard(poll)
            self.audience.leave(poll)


async def _options(_request: web.Request) -> web.StreamResponse:
    return web.Response(headers={**HEADERS, "Allow": door.ALLOWED})
