"""Tokens as they are issued, verified, kept and forgotten."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwt
from joserfc.jwk import ECKey

from hub.errors import NotAuthenticated
from hub.signing import SigningKey, public_pem
from hub.tokens import Claims, Issuer, TokenVerifier
from tests.hub.bad_tokens import AT, AUDIENCE, CLAIMS, GOOD, HEADER, ISSUER, KEY, PEM, SECRET, claiming, verifier
from tests.support import forge
from tests.support.cast import NOW

SECOND = timedelta(seconds=1)
KAFKA = TokenVerifier(ISSUER, "us/kafka", {KEY.kid: KEY.public}, cache=0)
ASKED: dict[str, Any] = {
    "client_id": "us-ca-sdpd.main",
    "agency": "us-ca-sdpd",
    "jurisdictions": ["US-CA:06073"],
    "scope": "events:read",
    "epoch": 7,
    "purpose": "locate-child",
}


def issue(audience: str = AUDIENCE, ttl_s: int = 300) -> str:
    """What the node's token endpoint hands out."""
    return Issuer(ISSUER, KEY).issue(ASKED, audience=audience, ttl_s=ttl_s, at=NOW)


def is_good(token: str, *, at: timedelta = timedelta(0), door: TokenVerifier | None = None) -> bool:
    """Whether a verifier lets a token in, so long after NOW."""
    try:
        (door or verifier()).verify(token, NOW + at)
    except NotAuthenticated:
        return False
    return True


def test_what_is_issued_is_verified_with_everything_it_says() -> None:
    claims = verifier().verify(issue(), NOW)

    assert claims == Claims(
        client_id="us-ca-sdpd.main",
        agency="us-ca-sdpd",
        jurisdictions=("US-CA:06073",),
        scopes=frozenset({"events:read"}),
        purpose="locate-child",
        jti=claims.jti,
        exp=AT + 300,
        epoch=7,
    )


def test_another_library_verifies_it_with_the_published_key() -> None:
    found = jwt.decode(issue(), ECKey.import_key(dict[str, Any](KEY.jwk)), algorithms=["ES256"])

    assert found.header == {"typ": "at+jwt", "alg": "ES256", "kid": KEY.kid}
    assert found.claims["sub"] == found.claims["client_id"] == "us-ca-sdpd.main"
    assert {"iss", "aud", "exp", "iat", "jti"} <= found.claims.keys()  # RFC 9068 section 2.2


def test_no_two_tokens_share_an_id() -> None:
    assert len({verifier().verify(issue(), NOW).jti for _ in range(20)}) == 20


def test_optional_claims_may_be_there_or_not() -> None:
    claims = verifier().verify(claiming(nbf=AT, purpose="rescue"), NOW)

    assert (claims.purpose, verifier().verify(GOOD, NOW).purpose) == ("rescue", None)
    assert verifier().verify(claiming(scope=""), NOW).scopes == frozenset()


def test_a_token_for_one_audience_is_none_for_the_other() -> None:
    assert is_good(issue("us/kafka", 1800), door=KAFKA)
    assert not is_good(issue("us/kafka", 300))
    assert not is_good(issue(), door=KAFKA)


def test_each_audience_has_its_longest_life() -> None:
    assert is_good(issue("us/kafka", 3600), door=KAFKA)
    assert not is_good(issue("us/kafka", 3601), door=KAFKA)
    assert not is_good(issue(AUDIENCE, 301))


@pytest.mark.parametrize("cache", [0, 10])
def test_a_token_ends_five_seconds_after_its_exp_kept_or_not(cache: int) -> None:
    door, token = verifier(cache), issue()
    life = 300 * SECOND

    ages = [0 * SECOND, life, life + 4.9 * SECOND, life + 5 * SECOND, 2 * life]

    assert [is_good(token, at=age, door=door) for age in ages] == [True, True, True, False, False]


def test_clocks_may_differ_by_ten_seconds() -> None:
    assert is_good(issue(), at=-10 * SECOND)
    assert not is_good(issue(), at=-11 * SECOND)


def test_a_verified_token_is_kept_and_handed_out_again() -> None:
    door = verifier(cache=10)

    assert door.verify(GOOD, NOW) is door.verify(GOOD, NOW)


def test_without_a_cache_every_token_is_verified_each_time() -> None:
    door = verifier(cache=0)

    assert door.verify(GOOD, NOW) is not door.verify(GOOD, NOW)


def test_the_cache_is_bounded_and_the_oldest_goes_first() -> None:
    door, tokens = verifier(cache=2), [claiming(jti=f"token-number-{number}") for number in range(3)]
    first = [door.verify(token, NOW) for token in tokens]

    assert all(door.verify(token, NOW) is kept for token, kept in zip(tokens[1:], first[1:], strict=True))
    assert door.verify(tokens[0], NOW) is not first[0]


def test_a_kept_token_lends_nothing_to_one_that_looks_like_it() -> None:
    door = verifier(cache=10)
    door.verify(GOOD, NOW)
    signed, _, signature = GOOD.rpartition(".")

    assert not is_good(f"{signed}.{signature[::-1]}", door=door)
    assert not is_good(f"{GOOD}==", door=door)


def test_the_order_of_members_is_the_issuers_business() -> None:
    turned = [dict(reversed(each.items())) for each in (HEADER, CLAIMS)]

    assert is_good(forge.token(turned[0], turned[1], SECRET))


def test_a_verifier_without_keys_lets_nobody_in() -> None:
    assert not is_good(GOOD, door=TokenVerifier(ISSUER, AUDIENCE, {}, cache=0))


def test_the_published_key_is_public_and_named_by_its_thumbprint() -> None:
    bare: dict[str, Any] = {"kty": "EC", "crv": "P-256", "x": KEY.jwk["x"], "y": KEY.jwk["y"]}

    assert ECKey.import_key(bare).thumbprint() == KEY.kid  # RFC 7638
    assert KEY.jwk.keys() == {"kty", "crv", "x", "y", "kid", "alg", "use"}  # no private `d`
    assert SigningKey(PEM).kid == KEY.kid


@pytest.mark.parametrize(
    "key", [ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(65537, 2048)], ids=["P-384", "RSA"]
)
def test_a_node_signs_with_p_256_only(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> None:
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    with pytest.raises(ValueError, match="P-256"):
        SigningKey(pem)


def test_a_credential_holds_the_public_half_only() -> None:
    assert public_pem(PEM).startswith("-----BEGIN PUBLIC KEY-----")
    assert "PRIVATE" not in public_pem(PEM)
