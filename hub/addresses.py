"""Which addresses a webhook may be posted to: public ones, and networks that an operator has named. Pure.

The lists are our own: `ipaddress.is_global` of Python 3.11 takes NAT64, 6to4, site-local and multicast for public.
A URL is read strictly and rewritten to one form, so that what was judged is what is connected to. A host name is judged
by what it resolves to when a connection is made (`hub.workers.posting`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING
from urllib.parse import quote

import idna

from hub.errors import Invalid
from schemas.flaws import flaw
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Collection

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

MAX_CHARS = 2000

# IANA IPv4 Special-Purpose Address Registry (RFC 6890), multicast, and what is reserved.
_SPECIAL_4 = tuple(
    IPv4Network(each)
    for each in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",
        "100.64.0.0/10",  # carriers' own; also metadata of a cloud
        "127.0.0.0/8",
        "168.63.129.16/32",  # the host of a virtual machine at a cloud, though it looks public
        "169.254.0.0/16",  # link-local; metadata of most clouds
        "172.16.0.0/12",
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarking
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)
# Nothing else is handed out as global unicast (RFC 4291 section 2.4). Outside are ::, ::1, IPv4-compatible addresses,
# NAT64 (64:ff9b::/96, 64:ff9b:1::/48), discard-only, unique local (fc00::/7), link-local, site-local and multicast.
_UNICAST_6 = IPv6Network("2000::/3")
_SPECIAL_6 = tuple(
    IPv6Network(each)
    for each in (
        "2001::/23",  # protocol assignments: Teredo (2001::/32), benchmarking, ORCHID
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: an IPv4 address inside
        "2620:4f:8000::/48",  # AS112
        "3ffe::/16",  # 6bone, given back
        "3fff::/20",  # documentation
    )
)
# Ports above 1023 on which something else than HTTP usually listens; below, only 80 and 443 are HTTP.
_OTHER_PROTOCOLS = frozenset(
    [1433, 1521, 1719, 1720, 1723, 2049, 2181, 2375, 2379, 2380, 3306, 3389, 3659, 4045, 4190, 5060, 5061, 5432, 5433]
    + [5672, 5900, 6000, 6379, 6432, *range(6665, 6670), 6679, 6697, 9042, 9092, 9093, 9094, 9300, 11211, 27017]
)
_PORTS = {"https": 443, "http": 80}

# RFC 3986 appendix B, narrowed: a scheme, an authority, and the rest up to a fragment.
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)([^#]*)(#.*)?")
_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]]+)(?::([0-9]*))?")
_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*")
# What URL parsers take for the end of an IPv4 address, however odd: 127.1, 0177.0.0.1, 0x7f.1, 2130706433.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_KEPT = "!$%&'()*+,/:;=?@[]~"  # in path and query, beside letters, digits and "-._"

TOO_LONG = Text(
    "The address may have at most {most} characters.",
    "La dirección puede tener como máximo {most} caracteres.",
    code="url-too-long",
).format(most=MAX_CHARS)
NOT_A_URL = Text(
    "This must be a web address with a host.", "Debe ser una dirección web con su servidor.", code="not-a-url"
)
NOT_ENCRYPTED = Text("The address must be https.", "La dirección debe ser https.", code="not-tls")
USERINFO = Text(
    "The address may not hold a user name or password.",
    "La dirección no puede llevar usuario ni contraseña.",
    code="url-userinfo",
)
FRAGMENT = Text(
    "The address may not have a fragment (#).", "La dirección no puede llevar fragmento (#).", code="url-fragment"
)
PORT = Text(
    "No receiver of webhooks is reached on this port; use 443, or one above 1023 that serves HTTP.",
    "En este puerto no se entregan avisos; use 443 o uno superior a 1023 que atienda HTTP.",
    code="url-port",
)
HOST = Text(
    "The host must be a full name or an IP address in its usual form.",
    "El servidor debe ser un nombre completo o una dirección IP en su forma usual.",
    code="url-host",
)
NOT_PUBLIC = Text(
    "The address is not public, and the operator of this node has not named its network.",
    "La dirección no es pública y el operador de este nodo no ha incluido su red.",
    code="address-not-public",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where webhooks are posted to; two spellings of one address are equal."""

    url: str  # in normal form: what is connected to
    host: str  # lower case, in ASCII, without brackets and trailing dot
    port: int
    encrypted: bool


