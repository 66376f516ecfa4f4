"""
One connection of HTTP/1.1 to a receiver that may be hostile: one request at a time, and an answer that has bounds.

Once the head of an answer is there its status counts, wherever the body stops; but what breaks the rules of HTTP before
it is whole is no answer at all.
"""

from __future__ import annotations

import asyncio
import math
import ssl
from dataclasses import dataclass
from typing import cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

BODY_S = 2.0  # for the rest, once the head is there
BODY_BYTES = 16_384  # are kept; who sends more is cut off
HEAD_BYTES = 16_384  # of all that comes before the body, interim answers included
HEADER_BYTES = 4096  # of one header, and of what a status line says
HEADERS = 64
VERSIONS = ("1.1", "1.0")
SWITCHING = 101  # nothing of HTTP comes behind it; every other 1xx precedes the answer (RFC 9110 section 15.2)


class NotHttp(Exception):
    """What came is no answer by HTTP/1.0 or HTTP/1.1, or its head is too long."""


class Unanswered(ConnectionError):
    """The connection ended before the first byte of an answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What counts of an answer."""

    status: int  # 101, or 200 to 999
    retry_after: str | None  # the header as it came
    body: bytes  # how it begins, at most `BODY_BYTES`


class Wire(asyncio.Protocol):
    """
    Made by an event loop's `create_connection`. While `is_free` a request may follow; `ended` is done at the end.

    Whoever has it looks at `until`, on the event loop's clock, and calls `late` when that is past: a timer for each
    request would cost more than reading its answer.
    """

    def __init__(self) -> None:
        self.is_free = False
        self.until = math.inf
        self._loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[None] = self._loop.create_future()
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[Answer] | None = None
        self._status = 0

    async def ask(self, request: bytes, deadline: float) -> Answer:
        """
        Send a request and wait for its answer; `until` becomes `deadline`, or earlier once there is a status.

        However this ends, the connection is free afterwards, or closed.

        Raises:
            TimeoutError: `late` was called before the head of an answer was there.
            Unanswered: the connection ended without a word.
            ConnectionError: it ended in the middle of the head.
            ssl.SSLError: the receiver did not like our side of TLS.
            NotHttp: what came is no answer.
        """
        if self._transport is None or not self.is_free:
            raise Unanswered
        self.is_free = self._is_whole = self._is_cut = False
        self._came = self._status = 0
        self._body = bytearray()
        self.until = deadline
        self._answer = self._loop.create_future()
        self._transport.write(request)
        try:
            return await self._answer
        finally:
            self._answer = None
            if not self.is_free:
                self.abort()

    def abort(self) -> None:
        """Close the connection without a farewell, which a receiver could draw out."""
        self.is_free = False
        if self._transport is not None:
            self._transport.abort()

    def late(self) -> None:
        """There is no time left: the status counts if it is there, and a connection that rests is closed."""
        if self._status:
            self._settle()
        self._fail(TimeoutError())

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Be ready for a request."""
        self._transport = cast("asyncio.Transport", transport)
        self._parser = HttpResponseParser(self)
        # What receivers get wrong and everybody forgives; no other message depends on where this one ends.
        self._parser.set_dangerous_leniencies(
            lenient_headers=True, lenient_optional_cr_before_lf=True, lenient_spaces_after_chunk_size=True
        )
        self.is_free = True

    def connection_lost(self, exc: Exception | None) -> None:
        """Let nobody wait any longer; the end of a connection is the end of many a body."""
        if self._answer is None:
            self.is_free = False
        elif self._status:
            self._settle()
        elif isinstance(exc, ssl.SSLError):
            self._fail(exc)
        else:
            self._fail(ConnectionResetError() if self._came else Unanswered())
        self.is_free = False
        del self._parser  # each holds the other
        if not self.ended.done():
            self.ended.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Read on. What nobody asked for ends the connection."""
        if self._answer is None or self._answer.done():
            self.abort()
            return
        self._came += len(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            self._fail(NotHttp())  # behind a whole answer this closes the connection, and no more
            return
        if not self._status:
            if self._came > HEAD_BYTES:
                self._fail(NotHttp())
        elif self._is_cut:
            self._settle()
        elif not self._is_whole:
            self.until = min(self.until, self._loop.time() + BODY_S)

    def on_message_begin(self) -> None:
        """The answer begins, or an interim one, or something behind it that nobody asked for."""
        self._headers = self._reason_bytes = 0
        self._retry_after: bytes | None = None
        if self._is_whole:
            self.abort()

    def on_status(self, reason: bytes) -> None:
        """A part of what the status line says."""
        self._reason_bytes += len(reason)
        if self._reason_bytes > HEADER_BYTES:
            raise NotHttp

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header, of the head or behind the last chunk."""
        self._headers += 1
        if self._headers > HEADERS or len(name) + len(value) > HEADER_BYTES:
            raise NotHttp
        if not self._status and name.lower() == b"retry-after":
            self._retry_after = value

    def on_headers_complete(self) -> None:
        """The head is there."""
        status = self._parser.get_status_code()
        if status < 100 or self._parser.get_http_version() not in VERSIONS:
            raise NotHttp
        if (status >= 200 or status == SWITCHING) and not self._is_whole:
            self._status = status

    def on_body(self, part: bytes) -> None:
        """A part of the body."""
        room = BODY_BYTES - len(self._body)
        self._body += part[:room]
        self._is_cut = len(part) > room

    def on_message_complete(self) -> None:
        """The answer is whole, or an interim one is."""
        if self._status and not self._is_whole:
            self._is_whole = True
            self.is_free = self._parser.should_keep_alive()  # after a switch the parser goes no further
            self._settle()

    def _settle(self) -> None:
        if self._answer is not None and not self._answer.done():
            said = None if self._retry_after is None else self._retry_after.decode("latin-1")
            self._answer.set_result(Answer(self._status, said, bytes(self._body)))

    def _fail(self, error: Exception) -> None:
        self.abort()
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)
