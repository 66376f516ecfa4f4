"""Access tokens with anything wrong with them, each by the name of its defect; our own, in the style of Wycheproof."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from hub.keys import new_private_pem
from hub.signing import MAX_TOKEN_CHARS, SigningKey
from hub.tokens import TokenVerifier
from tests.support import forge
from tests.support.cast import NOW

ISSUER, AUDIENCE = "https://us.puente.example", "us/api"
AT = int(NOW.timestamp())
PEM, OTHER_PEM = new_private_pem(), new_private_pem()
KEY, OTHER = SigningKey(PEM), SigningKey(OTHER_PEM)
SECRET, OTHER_SECRET = forge.private(PEM), forge.private(OTHER_PEM)
RSA = rsa.generate_private_key(65537, 2048)
PUBLIC_PEM = KEY.public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
PUBLIC_DER = KEY.public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
HEADER: dict[str, Any] = {"typ": "at+jwt", "alg": "ES256", "kid": KEY.kid}
CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "aud": AUDIENCE,
    "sub": "us-ca-sdpd.main",
    "client_id": "us-ca-sdpd.main",
    "agency": "us-ca-sdpd",
    "jurisdictions": ["US-CA"],
    "scope": "events:read events:publish",
    "jti": "0123456789abcdef",
    "iat": AT,
    "exp": AT + 300,
    "epoch": 1,
}
GONE = object()


def verifier(cache: int = 0) -> TokenVerifier:
    """What stands at the gateway's door; it knows one issuer and one key."""
    return TokenVerifier(ISSUER, AUDIENCE, {KEY.kid: KEY.public}, cache=cache)


def headed(**differs: Any) -> str:
    """A token whose header differs; `GONE` takes a member out."""
    return forge.token({k: v for k, v in (HEADER | differs).items() if v is not GONE}, CLAIMS, SECRET)


def claiming(**differs: Any) -> str:
    """A properly signed token whose claims differ; `GONE` takes one out."""
    return forge.token(HEADER, {k: v for k, v in (CLAIMS | differs).items() if v is not GONE}, SECRET)


def raw(header: bytes | None = None, payload: bytes | None = None) -> str:
    """A properly signed token whose header or payload is these very bytes."""
    return forge.token(header or json.dumps(HEADER).encode(), payload or json.dumps(CLAIMS).encode(), SECRET)


def with_member(text: str) -> bytes:
    """The claims as JSON with `text` put in front: for what no object can hold."""
    return b"{" + text.encode() + b"," + json.dumps(CLAIMS).encode()[1:]


GOOD = forge.token(HEADER, CLAIMS, SECRET)
HEAD, BODY, SIGNATURE = GOOD.split(".")
SIGNED = f"{HEAD}.{BODY}"


def signed_as(alg: str, key: forge.Key) -> str:
    """Claims signed with `key`, under a header that says `alg`."""
    return forge.token(HEADER | {"alg": alg}, CLAIMS, key)


def resigned(make: Callable[[int, int], bytes]) -> str:
    """The good token with a signature made of its own two numbers."""
    both = forge.unb64(SIGNATURE)
    return f"{SIGNED}.{forge.b64(make(int.from_bytes(both[:32], 'big'), int.from_bytes(both[32:], 'big')))}"


def pair(r: int, s: int) -> bytes:
    """A raw ES256 signature (RFC 7518 section 3.4)."""
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256 (FIPS 186-5)

