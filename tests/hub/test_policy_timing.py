"""When public content stops being public: the moment decides the projection, the event stays the same."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from hub.policy import FULL, NOTICE
from hub.timing import Timing, projection_at, timing_of
from schemas import envelope
from tests.support import events
from tests.support.cast import DAY, NOW

TICK = DAY / 86_400_000_000
HOUR = DAY / 24
CLEARANCES = ("public", "partner", "enforcement")


def timing(**differs: Any) -> Timing:
    """An alert with a child's name in it, without any end yet."""
    usual: dict[str, Any] = {"lapses": True, "lapsed_at": None, "public_until": None, "active_until": None}
    return Timing(**usual | differs)


@pytest.mark.parametrize("name", CLEARANCES)
def test_while_the_alert_is_active_everyone_sees_it_as_it_was_published(name: str) -> None:
    assert projection_at(name, timing(), NOW) == name
    assert projection_at(name, timing(active_until=NOW + DAY), NOW) == name


@pytest.mark.parametrize("name", CLEARANCES)
def test_once_the_alert_was_closed_a_slow_clock_does_not_bring_it_back(name: str) -> None:
    assert projection_at(name, timing(lapsed_at=NOW), NOW - DAY) == f"{name}~"


@pytest.mark.parametrize("name", CLEARANCES)
def test_once_its_time_is_over_what_lapses_is_hidden_at_every_clearance(name: str) -> None:
    over = timing(active_until=NOW)

    assert projection_at(name, over, NOW) == f"{name}~"
    assert projection_at(name, over, NOW - TICK) == name


def test_at_public_until_it_is_hidden_from_the_public_only() -> None:
    shown = [projection_at(name, timing(public_until=NOW), NOW) for name in CLEARANCES]

    assert shown == ["public~", "partner", "enforcement"]


@pytest.mark.parametrize("at", [NOW - DAY, NOW, NOW + DAY])
@pytest.mark.parametrize("name", [FULL, NOTICE])
def test_the_owner_and_a_notice_know_no_lapse(name: str, at: datetime) -> None:
    assert projection_at(name, timing(lapsed_at=NOW, active_until=NOW, public_until=NOW), at) == name


@pytest.mark.parametrize("name", CLEARANCES)
def test_an_event_with_nothing_that_lapses_stays_as_it_is(name: str) -> None:
    over = timing(lapses=False, lapsed_at=NOW, active_until=NOW, public_until=NOW)

    assert projection_at(name, over, NOW + DAY) == name


@pytest.mark.parametrize(
    ("programme", "said", "hours"),
    [
        ("AMBER_MX", None, 72),
        ("AMBER_MX", 24, 24),
        ("AMBER_MX", 240, 72),
        ("AMBER_US", None, None),
        ("AMBER_US", 240, 240),
        ("ALERTA_NACIONAL", None, None),
    ],
)
def test_the_public_phase_of_an_amber_alert_of_mexico_is_72_hours_at_most(
    programme: str, said: int | None, hours: int | None
) -> None:
    sent = datetime.fromisoformat(events.TIME)
    label = {} if said is None else {"public_until": (sent + said * HOUR).isoformat()}
    event = envelope.load(events.alert(label=label, data={"programme": programme}))

    found = timing_of(event, lapses=True)

    assert found == timing(public_until=None if hours is None else sent + hours * HOUR)
