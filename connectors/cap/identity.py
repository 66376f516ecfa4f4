"""Which alert: (sender, identifier, sent) together (CAP 1.2 section 3.2.1), and references to earlier ones."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from connectors.cap import times

MAX_ID_CHARS = 240  # of 256: a correction adds 13
# Spaces separate references, yet some senders have them in identifiers: what ends a reference is its time.
_REFERENCE = re.compile(r"\s*([^\s,]+),([^,]+),(\d{4}-\d\d-\d\d[Tt]\S+)", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """One alert message. Two spellings of one instant are the same identity; a reused identifier is not."""

    sender: str
    identifier: str
    sent: datetime  # aware

    @property
    def id(self) -> str:
        """
        The event id: readable, at most 240 characters, and different for different identities.

        The sender is often somebody's mail address, so only its digest is shown. Commas within the parts are
        escaped, so the parts cannot run into each other.
        """
        sender = hashlib.sha256(self.sender.encode()).hexdigest()[:32]
        readable = f"cap:{quote(self.identifier, safe=':@.')},{times.key(self.sent)},{sender}"
        if len(readable) <= MAX_ID_CHARS:
            return readable
        return f"cap:sha256:{hashlib.sha256(f'{readable},{self.sender}'.encode()).hexdigest()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class References:
    """The earlier messages a document names, in its order, and whether some of the text was no reference."""

    known: tuple[Identity, ...]
    is_malformed: bool


def references(written: str) -> References:
    """Read CAP's ``references``: ``sender,identifier,sent`` triples with white space between them."""
    found: list[Identity] = []
    is_malformed = False
    position = 0
    while written[position:].strip():
        match = _REFERENCE.match(written, position)
        if match is None:
            return References(known=tuple(found), is_malformed=True)
        position = match.end()
        sent = times.read(match[3]).instant
        if sent is None:
            is_malformed = True
        else:
            found.append(Identity(sender=match[1], identifier=match[2].strip(), sent=sent))
    return References(known=tuple(dict.fromkeys(found)), is_malformed=is_malformed)
