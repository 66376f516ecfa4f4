"""A receiver of webhooks that costs as little as one can: notes when each request came, and answers 204."""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
import time
from typing import cast

import uvloop

HEAD_END, LENGTH = b"\r\n\r\n", b"content-length:"

arrivals: list[tuple[float, str]] = []


class Receiver(asyncio.Protocol):
    """One keep-alive connection; `GET` gives the arrivals and forgets them."""

    answer = b"HTTP/1.1 204 No Content\r\n\r\n"

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
            self.transport.write(self.answer)
            return
        told = json.dumps(arrivals).encode() if b"/times" in head[:40] else str(len(arrivals)).encode()
        if b"/times" in head[:40]:
            arrivals.clear()
        self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(told) + told)


class Closing(Receiver):
    """Answers once."""

    answer = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"

    def _answer(self, head: bytes) -> None:
        super()._answer(head)
        self.transport.close()


async def _serve(port: int, identity: str | None) -> None:
    context = None
    if identity is not None:  # with TLS, and a connection for each request
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(identity)
    kind = Receiver if context is None else Closing
    server = await asyncio.get_running_loop().create_server(kind, "127.0.0.1", port, backlog=4096, ssl=context)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None))
