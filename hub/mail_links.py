"""
The links of a mail: sealed, so that who has one can do what it is for, and nobody can make or read one. Pure.

AES-SIV (RFC 5297) with one key of the node. A link holds the subscription and its nonce, which is renewed with the
address: what was sent to an earlier address does nothing to the present one.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

if TYPE_CHECKING:
    from hub.subscribing import Subscription

KEY_BYTES = 64
CONFIRM, UNSUBSCRIBE = "confirm", "unsubscribe"  # also the last part of their paths
GOOD_FOR = timedelta(days=7)  # of a confirmation; a mail can be unsubscribed by for as long as there are mails
_CHARS = 75  # of 40 bytes and their authentication tag in base64url, without padding
_FORM = b"puente-mail-1"
_TAG_BYTES = 16
_FOR_EVER = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Addressee:
    """Whom a link was sent to: a subscription while its address was this one."""

    subscription: UUID
    nonce: UUID


class MailLinks:
    """Makes and opens the links of one node's mails; `base` is where their readers reach its gateway."""

    def __init__(self, key: bytes, base: str) -> None:
        self._cipher = AESSIV(key)
        self._tags = HKDF(SHA256(), 32, salt=None, info=_FORM + b" tags").derive(key)
        self._base = base

    def event(self, event: UUID) -> str:
        """Where an event is fetched, with a token."""
        return f"{self._base}/v1/events/{event}"

    def confirm(self, one: Subscription, sent_at: datetime) -> str:
        """By which a reader says that the address is its own, for seven days."""
        return self._link(CONFIRM, one, int((sent_at + GOOD_FOR).timestamp()))

    def unsubscribe(self, one: Subscription) -> str:
        """By which a reader ends its mails."""
        return self._link(UNSUBSCRIBE, one, _FOR_EVER)

    def _link(self, purpose: str, one: Subscription, until_s: int) -> str:
        plain = one.id.bytes + one.nonce.bytes + until_s.to_bytes(8, "big")
        sealed = self._cipher.encrypt(plain, [_FORM, purpose.encode()])
        return f"{self._base}/subscriptions/{purpose}?token={_written(sealed)}"

    def open(self, token: str, purpose: str, at: datetime) -> Addressee | None:
        """Whom a link's token was sent to; None: not made here for this purpose, or over."""
        if len(token) != _CHARS:
            return None
        try:
            sealed = base64.b64decode(token.encode("ascii") + b"=", altchars=b"-_", validate=True)
            if _written(sealed) != token:  # the last character has two bits that mean nothing
                return None
            plain = self._cipher.decrypt(sealed, [_FORM, purpose.encode()])
        except (binascii.Error, UnicodeEncodeError, InvalidTag, ValueError):
            return None
        if at.astimezone(UTC).timestamp() > int.from_bytes(plain[32:], "big"):
            return None
        return Addressee(UUID(bytes=plain[:16]), UUID(bytes=plain[16:32]))

    def tag(self, *parts: object) -> str:
        """A name for these things that tells nobody which they are, and is the same each time (HMAC-SHA256)."""
        text = "\0".join(map(str, parts)).encode()
        return hmac.digest(self._tags, text, "sha256")[:_TAG_BYTES].hex()


def _written(sealed: bytes) -> str:
    return base64.urlsafe_b64encode(sealed).decode().rstrip("=")
