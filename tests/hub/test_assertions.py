"""Client assertions (RFC 7523): a client proves that it holds its key, once, to this issuer, for a minute."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.errors import NotAuthenticated
from hub.keys import new_private_pem
from hub.signing import public_pem
from hub.tokens import client_of, verify_assertion
from tests.support import forge
from tests.support.cast import NOW
from tests.support.examples import examples

ISSUER, CLIENT = "https://us.puente.example", "us-ca-sdpd.main"
AT = int(NOW.timestamp())
GONE = object()
PEM, OTHER_PEM = new_private_pem(), new_private_pem()
KEY, OTHER, RSA = forge.private(PEM), forge.private(OTHER_PEM), rsa.generate_private_key(65537, 2048)
PUBLIC = public_pem(PEM)
HEADER: dict[str, Any] = {"alg": "ES256", "typ": "JWT"}
CLAIMS: dict[str, Any] = {
    "iss": CLIENT,
    "sub": CLIENT,
    "aud": ISSUER,
    "jti": "0123456789abcdef",
    "iat": AT,
    "exp": AT + 60,
}
SECOND = timedelta(seconds=1)


def assertion(header: dict[str, Any] | None = None, key: forge.Key = KEY, **differs: Any) -> str:
    """An assertion whose claims differ; `GONE` takes one out."""
    return forge.token(header or HEADER, {k: v for k, v in (CLAIMS | differs).items() if v is not GONE}, key)


def verify(token: str, *, after: timedelta = timedelta(0), public: str = PUBLIC) -> tuple[str, int]:
    """What the token endpoint does with it."""
    return verify_assertion(token, public, client_id=CLIENT, issuer=ISSUER, at=NOW + after)


def twice(member: str) -> str:
    """The good claims with one of their members in front of them once more."""
    return forge.token(HEADER, b"{" + member.encode() + b"," + json.dumps(CLAIMS).encode()[1:], KEY)


GOOD = assertion()
BAD = {
    "another audience": assertion(aud="https://mx.puente.example"),
    "the token endpoint as audience": assertion(aud=f"{ISSUER}/oauth/token"),
    "a list of audiences": assertion(aud=[ISSUER]),
    "no audience": assertion(aud=GONE),
    "longer than a minute": assertion(exp=AT + 61),
    "a hundred years": assertion(exp=AT + 100 * 365 * 86400),
    "exp as text": assertion(exp=str(AT + 60)),
    "exp as a fraction": assertion(exp=AT + 60.0),
    "exp true": assertion(exp=True),
    "exp passed": assertion(iat=AT - 60, exp=AT - 5),
    "no exp": assertion(exp=GONE),
    "no iat": assertion(iat=GONE),
    "iat in the future": assertion(iat=AT + 11),
    "nbf in the future": assertion(nbf=AT + 11),
    "issued by somebody else": assertion(iss="us-ca-lapd.main"),
    "about somebody else": assertion(sub="us-ca-lapd.main"),
    "all of somebody else": assertion(iss="us-ca-lapd.main", sub="us-ca-lapd.main"),
    "no issuer": assertion(iss=GONE),
    "no jti": assertion(jti=GONE),
    "a jti anyone could guess": assertion(jti="1"),
    "a jti without end": assertion(jti="j" * 201),
    "an unknown claim": assertion(admin=True),
    "another key": assertion(key=OTHER),
    "alg none": forge.token(HEADER | {"alg": "none"}, CLAIMS, KEY).rpartition(".")[0] + ".",
    "HS256 with the public key": assertion(HEADER | {"alg": "HS256"}, PUBLIC.encode()),
    "an HMAC that says ES256": assertion(key=PUBLIC.encode()),
    "RS256": assertion(HEADER | {"alg": "RS256"}, RSA),
    "no alg": assertion({"typ": "JWT"}),
    "alg in a list": assertion(HEADER | {"alg": ["ES256"]}),
    "jwk": assertion(HEADER | {"jwk": {}}),
    "jku": assertion(HEADER | {"jku": "https://attacker.example/keys"}),
    "crit": assertion(HEADER | {"crit": ["exp"]}),
    "kid a number": assertion(HEADER | {"kid": 1}),
    "sub twice": twice(f'"sub":"{CLIENT}"'),
    "exp NaN": assertion(exp=float("nan")),
    "an access token's type": assertion(HEADER | {"typ": "at+jwt"}),
    "typ a number": assertion(HEADER | {"typ": 1}),
    "padding": f"{GOOD}==",
    "four parts": f"{GOOD}.",
    "a space": f" {GOOD}",
    "five megabytes": f"{GOOD}{'A' * 5_000_000}",
    "nothing": "",
}


@pytest.mark.parametrize(
    "header", [HEADER, {"alg": "ES256"}, HEADER | {"kid": "any"}, HEADER | {"typ": "client-authentication+jwt"}]
)
def test_a_client_proves_itself_with_its_key(header: dict[str, Any]) -> None:
    assert verify(assertion(header)) == ("0123456789abcdef", AT + 60)


@pytest.mark.parametrize("token", BAD.values(), ids=BAD.keys())
def test_a_bad_assertion_is_refused_and_not_told_why(token: str) -> None:
    with pytest.raises(NotAuthenticated) as refused:
        verify(token)

    assert (str(refused.value.text), refused.value.text.es) == ("invalid token", "token no válido")


def test_it_ends_five_seconds_after_its_exp() -> None:
    assert verify(GOOD, after=64.9 * SECOND)

    with pytest.raises(NotAuthenticated):
        verify(GOOD, after=65 * SECOND)


def test_a_credential_with_a_key_of_another_kind_proves_nothing() -> None:
    pem = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    with pytest.raises(NotAuthenticated):
        verify(assertion(HEADER | {"alg": "RS256"}, RSA), public=pem)
    with pytest.raises(NotAuthenticated):
        verify(assertion(key=RSA), public=pem)


def test_whose_key_it_is_said_to_be_signed_with_needs_no_signature() -> None:
    assert client_of(GOOD) == client_of(assertion(key=OTHER)) == CLIENT


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a",
        "..",
        "a.%%%.b",
        "a.\ud800.b",
        f"a.{forge.b64(b'[]')}.b",
        f"a.{forge.b64(b'{}')}.b",
        f"a.{forge.b64(b'{')}.b",
        assertion(sub=None),
        assertion(sub=7),
        assertion(sub="s" * 201),
        assertion(note="x" * 9000),
        twice('"sub":"us-ca-lapd.main"'),
    ],
)
def test_what_names_no_client_is_refused(token: str) -> None:
    with pytest.raises(NotAuthenticated):
        client_of(token)


@given(st.text(max_size=200))
@settings(max_examples=examples(60))
def test_no_text_whatsoever_breaks_the_look_for_the_client(text: str) -> None:
    with pytest.raises(NotAuthenticated):
        client_of(text)
