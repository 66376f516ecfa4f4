"""Anchors: what one node must know of another to trust what comes from there, and nothing more. Pure.

An anchor is signed by one of its own keys, so by itself it proves only that it is whole. That it is really the other
node's, two operators tell each other by reading the fingerprint aloud.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from cryptography import x509

from hub import jwk
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cryptography.hazmat.primitives.asymmetric import ec

TYPE = "border-anchor+jwt"
MAX_CHARS = 65_536
MAX_AUTHORITY_CHARS = 32_768
MOST_KEYS = 8
MEMBERS = frozenset({"iss", "country", "prefix", "url", "authority", "keys", "iat"})
KEY_MEMBERS = frozenset({"kid", "x", "y", "valid_from", "valid_until"})
COUNTRIES = ("US", "MX")
_COORDINATE = re.compile(r"[A-Za-z0-9_-]{43}")
_GROUP = 4
_FINGERPRINT_CHARS = 40  # 160 bits: more than anybody can search through, and ten groups to read aloud
_LATEST_S = 253_402_300_799  # 9999-12-31

NOT_MEMBERS = Text(
    "the anchor lacks a member or has one too many", "al ancla le falta un miembro o le sobra uno", code="members"
)
NOT_A_NODE = Text(
    "the anchor's country is not US or MX, or its node not the same in small letters",
    "el país del ancla no es US ni MX, o su nodo no es lo mismo en minúsculas",
    code="node",
)
NOT_ITS_PREFIX = Text(
    "the anchor's prefix is not its node's", "el prefijo del ancla no es el de su nodo", code="prefix"
)
NOT_A_URL = Text(
    "the anchor's URL is not https://host[:port]", "la URL del ancla no es https://equipo[:puerto]", code="url"
)
NO_AUTHORITY = Text(
    "the anchor's authority is no certificate in PEM",
    "la autoridad del ancla no es un certificado en PEM",
    code="authority",
)
NOT_A_TIME = Text("a time in the anchor is not one", "una fecha del ancla no lo es", code="time")
NO_KEYS = Text(
    "the anchor holds no key, or more than {most}", "el ancla no contiene claves, o más de {most}", code="no-keys"
).format(most=MOST_KEYS)
NOT_A_KEY = Text(
    "a key in the anchor is not an EC P-256 public key", "una clave del ancla no es pública EC P-256", code="not-a-key"
)
NOT_ITS_KID = Text(
    "a key in the anchor is not called by its thumbprint (RFC 7638)",
    "una clave del ancla no se llama por su huella (RFC 7638)",
    code="kid",
)
TWICE = Text("a key stands twice in the anchor", "una clave aparece dos veces en el ancla", code="key-twice")
NOT_A_PERIOD = Text(
    "a key in the anchor ends before it begins", "una clave del ancla termina antes de empezar", code="period"
)


class NotAnAnchor(ValueError):
    """The payload is no anchor; `text` says why."""

    def __init__(self, text: Text) -> None:
        super().__init__(str(text))
        self.text = text


@dataclass(frozen=True, slots=True, kw_only=True)
class BorderKey:
    """A public key that a node signs with at the border, in [valid_from, valid_until)."""

    kid: str
    x: str
    y: str
    valid_from: datetime
    valid_until: datetime

    def is_valid(self, at: datetime) -> bool:
        """Half-open, like a grant."""
        return self.valid_from <= at < self.valid_until

    @property
    def public(self) -> ec.EllipticCurvePublicKey:
        """The key itself."""
        return jwk.public_key(self.x, self.y)


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """`authority`: PEM certificates that alone vouch for the TLS certificate of `url`."""

    node: str
    country: str
    prefix: str
    url: str
    authority: str
    keys: tuple[BorderKey, ...]
    issued_at: datetime

    @property
    def payload(self) -> dict[str, Any]:
        """What is signed."""
        return {
            "iss": self.node,
            "country": self.country,
            "prefix": self.prefix,
            "url": self.url,
            "authority": self.authority,
            "keys": [
                {
                    "kid": key.kid,
                    "x": key.x,
                    "y": key.y,
                    "valid_from": int(key.valid_from.timestamp()),
                    "valid_until": int(key.valid_until.timestamp()),
                }
                for key in self.keys
            ],
            "iat": int(self.issued_at.timestamp()),
        }

    def key(self, kid: str) -> BorderKey | None:
        """One of its keys."""
        return next((key for key in self.keys if key.kid == kid), None)


def fingerprint(node: str, prefix: str, kid: str) -> str:
    """What two operators compare aloud: of the node, its prefix, and the key that signed its anchor."""
    digest = hashlib.sha256("\n".join((node, prefix, kid)).encode()).hexdigest()[:_FINGERPRINT_CHARS]
    return " ".join(digest[start : start + _GROUP] for start in range(0, len(digest), _GROUP))


def is_fingerprint(told: str, of: str) -> bool:
    """Whether somebody has written down this fingerprint, however they grouped it."""
    return "".join(re.findall(r"[0-9a-f]", told.lower())) == of.replace(" ", "")


def anchor_of(payload: Mapping[str, Any]) -> Anchor:
    """
    An anchor from a payload whose signature its own key has made, or is about to be checked with.

    Raises:
        NotAnAnchor: it has other members, or values that no anchor has; says which.
    """
    _require(payload.keys() == MEMBERS, NOT_MEMBERS)
    _require(all(isinstance(payload[name], str) for name in MEMBERS - {"keys", "iat"}), NOT_MEMBERS)
    node, country, prefix = payload["iss"], payload["country"], payload["prefix"]
    _require(country in COUNTRIES and node == country.lower(), NOT_A_NODE)
    _require(prefix == f"{node}-", NOT_ITS_PREFIX)
    _require(is_checkpoint(payload["url"]), NOT_A_URL)
    _require(is_authority(payload["authority"]), NO_AUTHORITY)
    issued_at = _time(payload["iat"])
    keys = tuple(_keys(payload["keys"]))
    _require(len({key.kid for key in keys}) == len(keys), TWICE)
    return Anchor(
        node=node,
        country=country,
        prefix=prefix,
        url=payload["url"],
        authority=payload["authority"],
        keys=keys,
        issued_at=issued_at,
    )


def _keys(given: object) -> Iterator[BorderKey]:
    if not isinstance(given, list) or not 1 <= len(given) <= MOST_KEYS:
        raise NotAnAnchor(NO_KEYS)
    for each in given:
        if not isinstance(each, dict) or each.keys() != KEY_MEMBERS:
            raise NotAnAnchor(NOT_MEMBERS)
        x, y = each["x"], each["y"]
        _require(all(isinstance(part, str) and _COORDINATE.fullmatch(part) for part in (x, y)), NOT_A_KEY)
        try:
            is_canonical = jwk.coordinates(jwk.public_key(x, y)) == (x, y)
        except ValueError as error:
            raise NotAnAnchor(NOT_A_KEY) from error
        _require(is_canonical, NOT_A_KEY)
        _require(each["kid"] == jwk.thumbprint(x, y), NOT_ITS_KID)
        begins, ends = _time(each["valid_from"]), _time(each["valid_until"])
        _require(begins < ends, NOT_A_PERIOD)
        yield BorderKey(kid=each["kid"], x=x, y=y, valid_from=begins, valid_until=ends)


def is_checkpoint(url: str) -> bool:
    """Whether this is where a checkpoint can be: https, a host, perhaps a port, and nothing else."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    rest = (parts.path, parts.query, parts.fragment, parts.username, parts.password)
    is_plain = len(url) <= 300 and url.isascii() and url.isprintable() and " " not in url
    return is_plain and parts.scheme == "https" and bool(parts.hostname) and port != 0 and not any(rest)


def is_authority(pem: str) -> bool:
    """Whether this is one certificate in PEM, or several."""
    if len(pem) > MAX_AUTHORITY_CHARS:
        return False
    try:
        return bool(x509.load_pem_x509_certificates(pem.encode()))
    except ValueError:
        return False


def _time(given: object) -> datetime:
    if type(given) is not int or not 0 <= given <= _LATEST_S:
        raise NotAnAnchor(NOT_A_TIME)
    return datetime.fromtimestamp(given, UTC)


def _require(is_so: bool, text: Text) -> None:
    if not is_so:
        raise NotAnAnchor(text)
