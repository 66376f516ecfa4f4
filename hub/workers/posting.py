"""
Posts to addresses that others chose, and waits for no receiver without an end.

Nothing follows a redirect, a proxy of the environment or a cookie, and nothing is posted twice but what a receiver cut
off without a word. Where a post goes is `hub.workers.dialing`'s to judge, and how an answer is bounded
`hub.workers.wire`'s.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from typing import TYPE_CHECKING

from hub.outcomes import Outcome, answered
from hub.workers.dialing import Dialer, ForbiddenAddress, NotAUrl, NotConnected, target_of
from hub.workers.pool import Pool
from hub.workers.wire import NotHttp

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from datetime import datetime
    from pathlib import Path
    from types import TracebackType

    from hub.addresses import Network
    from hub.workers.dialing import Lookup, Place

TIMEOUT_S = 10.0
SAID = "Accept-Encoding: identity\r\nContent-Type: application/json\r\nUser-Agent: puente-webhooks"
FORBIDDEN = Outcome(kind="forbidden", code="forbidden-address")
# The first class that fits names what happened; the order is from the special to the general.
CODES: tuple[tuple[type[Exception], str], ...] = (
    (TimeoutError, "timeout"),
    (ssl.SSLError, "tls"),
    (socket.gaierror, "dns"),
    (NotConnected, "connection"),
    (NotHttp, "not-http"),
    (NotAUrl, "not-a-url"),
    (OSError, "disconnected"),
)

_log = logging.getLogger(__name__)


class Poster:
    """An HTTP client for hostile receivers, to be used as an asynchronous context manager in its event loop."""

    def __init__(
        self,
        *,
        now: Callable[[], datetime],
        allow_networks: Collection[Network] = (),
        ca_file: Path | None = None,
        per_host: int = 32,
        most: int = 512,
        lookup: Lookup = socket.getaddrinfo,
    ) -> None:
        """
        `ca_file` holds authorities (PEM) that are believed beside the system's. At most `per_host` connections lead
        to one host and port, so that a slow one holds up itself alone, and `most` to all of them.
        """
        self._now = now
        self._allow_networks = tuple(allow_networks)
        self._context = ssl.create_default_context()
        self._context.set_alpn_protocols(["http/1.1"])
        if ca_file is not None:
            self._context.load_verify_locations(ca_file)
        self._per_host = per_host
        self._most = most
        self._lookup = lookup

    async def __aenter__(self) -> Poster:
        self._dialer = Dialer(self._context, self._allow_networks, self._lookup)
        self._pool = Pool(self._dialer, per_host=self._per_host, most=self._most)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self._pool.close()
        self._dialer.close()

    async def post(self, url: str, headers: Mapping[str, str], body: bytes, *, timeout_s: float = TIMEOUT_S) -> Outcome:
        """
        Post once, and say what became of it; within `timeout_s` seconds and a moment, waiting for a place included.

        Nothing that a receiver does makes this raise; only being cancelled does.
        """
        deadline = asyncio.get_running_loop().time() + timeout_s
        try:
            place, path = target_of(url)
            answer = await self._pool.ask(place, _request(place, path, headers, body), deadline)
        except ForbiddenAddress:
            return FORBIDDEN
        except Exception as error:  # whatever one receiver has found, the next one must still be told
            return _failed(error)
        return answered(answer.status, answer.retry_after, answer.body, self._now())


def _request(place: Place, path: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """
    All of a request.

    Raises:
        ValueError: a header holds what would end it, or is not ASCII.
    """
    own = [f"{name}: {value}" for name, value in headers.items()]
    if not "".join(own).isprintable():
        raise ValueError("a header that cannot be sent")
    said = "\r\n".join([f"Host: {place.authority}", *own, SAID])
    return f"POST {path} HTTP/1.1\r\n{said}\r\nContent-Length: {len(body)}\r\n\r\n".encode("ascii") + body


def _failed(error: Exception) -> Outcome:
    """What went wrong, as a slug; the error's own words could hold the receiver's address, which may be a secret."""
    code = next((code for kind, code in CODES if isinstance(error, kind)), None)
    if code is None:
        _log.error("a delivery failed in a way that nobody foresaw: %s", type(error).__name__)
    return Outcome(kind="failed", code=code or "unforeseen")
