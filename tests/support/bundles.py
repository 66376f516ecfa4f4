"""Audit bundles made without a node: lines as the audit has them, hashed and signed as the notary does it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from uuid import UUID

import orjson

from hub.bundle import Scope, block, blocks, header
from hub.keys import new_private_pem
from hub.merkle import Edge, Head, Line, grow, leaf_hash
from hub.signing import SigningKey
from hub.tokens import Issuer

NAME = "https://us.issuer.example"
BEGAN = datetime(2026, 5, 4, tzinfo=UTC)


@cache
def issuer(name: str = NAME) -> Issuer:
    """An issuer with a key of its own, made once a run for each name."""
    return Issuer(name, SigningKey(new_private_pem()))


def line(index: int) -> bytes:
    """A disclosure as the audit writes it, of the usual length."""
    entry = {
        "action": "disclose",
        "agency": f"us-ca-agency-{index % 97}",
        "at": (BEGAN + timedelta(milliseconds=137 * index)).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "client": f"us-ca-agency-{index % 97}",
        "events": [str(UUID(int=(index + n) * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128)) for n in range(3)],
        "grants": ["police-to-shelter"] * 3,
        "is_allowed": True,
        "no": index + 1,
        "object": "feed",
        "policy": "3f1b9a72",
        "projections": ["partner"] * 3,
        "purpose": "locate-child",
        "reason": "read",
        "salt": str(UUID(int=(index + 7) * 0xF39CC0605CEDC8359E3779B97F4A7C15 % 2**128)),
    }
    return orjson.dumps(entry)


def signed(edge: Edge, own: Issuer | None = None) -> str:
    """The head of a tree, signed at the second that it had so many leaves."""
    return (own or issuer()).sign_head(Head(size=edge.size, root=edge.root, at=BEGAN + timedelta(seconds=edge.size)))


def bundle(size: int, heads: Sequence[int] = (), *, first: int = 0, own: Issuer | None = None) -> Iterator[bytes]:
    """A bundle of the entries `first` to `size - 1` of a log, in pieces; signed at the sizes `heads` and at `size`."""
    marks, start, edge = [], Edge(), Edge()
    for mark in sorted({*heads, size, first} - {0}):
        edge, _ = grow(edge, [leaf_hash(line(index)) for index in range(edge.size, mark)])
        start = edge if mark == first else start
        if mark in heads or mark == size:
            marks.append(signed(edge, own))
    jwks = {"keys": [(own or issuer()).key.jwk]}
    yield header(Scope(issuer=(own or issuer()).name, jwks=jwks, edge=start, size=size, heads=marks))
    for begin, past in blocks(first, size):
        yield block([Line(index, leaf_hash(text := line(index)), text.decode()) for index in range(begin, past)])
