"""
Connects to addresses that others chose, and to none but those that were judged.

What a name resolves to is judged, and refused if one of its addresses is not allowed; and so is each address once more
in the moment its socket is made, which connects to that very one. A name that changes its mind in between gains
nothing.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING, Any

import idna

from hub import addresses
from hub.workers.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from hub.addresses import Address, Network

    Info = tuple[Any, ...]  # as socket.getaddrinfo has it: family, type, protocol, name, and what a socket connects to
    Lookup = Callable[..., list[Info]]
    Judge = Callable[[Address], bool]

LOOKUPS = 32  # at once; names whose servers are slow shall not hold up the others
TRIES = 2  # addresses of each family
CONNECT_S = 2.0  # until the next one is tried

# RFC 3986 without user name and fragment, and with a path that can be sent as it is.
_URL = re.compile(r"(?i:(https?))://(\[[0-9A-Fa-f:.]+\]|[^\s/?#:@%\[\]\\]+)(?::([0-9]{1,5}))?((?:[/?][!-\"$-~]*)?)")
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")
_DIGITS = frozenset("0123456789.")
_PORTS = {"https": 443, "http": 80}


class NotAUrl(ValueError):
    """This leads to no receiver by HTTP."""


class ForbiddenAddress(Exception):
    """No webhook may be posted to this address."""


class NotConnected(OSError):
    """No address of a receiver could be connected to."""


@dataclass(frozen=True, slots=True)
class Place:
    """A host and port, and whether TLS is spoken there: what a connection can be used again for."""

    origin: str  # the same for all spellings: "https://host:port"
    host: str  # lower case, in ASCII, without brackets and trailing dot
    literal: Address | None  # the host, if it is an address
    port: int
    is_encrypted: bool
    authority: str  # as the header Host has it


def target_of(url: str) -> tuple[Place, str]:
    """
    Where a URL leads, and the path that is asked for there, with its query; nothing is looked up.

    Raises:
        NotAUrl: it is none of http or https, or has a user name, a fragment, or a host or port that cannot be.
    """
    found = _URL.fullmatch(url)
    if found is None:
        raise NotAUrl
    scheme, host, port, path = found.groups()
    return _place(scheme.lower(), host, port), path if path.startswith("/") else f"/{path}"


@lru_cache(4096)
def _place(scheme: str, written: str, digits: str | None) -> Place:
    host, literal = _host(written)
    port = int(digits or _PORTS[scheme])
    if not 1 <= port <= 65535:
        raise NotAUrl
    shown = f"[{host}]" if isinstance(literal, IPv6Address) else host
    return Place(
        origin=f"{scheme}://{shown}:{port}",
        host=host,
        literal=literal,
        port=port,
        is_encrypted=scheme == "https",
        authority=shown if port == _PORTS[scheme] else f"{shown}:{port}",
    )


class Dialer:
    """Makes connections, in the event loop it was made in; has threads that look names up, until `close`."""

    def __init__(self, context: ssl.SSLContext, allow_networks: Collection[Network], lookup: Lookup) -> None:
        self._context = context
        self._allow_networks = tuple(allow_networks)
        self._lookup = lookup
        self._threads = ThreadPoolExecutor(LOOKUPS, "lookup")  # the event loop's are too few
        self._looking: dict[tuple[str, int], asyncio.Future[list[Info]]] = {}

    async def connect(self, place: Place) -> Wire:
        """
        A new connection; with TLS if the place is encrypted, in which its host is vouched for.

        Raises:
            ForbiddenAddress: one of the host's addresses is not allowed.
            socket.gaierror: the host has no address.
            TimeoutError: the last address that was tried took too long.
            ssl.SSLError: TLS could not be agreed on, or the certificate is not believed.
            NotConnected: anything else was in the way.
        """
        try:
            return await self._spoken(await self._reached(place), place)
        except (TimeoutError, ssl.SSLError, socket.gaierror):
            raise
        except OSError as error:
            raise NotConnected from error

    def close(self) -> None:
        """Let the threads go, each when its look-up is over; nobody may be waiting any longer."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _reached(self, place: Place) -> socket.socket:
        """The first of a host's addresses that connects."""
        # Without TLS only to what an operator has named: a public address never gets a delivery in the clear.
        allowed = addresses.allowed if place.is_encrypted else addresses.named
        judge = partial(allowed, allow_networks=self._allow_networks)
        reason: OSError = NotConnected()
        for info in _few(await self._found(place, judge)):
            try:
                async with asyncio.timeout(CONNECT_S):
                    return await _connected(info, judge)
            except OSError as error:
                reason = error
        raise reason

    async def _found(self, place: Place, judge: Judge) -> list[Info]:
        """Where a host is, judged; a literal address is judged when its socket is made."""
        if place.literal is not None:
            return [_info(place.literal, place.port)]
        infos = await self._looked_up(place.host, place.port)
        if not all(judge(ip_address(info[4][0])) for info in infos):
            raise ForbiddenAddress  # one is enough: who mixes them is up to something
        return infos

    async def _looked_up(self, host: str, port: int) -> list[Info]:
        """Once for all that ask at the same time, lest one slow name take all threads."""
        looking = self._looking.get((host, port))
        if looking is None:
            ask = partial(self._lookup, host, port, socket.AF_UNSPEC, socket.SOCK_STREAM)
            looking = asyncio.get_running_loop().run_in_executor(self._threads, ask)
            self._looking[host, port] = looking
            looking.add_done_callback(partial(self._looked, (host, port)))
        return await asyncio.shield(looking)

    def _looked(self, of: tuple[str, int], looking: asyncio.Future[list[Info]]) -> None:
        del self._looking[of]
        if not looking.cancelled():
            looking.exception()  # seen, though everybody may have gone

    async def _spoken(self, reached: socket.socket, place: Place) -> Wire:
        """A connected socket as a connection of HTTP."""
        wire = Wire()
        tls: dict[str, Any] = {"ssl": self._context, "server_hostname": place.host} if place.is_encrypted else {}
        try:
            await asyncio.get_running_loop().create_connection(lambda: wire, sock=reached, **tls)
        except BaseException:
            wire.abort()  # first: it may hold the socket already
            reached.close()
            raise
        return wire