SIGNATURES = {
    "alg none without a signature": forge.token(HEADER | {"alg": "none"}, CLAIMS, SECRET).rpartition(".")[0] + ".",
    "alg none with a signature": signed_as("none", SECRET),
    "alg None": signed_as("None", SECRET),
    "alg nOnE": signed_as("nOnE", SECRET),
    "HS256 with the public key in PEM as the secret": signed_as("HS256", PUBLIC_PEM),
    "HS256 with the public key in PEM, stripped, as the secret": signed_as("HS256", PUBLIC_PEM.strip()),
    "HS256 with the public key in DER as the secret": signed_as("HS256", PUBLIC_DER),
    "HS256 with the published JWK as the secret": signed_as("HS256", json.dumps(KEY.jwk).encode()),
    "HS256 with an empty secret": signed_as("HS256", b""),
    "an HMAC that says ES256": signed_as("ES256", PUBLIC_PEM),
    "RS256 with a key of its own": signed_as("RS256", RSA),
    "an RSA signature that says ES256": signed_as("ES256", RSA),
    "ES256 that says ES384": signed_as("ES384", SECRET),
    "ES256 that says ES256K": signed_as("ES256K", SECRET),
    "ES256 that says EdDSA": signed_as("EdDSA", SECRET),
    "ES256 in small letters": signed_as("es256", SECRET),
    "another key under our kid": signed_as("ES256", OTHER_SECRET),
    "no signature": f"{SIGNED}.",
    "half a signature": f"{SIGNED}.{SIGNATURE[:43]}",
    "a signature of zeros": resigned(lambda _r, _s: pair(0, 0)),
    "r is zero": resigned(lambda _r, s: pair(0, s)),
    "s is zero": resigned(lambda r, _s: pair(r, 0)),
    "r is the order": resigned(lambda _r, s: pair(ORDER, s)),
    "s is the order": resigned(lambda r, _s: pair(r, ORDER)),
    "the two halves swapped": resigned(lambda r, s: pair(s, r)),
    "a signature in DER": resigned(encode_dss_signature),
    "a byte too many": resigned(lambda r, s: pair(r, s) + b"\x00"),
    "a leading byte too many": resigned(lambda r, s: b"\x00" + pair(r, s)),
    "numbers of 48 bytes": resigned(lambda r, s: r.to_bytes(48, "big") + s.to_bytes(48, "big")),
    "the signature of another payload": f"{SIGNED}.{claiming(agency='us-ca-lapd').rpartition('.')[2]}",
    "another payload under the signature": f"{HEAD}.{forge.part(CLAIMS | {'agency': 'us-ca-lapd'})}.{SIGNATURE}",
}

HEADERS = {
    "no alg": headed(alg=GONE),
    "alg is null": headed(alg=None),
    "alg is a list": headed(alg=["ES256"]),
    "no typ": headed(typ=GONE),
    "typ JWT": headed(typ="JWT"),
    "typ in capitals": headed(typ="AT+JWT"),
    "typ with the media type's prefix": headed(typ="application/at+jwt"),
    "typ of a proof of possession": headed(typ="dpop+jwt"),
    "typ with a space": headed(typ="at+jwt "),
    "typ is a list": headed(typ=["at+jwt"]),
    "no kid": headed(kid=GONE),
    "kid unknown": headed(kid="us-2026-11a"),
    "kid empty": headed(kid=""),
    "kid a number": headed(kid=7),
    "kid a list": headed(kid=[KEY.kid]),
    "kid an object": headed(kid={"kid": KEY.kid}),
    "kid a path": headed(kid="../../../../dev/null"),
    "kid of another issuer, whose key signed it": forge.token(HEADER | {"kid": OTHER.kid}, CLAIMS, OTHER_SECRET),
    "crit": headed(crit=["exp"]),
    "crit, empty": headed(crit=[]),
    "jku": headed(jku="https://attacker.example/jwks.json"),
    "jwk, whose key signed it": forge.token(HEADER | {"jwk": OTHER.jwk}, CLAIMS, OTHER_SECRET),
    "x5u": headed(x5u="https://attacker.example/x509"),
    "x5c": headed(x5c=["MIIB"]),
    "b64 true": headed(b64=True),
    "b64 false": headed(b64=False, crit=["b64"]),
    "zip": headed(zip="DEF"),
    "cty": headed(cty="JWT"),
    "a member nobody knows": headed(note=""),
    "alg twice, the last one good": raw(header=b'{"alg":"none",' + json.dumps(HEADER).encode()[1:]),
    "kid twice, the first one good": raw(header=json.dumps(HEADER).encode()[:-1] + b',"kid":"x"}'),
    "alg twice by an escape": raw(header=b'{"\\u0061lg":"none",' + json.dumps(HEADER).encode()[1:]),
    "a header that is a list": raw(header=json.dumps([HEADER]).encode()),
    "a header that is text": raw(header=b'"at+jwt"'),
    "a header that is null": raw(header=b"null"),
    "a header that is no JSON": raw(header=b"at+jwt"),
    "a header with a byte order mark": raw(header=b"\xef\xbb\xbf" + json.dumps(HEADER).encode()),
    "a header in UTF-16": raw(header=json.dumps(HEADER).encode("utf-16")),
    "a header in Latin-1": raw(header=json.dumps(HEADER | {"kid": "ñ"}, ensure_ascii=False).encode("latin-1")),
    "a header with a NUL": raw(header=json.dumps(HEADER).encode() + b"\x00"),
    "two headers": raw(header=json.dumps(HEADER).encode() * 2),
}

