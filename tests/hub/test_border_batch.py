"""Batches: the bounds hold while they are unpacked, and what is not a batch is none."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from hub.border import batch
from hub.border.batch import BatchHead, NotABatch, batch_head_of, digest_of, pack, unpack
from hub.border.envelope import FIRST, Head, Kind, Sealed, body_digest
from tests.integration.checkpoint.hostile import bomb

AT = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
STREAM = UUID("019ec1f0-7c3a-7e55-8c1b-0242ac120002")
MIB = 1 << 20


def sealed(body: str) -> Sealed:
    head = Head(
        origin="us",
        destination="mx",
        stream=STREAM,
        seq=1,
        previous=FIRST,
        kind=Kind.EVENT,
        body=body_digest(body),
        at=AT,
    )
    return Sealed(head, "a.b.c", body)


def head(**differs: Any) -> BatchHead:
    said: dict[str, Any] = {
        "origin": "us",
        "destination": "mx",
        "stream": STREAM,
        "first": 1,
        "count": 1,
        "placed": 0,
        "digest": digest_of(b""),
        "policy": "p",
        "rules": 3,
        "at": AT,
    }
    return BatchHead(**said | differs)


def code_of(act: Callable[[], object]) -> str:
    with pytest.raises(NotABatch) as refused:
        act()
    return refused.value.text.code


@pytest.mark.parametrize("bodies", [[], ["{}"], ['{"a":"ñ b"}', "[]", '"\\n"']])
def test_what_is_packed_is_unpacked(bodies: list[str]) -> None:
    packed = pack(map(sealed, bodies))

    assert unpack(packed, count=len(bodies)) == [("a.b.c", body) for body in bodies]


def test_one_batch_is_always_the_same_bytes() -> None:
    assert pack([sealed("{}")]) == pack([sealed("{}")])


def test_what_a_sender_may_put_into_a_batch_is_within_the_bounds_even_if_nothing_compresses() -> None:
    import secrets

    body = secrets.token_hex(batch.MOST_SENT_BYTES // 2 - 100)

    assert len(pack([sealed(body)])) <= batch.MAX_PACKED_BYTES


@pytest.mark.parametrize(
    ("packed", "code"),
    [
        (bomb(1024 * MIB), "too-large"),
        (bomb(17 * MIB, b"x"), "too-large"),
        (bomb(4 * MIB, b"a b\n"), "too-many"),
    ],
    ids=["1 GB", "17 MB", "a million lines"],
)
def test_a_bomb_is_given_up_before_it_takes_much_memory(packed: bytes, code: str) -> None:
    tracemalloc.start()
    try:
        assert code_of(lambda: unpack(packed, count=1)) == code
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert most < 20 * MIB


@pytest.mark.parametrize(
    "packed",
    [
        b"",
        b"plain",
        pack([sealed("{}")])[:-1],
        pack([sealed("{}")])[:12],
        pack([sealed("{}")]) + b"x",
        pack([sealed("{}")]) * 2,
        pack([sealed("")]),
        pack([]),
    ],
    ids=["nothing", "no gzip", "cut short", "cut shorter", "something behind", "another behind", "no body", "no line"],
)
def test_what_is_no_batch_of_one_is_malformed(packed: bytes) -> None:
    assert code_of(lambda: unpack(packed, count=1)) == "malformed"


def test_a_head_is_read_back() -> None:
    assert batch_head_of(head().payload) == head()


@pytest.mark.parametrize(
    "differs",
    [
        {"first": 0},
        {"first": True},
        {"count": -1},
        {"count": 1.0},
        {"sha256": "00"},
        {"stream": "x"},
        {"stream": "019EC1F0-7C3A-7E55-8C1B-0242AC120002"},
        {"iat": -(2**70)},
        {"policy": "p" * 201},
        {"iss": None},
        {"more": 1},
    ],
    ids=str,
)
def test_a_head_of_other_values_is_none(differs: dict[str, Any]) -> None:
    assert code_of(lambda: batch_head_of(head().payload | differs)) == "malformed"


def test_a_head_that_counts_too_many_says_so() -> None:
    assert code_of(lambda: batch_head_of(head(count=501).payload)) == "too-many"
