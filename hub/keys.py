"""The node's own secrets on disk: made once, readable by their owner alone."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from hub.tokens import SigningKey

if TYPE_CHECKING:
    from pathlib import Path


def new_private_pem() -> bytes:
    """A fresh EC P-256 private key (ES256, FIPS 186-5)."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def issuer_key(folder: Path) -> SigningKey:
    """The issuer's signing key; `jwks.json` beside it is what the Kafka broker verifies with."""
    key = SigningKey(_kept(folder / "issuer.pem", new_private_pem))
    jwks = json.dumps({"keys": [key.jwk]}).encode()
    path = folder / "jwks.json"
    if not path.exists() or path.read_bytes() != jwks:
        _write(path, jwks, mode=0o644)
    return key


def cursor_key(folder: Path) -> bytes:
    """The 64-byte key of feed cursors."""
    return _kept(folder / "cursor.key", lambda: secrets.token_bytes(64))


def _kept(path: Path, make: object) -> bytes:
    if not path.exists():
        _write(path, make(), mode=0o600)  # type: ignore[operator]
    return path.read_bytes()


def _write(path: Path, content: bytes, *, mode: int) -> None:
    """Whole or not at all; if two processes make the same secret at once, the first one's stays."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    scratch = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
    if mode == 0o600:
        with contextlib.suppress(FileExistsError):
            os.link(scratch, path)
        scratch.unlink()
    else:
        scratch.replace(path)


def client_key(path: Path) -> bytes:
    """An agency's client key in PEM, made if the file is not there."""
    return _kept(path, new_private_pem)
