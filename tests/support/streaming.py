"""The stream process in a thread of the test's own, and readers of streams that others wrote the client of."""

from __future__ import annotations

import asyncio
import json
import queue
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

import httpx
from httpx_sse import ServerSentEvent, connect_sse

from hub.live.parts import Parts
from hub.live.server import Server
from hub.picture import Picture
from hub.rates import Rates
from hub.settings import StreamSettings
from hub.store import open_gateway_pool
from tests.support import cast
from tests.support.node import UNLIMITED, Desk, Node

SETTINGS = StreamSettings(port=0)
PATIENCE_S = 60.0


class Live:
    """A stream process on the database of `node`, with its keys and its clock."""

    def __init__(self, node: Node, **differs: Any) -> None:
        self.node = node
        self.settings = replace(SETTINGS, **differs)
        self.server: Server | None = None
        self._serving = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="live")
        self._thread.start()
        assert self._serving.wait(PATIENCE_S)

    async def _run(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        hub = self.node.hub
        pool = open_gateway_pool(self.node.url, name="test-readers", most=self.settings.threads)
        parts = Parts(
            node=self.node.name,
            database_url=self.node.url,
            pool=pool,
            picture=Picture.unread(cast.LIMITS),
            tokens=hub.tokens,
            cursors=hub.cursors,
            rates=Rates(UNLIMITED, processes=1),
            settings=self.settings,
            now=self.node.clock,
        )
        try:
            self.server = Server(parts)
            async with self.server.serving():
                self._serving.set()
                await self._stopping.wait()
        finally:
            pool.close()
            self._serving.set()

    def stop(self) -> None:
        """As SIGTERM ends it."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive(), "the stream process does not end"

    @property
    def url(self) -> str:
        """Where it serves."""
        assert self.server is not None
        return f"http://127.0.0.1:{self.server.port}"

    def get(self, desk: Desk, path: str, headers: dict[str, str] | None = None, **query: Any) -> httpx.Response:
        """An answer that ends."""
        told = desk.headers | (headers or {})
        return httpx.get(f"{self.url}{path}", params=query, headers=told, timeout=PATIENCE_S)


class Ear:
    """A reader of a stream: what `httpx-sse` hears, as it comes, in a thread of its own."""

    def __init__(self, live: Live, desk: Desk, last_id: str | None = None, **query: Any) -> None:
        headers = desk.headers | ({} if last_id is None else {"Last-Event-ID": last_id})
        self.last_id = last_id
        self.status: int | None = None
        self._heard: queue.Queue[ServerSentEvent | None] = queue.Queue()
        self._opened = threading.Event()
        self._socket: socket.socket | None = None
        self._thread = threading.Thread(target=self._listen, args=(f"{live.url}/v1/stream", headers, query))
        self._thread.start()
        assert self._opened.wait(PATIENCE_S)
        if self.is_open():
            assert self.named() == ("begin", "new" if not last_id and not query.get("after") else "resumed")

    def _listen(self, url: str, headers: dict[str, str], query: dict[str, Any]) -> None:
        try:
            with (
                httpx.Client(timeout=None) as client,  # noqa: S113 - a stream has no end
                connect_sse(client, "GET", url, headers=headers, params=query) as source,
            ):
                self.status = source.response.status_code
                self._socket = source.response.extensions["network_stream"].get_extra_info("socket")
                self._opened.set()
                if self.status == 200:
                    for one in source.iter_sse():
                        self._heard.put(one)
        except httpx.HTTPError:
            pass
        finally:
            self._opened.set()
            self._heard.put(None)

    def next(self) -> ServerSentEvent | None:
        """The next message; None: the stream is closed."""
        one = self._heard.get(timeout=PATIENCE_S)
        if one is None:
            self._heard.put(None)
        elif one.id:
            self.last_id = one.id
        return one

    def event(self) -> dict[str, Any]:
        """The next message, which must be an event: the item."""
        one = self.next()
        assert one is not None, "the stream is closed"
        assert one.event == "message", (one.event, one.data)
        return dict(json.loads(one.data))

    def events(self, count: int) -> list[str]:
        """The sender's ids of the next events."""
        return [str(self.event()["event"]["id"]) for _ in range(count)]

    def named(self) -> tuple[str, str]:
        """The next message, which must have a name: that, and its reason."""
        one = self.next()
        assert one is not None, "the stream is closed"
        return one.event, str(json.loads(one.data)["reason"])

    def is_open(self) -> bool:
        """Whether it was let in."""
        return self.status == 200

    def is_silent(self) -> bool:
        """Whether nothing has come that was not looked at."""
        return self._heard.empty()

    def close(self) -> None:
        """Go away."""
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive(), "the reader does not end"


class Stage:
    """Stream processes and their readers, ended together."""

    def __init__(self) -> None:
        self._lives: list[Live] = []
        self._ears: list[Ear] = []

    def start(self, node: Node, **differs: Any) -> Live:
        """A stream process."""
        self._lives.append(Live(node, **differs))
        return self._lives[-1]

    def listen(self, live: Live, desk: Desk, last_id: str | None = None, **query: Any) -> Ear:
        """A reader."""
        self._ears.append(Ear(live, desk, last_id, **query))
        return self._ears[-1]


@contextmanager
def stage() -> Iterator[Stage]:
    """Everything on it is ended with it."""
    made = Stage()
    try:
        yield made
    finally:
        for ear in made._ears:
            ear.close()
        for live in made._lives:
            live.stop()
