"""
Tokens made by hand, byte for byte, so that anything at all can be wrong with them.

Neither PyJWT, which the hub verifies with, nor any other library that would refuse to make a bad one.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

Part = dict[str, Any] | bytes
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | bytes


def b64(raw: bytes) -> str:
    """Base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unb64(part: str) -> bytes:
    """The bytes of one part of a compact token."""
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def part(content: Part) -> str:
    """A header or payload: an object, or bytes that stand for whatever they are."""
    return b64(content if isinstance(content, bytes) else json.dumps(content).encode())


def private(pem: bytes) -> ec.EllipticCurvePrivateKey:
    """An EC key from its PEM."""
    key = load_pem_private_key(pem, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key


def signature(signed: str, key: Key) -> bytes:
    """ES256 for an EC key, RS256 for an RSA key, HS256 for bytes (RFC 7518 section 3), whatever a header says."""
    message = signed.encode()
    if isinstance(key, bytes):
        return hmac.new(key, message, hashlib.sha256).digest()
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(message, padding.PKCS1v15(), SHA256())
    r, s = decode_dss_signature(key.sign(message, ec.ECDSA(SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def token(header: Part, payload: Part, key: Key) -> str:
    """A compact token over exactly these parts."""
    signed = f"{part(header)}.{part(payload)}"
    return f"{signed}.{b64(signature(signed, key))}"
