"""Signing, and verifying in a fixed order, of everything that is signed here. The only module that knows PyJWT.

PyJWT checks neither `typ` nor duplicate members; what it leaves open is closed here before and after it (RFC 8725).
Access tokens and client assertions are `hub.tokens`; what crosses the border is sealed and opened here.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from hub.jwk import CURVE, coordinates, pem_of, thumbprint
from schemas import strictjson
from schemas.flaws import Malformed
from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

ALGORITHM = "ES256"
MAX_TOKEN_CHARS = 8192
MAX_DEPTH = 4
_ES256 = jwt.PyJWS(algorithms=[ALGORITHM])  # made once: a new one builds every algorithm there is
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")

FORM = Text("not a signed document", "no es un documento firmado", code="form")
TYPE = Text("signed for another purpose", "firmado para otro fin", code="type")
KEY = Text("signed with a key that is not known here", "firmado con una clave que aquí no se conoce", code="key")
SIGNATURE = Text("the signature is not of this text", "la firma no corresponde a este texto", code="signature")


class NotSealed(Exception):
    """Not what it should be, or not signed by any of the keys; `text` says which, for operators' eyes."""

    def __init__(self, text: Text) -> None:
        super().__init__(str(text))
        self.text = text


class SigningKey:
    """A private key of the node. Its `kid` is its RFC 7638 thumbprint, so no two keys share one by accident."""

    def __init__(self, private_pem: bytes) -> None:
        key = load_pem_private_key(private_pem, None)
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != CURVE:
            raise ValueError("a key to sign with must be an EC P-256 private key")
        self._key = key
        self.public = key.public_key()
        x, y = coordinates(self.public)
        self.kid = thumbprint(x, y)
        self.jwk = {"kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": self.kid, "alg": ALGORITHM, "use": "sig"}

    def sign(self, claims: Mapping[str, Any], *, kind: str = "at+jwt") -> str:
        """An access token, or what else `kind` names (`typ`): each is good for one purpose (RFC 8725 section 3.11)."""
        return jwt.encode(dict(claims), self._key, ALGORITHM, headers={"typ": kind, "kid": self.kid})


def seal(key: SigningKey, payload: Mapping[str, Any], typ: str) -> str:
    """A payload in JWS compact form, good for the one purpose that `typ` names."""
    return key.sign(payload, kind=typ)


@dataclass(frozen=True, slots=True)
class Opened:
    """A payload whose signature was checked, and which key made it."""

    kid: str
    payload: dict[str, Any]


def open_sealed(
    signed: str,
    typ: str,
    keys: Mapping[str, ec.EllipticCurvePublicKey],
    *,
    max_chars: int = MAX_TOKEN_CHARS,
    max_items: int = strictjson.MAX_ITEMS,
) -> Opened:
    """
    What was sealed for the purpose `typ` with one of `keys`, which are by their `kid`.

    Raises:
        NotSealed: for any defect.
    """
    header = header_of(signed, max_chars=max_chars)
    if header.keys() != {"typ", "alg", "kid"} or header["alg"] != ALGORITHM:
        raise NotSealed(FORM)
    if header["typ"] != typ:
        raise NotSealed(TYPE)
    key = keys.get(header["kid"]) if isinstance(header["kid"], str) else None
    if key is None:
        raise NotSealed(KEY)
    return Opened(header["kid"], verified_payload(signed, key, max_chars=max_chars, max_items=max_items))


def claimed(signed: str, *, max_chars: int = MAX_TOKEN_CHARS) -> dict[str, Any]:
    """
    What a document says of itself before anything is verified: only good for looking up whose key to verify it with.

    Raises:
        NotSealed: it is none.
    """
    _require_compact(signed, max_chars)
    return _object(signed.split(".")[1], max_chars)


def header_of(signed: str, *, max_chars: int = MAX_TOKEN_CHARS) -> dict[str, Any]:
    """
    The header, unverified.

    Raises:
        NotSealed: there is none.
    """
    _require_compact(signed, max_chars)
    return _object(signed.split(".")[0], max_chars)


def verified_payload(
    signed: str,
    key: ec.EllipticCurvePublicKey,
    *,
    max_chars: int = MAX_TOKEN_CHARS,
    max_items: int = strictjson.MAX_ITEMS,
) -> dict[str, Any]:
    """
    The payload of what `key` signed with ES256, whatever its header says.

    Raises:
        NotSealed: it did not, or the payload is no object with one meaning.
    """
    try:
        _ES256.decode(signed, key, algorithms=[ALGORITHM])
    except jwt.InvalidTokenError as error:
        raise NotSealed(SIGNATURE) from error
    return _object(signed.split(".")[1], max_chars, max_items)


def _require_compact(signed: str, max_chars: int) -> None:
    # Size, then characters: three base64url parts and nothing else, so no padding tricks, no JWE, no JSON form.
    if len(signed) > max_chars or _COMPACT.fullmatch(signed) is None:
        raise NotSealed(FORM)


def _object(part: str, max_chars: int, max_items: int = strictjson.MAX_ITEMS) -> dict[str, Any]:
    try:
        parsed = strictjson.parse(decode(part), max_bytes=max_chars, max_depth=MAX_DEPTH, max_items=max_items)
    except (Malformed, ValueError) as error:
        raise NotSealed(FORM) from error
    if not isinstance(parsed, dict):
        raise NotSealed(FORM)
    return parsed


def decode(part: str) -> bytes:
    """Base64url without padding."""
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def public_pem(private_pem: bytes) -> str:
    """The public half of an EC private key in PEM, as a credential stores it."""
    return pem_of(SigningKey(private_pem).public)
