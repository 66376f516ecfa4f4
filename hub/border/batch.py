"""Batches: how envelopes travel together, within bounds that hold while they are unpacked. Pure.

`gzip` of lines: an envelope's signed head, a space, its body, a line feed. The head of the batch is signed by itself
and binds the compressed body by its digest, so nothing of the body is looked at before its sender is known.
"""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from schemas.texts import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hub.border.envelope import Sealed

TYPE = "border-batch+jwt"
HEADER = "Puente-Batch"
MEDIA_TYPE = "application/vnd.puente.batch"
PATH = "/border/v1/batches"
MEMBERS = frozenset({"iss", "aud", "iat", "stream", "first", "count", "placed", "sha256", "policy", "rules"})
MAX_HEAD_CHARS = 4096
MOST_ENVELOPES = 500
MAX_PACKED_BYTES = 4 * 1024 * 1024
MAX_PLAIN_BYTES = 16 * 1024 * 1024
# What a sender puts into one batch: even if nothing of it can be compressed, it stays within the bounds.
MOST_SENT_BYTES = MAX_PACKED_BYTES - 64 * 1024
MAX_POLICY_CHARS = 200
_CHUNK_BYTES = 65_536
_GZIP = 16 + zlib.MAX_WBITS  # with its header and its checksum
_LEVEL = 1  # signatures do not compress, and texts do so at any level

TOO_LARGE = Text("the batch is over a bound", "el lote supera un límite", code="too-large")
TOO_MANY = Text("more envelopes than a batch may hold", "más sobres de los que admite un lote", code="too-many")
MALFORMED = Text("this is no batch", "esto no es un lote", code="malformed")


class NotABatch(ValueError):
    """What came is no batch, or over a bound; the text's code says which."""

    def __init__(self, text: Text) -> None:
        super().__init__(str(text))
        self.text = text


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchHead:
    """
    `count` 0: nothing to send, and still here. `placed`: up to which sequence it knows where its events stand there.

    `policy` and `rules`: what the sender decides with now.
    """

    origin: str
    destination: str
    stream: UUID
    first: int
    count: int
    placed: int
    digest: bytes
    policy: str
    rules: int
    at: datetime

    @property
    def payload(self) -> dict[str, Any]:
        """What is signed."""
        return {
            "iss": self.origin,
            "aud": self.destination,
            "iat": int(self.at.timestamp()),
            "stream": str(self.stream),
            "first": self.first,
            "count": self.count,
            "placed": self.placed,
            "sha256": self.digest.hex(),
            "policy": self.policy,
            "rules": self.rules,
        }


def batch_head_of(payload: Mapping[str, Any]) -> BatchHead:
    """
    A head from a verified payload.

    Raises:
        NotABatch: it has other members, values that no head has, or counts more envelopes than a batch may hold.
    """
    numbers = ("iat", "first", "count", "placed", "rules")
    if payload.keys() != MEMBERS or any(type(payload[name]) is not int for name in numbers):
        raise NotABatch(MALFORMED)
    try:
        head = BatchHead(
            origin=str(payload["iss"]),
            destination=str(payload["aud"]),
            stream=UUID(payload["stream"]),
            first=payload["first"],
            count=payload["count"],
            placed=payload["placed"],
            digest=bytes.fromhex(payload["sha256"]),
            policy=str(payload["policy"]),
            rules=payload["rules"],
            at=datetime.fromtimestamp(payload["iat"], UTC),
        )
    except (AttributeError, OSError, OverflowError, TypeError, ValueError) as error:
        raise NotABatch(MALFORMED) from error
    is_one = head.first >= 1 and min(head.count, head.placed, head.rules) >= 0 and len(head.policy) <= MAX_POLICY_CHARS
    if not is_one or len(head.digest) != 32 or head.payload != dict(payload):
        raise NotABatch(MALFORMED)
    if head.count > MOST_ENVELOPES:
        raise NotABatch(TOO_MANY)
    return head


def pack(envelopes: Iterable[Sealed]) -> bytes:
    """The body of a batch."""
    packing = zlib.compressobj(_LEVEL, wbits=_GZIP)
    parts = [packing.compress(f"{each.signed} {each.body}\n".encode()) for each in envelopes]
    return b"".join([*parts, packing.flush()])


def digest_of(packed: bytes) -> bytes:
    """By which its head binds a body."""
    return hashlib.sha256(packed).digest()


def unpack(packed: bytes, *, count: int) -> list[tuple[str, str]]:
    """
    The signed heads and bodies of a batch that says it holds `count`; never holds more than the bounds allow.

    Raises:
        NotABatch: it is no whole gzip of so many lines, or goes over a bound.
    """
    lines = _inflate(packed).split(b"\n")
    if lines.pop() != b"" or len(lines) != count:
        raise NotABatch(MALFORMED)
    return [_line(line) for line in lines]


def _inflate(packed: bytes) -> bytes:
    unpacking = zlib.decompressobj(wbits=_GZIP)
    parts: list[bytes] = []
    size = lines = 0
    rest = packed
    try:
        while not unpacking.eof:
            part = unpacking.decompress(rest, _CHUNK_BYTES)
            rest = unpacking.unconsumed_tail
            size += len(part)
            lines += part.count(b"\n")
            if size > MAX_PLAIN_BYTES:
                raise NotABatch(TOO_LARGE)
            if lines > MOST_ENVELOPES:
                raise NotABatch(TOO_MANY)
            if not part and not rest and not unpacking.eof:
                raise NotABatch(MALFORMED)  # cut short
            parts.append(part)
    except zlib.error as error:
        raise NotABatch(MALFORMED) from error
    if unpacking.unused_data:
        raise NotABatch(MALFORMED)
    return b"".join(parts)


def _line(line: bytes) -> tuple[str, str]:
    try:
        signed, space, body = line.decode().partition(" ")
    except UnicodeDecodeError as error:
        raise NotABatch(MALFORMED) from error
    if not space or not body:
        raise NotABatch(MALFORMED)
    return signed, body