def allowed(address: Address, allow_networks: Collection[Network]) -> bool:
    """Whether a webhook may go to this address: it is public, or an operator has named its network."""
    return named(address, allow_networks) or (not _scoped(address) and _public(_unmapped(address)))


def named(address: Address, allow_networks: Collection[Network]) -> bool:
    """Whether an operator has named the network of this address."""
    plain = _unmapped(address)
    return not _scoped(address) and any(plain in network for network in allow_networks)


def networks(names: Collection[str]) -> tuple[Network, ...]:
    """
    Networks as a setting names them, such as ``10.1.0.0/16``.

    Raises:
        ValueError: one is no network, or has bits set behind its prefix.
    """
    return tuple(ip_network(name) for name in names)


def endpoint(url: str, allow_networks: Collection[Network] = ()) -> Endpoint:
    """
    The address of a webhook, checked as far as that goes without asking the DNS.

    Plain http is for networks that an operator has named; a name under http is judged when a connection is made.

    Raises:
        Invalid: it is too long, no https URL, or leads where no webhook may go; the flaw's path is ``/url``.
    """
    scheme, authority, target = _split(url)
    found = _AUTHORITY.fullmatch(authority)
    if found is None:
        raise _refused(HOST)
    host, address = _host(found[1])
    port = int(found[2] or _PORTS[scheme])
    if port not in (80, 443) and (not 1024 <= port <= 65535 or port in _OTHER_PROTOCOLS):
        raise _refused(PORT)
    if address is not None and not allowed(address, allow_networks):
        raise _refused(NOT_PUBLIC)
    if address is None and "." not in host and not allow_networks:
        raise _refused(HOST)  # a name without a dot is only known on the spot
    if scheme == "http" and not (named(address, allow_networks) if address else allow_networks):
        raise _refused(NOT_ENCRYPTED)
    shown = f"[{host}]" if isinstance(address, IPv6Address) else host
    place = shown if port == _PORTS[scheme] else f"{shown}:{port}"
    rest = quote(target if target.startswith("/") else f"/{target}", safe=_KEPT)
    normal = f"{scheme}://{place}{rest}"
    if len(normal) > MAX_CHARS:
        raise _refused(TOO_LONG)
    return Endpoint(url=normal, host=host, port=port, encrypted=scheme == "https")


def _split(url: str) -> tuple[str, str, str]:
    """Scheme, authority, and path with query."""
    if len(url) > MAX_CHARS:
        raise _refused(TOO_LONG)
    # Libraries differ on what they do with white space, control characters and backslashes.
    found = _URL.fullmatch(url) if url.isprintable() and not set(url) & set(" \\") else None
    if found is None:
        raise _refused(NOT_A_URL)
    scheme, authority, target, fragment = found[1].lower(), found[2], found[3], found[4]
    if scheme not in _PORTS:
        raise _refused(NOT_ENCRYPTED)
    if "@" in authority:
        raise _refused(USERINFO)
    if fragment is not None:
        raise _refused(FRAGMENT)
    return scheme, authority, target


def _host(written: str) -> tuple[str, Address | None]:
    """A host in normal form, and its address where it is one; names in other scripts become ASCII (UTS 46)."""
    try:
        if written.startswith("["):
            address = IPv6Address(written[1:-1])
            return str(address), address
        host = written.lower() if written.isascii() else idna.encode(written, uts46=True).decode()
        host = host.removesuffix(".")
        if not _NAME.fullmatch(host):
            raise _refused(HOST)
        return host, ip_address(host) if _NUMBER.fullmatch(host.rpartition(".")[2]) else None
    except ValueError as error:  # idna's own errors are among these
        raise _refused(HOST) from error


def _public(address: Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _SPECIAL_4)
    return address in _UNICAST_6 and not any(address in network for network in _SPECIAL_6)


def _unmapped(address: Address) -> Address:
    """The IPv4 address inside an IPv4-mapped one (``::ffff:0:0/96``): that is what a socket connects to."""
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def _scoped(address: Address) -> bool:
    """Whether it names an interface of this machine (RFC 4007); no public address does."""
    return isinstance(address, IPv6Address) and address.scope_id is not None


def _refused(text: Text) -> Invalid:
    return Invalid((flaw("/url", text),))
