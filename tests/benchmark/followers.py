"""
Who follows in `fanout`: streams and long polls, all in one process that does nothing else.

`followers PORT STREAMS POLLS` reads one token a line until an empty line, then says `ready`; for each line `round` it
gives as JSON when each had the next event, on the monotonic clock.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from functools import partial
from typing import cast

import uvloop

WAIT_S = 60
_NEXT = re.compile(rb'"next":"([^"]*)"')
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Crowd:
    """All of them: how many are there, and when each had something."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.there = 0
        self.came: list[float] = []

    def had(self) -> None:
        """One more has it."""
        self.came.append(time.clock_gettime(time.CLOCK_MONOTONIC))


class Streaming(asyncio.Protocol):
    """One stream."""

    def __init__(self, crowd: Crowd, token: str) -> None:
        self._crowd, self._token, self._is_there = crowd, token, False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask."""
        head = f"GET /v1/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self._token}\r\n\r\n"
        cast("asyncio.Transport", transport).write(head.encode())

    def data_received(self, data: bytes) -> None:
        """The head, or an event."""
        if not self._is_there and data.startswith(b"HTTP/1.1 200"):
            self._is_there = True
            self._crowd.there += 1
        elif b"data: {" in data:
            self._crowd.had()


class Polling(asyncio.Protocol):
    """One reader that always has a poll open."""

    def __init__(self, crowd: Crowd, token: str) -> None:
        self._crowd, self._token, self._held = crowd, token, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask from the beginning: there is nothing yet."""
        self._transport = cast("asyncio.Transport", transport)
        self._crowd.there += 1
        self._ask("")

    def _ask(self, cursor: str) -> None:
        asked = f"GET /v1/feed?wait={WAIT_S}&after={cursor} HTTP/1.1\r\nHost: x\r\n"
        self._transport.write(f"{asked}Authorization: Bearer {self._token}\r\n\r\n".encode())

    def data_received(self, data: bytes) -> None:
        """A page, whole or in parts."""
        self._held += data
        end = self._held.find(b"\r\n\r\n")
        length = _LENGTH.search(self._held, 0, end) if end >= 0 else None
        if length is None or len(self._held) < end + 4 + int(length[1]):
            return
        page, self._held = self._held, b""
        if b'"events":[{' in page:
            self._crowd.had()
        found = _NEXT.search(page)
        self._ask(found[1].decode() if found else "")


async def _follow(port: int, streams: int, polls: int, tokens: list[str]) -> None:
    loop, crowd = asyncio.get_running_loop(), Crowd(streams + polls)
    for number in range(crowd.size):
        kind = Streaming if number < streams else Polling
        await loop.create_connection(partial(kind, crowd, tokens[number % len(tokens)]), "127.0.0.1", port)
        if number % 50 == 49:
            await asyncio.sleep(0.02)
    while crowd.there < crowd.size:
        await asyncio.sleep(0.02)
    await asyncio.sleep(2)  # until the last poll waits
    print("ready", flush=True)
    while await asyncio.to_thread(sys.stdin.readline):
        while len(crowd.came) < crowd.size:
            await asyncio.sleep(0.05)
        print(json.dumps(crowd.came), flush=True)
        crowd.came.clear()


if __name__ == "__main__":
    given = [line.strip() for line in iter(sys.stdin.readline, "\n")]
    port, streams, polls = map(int, sys.argv[1:])
    uvloop.run(_follow(port, streams, polls, given))
