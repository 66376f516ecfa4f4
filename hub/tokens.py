"""JSON Web Tokens: issuing, and verifying in a fixed order (RFC 8725, RFC 9068), on `hub.signing`.

A token without `exp` is one to PyJWT; what it leaves open is closed here. Whatever is wrong, the caller hears the same
two words.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from marshmallow import ValidationError

from hub import signing
from hub.errors import NotAuthenticated
from hub.merkle import Head
from hub.signing import ALGORITHM, MAX_TOKEN_CHARS, SigningKey
from schemas import accept
from schemas.claims import ASSERTION, CLAIMS, TREE_HEAD

if TYPE_CHECKING:
    from collections.abc import Mapping

LEEWAY_S = 5
MAX_API_TTL_S = 300
MAX_KAFKA_TTL_S = 3600
MAX_ASSERTION_TTL_S = 60
HEAD_TYPE = "tree-head+jwt"
ASSERTION_TYPES = ("JWT", "client-authentication+jwt")  # stock clients write the former, RFC 7523bis the latter
PERSON = "person:"  # before the subject of a token that somebody has under their own name


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """The verified content of an access token (RFC 9068 names; `epoch` is the agency's at issue).

    `person` is the subject where somebody asks under their own name; a client alone is its own subject.
    """

    client_id: str
    agency: str
    jurisdictions: tuple[str, ...]
    scopes: frozenset[str]
    purpose: str | None
    jti: str
    exp: int
    epoch: int
    person: str | None = None


class Issuer:
    """Issues this node's tokens. Two audiences, never in one token: `<node>/api` and `<node>/kafka`."""

    def __init__(self, name: str, key: SigningKey) -> None:
        self.name = name
        self.key = key

    def issue(self, claims: Mapping[str, Any], *, audience: str, ttl_s: int, at: datetime) -> str:
        """A token with `claims` that is valid from `at` for `ttl_s` seconds."""
        issued = int(at.timestamp())
        return self.key.sign(
            {
                **claims,
                "iss": self.name,
                "aud": audience,
                "sub": claims.get("sub", claims["client_id"]),
                "jti": secrets.token_urlsafe(16),
                "iat": issued,
                "exp": issued + ttl_s,
            }
        )

    def sign_head(self, head: Head) -> str:
        """The head of the audit's tree, signed (`typ: tree-head+jwt`); it says what was, so it does not expire."""
        claims = {"iss": self.name, "size": head.size, "root": head.root.hex(), "at": head.at.isoformat()}
        return self.key.sign(claims, kind=HEAD_TYPE)


def read_head(signed: str, issuer: str, keys: Mapping[str, ec.EllipticCurvePublicKey]) -> Head:
    """
    A tree head that one of `keys` signed as `issuer`.

    Raises:
        NotAuthenticated: for any defect.
    """
    header = _header(signed)
    key = keys.get(header["kid"]) if isinstance(header.get("kid"), str) else None
    if key is None or header.get("typ") != HEAD_TYPE:
        raise NotAuthenticated
    claims = _signed_payload(signed, key)
    try:
        TREE_HEAD.load(claims)
        at = datetime.fromisoformat(claims["at"])
    except (ValidationError, ValueError) as error:
        raise NotAuthenticated from error
    if claims["iss"] != issuer or at.tzinfo is None:
        raise NotAuthenticated
    return Head(size=claims["size"], root=bytes.fromhex(claims["root"]), at=at)


class TokenVerifier:
    """Verifies access tokens of the one trusted issuer for one audience, in the order of the checks below."""

    def __init__(
        self, issuer: str, audience: str, keys: Mapping[str, ec.EllipticCurvePublicKey], *, cache: int
    ) -> None:
        self._issuer = issuer
        self._audience = audience
        self._keys = keys
        self._cache: OrderedDict[bytes, Claims] = OrderedDict()
        self._cache_size = cache

    def verify(self, token: str, at: datetime) -> Claims:
        """
        The claims of `token` at `at`. The epoch is for the caller to compare with the agency's.

        Raises:
            NotAuthenticated: for any defect; the caller is not told which.
        """
        if len(token) > MAX_TOKEN_CHARS:  # before any work on it: hashing 5 MB costs 8 ms
            raise NotAuthenticated
        digest = hashlib.sha256(token.encode(errors="replace")).digest() if self._cache_size else b""
        claims = self._cache.get(digest) if self._cache_size else None
        if claims is None:
            claims = self._verify(token, at)
            if self._cache_size:
                self._cache[digest] = claims
                while len(self._cache) > self._cache_size:
                    self._cache.popitem(last=False)
        if claims.exp + LEEWAY_S <= at.timestamp():
            raise NotAuthenticated
        return claims

    def _verify(self, token: str, at: datetime) -> Claims:
        header = _header(token)
        if set(header) != {"typ", "alg", "kid"} or header["typ"] != "at+jwt":
            raise NotAuthenticated
        key = self._keys.get(header["kid"]) if isinstance(header["kid"], str) else None
        if key is None:
            raise NotAuthenticated
        payload = _signed_payload(token, key)
        try:
            accept.load(CLAIMS, payload)
        except ValidationError as error:
            raise NotAuthenticated from error
        if payload["iss"] != self._issuer or payload["aud"] != self._audience:
            raise NotAuthenticated
        _check_times(payload, at, MAX_API_TTL_S if self._audience.endswith("/api") else MAX_KAFKA_TTL_S)
        return Claims(
            client_id=payload["client_id"],
            agency=payload["agency"],
            jurisdictions=tuple(payload["jurisdictions"]),
            scopes=frozenset(payload["scope"].split()),
            purpose=payload.get("purpose"),
            jti=payload["jti"],
            exp=payload["exp"],
            epoch=payload["epoch"],
            person=payload["sub"].removeprefix(PERSON) if payload["sub"].startswith(PERSON) else None,
        )


def verify_assertion(
    assertion: str, public_key_pem: str, *, client_id: str, issuer: str, at: datetime
) -> tuple[str, int]:
    """
    Check a client assertion (RFC 7523 section 3, FAPI 2.0: `aud` is the issuer, at most 60 s): its `jti` and `exp`.

    Raises:
        NotAuthenticated: for any defect.
    """
    header = _header(assertion)
    # RFC 8725 section 3.11: what an agency's key signed for another purpose is no assertion.
    if header.get("alg") != ALGORITHM or header.get("typ", "JWT") not in ASSERTION_TYPES:
        raise NotAuthenticated
    if not set(header) <= {"typ", "alg", "kid"}:
        raise NotAuthenticated
    key = load_pem_public_key(public_key_pem.encode())
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise NotAuthenticated
    payload = _signed_payload(assertion, key)
    try:
        ASSERTION.load(payload)
    except ValidationError as error:
        raise NotAuthenticated from error
    if payload["iss"] != client_id or payload["sub"] != client_id or payload["aud"] != issuer:
        raise NotAuthenticated
    _check_times(payload, at, MAX_ASSERTION_TTL_S)
    return payload["jti"], payload["exp"]


def client_of(assertion: str) -> str:
    """Whose key an assertion claims to be signed with: unverified, so only good for looking that key up."""
    try:
        subject = signing.claimed(assertion)["sub"]
    except (signing.NotSealed, KeyError) as error:
        raise NotAuthenticated from error
    if not isinstance(subject, str) or len(subject) > 200:
        raise NotAuthenticated
    return subject


def _header(token: str) -> dict[str, Any]:
    try:
        return signing.header_of(token)
    except signing.NotSealed as error:
        raise NotAuthenticated from error


def _signed_payload(token: str, key: ec.EllipticCurvePublicKey) -> dict[str, Any]:
    try:
        return signing.verified_payload(token, key)
    except signing.NotSealed as error:
        raise NotAuthenticated from error


def _check_times(payload: Mapping[str, Any], at: datetime, max_ttl_s: int) -> None:
    now = at.timestamp()
    issued, expires = payload["iat"], payload["exp"]
    not_before = payload.get("nbf", issued)
    if expires + LEEWAY_S <= now or issued > now + 10 or not_before > now + 10:
        raise NotAuthenticated
    if not 0 < expires - issued <= max_ttl_s:
        raise NotAuthenticated
