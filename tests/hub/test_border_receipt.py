"""Receipts: one outcome for each envelope or none at all, and nothing else passes for one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import pytest

from hub.border.receipt import MAX_CHARS, NotAReceipt, Outcome, Receipt, receipt_of

RECEIPT = Receipt(
    origin="mx",
    destination="us",
    stream=UUID("019ec1f0-7c3a-7e55-8c1b-0242ac120002"),
    batch=bytes(32),
    first=7,
    last=8,
    next=9,
    hash=bytes(range(32)),
    outcomes=(Outcome(7, "stored"), Outcome(8, "refused:not-released")),
    placed=((5, 12),),
    policy="0a1b2c3d",
    rules=4,
    at=datetime(2026, 11, 25, 12, 0, tzinfo=UTC),
)


def test_what_is_written_is_read_back() -> None:
    assert receipt_of(orjson.loads(orjson.dumps(RECEIPT.payload))) == RECEIPT


@pytest.mark.parametrize(
    "differs",
    [
        {"outcomes": [[7, "stored"]]},
        {"outcomes": [[8, "stored"], [7, "stored"]]},
        {"outcomes": [[7, "stored"], [8, "lost"]]},
        {"outcomes": [[7, "stored"], [8, "refused:<b>"]]},
        {"outcomes": [[7, "stored", 1], [8, "stored", 2]]},
        {"outcomes": [7, 8]},
        {"outcomes": None},
        {"placed": [[0, 1]]},
        {"placed": [[1]]},
        {"first": 0},
        {"first": True},
        {"last": 5},
        {"next": 0},
        {"batch": "00"},
        {"hash": "zz" * 32},
        {"stream": "x"},
        {"rules": -1},
        {"iat": "now"},
        {"more": 1},
    ],
    ids=str,
)
def test_a_receipt_of_other_values_is_none(differs: dict[str, Any]) -> None:
    with pytest.raises(NotAReceipt):
        receipt_of(RECEIPT.payload | differs)


def test_a_receipt_without_outcomes_asks_for_what_is_missing() -> None:
    assert receipt_of(RECEIPT.payload | {"outcomes": [], "next": 3}).next == 3


def test_the_longest_receipt_fits() -> None:
    longest = "refused:" + "x" * 40
    outcomes = [[seq, longest] for seq in range(10**9, 10**9 + 500)]
    placed = [[10**9 + n, 10**12] for n in range(1000)]
    payload = RECEIPT.payload | {"outcomes": outcomes, "placed": placed, "first": 10**9, "last": 10**9 + 499}

    assert receipt_of(payload)
    assert len(orjson.dumps(payload)) * 4 // 3 + 500 < MAX_CHARS
