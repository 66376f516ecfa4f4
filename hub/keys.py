"""The node's own secrets on disk: made once, readable by their owner alone."""

from __future__ import annotations

import json
import os
import secrets
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from hub.jwk import public_key, thumbprint
from hub.signing import SigningKey

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def new_private_pem() -> bytes:
    """A fresh EC P-256 private key (ES256, FIPS 186-5)."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def issuer_key(folder: Path) -> SigningKey:
    """The issuer's signing key; `jwks.json` beside it is what the Kafka broker verifies with."""
    key = SigningKey(kept(folder / "issuer.pem", new_private_pem))
    jwks = json.dumps({"keys": [key.jwk]}).encode()
    path = folder / "jwks.json"
    if not path.exists() or path.read_bytes() != jwks:
        write(path, jwks, mode=0o644)
    return key


def public_keys(jwks: object) -> dict[str, ec.EllipticCurvePublicKey]:
    """
    The EC P-256 keys of a JWK set (RFC 7517), each by its own thumbprint, whatever it is called there.

    Raises:
        ValueError: it is no such set, or holds none.
    """
    found = {}
    try:
        for jwk in jwks["keys"]:  # type: ignore[index]
            if jwk["kty"] == "EC" and jwk["crv"] == "P-256":
                found[thumbprint(jwk["x"], jwk["y"])] = public_key(jwk["x"], jwk["y"])
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("not a JWK set") from error
    if not found:
        raise ValueError("no EC P-256 key")
    return found


def cursor_key(folder: Path) -> bytes:
    """The 64-byte key of feed cursors."""
    return kept(folder / "cursor.key", lambda: secrets.token_bytes(64))


def webhook_key(folder: Path) -> bytes:
    """The 32-byte key that the secrets of webhooks are derived from."""
    return kept(folder / "webhook.key", lambda: secrets.token_bytes(32))


def mail_key(folder: Path) -> bytes:
    """The 64-byte key that the links of mails are sealed with."""
    return kept(folder / "mail.key", lambda: secrets.token_bytes(64))


def client_key(path: Path) -> bytes:
    """An agency's client key in PEM, made if the file is not there."""
    return kept(path, new_private_pem)


def kept(path: Path, make: Callable[[], bytes]) -> bytes:
    """What is in `path`; if two processes make it at once, the first one's stays."""
    if not path.exists():
        scratch = _scratch(path, make(), mode=0o600)
        with suppress(FileExistsError):
            os.link(scratch, path)
        scratch.unlink()
    return path.read_bytes()


def write(path: Path, content: bytes, *, mode: int) -> None:
    """Put `content` there whole or not at all."""
    _scratch(path, content, mode=mode).replace(path)


def _scratch(path: Path, content: bytes, *, mode: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}")
    scratch.unlink(missing_ok=True)
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
    return scratch
