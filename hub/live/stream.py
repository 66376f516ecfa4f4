"""
One open stream, in the form of server-sent events (WHATWG HTML, section 9.2).

A message without a name is an event: its data is the item that the feed has for it, in one line, and its id the feed's
cursor behind it. Three messages have names, and JSON with a `reason` as data: `begin`, the first one; `gap`, when
events have been given up since the reader's cursor; and `end`, before the stream is closed on purpose. No message is
without data, and no comment is followed by an empty line, since clients exist that take either for a message. Comments
say only that the connection is there.

Nothing waits here: what is written goes to the transport, whose buffer is the stream's queue. Who lets it grow over the
limit is closed, and goes on behind the last id it got.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import orjson

from hub.live import metrics
from hub.live.audience import REVOKED, Listener
from hub.live.telling import chunk, unchunked

if TYPE_CHECKING:
    from hub.filters import Filter
    from hub.tokens import Claims

RETRY_MS = 3000
COMMENT = b":\n"
PATIENCE_S = 3.0  # for what is unsent when a stream ends


class Stream(Listener):
    """An open stream; `ended` is why it is closed, once it is. Its handler waits for `woken` and does what is to do."""

    __slots__ = ("_is_chunked", "_transport", "ended", "ended_s", "is_outdated", "most_bytes", "spoke_s", "woken")

    def __init__(
        self,
        claims: Claims,
        wanted: Filter,
        seen: int,
        transport: asyncio.Transport,
        *,
        is_chunked: bool,
        most_bytes: int,
    ) -> None:
        super().__init__(claims, wanted, seen)
        self._transport = transport
        self._is_chunked = is_chunked
        self.most_bytes = most_bytes
        self.woken: asyncio.Future[None] | None = None
        self.ended: str | None = None
        self.is_outdated = False
        self.ended_s = 0.0
        self.spoke_s = time.monotonic()
        self.due_s = 0.0

    @property
    def unsent_bytes(self) -> int:
        """In this process; what the kernel has is on its way."""
        return self._transport.get_write_buffer_size()

    def take(self, position: int, text: bytes, at_s: float) -> bool:
        """
        Send it, unless it was sent; False: too much is unsent.

        What is done here is done for each reader of each event, so it calls nothing that it need not.
        """
        if self.ended is not None or position <= self.seen:
            return True
        transport = self._transport
        unsent = transport.get_write_buffer_size()
        if unsent and unsent + len(text) > self.most_bytes:
            return False
        self.seen = position
        if not transport.is_closing():
            self.spoke_s = at_s
            transport.write(text if self._is_chunked else unchunked(text))
        return True

    def say(self, name: str, reason: str, cursor: str) -> None:
        """A message with a name; who comes back after it goes on behind `cursor`."""
        data = orjson.dumps({"reason": reason}).decode()
        self.send(f"id: {cursor}\nevent: {name}\nretry: {RETRY_MS}\ndata: {data}\n\n".encode())

    def send(self, text: bytes) -> None:
        """Anything else."""
        if not self._transport.is_closing():
            self.spoke_s = time.monotonic()
            self._transport.write(chunk(text) if self._is_chunked else text)

    def fall_behind(self) -> None:
        """Its handler reads on."""
        self._wake()

    def end(self, reason: str) -> None:
        """Its handler says so and closes it; what is unsent has a little while."""
        if self.ended is None:
            self.ended = reason
            self.ended_s = time.monotonic()
            self.due_s = 0.0
            metrics.CLOSED.labels(reason).inc()
            self._wake()

    def reconsider(self) -> None:
        """What is unsent was decided on rules that are no more: it goes with the connection, or with its page."""
        self.is_outdated = True
        if self.unsent_bytes:
            self.abort(REVOKED)

    def abort(self, reason: str) -> None:
        """End it without a word; nothing more leaves."""
        self.end(reason)
        self._transport.abort()

    def beat(self, now_s: float, heartbeat_s: int) -> None:
        """A comment after so many seconds of silence; and no end of waiting for who has been told that it is over."""
        if self.ended is not None:
            if now_s - self.ended_s > PATIENCE_S:
                self._transport.abort()
            return
        if now_s - self.spoke_s >= heartbeat_s and not self.unsent_bytes:
            self.send(COMMENT)
        self.due_s = self.spoke_s + heartbeat_s

    def _wake(self) -> None:
        if self.woken is not None and not self.woken.done():
            self.woken.set_result(None)
