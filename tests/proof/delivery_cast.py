"""Who is told in the proof `delivery`: receivers of webhooks, well and ill behaved, and a follower of a stream."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
from httpx_sse import connect_sse

SLOW_S = 8.0


@dataclass(frozen=True, slots=True)
class Got:
    """One webhook as it came: the message's id, the event's, its number, and when (monotonic)."""

    message: str
    event: str
    seq: int
    at_s: float


@dataclass(slots=True)
class Receiver:
    """
    One subscriber's address. `behave`: what it does before it answers, and the status that it answers with.

    `got` is what it took, in whatever order, and `arrived` when each event first came. `calls` counts every call,
    `under_way` those that it has not answered yet.
    """

    name: str
    behave: Callable[[], int] = lambda: 204
    got: list[Got] = field(default_factory=list)
    arrived: dict[str, float] = field(default_factory=dict)
    calls: int = 0
    under_way: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, message: str, body: Mapping[str, Any]) -> int:
        """Behave; and keep what came, as of now, unless it is refused. The status to answer with."""
        at_s = time.monotonic()
        with self._lock:
            self.calls += 1
            self.under_way += 1
        try:
            status = self.behave()
            if not body["type"].startswith("webhook.") and status < 300:
                told = body["data"]
                self.keep(Got(message, told["id"], told["seq"], at_s))
            return status
        finally:
            with self._lock:
                self.under_way -= 1

    def keep(self, got: Got) -> None:
        """One more that came; of an event that came before, the first time counts."""
        with self._lock:
            self.got.append(got)
            self.arrived[got.event] = min(got.at_s, self.arrived.get(got.event, got.at_s))


class Receivers:
    """Many addresses on one port; a receiver is named by the path."""

    def __init__(self, *receivers: Receiver) -> None:
        self.by_path = {f"/{one.name}": one for one in receivers}
        held = self.by_path

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(held[self.path].take(self.headers["webhook-id"], body))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        class Server(ThreadingHTTPServer):
            request_queue_size = 1024
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                """Whoever posts may be killed at any moment."""

        self._server = Server(("127.0.0.1", 0), Handler)

    def url(self, receiver: Receiver) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._server.server_port}/{receiver.name}"

    @contextmanager
    def listening(self) -> Iterator[None]:
        """For as long as the block."""
        thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join(5)


def slow() -> int:
    """Holds whoever calls nearly as long as they would wait."""
    time.sleep(SLOW_S)
    return 204


def broken() -> int:
    """Never works."""
    return 500


@dataclass(slots=True)
class Follower:
    """
    Follows a stream whatever happens, by a client of others; `token` gives a fresh one for each connection.

    `is_open` while it is connected. `ends`: what each connection was told when it was ended, or what became of it.
    """

    url: str
    token: Callable[[], str]
    got: list[str] = field(default_factory=list)
    cursor: str = ""
    last_byte_s: float = 0.0
    stopping: threading.Event = field(default_factory=threading.Event)
    connected: threading.Event = field(default_factory=threading.Event)
    again: bool = True
    is_open: bool = False
    ends: list[str] = field(default_factory=list)

    def start(self) -> threading.Thread:
        """In a thread of its own."""
        thread = threading.Thread(target=self._follow, daemon=True)
        thread.start()
        return thread

    def _follow(self) -> None:
        while not self.stopping.is_set():
            try:
                self.ends.append(self._connection())
            except (httpx.HTTPError, httpx.StreamError) as error:
                self.ends.append(type(error).__name__)
                time.sleep(0.2)
            finally:
                self.is_open = False
            if not self.again:
                return

    def _connection(self) -> str:
        headers = {"Authorization": f"Bearer {self.token()}"} | ({"Last-Event-ID": self.cursor} if self.cursor else {})
        timeout = httpx.Timeout(5.0, read=40.0)
        why = "silent"
        with httpx.Client(timeout=timeout) as client, connect_sse(client, "GET", self.url, headers=headers) as source:
            source.response.raise_for_status()
            self.is_open = True
            self.connected.set()
            for event in source.iter_sse():
                self.last_byte_s = time.monotonic()
                self.cursor = event.id or self.cursor
                if event.event == "end":
                    why = str(json.loads(event.data)["reason"])
                if event.event == "message" and event.data:
                    self.got.append(json.loads(event.data)["id"])
                if self.stopping.is_set():
                    break
        return why
