"""What an answer to a delivery means."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.outcomes import MAX_RETRY_AFTER_S, answered, retry_after_s

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (200, "delivered", "http-200"),
        (299, "delivered", "http-299"),
        (101, "failed", "http-101"),
        (300, "failed", "redirect"),
        (307, "failed", "redirect"),
        (400, "refused", "http-400"),
        (410, "gone", "http-410"),
        (429, "refused", "http-429"),
        (500, "failed", "http-500"),
        (999, "failed", "http-999"),
    ],
)
def test_a_status_says_what_became_of_it(status: int, kind: str, code: str) -> None:
    outcome = answered(status, None, b"", NOW)

    assert (outcome.kind, outcome.code, outcome.status) == (kind, code, status)


@pytest.mark.parametrize(
    ("header", "wait_s"),
    [
        ("0", 0),
        (" 120 ", 120),
        ("86401", MAX_RETRY_AFTER_S),
        ("9" * 8000, MAX_RETRY_AFTER_S),
        ("Mon, 04 May 2026 12:02:00 GMT", 120),
        ("Monday, 04-May-26 12:02:00 GMT", 120),
        ("Mon May  4 12:02:00 2026", 120),
        ("Mon, 04 May 2026 11:00:00 GMT", 0),
        ("Mon, 04 May 2093 12:00:00 GMT", MAX_RETRY_AFTER_S),
        ("", None),
        ("-1", None),
        ("1.5", None),
        ("١٢", None),
        ("soon", None),
        ("Mon, 99 May 2026 12:00:00 GMT", None),
    ],
)
def test_a_receiver_says_how_long_to_wait_in_either_form(header: str, wait_s: int | None) -> None:
    assert retry_after_s(header, NOW) == wait_s


@given(st.text(max_size=80))
def test_no_header_breaks_anything(header: str) -> None:
    wait_s = retry_after_s(header, NOW)

    assert wait_s is None or 0 <= wait_s <= MAX_RETRY_AFTER_S


def test_of_the_answer_a_kilobyte_is_kept() -> None:
    assert len(answered(200, None, b"x" * 5000, NOW).body) == 1024
