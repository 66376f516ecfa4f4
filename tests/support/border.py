"""Two nodes that trust each other: two databases, two checkpoints on real TLS sockets, and what goes between them."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import trustme
from werkzeug.serving import WSGIRequestHandler, make_server

from hub import border_keys, peers
from hub.border import anchor as anchors
from hub.border.anchor import Anchor
from hub.border_keys import Signer
from hub.directory import Agency
from hub.picture import Picture
from hub.rollover import OwnAnchor
from hub.signing import seal
from hub.store import Connection, connect, open_pool
from hub.store import peers as stored
from hub.web.checkpoint import Checkpoint, create_checkpoint_app
from hub.workers.border import Border, Round
from hub.workers.courier import Courier
from hub.workers.tls import ClientCertificate, context_for
from tests.support import cast
from tests.support.node import Node
from tests.support.waiting import POLL_S

HOST = "127.0.0.1"
MOST_ROUNDS = 1000  # of one delivery; more would mean that it never comes to an end


class _Quiet(WSGIRequestHandler):
    """Says nothing about what was asked, and keeps its connections."""

    protocol_version = "HTTP/1.1"

    def log_request(self, *_: object) -> None:
        """Nothing."""


class Side:
    """One of the two: its node, its keys, its checkpoint on a real socket."""

    def __init__(self, node: Node, folder: Path, authority: trustme.CA) -> None:
        self.node = node
        self.name = node.name
        self.clock = node.clock
        self.folder = folder
        self.authority = authority
        self.url = ""
        self.client: ClientCertificate | None = None
        self.signer = Signer(folder, self.clock)
        self.pool = open_pool(node.url, name="test-checkpoint", most=4)
        self.app = create_checkpoint_app(
            Checkpoint(
                node=self.name,
                pool=self.pool,
                picture=Picture.unread(cast.LIMITS),
                signer=self.signer,
                now=self.clock,
            )
        )

    @contextmanager
    def served(self, *, clients: trustme.CA | None = None, by: trustme.CA | None = None) -> Iterator[str]:
        """The checkpoint on a free port; with `clients`, only to those who show a certificate of that authority."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        (by or self.authority).issue_cert(HOST).configure_cert(context)
        if clients is not None:
            clients.configure_trust(context)
            context.verify_mode = ssl.CERT_REQUIRED
        server = make_server(HOST, 0, self.app, threaded=True, request_handler=_Quiet, ssl_context=context)
        thread = threading.Thread(target=server.serve_forever, args=(POLL_S,), daemon=True)
        thread.start()
        self.url = f"https://{HOST}:{server.server_port}"
        try:
            yield self.url
        finally:
            server.shutdown()
            thread.join(60)
            server.server_close()

    def anchor(self, at: datetime | None = None, **differs: Any) -> Anchor:
        """What it says of itself now."""
        at = at or self.clock()
        said: dict[str, Any] = {
            "node": self.name,
            "country": self.name.upper(),
            "prefix": f"{self.name}-",
            "url": self.url,
            "authority": self.authority.cert_pem.bytes().decode(),
            "keys": tuple(key.public for key in border_keys.first(self.folder, at)),
            "issued_at": at.replace(microsecond=0),
        }
        return Anchor(**said | differs)

    def exported(self, at: datetime | None = None, **differs: Any) -> str:
        """The same, as `puente peer export` signs it."""
        at = at or self.clock()
        key = border_keys.signing(border_keys.first(self.folder, at), at).signing
        return seal(key, self.anchor(at, **differs).payload, anchors.TYPE)

    def trusts(self, other: Side) -> None:
        """Pin the other's anchor, its fingerprint having been compared."""
        shown = peers.read(other.exported(), self.clock())
        with self.connected() as conn:
            peers.trust(conn, self.name, shown, self.clock(), told=shown.fingerprint)

    @contextmanager
    def connected(self) -> Iterator[Connection]:
        """A connection to its database with an owner's rights."""
        with connect(self.node.url, name="test-border") as conn:
            yield conn

    def own_anchor(self, at: datetime) -> OwnAnchor:
        """What its worker tells peers of its keys."""
        said = self.anchor(at)
        return OwnAnchor(repr(said.keys).encode(), said)

    def border(self, *, window: int = 2000, batch: int = 500) -> Border:
        """What its worker is given."""
        return Border(
            database_url=self.node.url,
            node=self.name,
            limits=cast.LIMITS,
            signer=self.signer,
            anchor=self.own_anchor,
            client=self.client,
            window=window,
            batch=batch,
            now=self.clock,
        )

    @contextmanager
    def sending(self, to: Side, **sizes: int) -> Iterator[Round]:
        """The sender of this side in the test's own thread; `once()` is one round of it."""
        with self.connected() as conn:
            peer = stored.peer(conn, to.name)
            assert peer is not None, f"{self.name} does not trust {to.name}"
            with Courier(peer.url, context_for(peer.authority, self.client)) as courier:
                yield Round(self.border(**sizes), peer, conn, courier)

    def send(self, to: Side, **sizes: int) -> int:
        """Everything that there is to send, and an empty batch at last; how many envelopes that were."""
        sent = 0
        with self.sending(to, **sizes) as one:
            for _ in range(MOST_ROUNDS):
                here = one.once()
                if not here:
                    return sent
                sent += here
        raise AssertionError(f"sending to {to.name} does not come to an end")

    def close(self) -> None:
        """Give the database connections back."""
        self.pool.close()
        self.node.close()


@contextmanager
def two_sides(
    us: str, mx: str, folder: Path, *, enrolled: Iterable[Agency] = cast.CAST, trusting: bool = True
) -> Iterator[tuple[Side, Side]]:
    """
    Node `us` and node `mx` on the databases at these URLs, each with its country's agencies, trusting each other.

    Nothing crosses by itself: `us.send(mx)` sends.
    """
    members = tuple(enrolled)
    sides = []
    for name, url in (("us", us), ("mx", mx)):
        own = [agency for agency in members if agency.id.startswith(f"{name}-")]
        (folder / name).mkdir()
        sides.append(Side(Node(url, name=name, enrolled=own, grants=()), folder / name, trustme.CA()))
    first, second = sides
    try:
        with first.served(), second.served():
            if trusting:
                first.trusts(second)
                second.trusts(first)
            yield first, second
    finally:
        for side in sides:
            side.close()
