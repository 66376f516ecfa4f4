"""Receivers of webhooks on loopback, in raw sockets, so that they can answer as badly as anybody might."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


@dataclass(slots=True)
class Receiver:
    """What came in at one."""

    port: int = 0
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)  # head and body of each
    left: asyncio.Event = field(default_factory=asyncio.Event)  # a connection of it has ended, from either side

    @property
    def url(self) -> str:
        """Without TLS."""
        return f"http://127.0.0.1:{self.port}/hook"

    async def request(self, reader: asyncio.StreamReader) -> bytes:
        """
        The next request.

        Raises:
            IncompleteReadError: the other side has gone.
        """
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: (\d+)\r\n", head)
        self.requests.append(head + await reader.readexactly(int(length[1]) if length else 0))
        return self.requests[-1]


Answer = Callable[[Receiver, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def receiver(
    answer: Answer, *, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> AsyncIterator[Receiver]:
    """One that answers so, for as long as the block."""
    me = Receiver()
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        me.connections += 1
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, ssl.SSLError):
            await answer(me, reader, writer)
        writer.transport.abort()
        tasks.discard(task)
        me.left.set()

    server = await asyncio.start_server(serve, host, 0, ssl=tls)
    me.port = server.sockets[0].getsockname()[1]
    try:
        yield me
    finally:
        server.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks)
        await server.wait_closed()


def resolving(*addresses: str) -> Callable[..., list[tuple[Any, ...]]]:
    """A look-up by which every name has these addresses; none, and no name is known."""

    def lookup(_: str, port: int, *__: Any) -> list[tuple[Any, ...]]:
        if not addresses:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return [_info(each, port) for each in addresses]

    return lookup


def _info(address: str, port: int) -> tuple[Any, ...]:
    if ":" in address:
        return (socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port, 0, 0))
    return (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port))


def says(raw: bytes) -> Answer:
    """Answers every request of a connection with these bytes."""

    async def answer(me: Receiver, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await me.request(reader)
            writer.write(raw)
            await writer.drain()

    return answer


def status(code: int, *headers: str, body: bytes = b"") -> Answer:
    """Answers with a status, headers and a body."""
    head = [f"HTTP/1.1 {code} X", *headers, f"Content-Length: {len(body)}"]
    return says("\r\n".join(head).encode() + b"\r\n\r\n" + body)


def repeats(first: bytes, again: bytes, *, pause_s: float = 0) -> Answer:
    """Answers one request with `first`, and `again` for ever after it."""

    async def answer(me: Receiver, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await me.request(reader)
        writer.write(first)
        while True:
            writer.write(again)
            await writer.drain()
            await asyncio.sleep(pause_s)

    return answer


def greets(raw: bytes) -> Answer:
    """Speaks first, and then waits for the other side to go."""

    async def answer(_: Receiver, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(raw)
        while await reader.read(4096):
            pass

    return answer


async def silent(me: Receiver, reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    """Takes a request and says nothing, until the other side goes."""
    await me.request(reader)
    await reader.read()


async def deaf(*_: object) -> None:
    """Takes a connection and reads nothing of it."""
    await asyncio.Event().wait()


async def hangs_up(*_: object) -> None:
    """Closes at once."""
