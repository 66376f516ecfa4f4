"""A peer that does not keep to the rules: it posts what it likes to a checkpoint, signed with what it likes."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

import httpx
import trustme

from hub.border import batch, envelope
from hub.border.batch import BatchHead
from hub.border.envelope import FIRST, Head, Kind, Sealed, body_digest
from hub.border_keys import Signer
from hub.signing import SigningKey, seal
from hub.workers.tls import ClientCertificate, context_for

GZIP = 16 + zlib.MAX_WBITS


class Rows(Protocol):
    """Somebody who may look into a node's database."""

    def rows(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """What the database itself says."""


class Party(Protocol):
    """One of the two nodes, as far as somebody hostile has to do with it; `folder` holds its keys."""

    @property
    def node(self) -> Rows:
        """Its database."""

    @property
    def folder(self) -> Path: ...
    @property
    def url(self) -> str: ...
    @property
    def authority(self) -> trustme.CA: ...
    @property
    def signer(self) -> Signer: ...
    @property
    def client(self) -> ClientCertificate | None: ...
    def clock(self) -> datetime: ...


class Hostile:
    """Who holds the key of `us` and speaks to `mx`."""

    def __init__(self, us: Party, mx: Party) -> None:
        self.us, self.mx = us, mx
        self.key: SigningKey = us.signer.held()[-1].signing
        rows = us.node.rows("SELECT stream FROM crossing")
        self.stream: UUID = rows[0][0]

    @property
    def next(self) -> int:
        """The sequence that the other side expects."""
        return int(self.mx.node.rows("SELECT in_seq + 1 FROM crossing")[0][0])

    def envelopes(self, *bodies: str, kind: Kind = Kind.RECALL, **differs: Any) -> list[Sealed]:
        """The next envelopes, each naming the one before; `differs` stands in each head."""
        (known,) = self.mx.node.rows("SELECT in_seq, in_hash FROM crossing")
        seq, previous = known[0], bytes(known[1]) if known[0] else FIRST
        made = []
        for body in bodies:
            seq += 1
            head = Head(
                origin="us",
                destination="mx",
                stream=self.stream,
                seq=seq,
                previous=previous,
                kind=kind,
                body=body_digest(body),
                at=self.us.clock().replace(microsecond=0),
            )
            head = replace(head, **differs)
            made.append(Sealed(head, seal(self.key, head.payload, envelope.TYPE), body))
            previous = head.digest
        return made

    def head(self, packed: bytes, count: int, **differs: Any) -> dict[str, Any]:
        """The payload of a batch's head."""
        said: dict[str, Any] = {
            "origin": "us",
            "destination": "mx",
            "stream": self.stream,
            "first": self.next,
            "count": count,
            "placed": 0,
            "digest": batch.digest_of(packed),
            "policy": "p",
            "rules": 1,
            "at": self.us.clock(),
        }
        return BatchHead(**said | differs).payload

    def post(
        self,
        packed: bytes,
        head: Mapping[str, Any] | str,
        *,
        key: SigningKey | None = None,
        media_type: str = batch.MEDIA_TYPE,
    ) -> httpx.Response:
        """POST a body under a head, which is signed unless it is a string."""
        signed = head if isinstance(head, str) else seal(key or self.key, head, batch.TYPE)
        told = {"Content-Type": media_type, batch.HEADER: signed}
        context = context_for(self.mx.authority.cert_pem.bytes().decode(), self.us.client)
        with httpx.Client(verify=context, trust_env=False, timeout=60) as client:
            return client.post(f"{self.mx.url}{batch.PATH}", content=packed, headers=told)

    def send(self, sealed: Sequence[Sealed], *, key: SigningKey | None = None, **differs: Any) -> httpx.Response:
        """A batch of these envelopes."""
        packed = batch.pack(sealed)
        return self.post(packed, self.head(packed, len(sealed), **differs), key=key)


def refused_as(answer: httpx.Response) -> str:
    """The code of a refusal."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return str(answer.json()["type"]).removeprefix("urn:puente:problem:border-")


def bomb(size: int, fill: bytes = b"\0") -> bytes:
    """`size` bytes of filling, packed: one block that stands by itself, again and again."""
    packing = zlib.compressobj(9, wbits=GZIP)
    block_bytes = 1 << 20
    first = packing.compress(fill * (block_bytes // len(fill))) + packing.flush(zlib.Z_FULL_FLUSH)
    block = packing.compress(fill * (block_bytes // len(fill))) + packing.flush(zlib.Z_FULL_FLUSH)
    return first + block * (size // block_bytes - 1) + packing.flush()


def ago(side: Party, **of: int) -> datetime:
    """Some time before now."""
    return side.clock() - timedelta(**of)
