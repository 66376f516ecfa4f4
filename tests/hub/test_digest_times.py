"""When a subscription is told: at once, after its quiet hours, or with its next digest."""

from __future__ import annotations

from datetime import UTC, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.subscribing import Quiet
from tests.support.errands import subscription

EIGHT = time(8, 0)
TIJUANA = Quiet(begins=time(22, 0), ends=time(6, 0), zone="America/Tijuana")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("came", "quiet", "due"),
    [
        ("2026-05-04T07:59", None, "2026-05-04T08:00"),
        ("2026-05-04T08:00", None, "2026-05-04T08:00"),
        ("2026-05-04T08:01", None, "2026-05-05T08:00"),
        ("2026-05-04T14:59", TIJUANA, "2026-05-04T15:00"),  # 08:00 there, summer time
        ("2026-01-04T15:59", TIJUANA, "2026-01-04T16:00"),  # 08:00 there, winter time
        ("2026-03-08T15:01", TIJUANA, "2026-03-09T15:00"),  # the day on which summer time begins
        ("2026-11-01T07:00", TIJUANA, "2026-11-01T16:00"),  # and on which it ends
    ],
)
def test_a_digest_comes_at_its_time_of_day_in_its_zone(came: str, quiet: Quiet | None, due: str) -> None:
    one = subscription(digest_at=EIGHT, quiet=quiet)

    assert one.due_at(at(came), is_urgent=False) == at(due)


def test_what_is_urgent_waits_for_no_digest() -> None:
    one = subscription(digest_at=EIGHT, quiet=TIJUANA)

    assert one.due_at(at("2026-05-04T12:00"), is_urgent=True) == at("2026-05-04T12:00")


def test_a_digest_in_quiet_hours_comes_after_them() -> None:
    one = subscription(digest_at=time(23, 0), quiet=TIJUANA)

    assert one.due_at(at("2026-05-04T12:00"), is_urgent=False) == at("2026-05-05T13:00")


ZONES = st.sampled_from(["America/Tijuana", "America/New_York", "Asia/Kolkata", "Pacific/Apia", "UTC"])


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),
    st.times().map(lambda told: told.replace(second=0, microsecond=0)),
    ZONES,
)
def test_it_comes_within_a_day_and_never_before(came: datetime, digest_at: time, zone: str) -> None:
    quiet = Quiet(begins=time(0, 0), ends=time(0, 1), zone=zone)
    due = subscription(digest_at=digest_at, quiet=quiet).due_at(came, is_urgent=False)

    assert 0 <= (due - came).total_seconds() <= 49 * 3600  # a zone may skip a day, and clocks go back an hour
