"""`webhooks`: how fast one process signs and posts, beside a raw socket that does the same one after the other."""

from __future__ import annotations

import asyncio
import socket
import ssl
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import trustme
import uvloop

from hub.addresses import networks
from hub.webhooks import Notice, Signer, payload
from hub.workers.posting import Poster
from tests.benchmark.fanout import sink
from tests.benchmark.node import Stage
from tests.benchmark.report import Figure, Section, of_rounds, ratio

ROUNDS = 3
POSTS = {"keep-alive": 6000, "fresh TLS": 1200}
AT_ONCE = 64
LOOPBACK = networks(["127.0.0.0/8"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """Where it is posted to, and by which context; without one, there is no TLS and connections are kept."""

    port: int
    authority: Path | None = None

    @property
    def url(self) -> str:
        """Of the sink."""
        return f"{'https' if self.authority else 'http'}://127.0.0.1:{self.port}/hook"


def measure(_stage: Stage) -> Section:
    """Ours and the raw socket by turns, with connections that are kept and with a fresh one for each."""
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as folder:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(f"{folder}/ca.pem")
        identity = authority.issue_cert("127.0.0.1")
        identity.private_key_and_cert_chain_pem.write_to_path(f"{folder}/sink.pem")
        with sink() as plain, sink(f"{folder}/sink.pem") as encrypted:
            ways = {
                "keep-alive": Way(port=plain),
                "fresh TLS": Way(port=encrypted, authority=Path(folder) / "ca.pem"),
            }
            for name, way in ways.items():
                figures += _compared(name, way)
    conditions = [
        f"One process on uvloop, {AT_ONCE} posts at once: a thin payload is made, signed twice (HMAC and ed25519, keys "
        "of 500 endpoints) and posted by the client that senders use, every address judged; no database.",
        "raw: one blocking socket, the same payload and both signatures, one post after the other.",
        "fresh TLS: the sink closes after each answer, TLS 1.3, so both connect and shake hands for each post.",
    ]
    return Section(name="webhooks", title="Signing and posting", conditions=conditions, figures=figures)


def _compared(name: str, way: Way) -> Iterator[Figure]:
    ours: list[float] = []
    raw: list[float] = []
    for round_ in range(-1, ROUNDS):
        rates = _ours(way, POSTS[name]), _raw(way, POSTS[name])
        if round_ >= 0:
            ours.append(rates[0])
            raw.append(rates[1])
    slug = name.replace(" ", "-").lower()
    reference = "a raw socket's POST and sign"
    yield of_rounds(f"webhooks.{slug}", "posts/s", ours, ratio=ratio(ours, raw), reference=reference, aim=">= 1")
    yield of_rounds(f"webhooks.{slug}.raw", "posts/s", raw)


def _messages(count: int) -> Iterator[tuple[dict[str, str], bytes]]:
    signer = Signer(bytes(32))
    endpoints = [uuid4() for _ in range(500)]
    for number in range(count):
        yield _message(signer, endpoints[number % len(endpoints)], number)


def _message(signer: Signer, endpoint: UUID, number: int) -> tuple[dict[str, str], bytes]:
    at = datetime.now(UTC)
    notice = Notice(
        type="alert.missing_child.issued",
        at=at,
        event=endpoint,
        subscription=endpoint,
        seq=number + 1,
        status="actual",
        urgent=True,
        severity="Severe",
        gateway="https://gateway.example",
    )
    body = payload(notice)
    signed = signer.sign(endpoint, [1], webhook_id=f"event_{number}", timestamp_s=int(at.timestamp()), body=body)
    return signed, body


def _ours(way: Way, count: int) -> float:
    async def post_all() -> float:
        messages = _messages(count)
        async with Poster(
            now=lambda: datetime.now(UTC),
            allow_networks=LOOPBACK,
            ca_file=way.authority,
            per_host=AT_ONCE,
            most=AT_ONCE,
        ) as poster:

            async def some() -> None:
                for headers, body in messages:
                    outcome = await poster.post(way.url, headers, body)
                    assert outcome.kind == "delivered", outcome

            began = time.perf_counter()
            await asyncio.gather(*(some() for _ in range(AT_ONCE)))
            return count / (time.perf_counter() - began)

    return uvloop.run(post_all())


def _raw(way: Way, count: int) -> float:
    context = ssl.create_default_context(cafile=str(way.authority)) if way.authority else None
    began = time.perf_counter()
    kept = None if context else _connected(way.port, context)
    for headers, body in _messages(count):
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"POST /hook HTTP/1.1\r\nHost: 127.0.0.1\r\n{lines}Content-Length: {len(body)}\r\n\r\n"
        raw = head.encode() + body
        if kept is not None:
            kept.sendall(raw)
            assert kept.recv(4096).startswith(b"HTTP/1.1 204")
            continue
        with closing(_connected(way.port, context)) as fresh:
            fresh.sendall(raw)
            assert fresh.recv(4096).startswith(b"HTTP/1.1 204")
    took = time.perf_counter() - began
    if kept is not None:
        kept.close()
    return count / took


def _connected(port: int, context: ssl.SSLContext | None) -> socket.socket:
    plain = socket.create_connection(("127.0.0.1", port))
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return plain if context is None else context.wrap_socket(plain, server_hostname="127.0.0.1")
