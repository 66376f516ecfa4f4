"""EC P-256 public keys as they are written down: as a JWK (RFC 7517), by thumbprint (RFC 7638), in PEM. Pure."""

from __future__ import annotations

import base64
import hashlib

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

CURVE = "secp256r1"


def thumbprint(x: str, y: str) -> str:
    """What an EC P-256 key is called by (RFC 7638); coordinates as a JWK writes them."""
    canonical = f'{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}'
    return base64.urlsafe_b64encode(hashlib.sha256(canonical.encode()).digest()).rstrip(b"=").decode()


def coordinates(key: ec.EllipticCurvePublicKey) -> tuple[str, str]:
    """Both coordinates of a key, as a JWK writes them."""
    numbers = key.public_numbers()
    x, y = (base64.urlsafe_b64encode(n.to_bytes(32, "big")).rstrip(b"=").decode() for n in (numbers.x, numbers.y))
    return x, y


def public_key(x: str, y: str) -> ec.EllipticCurvePublicKey:
    """
    The key with these coordinates.

    Raises:
        ValueError: they are no coordinates, or of no point on the curve.
    """
    wide, high = (int.from_bytes(base64.urlsafe_b64decode(part + "=="), "big") for part in (x, y))
    return ec.EllipticCurvePublicNumbers(wide, high, ec.SECP256R1()).public_key()


def pem_of(key: ec.EllipticCurvePublicKey) -> str:
    """A public key in PEM, always the same text for the same key."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def of_pem(pem: str) -> ec.EllipticCurvePublicKey | None:
    """The EC P-256 public key in a PEM; None if it holds none."""
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name == CURVE else None
