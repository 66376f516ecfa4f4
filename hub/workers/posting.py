"""
Posts to addresses that others chose: no connection but to an address that was judged, and no waiting without an end.

What a name resolves to is judged, and refused if one of its addresses is not allowed; and so is each address once more
in the moment its socket is made, which is the very one that will be connected. A name that changes its mind in between
gains nothing. Nothing follows a redirect, a proxy of the environment or a cookie.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from hub import addresses
from hub.outcomes import Outcome, answered

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from datetime import datetime
    from pathlib import Path
    from types import TracebackType

    from hub.addresses import Address, Network

    Judge = Callable[[Address], bool]
    Lookup = Callable[..., list[tuple[Any, ...]]]  # as socket.getaddrinfo

TIMEOUT_S = 10.0
BODY_S = 2.0  # once the status is there, it alone counts
BODY_BYTES = 16_384
HEADER_BYTES = 4096  # of one header of an answer, and of its status line
HEADERS = 64
LOOKUPS = 32  # at once; names whose servers are slow shall not hold up the others
SAID = {"Content-Type": "application/json", "User-Agent": "puente-webhooks", "Accept-Encoding": "identity"}
FORBIDDEN = Outcome(kind="forbidden", code="forbidden-address")
# The first class that fits names what happened; the order is from the special to the general.
CODES: tuple[tuple[type[Exception], str], ...] = (
    (TimeoutError, "timeout"),
    (aiohttp.ClientSSLError, "tls"),
    (aiohttp.ClientConnectorDNSError, "dns"),
    (aiohttp.ClientConnectorError, "connection"),
    (aiohttp.ClientResponseError, "not-http"),
    (aiohttp.InvalidURL, "not-a-url"),
    (aiohttp.NonHttpUrlClientError, "not-a-url"),
    (aiohttp.ClientError, "disconnected"),
    (OSError, "disconnected"),
)
_NUMERIC = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV

_log = logging.getLogger(__name__)


class ForbiddenAddress(OSError):
    """No webhook may be posted to this address."""


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
        if ca_file is not None:
            self._context.load_verify_locations(ca_file)
        self._per_host = per_host
        self._most = most
        self._lookup = lookup

    async def __aenter__(self) -> Poster:
        self._threads = ThreadPoolExecutor(LOOKUPS, "lookup")
        self._encrypted = self._session(lambda address: addresses.allowed(address, self._allow_networks))
        # Without TLS only to what an operator has named: a public address never gets a delivery in the clear.
        self._plain = self._session(lambda address: addresses.named(address, self._allow_networks))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self._encrypted.close()
        await self._plain.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def post(self, url: str, headers: Mapping[str, str], body: bytes, *, timeout_s: float = TIMEOUT_S) -> Outcome:
        """
        Post once, and say what became of it; within `timeout_s` seconds, waiting for a free connection included.

        Nothing that a receiver does makes this raise; only being cancelled does.
        """
        try:
            return await self._post(url, headers, body, asyncio.get_running_loop().time() + timeout_s)
        except Exception as error:
            return _failed(error)

    async def _post(self, url: str, headers: Mapping[str, str], body: bytes, deadline: float) -> Outcome:
        session = self._encrypted if url[:6].lower() == "https:" else self._plain
        async with asyncio.timeout_at(deadline):
            answer = await session.post(url, headers=headers, data=body, allow_redirects=False)
        try:
            said = await _beginning(answer, deadline)
        finally:
            answer.release()  # closes the connection unless the whole answer was read
        return answered(answer.status, answer.headers.get("Retry-After"), said, self._now())

    def _session(self, judge: Judge) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            ssl=self._context,
            resolver=_JudgedNames(self._threads, self._lookup, judge),
            socket_factory=_judged_sockets(judge),
            limit=self._most,
            limit_per_host=self._per_host,
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=SAID,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),  # ours is around all of it
            trust_env=False,
            auto_decompress=False,  # a small answer may unpack to a huge one
            read_bufsize=BODY_BYTES,
            max_line_size=HEADER_BYTES,
            max_field_size=HEADER_BYTES,
            max_headers=HEADERS,
        )


class _JudgedNames(AbstractResolver):
    """Looks names up in threads of its own; the event loop's are too few where a name's servers are slow."""

    def __init__(self, threads: ThreadPoolExecutor, lookup: Lookup, judge: Judge) -> None:
        self._threads = threads
        self._lookup = lookup
        self._judge = judge

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        loop = asyncio.get_running_loop()
        infos = await loop.run_in_executor(self._threads, self._lookup, host, port, family, socket.SOCK_STREAM)
        found = {str(info[4][0]): info for info in infos}
        if not all(self._judge(ip_address(each)) for each in found):
            raise ForbiddenAddress  # one is enough: who mixes them is up to something
        return [
            ResolveResult(hostname=host, host=each, port=port, family=info[0], proto=info[2], flags=_NUMERIC)
            for each, info in found.items()
        ]

    async def close(self) -> None:
        """The threads are the poster's."""


def _judged_sockets(judge: Judge) -> Callable[[tuple[Any, ...]], socket.socket]:
    """Sockets for addresses that the judge allows; aiohttp asks with the very address it is about to connect."""

    def made(info: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol, _, address = info
        if not judge(ip_address(address[0])):
            raise ForbiddenAddress
        return socket.socket(family, kind, protocol)

    return made


async def _beginning(answer: aiohttp.ClientResponse, deadline: float) -> bytes:
    """How the answer begins; whatever becomes of the rest, its status has been said."""
    said = bytearray()
    until = min(deadline, asyncio.get_running_loop().time() + BODY_S)
    with suppress(TimeoutError, aiohttp.ClientError, OSError):
        if answer.content.is_eof():  # all of it came with the head, as it mostly does; a timeout costs 10 us
            return answer.content.read_nowait(BODY_BYTES)
        async with asyncio.timeout_at(until):
            while len(said) < BODY_BYTES and (chunk := await answer.content.read(BODY_BYTES - len(said))):
                said += chunk
    return bytes(said)


def _failed(error: Exception) -> Outcome:
    """What went wrong, as a slug; the library's words could hold the receiver's address, which may be a secret."""
    if isinstance(getattr(error, "os_error", None), ForbiddenAddress):
        return FORBIDDEN
    code = next((code for kind, code in CODES if isinstance(error, kind)), None)
    if code is None:
        _log.error("a delivery failed in a way that nobody foresaw: %s", type(error).__name__)
    return Outcome(kind="failed", code=code or "unforeseen")
