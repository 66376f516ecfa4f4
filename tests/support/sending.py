"""The sender at work, and a receiver that remembers what came."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from hub.addresses import networks
from hub.picture import Picture
from hub.subscribing import PARTS
from hub.webhooks import Signer
from hub.workers.posting import Poster
from hub.workers.sender import Sender, run
from tests.support import cast
from tests.support.node import Node
from tests.support.waiting import POLL_S

LOOPBACK = networks(["127.0.0.0/8"])


@dataclass(frozen=True, slots=True)
class Got:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> dict[str, Any]:
        """Parsed."""
        found: dict[str, Any] = json.loads(self.raw)
        return found


@dataclass(slots=True)
class Receiver:
    """Answers challenges, and everything else with what `answer` says for its path."""

    url: str = ""
    got: list[Got] = field(default_factory=list)
    answer: Callable[[Got], tuple[int, dict[str, str]]] = lambda _: (204, {})
    echoes: bool = True

    def events(self) -> list[dict[str, Any]]:
        """The events that it was told of."""
        return [one.body for one in self.got if not one.body["type"].startswith("webhook.")]


@contextmanager
def receiver() -> Iterator[Receiver]:
    """One on loopback."""
    held = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            got = Got(self.path, {name.lower(): value for name, value in self.headers.items()}, raw)
            held.got.append(got)
            status, headers = held.answer(got)
            body = b""
            if got.body["type"] == "webhook.verification" and held.echoes:
                status, body = 200, json.dumps({"challenge": got.body["data"]["challenge"]}).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(POLL_S,), daemon=True)
    thread.start()
    held.url = f"http://127.0.0.1:{server.server_port}/hook"
    try:
        yield held
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def sending(node: Node, *, most: int = 32) -> Iterator[Sender]:
    """A sender at work."""
    signer: Signer = node.hub.signer
    sender = Sender(
        database_url=node.url,
        node=node.name,
        gateway="https://gateway.example",
        picture=Picture.unread(cast.LIMITS),
        signer=signer,
        poster=lambda: Poster(now=node.clock, allow_networks=LOOPBACK),
        parts=lambda: range(PARTS),
        most=most,
        now=node.clock,
    )
    told = threading.Event()
    thread = threading.Thread(target=run, args=(sender, told.is_set), daemon=True)
    thread.start()
    try:
        yield sender
    finally:
        told.set()
        thread.join(60)
        assert not thread.is_alive()
