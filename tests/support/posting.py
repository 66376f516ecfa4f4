"""A poster that may post to this machine, and what becomes of its deliveries."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import trustme
import uvloop

from hub.addresses import networks
from hub.outcomes import Outcome
from hub.workers.posting import Poster
from tests.support.receivers import Answer, Receiver, receiver

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
LOOPBACK = networks(["127.0.0.0/8", "::1/128"])
BODY = b'{"type":"alert.missing_child.issued"}'
HEADERS_SENT = {"webhook-id": "019ec1f0", "webhook-signature": "v1,x"}
NAME = "receiver.example"
LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]
Loop = Callable[[], asyncio.AbstractEventLoop]
Doing = Callable[[Poster, Receiver], Awaitable[Any]]


def poster(**options: Any) -> Poster:
    """One that may post to this machine."""
    return Poster(now=lambda: NOW, allow_networks=LOOPBACK, **options)


def run(answer: Answer, doing: Doing, loop: Loop = asyncio.new_event_loop, **options: Any) -> Any:
    """What a poster makes of one receiver."""

    async def meet() -> Any:
        async with receiver(answer) as target, poster(**options) as client:
            return await doing(client, target)

    with asyncio.Runner(loop_factory=loop) as runner:
        return runner.run(meet())


def posted(answer: Answer, *, timeout_s: float = 10) -> Outcome:
    """What becomes of one delivery."""
    outcome: Outcome = run(answer, lambda client, target: send(client, target.url, timeout_s=timeout_s))
    return outcome


async def send(client: Poster, url: str, *, timeout_s: float = 10) -> Outcome:
    """One delivery."""
    return await client.post(url, HEADERS_SENT, BODY, timeout_s=timeout_s)


class Authority:
    """An authority of the tests with a receiver's certificates, and the file that names it."""

    def __init__(self, folder: Path) -> None:
        self.ca = trustme.CA()
        self.file = folder / "ca.pem"
        self.ca.cert_pem.write_to_path(self.file)

    def context(self, *names: str, until: datetime | None = None) -> ssl.SSLContext:
        """TLS of a receiver of these names."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert(*names, not_before=datetime(2020, 1, 1, tzinfo=UTC), not_after=until).configure_cert(context)
        return context
