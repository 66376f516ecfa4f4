"""When subscribers are told: quiet hours over midnight and clock changes, and how often what failed is tried."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.subscribing import ROUTINE_PAUSES_S, URGENT_PAUSES_S, Quiet, pause_s

TIJUANA = "America/Tijuana"
NIGHT = Quiet(begins=time(22), ends=time(6), zone=TIJUANA)
NOON = Quiet(begins=time(12), ends=time(13), zone=TIJUANA)


def local(hour: int, minute: int = 0, *, day: int = 4, month: int = 5) -> datetime:
    """A moment in Tijuana, in UTC."""
    return datetime(2026, month, day, hour, minute, tzinfo=ZoneInfo(TIJUANA)).astimezone(UTC)


@pytest.mark.parametrize(
    ("quiet", "at", "until"),
    [
        (NIGHT, local(21, 59), local(21, 59)),
        (NIGHT, local(22), local(6, day=5)),
        (NIGHT, local(23, 30), local(6, day=5)),
        (NIGHT, local(0, 30), local(6)),
        (NIGHT, local(5, 59), local(6)),
        (NIGHT, local(6), local(6)),
        (NOON, local(12, 30), local(13)),
        (NOON, local(13), local(13)),
        # Clocks go forward at 2:00 on 8 March 2026: the night is an hour shorter, and ends at six all the same.
        (NIGHT, local(23, month=3, day=7), local(6, month=3, day=8)),
    ],
)
def test_quiet_hours_end_when_they_say(quiet: Quiet, at: datetime, until: datetime) -> None:
    assert quiet.ends_after(at) == until


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)),
    st.times().map(lambda told: told.replace(second=0, microsecond=0)),
    st.times().map(lambda told: told.replace(second=0, microsecond=0)),
    st.sampled_from([TIJUANA, "UTC", "America/Mexico_City", "Asia/Kathmandu"]),
)
def test_nothing_waits_for_longer_than_a_day_nor_goes_back_in_time(
    at: datetime, begins: time, ends: time, zone: str
) -> None:
    quiet = Quiet(begins=begins, ends=ends, zone=zone)

    until = quiet.ends_after(at)

    assert at <= until <= at + timedelta(hours=25)
    if begins != ends:
        assert quiet.ends_after(until) == until


def test_an_urgent_alert_is_tried_at_once_then_each_minute_for_an_hour() -> None:
    pauses = URGENT_PAUSES_S[:64]

    assert pauses[:5] == (2, 3, 5, 20, 60)
    assert set(pauses[4:]) == {60}
    assert sum(pauses) == 30 + 3600


def test_an_urgent_alert_that_an_hour_was_not_enough_for_is_tried_for_as_long_as_the_rest() -> None:
    after_an_hour = [pause_s(tries, URGENT_PAUSES_S, 0.0) for tries in range(65, len(URGENT_PAUSES_S) + 2)]

    assert after_an_hour == [*ROUTINE_PAUSES_S[1:], None]
    assert sum(URGENT_PAUSES_S) >= sum(ROUTINE_PAUSES_S)


def test_the_rest_is_tried_for_days() -> None:
    assert sum(ROUTINE_PAUSES_S) > 3 * 24 * 3600
    assert pause_s(1, ROUTINE_PAUSES_S, 0.0) == 5
    assert pause_s(len(ROUTINE_PAUSES_S) + 1, ROUTINE_PAUSES_S, 0.0) is None


@given(st.integers(1, len(ROUTINE_PAUSES_S)), st.floats(0, 1, exclude_max=True))
def test_what_failed_together_does_not_come_back_together(tries: int, chance: float) -> None:
    pause, least = pause_s(tries, ROUTINE_PAUSES_S, chance), pause_s(tries, ROUTINE_PAUSES_S, 0.0)

    assert pause is not None
    assert least is not None
    assert least <= pause < 1.1 * least + 1e-9
