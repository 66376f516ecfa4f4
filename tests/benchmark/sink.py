"""A receiver of webhooks that costs as little as one can: notes when each request came, and answers 204."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import cast

import uvloop

ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"
HEAD_END, LENGTH = b"\r\n\r\n", b"content-length:"

arrivals: list[tuple[float, str]] = []


class Receiver(asyncio.Protocol):
    """One keep-alive connection; `GET` gives the arrivals and forgets them."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin with nothing."""
        self.transport = cast("asyncio.Transport", transport)
        self.held = b""

    def data_received(self, data: bytes) -> None:
        """Answer each request that is whole."""
        self.held += data
        while (end := self.held.find(HEAD_END)) >= 0:
            head = self.held[:end].lower()
            place = head.find(LENGTH)
            length = int(head[place + len(LENGTH) :].partition(b"\r\n")[0]) if place >= 0 else 0
            whole = end + len(HEAD_END) + length
            if len(self.held) < whole:
                return
            self.held = self.held[whole:]
            self._answer(head)

    def _answer(self, head: bytes) -> None:
        if head.startswith(b"post"):
            path = head.split(b" ", 2)[1].decode()
            arrivals.append((time.clock_gettime(time.CLOCK_MONOTONIC), path))
            self.transport.write(ANSWER)
            return
        told = json.dumps(arrivals).encode() if b"/times" in head[:40] else str(len(arrivals)).encode()
        if b"/times" in head[:40]:
            arrivals.clear()
        self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(told) + told)


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Receiver, "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
