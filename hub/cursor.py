"""Opaque feed cursors: a position that only its reader can use and nobody can read. Pure.

Positions count every event of the node, so showing one would tell how many there are that the reader may not see.
AES-SIV (RFC 5297) is deterministic: the same place gives the same cursor, and one changed bit or another agency's
cursor is refused. Where a cursor moves without its reader having got anything, that would tell by whether it has moved
that something has come for others; such a cursor is blind, and differs each time.
"""

from __future__ import annotations

import base64
import binascii
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from hub.errors import Invalid
from schemas.flaws import flaw
from schemas.texts import Text

_FORM = b"puente-feed-1"
_CHARS = 32  # of a position and its authentication tag, 24 bytes, in base64url
_BLINDING = 9  # bytes of chance, in those cursors that are to differ each time; with the rest no padding is needed
_BLIND_CHARS = 44

NOT_A_CURSOR = Text("This is not a cursor of this feed.", "Esto no es un cursor de esta lista.", code="not-a-cursor")


class Cursors:
    """Seals and opens positions with one 64-byte key of the node."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESSIV(key)

    def seal(self, position: int, agency: str, status: str) -> str:
        """The cursor behind `position` for this agency's feed of this status."""
        sealed = self._cipher.encrypt(position.to_bytes(8, "big"), [_FORM, agency.encode(), status.encode()])
        return base64.urlsafe_b64encode(sealed).decode()

    def seal_blind(self, position: int, agency: str, status: str) -> str:
        """The same for a place where this agency need not have got anything: no two are alike."""
        plain = position.to_bytes(8, "big") + secrets.token_bytes(_BLINDING)
        sealed = self._cipher.encrypt(plain, [_FORM, agency.encode(), status.encode()])
        return base64.urlsafe_b64encode(sealed).decode()

    def open(self, cursor: str, agency: str, status: str) -> int:
        """
        The position a cursor stands for; an empty cursor stands before the first event.

        Raises:
            Invalid: it was not made here for this agency and this feed.
        """
        if not cursor:
            return 0
        try:
            sealed = base64.b64decode(cursor.encode("ascii"), altchars=b"-_", validate=True)
            plain = self._cipher.decrypt(sealed, [_FORM, agency.encode(), status.encode()])
            if len(cursor) not in (_CHARS, _BLIND_CHARS):  # base64 takes padding that nobody wrote
                raise ValueError
        except (binascii.Error, UnicodeEncodeError, InvalidTag, ValueError) as error:
            raise Invalid((flaw("/after", NOT_A_CURSOR),)) from error
        return int.from_bytes(plain[:8], "big")