TIMES = {
    "no exp": claiming(exp=GONE),
    "exp is null": claiming(exp=None),
    "exp is text": claiming(exp=str(AT + 300)),
    "exp is a fraction": claiming(exp=AT + 300.5),
    "exp is a whole fraction": claiming(exp=AT + 300.0),
    "exp is true": claiming(exp=True),
    "exp is a list": claiming(exp=[AT + 300]),
    "exp is huge": claiming(exp=2**62),
    "exp is beyond every float": raw(payload=json.dumps(CLAIMS).encode().replace(str(AT + 300).encode(), b"1e999")),
    "exp in milliseconds": claiming(exp=(AT + 300) * 1000),
    "exp is negative": claiming(exp=-1),
    "exp has passed": claiming(iat=AT - 305, exp=AT - 5),
    "exp is NaN": raw(payload=json.dumps(CLAIMS | {"exp": float("nan")}).encode()),
    "exp is Infinity": raw(payload=json.dumps(CLAIMS | {"exp": float("inf")}).encode()),
    "exp a hundred years away": claiming(exp=AT + 100 * 365 * 86400),
    "exp a second beyond the longest life": claiming(exp=AT + 301),
    "exp at iat": claiming(iat=AT + 5, exp=AT + 5),
    "exp before iat": claiming(iat=AT + 9, exp=AT + 1),
    "no iat": claiming(iat=GONE),
    "iat is text": claiming(iat=str(AT)),
    "iat is a fraction": claiming(iat=AT + 0.5),
    "iat is true": claiming(iat=True),
    "iat in the future": claiming(iat=AT + 11),
    "iat in the future, nbf not": claiming(iat=AT + 11, nbf=AT),
    "iat long ago": claiming(iat=0),
    "nbf in the future": claiming(nbf=AT + 11),
    "nbf is text": claiming(nbf=str(AT)),
    "nbf is null": claiming(nbf=None),
}

WRONG: dict[str, list[Any]] = {
    "epoch": ["1", 1.0, True, -1, None, [1], 2**31 + 1],
    "aud": [[AUDIENCE], [AUDIENCE, "us/kafka"], "us/kafka", "mx/api", "us/api/", "US/API", "", None, 1],
    "iss": ["https://mx.puente.example", f"{ISSUER}/", ISSUER[:-1], ISSUER.upper(), "", None, [ISSUER]],
    "jurisdictions": ["US-CA", [], [1], None, {"US": 1}, [""], ["US"] * 101],
    "scope": [["events:read"], None, 1, "x" * 501],
    "purpose": [None, "", 1, ["locate-child"]],
    "agency": [None, 1, "", ["us-ca-sdpd"], "a" * 201],
    "client_id": [None, 1, "", {}],
    "sub": [None, 1, ""],
    "jti": [None, 7, "", "j" * 201],
}

WRONG_TYPES = {
    f"{claim} is {json.dumps(value)[:16]} ({number})": claiming(**{claim: value})
    for claim, values in WRONG.items()
    for number, value in enumerate(values, 1)
}

