"""Keys of people and machines: which ones are taken, and that no two clients hold the same."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from hub import jwk
from hub.directory import Credential
from hub.errors import Invalid
from hub.principal import ANYWHERE
from hub.store import credentials
from schemas.flaws import flaw
from schemas.texts import Text

if TYPE_CHECKING:
    from hub.directory import Person
    from hub.store import Connection

NOT_A_KEY = Text(
    "an EC P-256 public key in PEM is needed", "se requiere una clave pública EC P-256 en PEM", code="not-a-key"
)
PRIVATE = Text(
    "this is a private key: it stays where it was made; make another",
    "es una clave privada: se queda donde se creó; genere otra",
    code="private-key",
)
SHARED = Text(
    "another client holds this key; each has its own",
    "otro cliente tiene esta clave; cada uno usa la suya",
    code="key-in-use",
)


def digest_of(secret: str) -> bytes:
    """What is kept of a client's secret; plain SHA-256, since 256 random bits cannot be guessed from it."""
    return hashlib.sha256(secret.encode()).digest()


def readable(pem: str) -> str:
    """
    A public key as it is stored.

    Raises:
        Invalid: it is none, or a private one, which is lost by having been sent.
    """
    if "PRIVATE" in pem:
        raise Invalid((flaw("/key", PRIVATE),))
    key = jwk.of_pem(pem)
    if key is None:
        raise Invalid((flaw("/key", NOT_A_KEY),))
    return jwk.pem_of(key)


def of_person(person: Person, key: str) -> Credential:
    """The client that somebody acts through: named like them, and with no scopes but those of their roles."""
    return Credential(
        client_id=person.id,
        agency=person.agency,
        public_key_pem=key,
        scopes=frozenset(),
        jurisdictions=ANYWHERE,
        person=person.id,
    )


def require_own(conn: Connection, client_id: str) -> None:
    """
    The client shares its key with no other: two persons with one key would be one person.

    Raises:
        Invalid: it does; nothing of the act is kept.
    """
    if credentials.has_twin(conn, client_id):
        raise Invalid((flaw("/key", SHARED),))