async def _connected(info: Info, judge: Judge) -> socket.socket:
    """A socket that is connected to this very address, if it may be."""
    family, kind, protocol, _, address = info
    if not judge(ip_address(address[0])):
        raise ForbiddenAddress
    made = socket.socket(family, kind, protocol)
    try:
        made.setblocking(False)
        await asyncio.get_running_loop().sock_connect(made, address)
    except BaseException:
        made.close()
        raise
    return made


def _few(infos: Iterable[Info]) -> Iterator[Info]:
    """In the system's order, which knows best; of both families, since one of them is broken in many networks."""
    tried: Counter[int] = Counter()
    for info in infos:
        tried[info[0]] += 1
        if tried[info[0]] <= TRIES:
            yield info


def _info(address: Address, port: int) -> Info:
    if isinstance(address, IPv6Address):
        return socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (str(address), port, 0, 0)
    return socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (str(address), port)


def _host(written: str) -> tuple[str, Address | None]:
    """A host in normal form, and its address if it is one; names in other scripts become ASCII (UTS 46)."""
    try:
        if written.startswith("["):
            address = IPv6Address(written[1:-1])
            return str(address), address
        host = written.lower() if written.isascii() else idna.encode(written, uts46=True).decode()
        host = host.removesuffix(".")
        if not _NAME.fullmatch(host):
            raise NotAUrl
        if set(host) <= _DIGITS:  # other spellings of numbers are for the system to look up, and for us to judge
            return host, IPv4Address(host)
    except ValueError as error:  # idna's own errors are among these
        raise NotAUrl from error
    return host, None