CONTENTS = {
    **{f"no {claim}": claiming(**{claim: GONE}) for claim in CLAIMS},
    **{f"an unknown claim {claim}": claiming(**{claim: ""}) for claim in ("cnf", "act", "admin", "Aud", "_schema")},
    "agency twice, the last one good": raw(payload=with_member('"agency":"us-ca-lapd"')),
    "exp twice, the last one good": raw(payload=with_member('"exp":1')),
    "agency twice by an escape": raw(payload=with_member('"\\u0061gency":"us-ca-lapd"')),
    "a duplicate inside": raw(payload=with_member('"cnf":{"a":1,"a":2}')),
    "deep arrays": raw(payload=with_member(f'"cnf":{"[" * 2000}{"]" * 2000}')),
    "deep objects": raw(payload=with_member(f'"cnf":{"{" + chr(34) + "a" + chr(34) + ":"}' * 5 + "1" + "}" * 5)),
    "a payload that is a list": raw(payload=json.dumps([CLAIMS]).encode()),
    "a payload that is a number": raw(payload=b"1"),
    "a payload that is no JSON": raw(payload=b"{'iss': 1}"),
    "a payload with something behind it": raw(payload=json.dumps(CLAIMS).encode() + b" {}"),
    "a payload with a comment": raw(payload=b"/**/" + json.dumps(CLAIMS).encode()),
    "a payload with half a surrogate": raw(payload=with_member('"purpose":"\\ud800"')),
    "a payload with a NUL": raw(payload=with_member('"purpose":"a\\u0000"')),
    "a payload in UTF-32": raw(payload=json.dumps(CLAIMS).encode("utf-32")),
    "an empty object": raw(payload=b"{}"),
}

OVERSIZED = json.dumps(CLAIMS).encode().ljust(MAX_TOKEN_CHARS * 3 // 4)  # which JSON allows

FORMS = {
    "nothing": "",
    "a word": "token",
    "two dots": "..",
    "one part": HEAD,
    "two parts": SIGNED,
    "four parts": f"{GOOD}.{SIGNATURE}",
    "five parts, as in an encrypted token": f"{GOOD}.{BODY}.{SIGNATURE}",
    "a dot in front": f".{GOOD}",
    "a dot behind": f"{GOOD}.",
    "an empty header": f".{BODY}.{SIGNATURE}",
    "an empty payload": f"{HEAD}..{SIGNATURE}",
    "the JSON form": json.dumps({"payload": BODY, "protected": HEAD, "signature": SIGNATURE}),
    "padding behind the signature": f"{GOOD}==",
    "one padding behind the signature": f"{GOOD}=",
    "padding behind the payload": f"{HEAD}.{BODY}=.{SIGNATURE}",
    "padding behind the header": f"{HEAD}==.{BODY}.{SIGNATURE}",
    "a space in front": f" {GOOD}",
    "a space behind": f"{GOOD} ",
    "a line break behind": f"{GOOD}\n",
    "a line break inside": f"{HEAD}.{BODY}.\n{SIGNATURE}",
    "a tab inside": f"{HEAD}.\t{BODY}.{SIGNATURE}",
    "a NUL behind": f"{GOOD}\x00",
    "the other alphabet": f"{HEAD}.{BODY}.{SIGNATURE[:-2]}+/",
    "a letter that only looks like one": GOOD.replace("e", "\u0435", 1),
    "a full-width dot": GOOD.replace(".", "\uff0e", 1),
    "half a surrogate": f"{GOOD}\ud800",
    "a letter too many": f"{GOOD}A",
    "a letter too few": GOOD[:-1],
    "quotes around it": f'"{GOOD}"',
    "the word Bearer in front": f"Bearer {GOOD}",
    "percent coding": GOOD.replace(".", "%2E"),
    "over the limit, and else good": raw(payload=OVERSIZED),
    "a character over the limit": claiming(purpose="p" * 150).ljust(MAX_TOKEN_CHARS + 1, "A"),
}

BAD = {
    f"{group}: {name}": token
    for group, tokens in [
        ("signature", SIGNATURES),
        ("header", HEADERS),
        ("times", TIMES),
        ("types", WRONG_TYPES),
        ("content", CONTENTS),
        ("form", FORMS),
    ]
    for name, token in tokens.items()
}
