"""Envelopes: what one node signs and another can check, in sequence, each naming the one before it. Pure.

A head is small and signed; the body travels beside it and is bound by its digest, so nothing is parsed before its
signature was checked, and nothing is wrapped twice.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping

FIRST = bytes(32)  # what the first envelope of a stream names as the one before it
TYPE = "border-envelope+jwt"
MEMBERS = frozenset({"iss", "aud", "stream", "seq", "prev", "kind", "body", "iat"})


class Kind(StrEnum):
    """What an envelope carries."""

    KEYS = "keys"  # the sender's anchor with other keys
    DIRECTORY = "directory"  # agencies that the sender shows
    LIMITS = "limits"  # the hard limits it decides with
    GRANT = "grant"  # one of its grants whose readers are over here, as it stands
    EVENT = "event"
    RECALL = "recall"  # an event that crossed is no longer released
    CONSENT = "consent"  # one that opened something has ended
    READS = "reads"  # who over here read the receiver's events


class NotAHead(ValueError):
    """A signed payload that is no head of an envelope."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """
    `seq` counts from 1 in each direction; `previous` is the digest of the head before, `body` that of the body.

    `payload` is what is signed; `digest`, taken of it since signatures differ each time, what the next head names.
    """

    origin: str
    destination: str
    stream: UUID
    seq: int
    previous: bytes
    kind: Kind
    body: bytes
    at: datetime
    payload: dict[str, Any] = field(init=False, compare=False)
    digest: bytes = field(init=False, compare=False)

    def __post_init__(self) -> None:
        """Both are asked for several times, for every event that crosses."""
        payload = {
            "iss": self.origin,
            "aud": self.destination,
            "stream": str(self.stream),
            "seq": self.seq,
            "prev": self.previous.hex(),
            "kind": self.kind.value,
            "body": self.body.hex(),
            "iat": int(self.at.timestamp()),
        }
        object.__setattr__(self, "payload", payload)
        digest = hashlib.sha256(orjson.dumps(payload, option=orjson.OPT_SORT_KEYS)).digest()
        object.__setattr__(self, "digest", digest)


@dataclass(frozen=True, slots=True)
class Sealed:
    """A head, its signed form (JWS), and the body: canonical JSON text."""

    head: Head
    signed: str
    body: str


def body_digest(body: str) -> bytes:
    """The SHA-256 by which a head binds its body."""
    return hashlib.sha256(body.encode()).digest()


def head_of(payload: Mapping[str, Any]) -> Head:
    """
    A head from a verified payload.

    Raises:
        NotAHead: it has other members, or values that no head has.
    """
    if payload.keys() != MEMBERS or type(payload["seq"]) is not int or type(payload["iat"]) is not int:
        raise NotAHead
    try:
        head = Head(
            origin=str(payload["iss"]),
            destination=str(payload["aud"]),
            stream=UUID(payload["stream"]),
            seq=payload["seq"],
            previous=bytes.fromhex(payload["prev"]),
            kind=Kind(payload["kind"]),
            body=bytes.fromhex(payload["body"]),
            at=datetime.fromtimestamp(payload["iat"], UTC),
        )
    except (AttributeError, OSError, OverflowError, TypeError, ValueError) as error:
        raise NotAHead from error
    if head.seq < 1 or len(head.previous) != 32 or len(head.body) != 32 or head.payload != dict(payload):
        raise NotAHead
    return head
